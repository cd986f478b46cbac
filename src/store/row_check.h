// One pass over the sealed tables, held against the crypto unit's seals while it reads: rows are
// collected in batches, the unit says which are authentic, and only those go on.
//
// There is no second read between which somebody could edit: what is decoded is what was judged.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "instances/record_check.h"
#include "store/alias_check.h"
#include "store/sealed_rows.h"

namespace keyhaven::store {

// A row as it was read, before anybody believes it.
struct ReadRow {
  RowKey key;
  Digest digest{};
  std::optional<unit::RecordSeal> seal;
  bool intact = false;  // checksum, decoding and index columns fit
};

// Not thread-safe.
class RowCheck {
 public:
  // `check`: the number of a check that the unit has begun while no group was between its phases.
  RowCheck(unit::RecordGuard& guard, std::uint64_t check) : guard_(guard), check_(check) {}

  // For each row whether it may be used; the others are suspects now. At most kMaxRecordsPerCall.
  // Errors: those of RecordGuard::check_records.
  Result<std::vector<bool>> judge(const std::vector<ReadRow>& rows, std::size_t count);
  AliasCheck& aliases() noexcept { return aliases_; }

  // Every sealed row was judged: the result of the whole, with what is missing. Errors: those of
  // RecordGuard::end_record_check.
  Result<instances::RecordCheck> finish(Timestamp now);
  // What was found so far.
  const instances::RecordCheck& found() const noexcept { return found_; }
  // How many rows of the table were seen, of whatever kind.
  std::uint64_t rows_of(SealedTable table) const noexcept {
    return seen_[static_cast<std::size_t>(table) - 1];
  }

 private:
  void suspect(const RowKey& key, instances::RecordFault fault);
  void add(instances::SuspectRecord suspect);
  void add_missing(const unit::RecordCheckResult& result);

  unit::RecordGuard& guard_;
  const std::uint64_t check_;
  instances::RecordCheck found_;
  std::array<std::uint64_t, kSealedTables.size()> seen_{};
  // Rows that are there but are not what was sealed: the unit misses the record under their name.
  std::set<std::pair<unit::RecordScope, unit::RecordName>> in_place_;
  AliasCheck aliases_;
};

// The rows of one table on their way to `use`, in batches.
template <class Record>
class RowBatch {
 public:
  using Use = std::function<void(Record)>;
  RowBatch(RowCheck& check, SealedTable table, const Use& use)
      : check_(check), shape_(shape_of(table)), use_(use) {
    rows_.resize(unit::kMaxRecordsPerCall);
    records_.resize(unit::kMaxRecordsPerCall);
  }

  // `record`: what the row of TableShape::select holds, or how it is damaged.
  Result<void> add(const Query& row, Result<Record> record) {
    ReadRow& slot = rows_[count_];
    read_key(shape_, row, slot.key);
    slot.digest = record_digest(slot.key, row.blob_at(shape_.record_column));
    slot.seal = decode_seal(row.blob_at(shape_.record_column + 2));
    slot.intact = record.has_value();
    if (record) records_[count_] = std::move(record).value();
    return ++count_ == rows_.size() ? finish() : Result<void>();
  }

  // The last rows.
  Result<void> finish() {
    const std::vector<bool> usable = KH_TRY(check_.judge(rows_, count_));
    for (std::size_t i = 0; i < count_; ++i) {
      if (usable[i]) use_(std::move(*records_[i]));
      records_[i].reset();
    }
    count_ = 0;
    return {};
  }

 private:
  RowCheck& check_;
  const TableShape& shape_;
  const Use& use_;
  std::vector<ReadRow> rows_;
  std::vector<std::optional<Record>> records_;
  std::size_t count_ = 0;
};

}  // namespace keyhaven::store
