// The session of the console: an access token in a cookie that scripts cannot read.
//
// The cookie counts as the bearer token only in requests that our own page made (web/own_page.h):
// browsers send cookies with whatever page makes the request, so a cookie alone proves nothing.
// SameSite=Strict says the same to the browser; the prefix __Host- ties the cookie to this host,
// to TLS and to Path=/ (RFC 6265bis section 4.1.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "net/http_server.h"

namespace keyhaven::http {

inline constexpr std::string_view kSessionCookie = "__Host-keyhaven";

// The token in the cookie of the request; nothing when there is no such cookie, or it is empty.
// Errors: Unauthenticated when the request is not our page's, or has the cookie twice.
Result<std::optional<std::string_view>> session_token(const net::Request& request);

// Values of Set-Cookie: one that ends with the token, and one that ends the session.
std::string session_cookie(std::string_view token, Timestamp now, Timestamp expires);
std::string ended_session_cookie();

}  // namespace keyhaven::http
