// NAME.signer: where an administrator's signature key is that is not in a file, and its public
// half. Nothing in it is secret. Written when a key is made in a token, when a key of a signing
// service is named, and when an administrator whose key is at a signing service is installed: from
// then on another key under the same name is refused. Source: docs/protocols/key-files.md.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "tke/signer_info.h"
#include "tke/string_fields.h"

namespace keyhaven::tke {

enum class SignerPlace : std::uint8_t { Token, Service };

struct SignerReference {
  SignerPlace place = SignerPlace::Token;
  std::string name;         // administrator name, 1 to 30 bytes
  Ski ski{};                // of the public key
  std::string uri;          // Token: canonical PKCS#11 URI (pkcs11_uri.h)
  std::string service_url;  // Service: https://host[:port][/prefix], at most 1024 bytes
  std::string service_key;  // Service: is_signing_key_name
  bool operator==(const SignerReference&) const = default;
};

// Errors: InvalidField.
Result<std::string> encode_signer_reference(const SignerReference& reference);
// Errors: InvalidArgument.
Result<SignerReference> parse_signer_reference(std::string_view text);

}  // namespace keyhaven::tke
