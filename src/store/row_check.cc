#include "store/row_check.h"

#include <algorithm>

namespace keyhaven::store {
namespace {

using instances::RecordFault;
using unit::RecordVerdict;

RecordFault fault_of(RecordVerdict verdict) {
  switch (verdict) {
    case RecordVerdict::Forged:
      return RecordFault::Forged;
    case RecordVerdict::Old:
      return RecordFault::Old;
    case RecordVerdict::Returned:
      return RecordFault::Returned;
    case RecordVerdict::Newer:
      return RecordFault::Newer;
    case RecordVerdict::Authentic:
      break;
  }
  fatal(__FILE__, __LINE__, "an authentic record has no fault");
}

}  // namespace

void RowCheck::add(instances::SuspectRecord suspect) {
  ++found_.faults;
  if (found_.suspects.size() < instances::kMaxNamedSuspects)
    found_.suspects.push_back(std::move(suspect));
}

void RowCheck::suspect(const RowKey& key, RecordFault fault) {
  if (key.table == SealedTable::Keys) aliases_.ignore_key(key);
  if (fault == RecordFault::Forged || fault == RecordFault::Damaged) {
    const auto name = record_name(key);
    if (name) in_place_.emplace(*record_scope(key), *name);
  }
  add(describe(key, fault));
}

Result<std::vector<bool>> RowCheck::judge(const std::vector<ReadRow>& rows, std::size_t count) {
  std::vector<bool> usable(count, false);
  std::vector<unit::StoredRecord> shown;
  std::vector<std::size_t> places;
  shown.reserve(count);
  places.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto scope = record_scope(rows[i].key);
    const auto name = record_name(rows[i].key);
    if (!scope || !name) {  // a row without a name; the one it was is missing
      suspect(rows[i].key, RecordFault::Damaged);
      continue;
    }
    shown.push_back({*scope, *name, rows[i].digest, rows[i].seal});
    places.push_back(i);
  }
  found_.records += count;
  if (count > 0) seen_[static_cast<std::size_t>(rows[0].key.table) - 1] += count;
  if (shown.empty()) return usable;
  const std::vector<RecordVerdict> verdicts = KH_TRY(guard_.check_records(check_, shown));
  if (verdicts.size() != shown.size()) {
    return Error{Reason::UnitUnavailable, "the crypto unit judged another number of records", {}};
  }
  for (std::size_t i = 0; i < places.size(); ++i) {
    const ReadRow& row = rows[places[i]];
    if (!row.intact) {
      suspect(row.key, RecordFault::Damaged);
    } else if (verdicts[i] != RecordVerdict::Authentic) {
      suspect(row.key, fault_of(verdicts[i]));
    } else {
      usable[places[i]] = true;
    }
  }
  return usable;
}

// A row that was edited is one fault, not two.
void RowCheck::add_missing(const unit::RecordCheckResult& result) {
  std::uint64_t unnamed = 0;
  for (const unit::ScopeDifference& each : result.differences) unnamed += each.missing;
  unnamed -= std::min<std::uint64_t>(unnamed, result.missing.size());
  for (const unit::MissingRecord& each : result.missing) {
    if (in_place_.contains({each.scope, each.name})) continue;
    instances::SuspectRecord suspect = describe(each);
    if (suspect.key) aliases_.ignore_key(key_row(suspect.instance, *suspect.key));
    add(std::move(suspect));
  }
  found_.faults += unnamed;
}

Result<instances::RecordCheck> RowCheck::finish(Timestamp now) {
  unit::RecordCheckResult result = KH_TRY(guard_.end_record_check(check_));
  add_missing(result);
  for (const StrayAlias& each : aliases_.strays()) add(describe(each));
  found_.differences = std::move(result.differences);
  found_.at = now;
  return found_;
}

}  // namespace keyhaven::store
