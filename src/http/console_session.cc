#include "http/console_session.h"

#include <algorithm>

#include "web/cookies.h"
#include "web/own_page.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kAttributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";

}  // namespace

Result<std::optional<std::string_view>> session_token(const net::Request& request) {
  const auto [count, token] = web::cookies_named(request, kSessionCookie);
  if (token.empty() && count <= 1) return std::optional<std::string_view>();
  if (count > 1)
    return Error{Reason::Unauthenticated, "there must be one session cookie, not several", ""};
  KH_TRY(web::check_own_page(request, web::Scheme::Https));
  return std::optional(token);
}

std::string session_cookie(std::string_view token, Timestamp now, Timestamp expires) {
  const std::string age =
      std::to_string(std::max<std::int64_t>(expires.seconds() - now.seconds(), 0));
  std::string out;
  out.reserve(kSessionCookie.size() + 1 + token.size() + kAttributes.size() + age.size());
  return out.append(kSessionCookie).append("=").append(token).append(kAttributes).append(age);
}

std::string ended_session_cookie() {
  return std::string(kSessionCookie).append("=").append(kAttributes).append("0");
}

}  // namespace keyhaven::http
