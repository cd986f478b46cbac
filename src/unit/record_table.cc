#include "unit/record_table.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/random.h"

namespace keyhaven::unit {

namespace {

constexpr int kLossShift = 40;  // 2^40 sequences of a scope between two losses of a journal

Error invalid(const char* what) { return {Reason::InvalidArgument, what, {}}; }

Error no_such_check() {
  return {
      Reason::Conflict, "this check of the stored records is not under way; begin a new one", {}};
}

}  // namespace

RecordKeys RecordKeys::clone() const {
  RecordKeys out;
  out.guarding = guarding;
  out.losses = losses;
  out.run = run;
  out.journal_key = journal_key.clone();
  for (const auto& [scope, keys] : scopes) {
    auto& copies = out.scopes[scope];
    for (const RecordKey& key : keys) copies.push_back({key.epoch, key.key.clone()});
  }
  return out;
}

RecordTable::RecordTable(RecordKeys keys, RecordKeySink& key_sink, RecordSink& sink)
    : key_sink_(key_sink), sink_(sink), keys_(std::move(keys)) {}

RecordTable::~RecordTable() = default;

// --- Start ---

Result<void> RecordTable::replay(ByteView entry) {
  const std::lock_guard lock(mutex_);
  const RecordEntry decoded = KH_TRY(decode_record_entry(entry));
  return book_.replay(decoded, first_sequence_locked());
}

void RecordTable::replayed() {
  const std::lock_guard lock(mutex_);
  adopt_keys_locked(std::move(keys_));
}

Result<void> RecordTable::rewrite_journal() {
  const std::lock_guard lock(mutex_);
  if (!book_.run()) book_.set_run(keys_.run);
  return sink_.replace(book_.snapshot());
}

void RecordTable::accept_at_first_check(const Digest& difference,
                                        std::function<void(const std::string&)> tell) {
  const std::lock_guard lock(mutex_);
  accept_at_first_ = difference;
  tell_ = std::move(tell);
}

// The journal's number is written first, so it is the keys' or one above.
Result<RecordTable::Run> RecordTable::check_run() const {
  const std::lock_guard lock(mutex_);
  if (!book_.run())
    return Error{Reason::InvalidArgument, "the journal of stored records is cut short", {}};
  if (*book_.run() > keys_.run + 1) return Run::KeysAreOlder;
  if (*book_.run() >= keys_.run) return Run::Newest;
  return Error{Reason::Conflict, "an old copy of the journal of stored records was put back", {}};
}

Result<void> RecordTable::begin_run() {
  std::uint64_t run = 0;
  {
    const std::lock_guard lock(mutex_);
    run = book_.run().value_or(0);
    if (run == keys_.run) {
      ++run;
      KH_TRY(
          sink_.append(encode(MarkEntry{run, book_.last_group()}), RecordSink::Durability::Power));
      book_.set_run(run);
    }
  }
  return change_keys(KeyChangeKind::Adds, [run](RecordKeys& keys) -> Result<void> {
    keys.run = run;
    return {};
  });
}

// --- Keys ---

std::uint64_t RecordTable::first_sequence_locked() const {
  return (std::uint64_t{keys_.losses} << kLossShift) + 1;
}

void RecordTable::adopt_keys_locked(RecordKeys keys) {
  keys_ = std::move(keys);
  for (const auto& [scope, list] : keys_.scopes) {
    auto number = book_.find_scope(scope);
    if (!number) number = book_.add_scope(scope, first_sequence_locked());
    book_.set_newest_epoch(*number, list.back().epoch);
  }
}

const SecretBytes* RecordTable::key_of_locked(const RecordScope& scope, std::uint32_t epoch) const {
  const auto found = keys_.scopes.find(scope);
  if (found == keys_.scopes.end()) return nullptr;
  for (const RecordKey& key : found->second) {
    if (key.epoch == epoch) return &key.key;
  }
  return nullptr;
}

// Saves the changed keys without the lock that others wait for. Until new ones are saved nothing is
// sealed by them; what goes is not used from the decision on, and is back if it cannot be saved.
Result<void> RecordTable::change_keys(KeyChangeKind kind, const KeyChange& change) {
  const std::lock_guard one_at_a_time(keys_mutex_);
  RecordKeys next;
  RecordKeys before;
  {
    const std::lock_guard lock(mutex_);
    next = keys_.clone();
    KH_TRY(change(next));
    before = keys_.clone();
    if (kind == KeyChangeKind::Removes) keys_ = next.clone();
  }
  Result<void> saved = key_sink_.save_record_keys(next);
  const std::lock_guard lock(mutex_);
  adopt_keys_locked(saved ? std::move(next) : std::move(before));
  return saved;
}

// A key for every scope in which a record is to be sealed.
Result<void> RecordTable::ensure_scopes(const std::vector<RecordChange>& changes) {
  std::set<RecordScope> absent;
  {
    const std::lock_guard lock(mutex_);
    for (const RecordChange& change : changes) {
      if (change.digest && !keys_.scopes.contains(change.scope)) absent.insert(change.scope);
    }
  }
  if (absent.empty()) return {};
  return change_keys(KeyChangeKind::Adds, [&](RecordKeys& keys) -> Result<void> {
    for (const RecordScope& scope : absent) {
      if (keys.scopes.contains(scope)) continue;
      if (keys.scopes.size() >= kMaxRecordScopes || book_.scope_count() >= kMaxRecordScopes) {
        return Error{Reason::InstanceLimit, "the crypto unit keeps records of 1,024 instances", {}};
      }
      keys.scopes[scope].push_back({1, crypto::random_secret(kRecordKeySize)});
    }
    return {};
  });
}

Result<void> RecordTable::add_epoch(const RecordScope& scope) {
  return change_keys(KeyChangeKind::Adds, [&](RecordKeys& keys) -> Result<void> {
    const auto found = keys.scopes.find(scope);
    if (found == keys.scopes.end()) return {};
    std::vector<RecordKey>& list = found->second;
    if (list.size() == kMaxRecordEpochs || list.back().epoch == kMaxRecordEpoch) {
      return Error{Reason::Conflict,
                   "records are still sealed by older keys; make their seals anew first",
                   {}};
    }
    list.push_back({list.back().epoch + 1, crypto::random_secret(kRecordKeySize)});
    return {};
  });
}

bool RecordTable::has_only_older_to_destroy_locked(const RecordScope& scope) const {
  const auto number = book_.find_scope(scope);
  const auto keys = keys_.scopes.find(scope);
  if (!number || keys == keys_.scopes.end() || keys->second.size() < 2) return false;
  const BookScope& held = book_.scope(*number);
  return held.records == held.of_newest && !book_.is_waiting(*number);
}

// A failure leaves them, for the next group or renewal.
void RecordTable::destroy_older_keys(const RecordScope& scope) {
  {
    const std::lock_guard lock(mutex_);
    if (!has_only_older_to_destroy_locked(scope)) return;
    // What made the last older seal obsolete must not be forgotten after this.
    const Bytes mark = encode(MarkEntry{book_.run().value_or(0), book_.last_group()});
    if (!sink_.append(mark, RecordSink::Durability::Power)) return;
  }
  (void)change_keys(KeyChangeKind::Removes, [&](RecordKeys& keys) -> Result<void> {
    if (!has_only_older_to_destroy_locked(scope)) return Error{Reason::Conflict, {}, {}};
    std::vector<RecordKey>& list = keys.scopes.at(scope);
    list.erase(list.begin(), list.end() - 1);
    return {};
  });
}

void RecordTable::prune(const RecordScope& scope) {
  if (scope == RecordScope{} || key_sink_.has_units(scope)) return;
  (void)change_keys(KeyChangeKind::Removes, [&](RecordKeys& keys) -> Result<void> {
    const auto number = book_.find_scope(scope);
    if (!number || book_.scope(*number).records != 0 || book_.is_waiting(*number))
      return Error{Reason::Conflict, {}, {}};
    keys.scopes.erase(scope);
    return {};
  });
  const std::lock_guard lock(mutex_);
  const auto number = book_.find_scope(scope);
  if (!number || keys_.scopes.contains(scope)) return;
  if (book_.scope(*number).records != 0 || book_.is_waiting(*number)) return;
  book_.drop_scope(*number);
  if (check_) check_->on_scope_dropped(*number);
  findings_.erase(scope);
}

Result<void> RecordTable::begin_guarding() {
  return change_keys(KeyChangeKind::Adds, [](RecordKeys& keys) -> Result<void> {
    keys.guarding = true;
    return {};
  });
}

Result<std::uint64_t> RecordTable::renew_record_key(const RecordScope& scope) {
  KH_TRY(add_epoch(scope));
  destroy_older_keys(scope);  // of a scope without records
  const Renewal renewal = KH_TRY(record_renewal(scope));
  return renewal.older;
}

Result<RecordGuard::Renewal> RecordTable::record_renewal(const RecordScope& scope) {
  const std::lock_guard lock(mutex_);
  const auto number = book_.find_scope(scope);
  if (!number) return Renewal{};
  const BookScope& held = book_.scope(*number);
  return Renewal{held.newest_epoch, held.records - held.of_newest};
}

// --- Groups ---

Result<RecordGuardStatus> RecordTable::record_status() {
  const std::lock_guard lock(mutex_);
  RecordGuardStatus out;
  out.guarding = keys_.guarding;
  out.records = book_.records().size();
  out.scopes = book_.scope_count();
  out.last_group = book_.last_group();
  out.accepts_next = accept_at_first_.has_value();
  if (book_.waiting() != nullptr) out.unsettled_group = book_.waiting()->number;
  return out;
}

Result<void> RecordTable::check_group_locked(std::uint64_t group,
                                             const std::vector<RecordChange>& changes) {
  const WaitingGroup* waiting = book_.waiting();
  const bool is_left_to_check =
      waiting != nullptr && check_ && check_->waiting_group() == waiting->number;
  if (waiting != nullptr && (waiting->number != group || is_left_to_check)) {
    return Error{Reason::Conflict,
                 "another group of records is not settled; settle it, or check the store",
                 {}};
  }
  const std::size_t held = waiting != nullptr ? waiting->changes.size() : 0;
  if (held + changes.size() > kMaxRecordsPerGroup)
    return invalid("a group has at most 1,000,000 records");
  if (book_.records().size() + held + changes.size() > kMaxRecords)
    return Error{Reason::KeyLimit, "the crypto unit remembers at most 16,000,000 records", {}};
  std::set<std::pair<RecordScope, RecordName>> names;
  for (const RecordChange& change : changes) {
    bool is_new = names.emplace(change.scope, change.name).second;
    const auto number = book_.find_scope(change.scope);
    if (waiting != nullptr && number) is_new &= !waiting->changes.contains({*number, change.name});
    if (!is_new) return invalid("a record twice in one group");
  }
  return {};
}

Result<std::vector<RecordSeal>> RecordTable::make_seals_locked(
    const std::vector<RecordChange>& changes, SealedEntry& entry) const {
  std::map<RecordScope, std::uint64_t> next;
  std::vector<RecordSeal> out;
  out.reserve(changes.size());
  for (const RecordChange& change : changes) {
    RecordSeal& seal = out.emplace_back();
    const auto number = book_.find_scope(change.scope);
    if (!change.digest) {  // of a scope that was given up nothing is remembered
      if (number) entry.changes.push_back({change.scope, change.name, 0});
      continue;
    }
    const auto keys = keys_.scopes.find(change.scope);
    if (!number || keys == keys_.scopes.end())  // given up this moment: its instance is gone
      return Error{Reason::Conflict, "this instance has no crypto units and no records", {}};
    const auto at = next.emplace(change.scope, book_.scope(*number).next_sequence).first;
    if (at->second > kMaxSequence) return invalid("a scope has used all its sequence numbers");
    const RecordKey& key = keys->second.back();
    seal.epoch = key.epoch;
    seal.sequence = at->second++;
    seal.tag =
        record_tag(key.key, change.scope, change.name, seal.epoch, seal.sequence, *change.digest);
    entry.changes.push_back({change.scope, change.name, pack_seal(seal.epoch, seal.sequence)});
  }
  return out;
}

Result<std::vector<RecordSeal>> RecordTable::seal_records(
    std::uint64_t group, const std::vector<RecordChange>& changes) {
  if (group == 0) return invalid("group numbers begin at 1");
  if (changes.size() > kMaxRecordsPerCall) return invalid("at most 2,048 records in one call");
  KH_TRY(ensure_scopes(changes));
  const std::lock_guard lock(mutex_);
  KH_TRY(check_group_locked(group, changes));
  SealedEntry entry{group, {}};
  auto seals = KH_TRY(make_seals_locked(changes, entry));
  KH_TRY(sink_.append(encode(entry), RecordSink::Durability::Power));
  book_.note_sealed(entry);
  compact_locked();
  return seals;
}

// If it fails the longer journal serves on.
void RecordTable::compact_locked() {
  if (sink_.is_oversized(book_.live_bytes())) (void)sink_.replace(book_.snapshot());
}

// The scopes that it touched.
std::vector<RecordScope> RecordTable::settle_locked(bool committed) {
  std::vector<RecordScope> scopes;
  for (const auto& [name, change] : book_.waiting()->changes) {
    const RecordScope& scope = book_.scope(name.scope).id;
    if (scopes.empty() || scopes.back() != scope) scopes.push_back(scope);
  }
  book_.settle(committed);
  return scopes;
}

Result<void> RecordTable::settle_records(std::uint64_t group, bool committed) {
  std::vector<RecordScope> scopes;
  {
    const std::lock_guard lock(mutex_);
    const WaitingGroup* waiting = book_.waiting();
    if (waiting == nullptr || waiting->number != group) return {};
    KH_TRY(sink_.append(encode(SettledEntry{group, committed}), RecordSink::Durability::Process));
    // A check that was to decide about this group has nothing to go by any more.
    if (check_ && check_->waiting_group() == group) check_.reset();
    if (check_ && committed) check_->on_settle(*waiting);
    scopes = settle_locked(committed);
    std::erase_if(scopes, [this](const RecordScope& scope) {
      return book_.scope(*book_.find_scope(scope)).records != 0 &&
             !has_only_older_to_destroy_locked(scope);
    });
  }
  for (const RecordScope& scope : scopes) {
    destroy_older_keys(scope);
    prune(scope);
  }
  return {};
}

// --- Checks ---

Result<std::uint64_t> RecordTable::begin_record_check() {
  const std::lock_guard lock(mutex_);
  if (++stamp_ == 0) {
    // Stamps begin anew: none of the last round may count for one of this.
    stamp_ = 1;
    book_.records().for_each([](RecordMap::Entry& entry) { entry.stamp = 0; });
  }
  check_ = std::make_unique<RecordComparison>(book_, ++checks_, stamp_);
  return checks_;
}

Result<std::vector<RecordVerdict>> RecordTable::check_records(
    std::uint64_t check, const std::vector<StoredRecord>& records) {
  if (records.size() > kMaxRecordsPerCall) return invalid("at most 2,048 records in one call");
  const std::lock_guard lock(mutex_);
  if (!check_ || check_->number() != check) return no_such_check();
  if (check_->is_full(records.size()))
    return invalid("more records than any store that this unit has sealed");
  std::vector<RecordVerdict> out;
  out.reserve(records.size());
  for (const StoredRecord& record : records) {
    const SecretBytes* key =
        record.seal ? key_of_locked(record.scope, record.seal->epoch) : nullptr;
    out.push_back(check_->judge(record, key));
  }
  return out;
}

Result<RecordCheckResult> RecordTable::end_check_locked() {
  RecordCheckResult out;
  if (const auto group = check_->waiting_group(); group) {
    const bool committed = check_->decide();
    KH_TRY(sink_.append(encode(SettledEntry{*group, committed}), RecordSink::Durability::Process));
    (void)settle_locked(committed);
  }
  findings_ = check_->finish(out.missing);
  check_.reset();
  for (const auto& [scope, finding] : findings_) out.differences.push_back(finding.difference);
  return out;
}

Result<RecordCheckResult> RecordTable::end_record_check(std::uint64_t check) {
  RecordCheckResult out;
  {
    const std::lock_guard lock(mutex_);
    if (!check_ || check_->number() != check) return no_such_check();
    out = KH_TRY(end_check_locked());
    if (accept_at_first_) {
      const Digest wanted = *std::exchange(accept_at_first_, std::nullopt);
      const auto accepted = accept_locked({}, wanted);
      tell_(accepted ? "the deployment's records were accepted as they are stored"
                     : "the deployment's records were not accepted: " + accepted.error().message);
      for (ScopeDifference& each : out.differences) {
        if (each.scope == RecordScope{}) each.accepted = accepted.has_value();
      }
    }
  }
  // Seals from a future that this unit has lost may exist beyond those that were seen: what is
  // sealed from now on is told from them by its epoch.
  for (const ScopeDifference& each : out.differences) {
    if (each.newer != 0) (void)add_epoch(each.scope);
  }
  return out;
}

// --- Acceptance ---

std::optional<Digest> RecordTable::difference_of(const RecordScope& scope) const {
  const std::lock_guard lock(mutex_);
  const auto found = findings_.find(scope);
  if (found == findings_.end() || found->second.deviations.empty()) return std::nullopt;
  return found->second.difference.difference;
}

Result<void> RecordTable::accept_records(const RecordScope& scope, const Digest& difference) {
  const std::lock_guard lock(mutex_);
  return accept_locked(scope, difference);
}

Result<void> RecordTable::accept_locked(const RecordScope& scope, const Digest& difference) {
  const auto found = findings_.find(scope);
  if (found == findings_.end() || found->second.deviations.empty() ||
      found->second.difference.difference != difference) {
    return Error{
        Reason::Conflict, "the last check of the stored records found another difference", {}};
  }
  if (book_.waiting() != nullptr) {
    return Error{Reason::Conflict, "records are being stored at this moment; try again", {}};
  }
  const ScopeFinding& finding = found->second;
  for (const Deviation& each : finding.deviations) {
    if (each.seal == 0 || key_of_locked(scope, epoch_of(each.seal)) != nullptr) continue;
    return Error{
        Reason::Conflict, "the records' key was renewed since that check; check again", {}};
  }
  std::vector<std::pair<ScopedName, PackedSeal>> before;
  const auto set = [this](const ScopedName& name, PackedSeal seal) {
    if (seal != 0) {
      book_.put(name, seal);
    } else {
      book_.erase(name);
    }
  };
  for (const Deviation& each : finding.deviations) {
    const RecordMap::Entry* entry = book_.records().find(each.name);
    const bool is_younger = entry != nullptr && sequence_of(entry->seal()) >= finding.next_sequence;
    const bool has_gone = entry == nullptr && (each.verdict == kMissingVerdict ||
                                               RecordVerdict{each.verdict} == RecordVerdict::Old);
    if (is_younger || has_gone) continue;  // changed since that check
    before.emplace_back(each.name, entry != nullptr ? entry->seal() : 0);
    set(each.name, each.seal);
  }
  if (const auto kept = sink_.replace(book_.snapshot()); !kept) {
    for (const auto& [name, seal] : before) set(name, seal);
    return kept;
  }
  check_.reset();
  findings_.erase(found);
  return {};
}

}  // namespace keyhaven::unit
