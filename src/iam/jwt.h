// A JSON Web Token taken apart (RFC 7515 section 3.1, RFC 7519 section 7.2), for whoever checks
// one: our own tokens (token.h) and those of an OpenID provider (oidc/id_token.h). Nothing in it is
// to be believed before the checker has verified the signature with a key of its own choice.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "iam/strict_json.h"

namespace keyhaven::iam {

// Not thread-safe, not movable.
class Jwt {
 public:
  // Once per object. False for anything but header.claims.signature, all three present, the first
  // two strict base64url of strict JSON objects. The caller has bounded the size; `token` must
  // outlive the object.
  bool parse(std::string_view token);

  const JsonMembers& header() const noexcept { return header_.members(); }
  const JsonMembers& claims() const noexcept { return claims_.members(); }
  ByteView signed_text() const noexcept { return as_bytes(signed_text_); }
  // Errors: InvalidArgument when it is not base64url.
  Result<Bytes> signature() const { return from_base64url(signature_); }

 private:
  std::string_view signed_text_;
  std::string_view signature_;
  JsonDocument header_;
  JsonDocument claims_;
};

}  // namespace keyhaven::iam
