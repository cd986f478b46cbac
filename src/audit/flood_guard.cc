#include "audit/flood_guard.h"

namespace keyhaven::audit {

bool FloodGuard::admit(Timestamp now) noexcept {
  // A clock that steps back must not refill the budget, so only a later second does. What an
  // untaken summary has counted stays counted and joins the next one.
  if (now.seconds() > second_) {
    second_ = now.seconds();
    admitted_ = 0;
  }
  if (admitted_ < budget_) {
    ++admitted_;
    return true;
  }
  ++suppressed_;
  ++suppressed_total_;
  return false;
}

std::optional<Event> FloodGuard::take_summary(Timestamp now) {
  if (suppressed_ == 0 || now.seconds() <= second_) return std::nullopt;
  return take_final_summary(now);
}

std::optional<Event> FloodGuard::take_final_summary(Timestamp now) {
  if (suppressed_ == 0) return std::nullopt;
  Event event;
  event.time = now;
  event.action = "hs-crypto.audit.suppress";
  event.severity = "warning";
  event.outcome = Outcome::Success;
  event.details.emplace_back("suppressedEvents", std::to_string(suppressed_));
  event.details.emplace_back("budgetPerSecond", std::to_string(budget_));
  event.details.emplace_back("since", format_rfc3339(Timestamp::from_seconds(second_)));
  suppressed_ = 0;
  return event;
}

}  // namespace keyhaven::audit
