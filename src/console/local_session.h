// The one session of a local console: a start token that its address carries once, exchanged for a
// cookie.
//
// The address with the token is printed to the person who started the program; whoever else on the
// machine finds the port has neither. The token is in the fragment, which browsers do not send.
#pragma once

#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/http_server.h"

namespace keyhaven::console {

inline constexpr std::size_t kTokenLetters = 44;  // base64url of 33 random bytes
inline constexpr std::int64_t kStartSeconds = 300;
inline constexpr std::size_t kMaxStartBody = 1024;

// The token of {"token":"…"}; nothing for any other body, or one of more than kMaxStartBody.
std::optional<std::string> start_token_of(std::span<const std::uint8_t> body);

// Thread-safe.
class LocalSession {
 public:
  // Borrows the clock. `port` is in the cookie's name, because browsers share cookies between the
  // ports of a host.
  LocalSession(const Clock& clock, std::uint16_t port);

  // For the address; empty once it was used.
  SecretBytes start_token() const;

  // Takes the start token, once, within kStartSeconds; returns the value of Set-Cookie. Errors:
  // Unauthenticated, with one text for all causes.
  Result<std::string> start(std::string_view token);
  // Whether the request has the session's cookie, once.
  bool has_cookie(const net::Request& request) const;
  // Nobody gets in any more; returns the value of Set-Cookie that takes the cookie away.
  std::string end();

 private:
  const Clock& clock_;
  const std::string cookie_name_;
  const Timestamp start_until_;
  mutable std::mutex mutex_;
  SecretBytes start_;   // empty: used
  SecretBytes cookie_;  // empty: no session
};

}  // namespace keyhaven::console
