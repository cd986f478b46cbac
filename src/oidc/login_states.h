// What must be remembered of a log-in while the browser is at the provider: sealed into a cookie of
// that browser, so that floods of beginnings cost the server no memory, and an answer counts only
// in the browser that began (state, RFC 6749 section 10.12). What was used once is remembered until
// it lapses, within a bound.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/aead.h"

namespace keyhaven::oidc {

inline constexpr std::int64_t kLoginSeconds = 600;  // for everything that happens at the provider
inline constexpr std::size_t kMaxReturnPathBytes = 512;
inline constexpr std::size_t kMaxUsedStates = 4096;

// Of the three random texts each is base64url of 32 bytes (43 characters).
struct LoginState {
  std::string state;
  std::string nonce;
  std::string verifier;  // PKCE, RFC 7636 section 4.1
  std::string return_path;
  Timestamp expires;
};

// RFC 7636 section 4.2, method S256.
std::string code_challenge(const LoginState& login);

// Thread-safe. The key is of this process: a restart ends log-ins that are under way.
class LoginStates {
 public:
  explicit LoginStates(const Clock& clock);

  // `return_path` has at most kMaxReturnPathBytes.
  LoginState begin(std::string return_path) const;
  std::string seal(const LoginState& login);
  // Errors: Unauthenticated when `sealed` was not made by this process or has lapsed.
  Result<LoginState> open(std::string_view sealed);
  // True for the first call with this state, as far as it is remembered: the newest kMaxUsedStates
  // of the last kLoginSeconds. Who floods this gains nothing by it: the provider takes a code once.
  bool use(const LoginState& login);

 private:
  const Clock& clock_;
  std::mutex mutex_;
  crypto::XaesKey key_;
  std::unordered_set<std::string> used_;
  std::deque<std::pair<Timestamp, std::string>> used_in_order_;
};

}  // namespace keyhaven::oidc
