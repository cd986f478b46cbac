#include "http/console_session.h"

#include <algorithm>

#include "web/own_page.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kAttributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=";

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Calls `visit` with the value of each cookie of that name (RFC 6265 section 4.2).
template <class Visit>
void each_cookie(std::string_view header, std::string_view name, Visit visit) {
  while (!header.empty()) {
    const std::size_t semicolon = header.find(';');
    const std::string_view pair = trim(header.substr(0, semicolon));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name)
      visit(pair.substr(equals + 1));
    if (semicolon == std::string_view::npos) return;
    header.remove_prefix(semicolon + 1);
  }
}

bool is_cookie_header(std::string_view name) noexcept {
  constexpr std::string_view kName = "cookie";
  return std::equal(name.begin(), name.end(), kName.begin(), kName.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

Result<std::optional<std::string_view>> session_token(const net::Request& request) {
  std::size_t count = 0;
  std::string_view token;
  for (const net::Header& header : request.headers) {
    if (!is_cookie_header(header.name)) continue;
    each_cookie(header.value, kSessionCookie, [&](std::string_view value) {
      ++count;
      token = value;
    });
  }
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
