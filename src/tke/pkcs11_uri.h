// Names of keys in PKCS#11 tokens, as they are typed:
// "pkcs11:token=ops;object=alice?module-path=...".
//
// Attributes of RFC 7512: token, serial, manufacturer, model, object, id, type (only "private") in
// the path, module-path and pin-source (only "file:PATH") in the query. For fewer quotes in a shell
// the last two, and "module" for module-path, are also taken in the path. Strict where the RFC is
// lenient: an unknown or repeated attribute is refused, because a typing error must not choose
// another token, and so is pin-value, because arguments are public.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxPkcs11UriBytes = 2048;

// Empty: not named. Texts are decoded, without control characters.
struct Pkcs11Uri {
  std::string module_path;   // absolute, at most 1024 bytes
  std::string token;         // label, at most 32 bytes
  std::string serial;        // at most 16 bytes
  std::string manufacturer;  // at most 32 bytes
  std::string model;         // at most 16 bytes
  std::string object;        // label of the key, at most 128 bytes
  Bytes id;                  // CKA_ID, at most 64 bytes
  std::string pin_file;      // absolute or relative path, at most 1024 bytes
  bool operator==(const Pkcs11Uri&) const = default;
};

inline constexpr std::string_view kPkcs11Scheme = "pkcs11:";

// Errors: InvalidArgument, which names the attribute and never its value.
Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view text);

// The canonical form; parse(format(x)) == x.
std::string format_pkcs11_uri(const Pkcs11Uri& uri);

}  // namespace keyhaven::tke
