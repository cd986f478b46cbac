// The unit's table of the stored records: makes their seals, remembers the newest of each, and
// holds what the store has against it. Formats and rules: docs/protocols/record-seal.md; why it is
// built so: docs/adr/0025.
//
// Pure: the journal goes to a RecordSink and the keys to a RecordKeySink before a change is
// acknowledged or visible; an error of theirs leaves everything as it was. 1,000,000 records take
// less than 50 MB; sealing and judging a record cost the same however many there are.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "unit/record_book.h"
#include "unit/record_comparison.h"
#include "unit/record_guard.h"
#include "unit/record_sinks.h"

namespace keyhaven::unit {

// Changes of one group; it is kept in memory until it is settled.
inline constexpr std::size_t kMaxRecordsPerGroup = 1'000'000;

// Thread-safe. The sinks must outlive it; the RecordKeySink is called without the lock that
// difference_of and accept_records take.
class RecordTable final : public RecordGuard, public RecordAcceptance {
 public:
  // Keys as they were saved last.
  RecordTable(RecordKeys keys, RecordKeySink& key_sink, RecordSink& sink);
  ~RecordTable() override;

  // --- Before the first call of a RecordGuard ---
  // The journal's entries, in their order. Errors: InvalidArgument (does not fit).
  Result<void> replay(ByteView entry);
  // After the last entry.
  void replayed();
  // Writes the journal anew as it was read, or the first one. Errors: what the sink gives.
  Result<void> rewrite_journal();
  // Holds the first check that ends against this difference of the deployment's scope, and accepts
  // it when it is that: the deployment has no quorum, but somebody who is root where the unit runs.
  // `tell` then hears in one line what came of it.
  void accept_at_first_check(const Digest& difference,
                             std::function<void(const std::string&)> tell);
  // Writes the number of this start to the journal, then to the keys. Neither can be put back alone
  // from before this start without check_run telling. Errors: what the sinks give; harmless.
  Result<void> begin_run();
  // Whether journal and keys are of one start. Errors: Conflict (the journal was put back alone),
  // InvalidArgument (it is cut short).
  enum class Run : std::uint8_t { Newest, KeysAreOlder };
  Result<Run> check_run() const;

  // Gives up a scope whose instance has no units and no records.
  void prune(const RecordScope& scope);

  Result<RecordGuardStatus> record_status() override;
  Result<std::vector<RecordSeal>> seal_records(std::uint64_t group,
                                               const std::vector<RecordChange>& changes) override;
  Result<void> settle_records(std::uint64_t group, bool committed) override;
  Result<void> begin_guarding() override;
  Result<std::uint64_t> begin_record_check() override;
  Result<std::vector<RecordVerdict>> check_records(
      std::uint64_t check, const std::vector<StoredRecord>& records) override;
  Result<RecordCheckResult> end_record_check(std::uint64_t check) override;
  Result<std::uint64_t> renew_record_key(const RecordScope& scope) override;
  Result<Renewal> record_renewal(const RecordScope& scope) override;

  std::optional<Digest> difference_of(const RecordScope& scope) const override;
  Result<void> accept_records(const RecordScope& scope, const Digest& difference) override;

 private:
  using KeyChange = std::function<Result<void>(RecordKeys&)>;
  // `Removes`: the keys that go are not used any more from the moment of the decision.
  enum class KeyChangeKind : std::uint8_t { Adds, Removes };
  Result<void> change_keys(KeyChangeKind kind, const KeyChange& change);
  Result<void> ensure_scopes(const std::vector<RecordChange>& changes);
  Result<void> add_epoch(const RecordScope& scope);
  void destroy_older_keys(const RecordScope& scope);
  void adopt_keys_locked(RecordKeys keys);

  std::uint64_t first_sequence_locked() const;
  const SecretBytes* key_of_locked(const RecordScope& scope, std::uint32_t epoch) const;
  Result<void> check_group_locked(std::uint64_t group, const std::vector<RecordChange>& changes);
  Result<std::vector<RecordSeal>> make_seals_locked(const std::vector<RecordChange>& changes,
                                                    SealedEntry& entry) const;
  void compact_locked();
  std::vector<RecordScope> settle_locked(bool committed);
  bool has_only_older_to_destroy_locked(const RecordScope& scope) const;
  Result<void> accept_locked(const RecordScope& scope, const Digest& difference);
  Result<RecordCheckResult> end_check_locked();

  RecordKeySink& key_sink_;
  RecordSink& sink_;
  std::mutex keys_mutex_;     // one change of the keys at a time; taken before mutex_
  mutable std::mutex mutex_;  // of all that follows
  RecordKeys keys_;
  RecordBook book_;
  std::uint64_t checks_ = 0;  // begun
  std::uint8_t stamp_ = 0;
  std::unique_ptr<RecordComparison> check_;
  std::map<RecordScope, ScopeFinding> findings_;  // of the last ended check
  std::optional<Digest> accept_at_first_;
  std::function<void(const std::string&)> tell_;
};

}  // namespace keyhaven::unit
