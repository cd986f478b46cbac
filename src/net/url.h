// URLs as they arrive in a request (path and query, percent-encoded) and as they stand in a
// configuration (https://...). All functions are total: any input gives a value or an error.
// Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven::net {

// Decodes %XX once (RFC 3986 section 2.1); '+' stays '+'. Errors: InvalidArgument for a '%' without
// two hexadecimal digits and for %00, which no name or id of ours contains.
Result<std::string> percent_decode(std::string_view text);

// Encodes everything but unreserved characters (RFC 3986 section 2.3), so the result fits a path
// segment or a query value.
std::string percent_encode(std::string_view text);

struct HttpsUrl {
  std::string host;  // lower case; an IPv6 address without its brackets
  std::uint16_t port = 443;
  std::string prefix;  // path without its trailing slashes: "" or "/api/v2"
  bool host_is_address = false;
  std::string authority;  // for the Host header: the port only when it is not 443, brackets kept
};

// "https://host[:port][/prefix]", nothing else: no user information, query or fragment. Errors:
// InvalidArgument, also for http://.
Result<HttpsUrl> parse_https_url(std::string_view text);

}  // namespace keyhaven::net
