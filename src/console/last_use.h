// When somebody last used a local console: it ends by itself when nobody does.
//
// A page that shows progress asks again and again while nobody sits before it. It marks a call as
// unattended when it saw no key, pointer or touch shortly before (web/src/api/attended.ts); those
// are no use.
#pragma once

#include <atomic>
#include <chrono>
#include <string_view>

#include "net/http_server.h"

namespace keyhaven::console {

// "1" in such a call. A page that forged it would only end the console sooner.
inline constexpr std::string_view kUnattendedHeader = "X-Keyhaven-Unattended";

// Thread-safe. A steady clock: a correction of the system's time is no use, and no idleness either.
class LastUse {
 public:
  using Now = std::chrono::steady_clock::time_point (*)();
  explicit LastUse(Now now) : now_(now), last_(now().time_since_epoch().count()) {}

  void used() noexcept { last_ = now_().time_since_epoch().count(); }
  void called(const net::Request& request) noexcept {
    if (request.header(kUnattendedHeader) != "1") used();
  }
  std::chrono::seconds idle() const noexcept {
    const std::chrono::steady_clock::duration last(last_.load());
    return std::chrono::duration_cast<std::chrono::seconds>(now_().time_since_epoch() - last);
  }

 private:
  const Now now_;
  std::atomic<std::chrono::steady_clock::rep> last_;
};

}  // namespace keyhaven::console
