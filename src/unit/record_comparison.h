// One check of the stored records against a RecordBook, and what came of it.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "unit/record_book.h"
#include "unit/record_seal.h"

namespace keyhaven::unit {

// A record that is not as the book has it.
struct Deviation {
  ScopedName name;
  std::uint8_t verdict = 0;  // RecordVerdict, or kMissingVerdict
  PackedSeal seal = 0;       // that the store has
};

// What an ended check found in one scope; forged records are only counted.
struct ScopeFinding {
  ScopeDifference difference;
  std::vector<Deviation> deviations;  // ascending names
  std::uint64_t next_sequence = 1;    // of the scope when the check ended
};

// Not thread-safe; the book must outlive it and is told of it (on_settle, on_scope_dropped).
class RecordComparison {
 public:
  RecordComparison(RecordBook& book, std::uint64_t number, std::uint8_t stamp);

  std::uint64_t number() const noexcept { return number_; }
  // The group that waited when the check began, if any: the check decides about it.
  std::optional<std::uint64_t> waiting_group() const noexcept { return waiting_group_; }

  // Whether `more` records are more than a check can be about.
  bool is_full(std::size_t more) const noexcept { return deviations_.size() + more > kMaxRecords; }
  // `key` is of the record's scope and the epoch of its seal; null when there is none.
  RecordVerdict judge(const StoredRecord& record, const SecretBytes* key);
  // Before a group that began after the check is settled as committed.
  void on_settle(const WaitingGroup& group);
  void on_scope_dropped(std::uint16_t scope);

  // Whether the group that waited is committed. Call once, before it is settled in the book.
  bool decide();
  // After that; `missing` gets the first kMaxNamedMissing.
  std::map<RecordScope, ScopeFinding> finish(std::vector<MissingRecord>& missing);

 private:
  bool is_changed(const ScopedName& name, const RecordMap::Entry* entry) const;
  std::uint64_t begin_of(std::uint16_t scope) const;
  RecordVerdict compare(const ScopedName& name, PackedSeal seal);
  bool is_as_waiting(const ScopedName& name, RecordMap::Entry* entry, PackedSeal seal);
  void count_forged(const RecordScope& scope);
  void settle_deviations();
  void add_missing(std::vector<MissingRecord>& missing);

  RecordBook& book_;
  std::uint64_t number_;
  std::uint8_t stamp_;
  std::optional<std::uint64_t> waiting_group_;
  std::vector<std::uint64_t> begin_;  // next sequence of each scope when the check began
  std::set<ScopedName> removed_;      // since then
  std::vector<Deviation> deviations_;
  std::vector<ScopedName> seen_new_;  // of the waiting group
  std::map<RecordScope, std::uint64_t> forged_;
};

}  // namespace keyhaven::unit
