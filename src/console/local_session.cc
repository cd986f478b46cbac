#include "console/local_session.h"

#include <algorithm>

#include "crypto/random.h"

namespace keyhaven::console {
namespace {

constexpr std::size_t kRandomBytes = 33;  // base64 without padding
constexpr std::string_view kAttributes = "; Path=/; HttpOnly; SameSite=Strict";

SecretBytes new_token() {
  const SecretBytes random = crypto::random_secret(kRandomBytes);
  SecretBytes text = secret_to_base64(random.expose());
  for (std::uint8_t& c : text.expose_mutable()) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return text;
}

bool equals(const SecretBytes& secret, std::string_view given) {
  return !secret.empty() && given.size() == secret.size() &&
         secret == SecretBytes::copy_of(given);  // constant time
}

bool is_cookie_header(std::string_view name) noexcept {
  constexpr std::string_view kName = "cookie";
  return std::equal(name.begin(), name.end(), kName.begin(), kName.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

}  // namespace

LocalSession::LocalSession(const Clock& clock, std::uint16_t port)
    : clock_(clock),
      cookie_name_("keyhaven-local-" + std::to_string(port)),
      start_until_(clock.now().plus_seconds(kStartSeconds)),
      start_(new_token()) {}

SecretBytes LocalSession::start_token() const {
  const std::lock_guard lock(mutex_);
  return start_.clone();
}

Result<std::string> LocalSession::start(std::string_view token) {
  const std::lock_guard lock(mutex_);
  const bool is_late = clock_.now() >= start_until_;
  if (is_late) start_ = {};
  if (!equals(start_, token)) {
    return Error{Reason::Unauthenticated,
                 "the address is not the one that keyhaven console printed, was opened before, or "
                 "is older than five minutes; end keyhaven console and start it again",
                 "token"};
  }
  start_ = {};
  cookie_ = new_token();
  std::string out = cookie_name_ + "=";
  out.reserve(out.size() + cookie_.size() + kAttributes.size());
  return out.append(as_text(cookie_.expose())).append(kAttributes);
}

bool LocalSession::has_cookie(const net::Request& request) const {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  bool is_good = false;
  for (const net::Header& header : request.headers) {
    if (!is_cookie_header(header.name)) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      const std::size_t semicolon = rest.find(';');
      std::string_view pair = rest.substr(0, semicolon);
      while (pair.starts_with(' ')) pair.remove_prefix(1);
      while (pair.ends_with(' ')) pair.remove_suffix(1);
      if (pair.starts_with(cookie_name_ + "=")) {
        ++count;
        is_good = equals(cookie_, pair.substr(cookie_name_.size() + 1));
      }
      rest.remove_prefix(semicolon == std::string_view::npos ? rest.size() : semicolon + 1);
    }
  }
  return count == 1 && is_good;
}

std::string LocalSession::end() {
  const std::lock_guard lock(mutex_);
  start_ = {};
  cookie_ = {};
  return cookie_name_ + "=" + std::string(kAttributes) + "; Max-Age=0";
}

}  // namespace keyhaven::console
