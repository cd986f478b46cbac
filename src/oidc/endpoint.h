// Addresses of an OpenID provider, as its documents have them.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::oidc {

inline constexpr std::size_t kMaxUrlBytes = 2048;

// An https address taken apart for net::HttpClient.
struct Endpoint {
  std::string origin;  // "https://host[:port]"
  std::string target;  // path and query, "/" at least

  std::string url() const { return origin + target; }
};

// "https://host[:port][/path][?query]": no user information, no fragment, printable ASCII, at most
// kMaxUrlBytes. Errors: InvalidArgument.
Result<Endpoint> parse_endpoint(std::string_view text);

// An issuer is such an address without a query (OpenID Connect Core 1.0 section 2). Errors:
// InvalidArgument.
Result<void> check_issuer(std::string_view text);

// Where the issuer's configuration is (OpenID Connect Discovery 1.0 section 4). `issuer` has passed
// check_issuer.
Result<Endpoint> discovery_endpoint(std::string_view issuer);

}  // namespace keyhaven::oidc
