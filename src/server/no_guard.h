// A guard that guards nothing, for a core that never serves: it only says which routes it has.
#pragma once

#include "unit/record_guard.h"

namespace keyhaven::server {

class NoGuard final : public unit::RecordGuard {
 public:
  Result<unit::RecordGuardStatus> record_status() override { return unit::RecordGuardStatus(); }
  Result<std::vector<unit::RecordSeal>> seal_records(
      std::uint64_t, const std::vector<unit::RecordChange>& changes) override {
    return std::vector<unit::RecordSeal>(changes.size());
  }
  Result<void> settle_records(std::uint64_t, bool) override { return {}; }
  Result<void> begin_guarding() override { return {}; }
  Result<std::uint64_t> begin_record_check() override { return std::uint64_t{1}; }
  Result<std::vector<unit::RecordVerdict>> check_records(
      std::uint64_t, const std::vector<unit::StoredRecord>& records) override {
    return std::vector<unit::RecordVerdict>(records.size(), unit::RecordVerdict::Authentic);
  }
  Result<unit::RecordCheckResult> end_record_check(std::uint64_t) override {
    return unit::RecordCheckResult();
  }
  Result<std::uint64_t> renew_record_key(const unit::RecordScope&) override {
    return std::uint64_t{0};
  }
  Result<Renewal> record_renewal(const unit::RecordScope&) override { return Renewal(); }
};

}  // namespace keyhaven::server
