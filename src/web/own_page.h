// Tells requests that our own page made from those that a page of somebody else made a browser
// send: the defence of cookies against cross-site request forgery, and of a loopback server against
// DNS rebinding.
#pragma once

#include <string_view>

#include "base/result.h"
#include "net/http_server.h"

namespace keyhaven::web {

// A header of its own name needs the server's consent (CORS preflight) from other origins, which
// nobody here gives; forms and links cannot send it at all.
inline constexpr std::string_view kPageHeader = "X-Keyhaven-Console";

enum class Scheme : std::uint8_t { Http, Https };

// Origin, when the browser sends it, must be this server's own as Host names it; Sec-Fetch-Site
// must be same-origin or none. Each header at most once. Errors: Unauthenticated, which says what
// is wrong.
Result<void> check_same_origin(const net::Request& request, Scheme scheme);

// The same, and kPageHeader is "1". Errors: Unauthenticated.
Result<void> check_own_page(const net::Request& request, Scheme scheme);

}  // namespace keyhaven::web
