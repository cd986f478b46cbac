// Cookies of a request, as both consoles read the one that is their session.
#pragma once

#include <string_view>

#include "net/http_server.h"

namespace keyhaven::web {

// How often a request has a cookie, and the value of the last one. Whoever could plant a second one
// of the same name might choose which of them counts: a session counts only when there is one.
struct Cookies {
  std::size_t count = 0;
  std::string_view value;  // into the request's headers
};

// Of all Cookie headers (RFC 6265 section 4.2); names are compared as they are.
Cookies cookies_named(const net::Request& request, std::string_view name) noexcept;

}  // namespace keyhaven::web
