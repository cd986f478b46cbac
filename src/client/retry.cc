#include "client/retry.h"

#include <algorithm>
#include <charconv>
#include <thread>

namespace keyhaven::client {
namespace {

// Whole seconds only; the HTTP-date form is treated as absent (no server of this API sends it).
std::optional<std::chrono::seconds> parse_retry_after(std::string_view text) {
  unsigned seconds = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size())
    return std::nullopt;
  return std::chrono::seconds(seconds);
}

bool is_worth_repeating(const Attempt& attempt, Repeat repeat) {
  if (attempt.status == 429) return true;
  if (attempt.status == 0) {
    if (attempt.local_failure) return false;
    return repeat == Repeat::Safe || !attempt.may_have_been_sent;
  }
  return attempt.status >= 500 && attempt.status != 501 && repeat == Repeat::Safe;
}

}  // namespace

std::optional<std::chrono::milliseconds> next_wait(const RetryPolicy& policy,
                                                   const Attempt& attempt, Repeat repeat,
                                                   double jitter) {
  if (attempt.number >= policy.max_attempts || !is_worth_repeating(attempt, repeat))
    return std::nullopt;
  if (attempt.status == 429 || attempt.status == 503) {
    if (const auto asked = parse_retry_after(attempt.retry_after)) {
      if (*asked > policy.longest_retry_after) return std::nullopt;
      return std::chrono::milliseconds(*asked);
    }
  }
  const unsigned doublings = std::min(attempt.number - 1, 16U);
  const auto base = std::min(policy.first_wait * (1 << doublings), policy.longest_wait);
  const auto extra = static_cast<std::int64_t>(static_cast<double>(base.count()) * 0.5 *
                                               std::clamp(jitter, 0.0, 1.0));
  return base + std::chrono::milliseconds(extra);
}

void wait_for(const RetryPolicy& policy, std::chrono::milliseconds time) {
  if (policy.wait) {
    policy.wait(time);
  } else {
    std::this_thread::sleep_for(time);
  }
}

}  // namespace keyhaven::client
