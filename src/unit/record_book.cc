#include "unit/record_book.h"

#include <algorithm>
#include <memory>

namespace keyhaven::unit {

namespace {

Error damaged(const char* what) {
  return {Reason::InvalidArgument, std::string("record journal: ") + what, {}};
}

}  // namespace

std::optional<std::uint16_t> RecordBook::find_scope(const RecordScope& id) const {
  const auto found = numbers_.find(id);
  if (found == numbers_.end()) return std::nullopt;
  return found->second;
}

std::uint16_t RecordBook::add_scope(const RecordScope& id, std::uint64_t first_sequence) {
  auto free = std::find_if(scopes_.begin(), scopes_.end(),
                           [](const BookScope& scope) { return !scope.used; });
  if (free == scopes_.end()) free = scopes_.insert(scopes_.end(), BookScope{});
  *free = BookScope{id, true, first_sequence, 0, 0, 0};
  const auto number = static_cast<std::uint16_t>(free - scopes_.begin());
  KH_ASSERT(numbers_.emplace(id, number).second);
  return number;
}

void RecordBook::drop_scope(std::uint16_t number) {
  KH_ASSERT(scopes_[number].records == 0 && !is_waiting(number));
  numbers_.erase(scopes_[number].id);
  scopes_[number] = {};
}

void RecordBook::raise_sequence(std::uint16_t number, std::uint64_t at_least) {
  BookScope& scope = scopes_[number];
  scope.next_sequence = std::max(scope.next_sequence, at_least);
}

void RecordBook::set_newest_epoch(std::uint16_t number, std::uint32_t epoch) {
  BookScope& scope = scopes_[number];
  if (scope.newest_epoch == epoch) return;
  scope.newest_epoch = epoch;
  scope.of_newest = 0;
  if (scope.records == 0) return;
  records_.for_each([&](const RecordMap::Entry& entry) {
    if (entry.scope == number && entry.epoch == epoch) ++scope.of_newest;
  });
}

void RecordBook::count(const ScopedName& name, PackedSeal seal, std::int64_t by) {
  BookScope& scope = scopes_[name.scope];
  scope.records += static_cast<std::uint64_t>(by);
  if (epoch_of(seal) == scope.newest_epoch) scope.of_newest += static_cast<std::uint64_t>(by);
}

void RecordBook::put(const ScopedName& name, PackedSeal seal) {
  if (const auto* old = records_.find(name); old != nullptr) count(name, old->seal(), -1);
  records_.put(name, seal);
  count(name, seal, 1);
}

void RecordBook::erase(const ScopedName& name) {
  const auto* old = records_.find(name);
  if (old == nullptr) return;
  count(name, old->seal(), -1);
  records_.erase(name);
}

bool RecordBook::is_waiting(std::uint16_t scope) const {
  if (!waiting_) return false;
  const auto first = waiting_->changes.lower_bound(ScopedName{scope, {}});
  return first != waiting_->changes.end() && first->first.scope == scope;
}

void RecordBook::note_sealed(const SealedEntry& entry) {
  if (!waiting_) waiting_ = WaitingGroup{entry.group, {}};
  for (const SealedChange& change : entry.changes) {
    const std::uint16_t number = numbers_.at(change.scope);
    waiting_->changes[{number, change.name}].seal = change.seal;
    raise_sequence(number, sequence_of(change.seal) + 1);
  }
}

void RecordBook::settle(bool committed) {
  for (const auto& [name, change] : waiting_->changes) {
    if (!committed) break;
    if (change.seal != 0) {
      put(name, change.seal);
    } else {
      erase(name);
    }
  }
  last_group_ = waiting_->number;
  waiting_.reset();
}

Result<void> RecordBook::replay(const RecordEntry& entry, std::uint64_t first_sequence) {
  if (const auto* sealed = std::get_if<SealedEntry>(&entry))
    return replay_sealed(*sealed, first_sequence);
  if (const auto* settled = std::get_if<SettledEntry>(&entry)) {
    if (!waiting_ || waiting_->number != settled->group) return damaged("settles no group");
    settle(settled->committed);
    return {};
  }
  if (const auto* scope = std::get_if<ScopeEntry>(&entry)) return replay_scope(*scope);
  if (const auto* records = std::get_if<RecordsEntry>(&entry)) return replay_records(*records);
  const auto& mark = std::get<MarkEntry>(entry);
  run_ = mark.run;
  last_group_ = std::max(last_group_, mark.last_group);
  return {};
}

Result<void> RecordBook::replay_scope(const ScopeEntry& entry) {
  if (entry.number >= kMaxRecordScopes || numbers_.contains(entry.scope))
    return damaged("a scope twice");
  if (scopes_.size() <= entry.number) scopes_.resize(std::size_t{entry.number} + 1);
  if (scopes_[entry.number].used) return damaged("a scope's number twice");
  scopes_[entry.number] = BookScope{entry.scope, true, entry.next_sequence, 0, 0, 0};
  numbers_.emplace(entry.scope, entry.number);
  return {};
}

Result<void> RecordBook::replay_sealed(const SealedEntry& entry, std::uint64_t first_sequence) {
  if (waiting_ && waiting_->number != entry.group) return damaged("two groups at once");
  for (const SealedChange& change : entry.changes) {
    if (numbers_.contains(change.scope)) continue;
    if (numbers_.size() == kMaxRecordScopes) return damaged("too many scopes");
    add_scope(change.scope, first_sequence);
  }
  note_sealed(entry);
  return {};
}

Result<void> RecordBook::replay_records(const RecordsEntry& entry) {
  for (const RecordsEntry::Record& record : entry.records) {
    const std::uint16_t number = record.name.scope;
    if (number >= scopes_.size() || !scopes_[number].used)
      return damaged("a record of an unknown scope");
    put(record.name, record.seal);
    raise_sequence(number, sequence_of(record.seal) + 1);
  }
  return {};
}

std::uint64_t RecordBook::live_bytes() const noexcept {
  const std::uint64_t waiting = waiting_ ? waiting_->changes.size() : 0;
  return kSnapshotRecordBytes * records_.size() + kSnapshotScopeBytes * numbers_.size() +
         41 * waiting;
}

void RecordBook::add_waiting(std::deque<Bytes>& entries) const {
  SealedEntry sealed{waiting_->number, {}};
  const auto hand_over = [&] {
    entries.push_back(encode(sealed));
    sealed.changes.clear();
  };
  for (const auto& [name, change] : waiting_->changes) {
    sealed.changes.push_back({scopes_[name.scope].id, name.name, change.seal});
    if (sealed.changes.size() == kMaxRecordsPerCall) hand_over();
  }
  hand_over();
}

RecordSink::Entries RecordBook::snapshot() {
  // What is to be given next: the scopes first, then the records shard by shard, at the end the
  // group that waits and the mark.
  struct Progress {
    std::deque<Bytes> ready;
    std::size_t shard = 0;
    bool is_end_due = true;
  };
  auto at = std::make_shared<Progress>();
  for (const auto& [id, number] : numbers_)
    at->ready.push_back(encode(ScopeEntry{number, id, scopes_[number].next_sequence}));
  return [this, at]() -> std::optional<Bytes> {
    while (at->ready.empty() && at->shard < RecordMap::kShards) {
      RecordsEntry records;
      const auto hand_over = [&] {
        if (!records.records.empty()) at->ready.push_back(encode(records));
        records.records.clear();
      };
      records_.for_each_in(at->shard++, [&](const RecordMap::Entry& entry) {
        records.records.push_back({entry.name(), entry.seal()});
        if (records.records.size() == kMaxRecordsPerCall) hand_over();
      });
      hand_over();
    }
    if (at->ready.empty() && std::exchange(at->is_end_due, false)) {
      if (waiting_) add_waiting(at->ready);
      at->ready.push_back(encode(MarkEntry{run_.value_or(0), last_group_}));
    }
    if (at->ready.empty()) return std::nullopt;
    Bytes entry = std::move(at->ready.front());
    at->ready.pop_front();
    return entry;
  };
}

}  // namespace keyhaven::unit
