// What a RecordTable remembers, without locks, keys and disk: the newest seal of every record, the
// next sequence of every scope, and the group that waits for its second phase.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "unit/record_journal.h"
#include "unit/record_sinks.h"

namespace keyhaven::unit {

struct BookScope {
  RecordScope id;
  bool used = false;
  std::uint64_t next_sequence = 1;
  std::uint64_t records = 0;
  std::uint64_t of_newest = 0;  // of those, how many are sealed by the newest key
  std::uint32_t newest_epoch = 0;
};

struct WaitingChange {
  PackedSeal seal = 0;  // 0: the record goes
  // What a check saw of it.
  bool seen_old = false;
  bool seen_new = false;
  bool seen_other = false;
};
struct WaitingGroup {
  std::uint64_t number = 0;
  std::map<ScopedName, WaitingChange> changes;
};

// Not thread-safe.
class RecordBook {
 public:
  const BookScope& scope(std::uint16_t number) const { return scopes_[number]; }
  std::optional<std::uint16_t> find_scope(const RecordScope& id) const;
  std::uint16_t add_scope(const RecordScope& id, std::uint64_t first_sequence);
  // The scope has no records and none that wait.
  void drop_scope(std::uint16_t number);
  std::uint32_t scope_count() const noexcept { return static_cast<std::uint32_t>(numbers_.size()); }
  std::uint16_t scope_limit() const noexcept { return static_cast<std::uint16_t>(scopes_.size()); }
  void raise_sequence(std::uint16_t number, std::uint64_t at_least);
  void set_newest_epoch(std::uint16_t number, std::uint32_t epoch);

  RecordMap& records() noexcept { return records_; }
  const RecordMap& records() const noexcept { return records_; }
  void put(const ScopedName& name, PackedSeal seal);
  void erase(const ScopedName& name);

  WaitingGroup* waiting() noexcept { return waiting_ ? &*waiting_ : nullptr; }
  const WaitingGroup* waiting() const noexcept { return waiting_ ? &*waiting_ : nullptr; }
  bool is_waiting(std::uint16_t scope) const;
  std::uint64_t last_group() const noexcept { return last_group_; }

  // Adds to the group that waits, or begins to wait for this one. All its scopes are known.
  void note_sealed(const SealedEntry& entry);
  // There is a waiting group.
  void settle(bool committed);

  // One entry of a journal or snapshot, in their order. `first_sequence` is of scopes that have no
  // entry of their own. Errors: InvalidArgument: it does not fit to what came before.
  Result<void> replay(const RecordEntry& entry, std::uint64_t first_sequence);
  // Of the last mark; a journal without one lacks the end of its snapshot.
  std::optional<std::uint64_t> run() const noexcept { return run_; }
  void set_run(std::uint64_t run) noexcept { run_ = run; }

  // The entries of a snapshot, which a mark ends; the book stays as it is meanwhile.
  RecordSink::Entries snapshot();
  std::uint64_t live_bytes() const noexcept;

 private:
  Result<void> replay_scope(const ScopeEntry& entry);
  Result<void> replay_sealed(const SealedEntry& entry, std::uint64_t first_sequence);
  Result<void> replay_records(const RecordsEntry& entry);
  void add_waiting(std::deque<Bytes>& entries) const;
  void count(const ScopedName& name, PackedSeal seal, std::int64_t by);

  std::vector<BookScope> scopes_;
  std::map<RecordScope, std::uint16_t> numbers_;
  RecordMap records_;
  std::optional<WaitingGroup> waiting_;
  std::uint64_t last_group_ = 0;
  std::optional<std::uint64_t> run_;
};

}  // namespace keyhaven::unit
