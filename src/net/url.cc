#include "net/url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace keyhaven::net {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

enum class Plus { Literal, Space };

// Null on success, else what is wrong.
const char* decode(std::string_view text, Plus plus, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::Space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      if (text.size() - i < 3) return "'%' must be followed by two hexadecimal digits";
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return "'%' must be followed by two hexadecimal digits";
      if (high == 0 && low == 0) return "%00 is not allowed";
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return nullptr;
}

bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

Error bad_url(std::string message) {
  return Error{Reason::InvalidArgument, std::move(message), "url"};
}

bool is_host_name(std::string_view host) noexcept {
  if (host.empty() || host.size() > 253 || host.front() == '.' || host.front() == '-') return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Takes the host from the front of `rest`, leaving ":port" or nothing.
Result<void> take_host(std::string_view& rest, HttpsUrl& url) {
  unsigned char address[16];
  if (rest.starts_with('[')) {
    const std::size_t end = rest.find(']');
    if (end == std::string_view::npos) return bad_url("the address lacks its ']'");
    url.host = to_lower(rest.substr(1, end - 1));
    if (::inet_pton(AF_INET6, url.host.c_str(), address) != 1) {
      return bad_url("the host is not an IPv6 address");
    }
    url.host_is_address = true;
    rest.remove_prefix(end + 1);
    return {};
  }
  const std::size_t end = std::min(rest.find(':'), rest.size());
  url.host = to_lower(rest.substr(0, end));
  if (!is_host_name(url.host)) return bad_url("the host name is not valid");
  url.host_is_address = ::inet_pton(AF_INET, url.host.c_str(), address) == 1;
  rest.remove_prefix(end);
  return {};
}

}  // namespace

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  if (const char* problem = decode(text, Plus::Literal, out)) {
    return Error{Reason::InvalidArgument, problem, {}};
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(3 * text.size());  // it may be a secret: no reallocation leaves a copy
  for (char c : text) {
    if (is_unreserved(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    }
  }
  return out;
}

Result<HttpsUrl> parse_https_url(std::string_view text) {
  constexpr std::string_view kScheme = "https://";
  if (text.size() < kScheme.size() || to_lower(text.substr(0, kScheme.size())) != kScheme) {
    return bad_url("the URL must begin with https://");
  }
  text.remove_prefix(kScheme.size());
  for (char c : text) {
    if (c <= ' ' || c > '~' || c == '?' || c == '#' || c == '@' || c == '\\') {
      return bad_url("the URL may hold a host, a port and a path only");
    }
  }
  const std::size_t slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  std::string_view prefix = text.substr(slash);
  HttpsUrl url;
  KH_TRY(take_host(authority, url));
  if (!authority.empty()) {
    const char* const last = authority.data() + authority.size();
    const auto [end, ec] = std::from_chars(authority.data() + 1, last, url.port);
    if (authority.front() != ':' || ec != std::errc{} || end != last || url.port == 0) {
      return bad_url("the port must be a number from 1 to 65535");
    }
  }
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  url.prefix = prefix;
  const bool brackets = url.host.find(':') != std::string::npos;
  url.authority = brackets ? "[" + url.host + "]" : url.host;
  if (url.port != 443) url.authority += ":" + std::to_string(url.port);
  return url;
}

}  // namespace keyhaven::net
