#include "web/own_page.h"

#include "net/header_text.h"

namespace keyhaven::web {
namespace {

Error refuse(std::string_view why) { return {Reason::Unauthenticated, std::string(why), ""}; }

// scheme "://" host [":" port], as browsers write both headers (RFC 6454 section 6.2): neither has
// the scheme's own port.
bool is_own(std::string_view origin, std::string_view host, Scheme scheme) noexcept {
  const std::string_view prefix = scheme == Scheme::Https ? "https://" : "http://";
  return origin.starts_with(prefix) &&
         net::equals_ignoring_case(origin.substr(prefix.size()), host);
}

}  // namespace

Result<void> check_same_origin(const net::Request& request, Scheme scheme) {
  for (const std::string_view name : {"Origin", "Host", "Sec-Fetch-Site"}) {
    if (request.count(name) > 1) return refuse("a header of this request must not be sent twice");
  }
  const auto origin = request.header("Origin");
  if (origin && !is_own(*origin, request.header("Host").value_or(""), scheme))
    return refuse("the request was made by a page of another origin");
  const auto site = request.header("Sec-Fetch-Site");
  if (site && *site != "same-origin" && *site != "none")
    return refuse("the request was made by a page of another site");
  return {};
}

Result<void> check_own_page(const net::Request& request, Scheme scheme) {
  KH_TRY(check_same_origin(request, scheme));
  if (request.count(kPageHeader) != 1 || request.header(kPageHeader) != "1")
    return refuse("the session of the console counts only with the header X-Keyhaven-Console: 1");
  return {};
}

}  // namespace keyhaven::web
