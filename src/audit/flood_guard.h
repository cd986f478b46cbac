// A budget for events that cost an attacker nothing: refusals of unauthenticated calls.
//
// Without it anybody who can open a connection could fill the disk with audit records, and a full
// disk stops the service. Within the budget each refusal has its own record; beyond it refusals are
// counted, and the count is one record a second.
#pragma once

#include <cstdint>
#include <optional>

#include "audit/event.h"
#include "base/clock.h"

namespace keyhaven::audit {

// One per event loop; not thread-safe.
class FloodGuard {
 public:
  // `budget_per_second`: how many such events a second get their own record. 0: none.
  explicit FloodGuard(std::uint32_t budget_per_second) : budget_(budget_per_second) {}

  // Whether an event of an unauthenticated caller is to be written by itself; if not, it has been
  // counted. The caller asks take_summary first.
  bool admit(Timestamp now) noexcept;

  // The summary of a second that is over and in which events were only counted; once per such
  // second. Ask it before every admit and on a timer of a second, so that the last second of a
  // flood is recorded too.
  std::optional<Event> take_summary(Timestamp now);

  // The same without waiting for the second to end; for the stop of the loop.
  std::optional<Event> take_final_summary(Timestamp now);

  std::uint64_t suppressed_total() const noexcept { return suppressed_total_; }

 private:
  std::uint32_t budget_;
  std::int64_t second_ = 0;
  std::uint32_t admitted_ = 0;
  std::uint64_t suppressed_ = 0;
  std::uint64_t suppressed_total_ = 0;
};

}  // namespace keyhaven::audit
