#include "console/local_session.h"

#include <boost/json.hpp>

#include "crypto/random.h"
#include "web/cookies.h"

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

}  // namespace

std::optional<std::string> start_token_of(std::span<const std::uint8_t> body) {
  if (body.size() > kMaxStartBody) return std::nullopt;
  boost::json::error_code broken;
  const boost::json::value value = boost::json::parse(as_text(body), broken);
  if (broken || !value.is_object() || value.get_object().size() != 1) return std::nullopt;
  const boost::json::value* token = value.get_object().if_contains("token");
  if (token == nullptr || !token->is_string()) return std::nullopt;
  return std::string(token->get_string());
}

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
  const web::Cookies found = web::cookies_named(request, cookie_name_);
  return found.count == 1 && equals(cookie_, found.value);
}

std::string LocalSession::end() {
  const std::lock_guard lock(mutex_);
  start_ = {};
  cookie_ = {};
  return cookie_name_ + "=" + std::string(kAttributes) + "; Max-Age=0";
}

}  // namespace keyhaven::console
