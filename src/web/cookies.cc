#include "web/cookies.h"

#include "net/header_text.h"

namespace keyhaven::web {
namespace {

void read_header(std::string_view header, std::string_view name, Cookies& out) noexcept {
  while (!header.empty()) {
    const std::size_t semicolon = header.find(';');
    const std::string_view pair = net::trim(header.substr(0, semicolon));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      ++out.count;
      out.value = pair.substr(equals + 1);
    }
    if (semicolon == std::string_view::npos) return;
    header.remove_prefix(semicolon + 1);
  }
}

}  // namespace

Cookies cookies_named(const net::Request& request, std::string_view name) noexcept {
  Cookies out;
  for (const net::Header& header : request.headers) {
    if (net::equals_ignoring_case(header.name, "Cookie")) read_header(header.value, name, out);
  }
  return out;
}

}  // namespace keyhaven::web
