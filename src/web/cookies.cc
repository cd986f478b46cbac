#include "web/cookies.h"

#include <algorithm>

namespace keyhaven::web {
namespace {

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void read_header(std::string_view header, std::string_view name, Cookies& out) noexcept {
  while (!header.empty()) {
    const std::size_t semicolon = header.find(';');
    const std::string_view pair = trim(header.substr(0, semicolon));
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      ++out.count;
      out.value = pair.substr(equals + 1);
    }
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

Cookies cookies_named(const net::Request& request, std::string_view name) noexcept {
  Cookies out;
  for (const net::Header& header : request.headers) {
    if (is_cookie_header(header.name)) read_header(header.value, name, out);
  }
  return out;
}

}  // namespace keyhaven::web
