// A guard whose unit can be away, and that tells when it is called.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>

#include "unit/record_guard.h"

namespace keyhaven::store {

// Thread-safe as far as the hooks are.
class HookedGuard final : public unit::RecordGuard {
 public:
  // `guard` is asked for the table at each call: it may have been restarted.
  explicit HookedGuard(std::function<unit::RecordGuard&()> guard) : guard_(std::move(guard)) {}

  std::atomic<bool> away = false;
  std::atomic<int> failing_settles = 0;
  std::atomic<int> seal_calls = 0;
  std::atomic<int> settle_calls = 0;
  std::atomic<int> sealed_records = 0;
  std::atomic<int> seals_left = -1;  // then the unit is away; negative: no end
  std::function<void()> before_seal = [] {};
  std::function<void()> after_seal = [] {};
  std::function<void(bool committed)> before_settle = [](bool) {};

  Result<unit::RecordGuardStatus> record_status() override {
    if (away) return down();
    return guard_().record_status();
  }
  Result<std::vector<unit::RecordSeal>> seal_records(
      std::uint64_t group, const std::vector<unit::RecordChange>& changes) override {
    before_seal();
    if (away || seals_left == 0) return down();
    if (seals_left > 0) --seals_left;
    ++seal_calls;
    sealed_records += static_cast<int>(changes.size());
    auto sealed = guard_().seal_records(group, changes);
    after_seal();
    return sealed;
  }
  Result<void> settle_records(std::uint64_t group, bool committed) override {
    before_settle(committed);
    if (failing_settles > 0) {
      --failing_settles;
      return down();
    }
    if (away) return down();
    ++settle_calls;
    return guard_().settle_records(group, committed);
  }
  Result<void> begin_guarding() override {
    if (away) return down();
    return guard_().begin_guarding();
  }
  Result<std::uint64_t> begin_record_check() override {
    if (away) return down();
    return guard_().begin_record_check();
  }
  Result<std::vector<unit::RecordVerdict>> check_records(
      std::uint64_t check, const std::vector<unit::StoredRecord>& records) override {
    if (away) return down();
    return guard_().check_records(check, records);
  }
  Result<unit::RecordCheckResult> end_record_check(std::uint64_t check) override {
    if (away) return down();
    return guard_().end_record_check(check);
  }
  Result<std::uint64_t> renew_record_key(const unit::RecordScope& scope) override {
    if (away) return down();
    return guard_().renew_record_key(scope);
  }
  Result<Renewal> record_renewal(const unit::RecordScope& scope) override {
    if (away) return down();
    return guard_().record_renewal(scope);
  }

 private:
  static Error down() { return {Reason::UnitUnavailable, "the crypto unit is down", {}}; }
  const std::function<unit::RecordGuard&()> guard_;
};

}  // namespace keyhaven::store
