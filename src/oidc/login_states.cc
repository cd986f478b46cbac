#include "oidc/login_states.h"

#include "base/wire.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::oidc {
namespace {

constexpr std::string_view kPurpose = "keyhaven console openid log-in v1";  // the seal's AAD
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kMaxSealedBytes = 2048;

std::string random_text() {
  std::array<std::uint8_t, kRandomBytes> bytes;
  crypto::random_bytes(bytes);
  return to_base64url(bytes);
}

Error not_ours() {
  return {Reason::Unauthenticated,
          "the log-in was not begun in this browser, or it took longer than ten minutes",
          {}};
}

}  // namespace

std::string code_challenge(const LoginState& login) {
  return to_base64url(crypto::sha256(as_bytes(login.verifier)));
}

LoginStates::LoginStates(const Clock& clock)
    : clock_(clock), key_(crypto::random_secret(crypto::kXaesKeySize)) {}

LoginState LoginStates::begin(std::string return_path) const {
  KH_ASSERT(return_path.size() <= kMaxReturnPathBytes);
  return {random_text(), random_text(), random_text(), std::move(return_path),
          clock_.now().plus_seconds(kLoginSeconds)};
}

std::string LoginStates::seal(const LoginState& login) {
  Bytes plain;
  Writer out(plain);
  out.i64(login.expires.us);
  for (const std::string* text : {&login.state, &login.nonce, &login.verifier, &login.return_path})
    out.text32(*text);
  const std::lock_guard lock(mutex_);
  std::string sealed = to_base64url(key_.seal(plain, as_bytes(kPurpose)));
  wipe(plain);
  return sealed;
}

Result<LoginState> LoginStates::open(std::string_view sealed) {
  if (sealed.size() > kMaxSealedBytes) return not_ours();
  const auto bytes = from_base64url(sealed);
  if (!bytes) return not_ours();
  const auto plain = [&] {
    const std::lock_guard lock(mutex_);
    return key_.open(*bytes, as_bytes(kPurpose));
  }();
  if (!plain) return not_ours();
  Reader in(plain->expose());
  LoginState login;
  login.expires = {in.i64()};
  for (std::string* text : {&login.state, &login.nonce, &login.verifier, &login.return_path})
    *text = std::string(in.text32(kMaxReturnPathBytes));
  if (!in.at_end() || login.expires <= clock_.now()) return not_ours();
  return login;
}

bool LoginStates::use(const LoginState& login) {
  const std::lock_guard lock(mutex_);
  const auto forget_oldest = [this] {
    used_.erase(used_in_order_.front().second);
    used_in_order_.pop_front();
  };
  while (!used_in_order_.empty() && used_in_order_.front().first <= clock_.now()) forget_oldest();
  if (used_.contains(login.state)) return false;
  if (used_.size() >= kMaxUsedStates) forget_oldest();
  used_.insert(login.state);
  // Kept for a whole term, whatever is left of the login's own: so the order is that of time.
  used_in_order_.emplace_back(clock_.now().plus_seconds(kLoginSeconds), login.state);
  return true;
}

}  // namespace keyhaven::oidc
