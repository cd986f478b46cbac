// When a call is repeated: a pure decision, so that it can be tested as a table.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace keyhaven::client {

// Whether repeating a call is harmless: its effect is none, or the same when it happens twice.
enum class Repeat : std::uint8_t { Never, Safe };

struct RetryPolicy {
  unsigned max_attempts = 5;  // the first try included
  std::chrono::milliseconds first_wait{250};
  std::chrono::milliseconds longest_wait{8'000};
  std::chrono::milliseconds longest_retry_after{
      30'000};  // a server that asks for more is not waited for
  // How to wait; null: sleeps. Tests record instead.
  std::function<void(std::chrono::milliseconds)> wait;
};

// What came of one attempt: an HTTP status, or 0 when no answer arrived.
struct Attempt {
  unsigned number = 1;  // from 1
  int status = 0;
  bool may_have_been_sent =
      true;                      // with status 0: whether request bytes may have reached the server
  bool local_failure = false;    // with status 0: repeating cannot help (bad URL, answer too large)
  std::string_view retry_after;  // header value; empty when absent
};

// The time to wait before the next attempt; nullopt: give up, the attempt's outcome is the result.
//
// 429 is repeated for every call: the server says that it did nothing. Other 5xx (except 501) and
// broken connections only when the call is Safe, except that a request of which no byte left is
// always repeated. The wait doubles from first_wait up to longest_wait, with `jitter` (0 to 1)
// adding up to half; a Retry-After in seconds wins. Source: key-management-api.md 3.5.
std::optional<std::chrono::milliseconds> next_wait(const RetryPolicy& policy,
                                                   const Attempt& attempt, Repeat repeat,
                                                   double jitter);

// Waits as the policy says.
void wait_for(const RetryPolicy& policy, std::chrono::milliseconds time);

}  // namespace keyhaven::client
