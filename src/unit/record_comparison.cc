#include "unit/record_comparison.h"

#include <algorithm>

#include "crypto/hash.h"

namespace keyhaven::unit {

namespace {

constexpr std::uint8_t number_of(RecordVerdict verdict) {
  return static_cast<std::uint8_t>(verdict);
}

bool is_possible(const RecordSeal& seal) {
  return seal.epoch >= 1 && seal.epoch <= kMaxRecordEpoch && seal.sequence >= 1 &&
         seal.sequence <= kMaxSequence;
}

}  // namespace

RecordComparison::RecordComparison(RecordBook& book, std::uint64_t number, std::uint8_t stamp)
    : book_(book), number_(number), stamp_(stamp) {
  for (std::uint16_t i = 0; i < book.scope_limit(); ++i)
    begin_.push_back(book.scope(i).used ? book.scope(i).next_sequence : 0);
  if (WaitingGroup* waiting = book.waiting(); waiting != nullptr) {
    waiting_group_ = waiting->number;
    for (auto& [name, change] : waiting->changes) change = WaitingChange{change.seal};
  }
}

// A scope that is younger than the check has nothing to be judged.
std::uint64_t RecordComparison::begin_of(std::uint16_t scope) const {
  return scope < begin_.size() ? begin_[scope] : 0;
}

bool RecordComparison::is_changed(const ScopedName& name, const RecordMap::Entry* entry) const {
  if (entry != nullptr) return sequence_of(entry->seal()) >= begin_of(name.scope);
  return removed_.contains(name);
}

void RecordComparison::count_forged(const RecordScope& scope) {
  // A store may name any number of scopes that the unit has never heard of.
  const bool is_counted = forged_.contains(scope) || forged_.size() < kMaxRecordScopes - 1;
  ++forged_[is_counted ? scope : RecordScope{}];
}

RecordVerdict RecordComparison::judge(const StoredRecord& record, const SecretBytes* key) {
  const auto forged = [&] {
    count_forged(record.scope);
    return RecordVerdict::Forged;
  };
  const std::optional<std::uint16_t> scope = book_.find_scope(record.scope);
  if (!record.seal || !scope || !is_possible(*record.seal)) return forged();
  const RecordSeal& seal = *record.seal;
  const ScopedName name{*scope, record.name};
  const RecordMap::Entry* entry = book_.records().find(name);
  if (key == nullptr) {
    // Made anew under a new key since the check began, and the old key is destroyed.
    if (is_changed(name, entry)) return RecordVerdict::Authentic;
    return forged();
  }
  const auto tag =
      record_tag(*key, record.scope, record.name, seal.epoch, seal.sequence, record.digest);
  if (!crypto::equal_constant_time(tag, seal.tag)) return forged();
  return compare(name, pack_seal(seal.epoch, seal.sequence));
}

RecordVerdict RecordComparison::compare(const ScopedName& name, PackedSeal seal) {
  RecordMap::Entry* entry = book_.records().find(name);
  const bool is_changed_since = is_changed(name, entry);
  if (entry != nullptr) entry->stamp = stamp_;
  if (is_changed_since || is_as_waiting(name, entry, seal)) return RecordVerdict::Authentic;
  if (entry != nullptr && entry->seal() == seal) return RecordVerdict::Authentic;
  auto verdict = entry != nullptr ? RecordVerdict::Old : RecordVerdict::Returned;
  if (sequence_of(seal) >= begin_of(name.scope)) verdict = RecordVerdict::Newer;
  // A number that was given in a future that this unit has lost is not given again.
  book_.raise_sequence(name.scope, std::min(sequence_of(seal) + 1, kMaxSequence));
  deviations_.push_back({name, number_of(verdict), seal});
  return verdict;
}

// Notes what was seen of a change that waits. True when it is the new state.
bool RecordComparison::is_as_waiting(const ScopedName& name, RecordMap::Entry* entry,
                                     PackedSeal seal) {
  WaitingGroup* waiting = book_.waiting();
  if (waiting == nullptr) return false;
  const auto found = waiting->changes.find(name);
  if (found == waiting->changes.end()) return false;
  WaitingChange& change = found->second;
  if (change.seal == seal) {
    change.seen_new = true;
    return true;
  }
  const bool is_old = entry != nullptr && entry->seal() == seal;
  (is_old ? change.seen_old : change.seen_other) = true;
  return false;
}

void RecordComparison::on_settle(const WaitingGroup& group) {
  for (const auto& [name, change] : group.changes) {
    if (change.seal == 0) removed_.insert(name);
  }
}

void RecordComparison::on_scope_dropped(std::uint16_t scope) {
  if (scope < begin_.size()) begin_[scope] = 0;
  std::erase_if(deviations_, [&](const Deviation& each) { return each.name.scope == scope; });
}

bool RecordComparison::decide() {
  std::size_t in_old = 0;
  std::size_t in_new = 0;
  const WaitingGroup& group = *book_.waiting();
  for (const auto& [name, change] : group.changes) {
    const bool is_seen = change.seen_old || change.seen_new || change.seen_other;
    const bool had_record = book_.records().find(name) != nullptr;
    if (change.seal != 0 ? change.seen_new : !is_seen) ++in_new;
    if (had_record ? change.seen_old : !is_seen) ++in_old;
    if (change.seen_new) seen_new_.push_back(name);
  }
  const bool is_undone = in_old == group.changes.size() && in_new != group.changes.size();
  if (is_undone) return false;
  // Committed; whatever is in its old state was put back.
  for (const auto& [name, change] : group.changes) {
    const auto* entry = book_.records().find(name);
    if (!change.seen_old || change.seen_new || entry == nullptr) continue;
    const auto verdict = change.seal != 0 ? RecordVerdict::Old : RecordVerdict::Returned;
    deviations_.push_back({name, number_of(verdict), entry->seal()});
  }
  return true;
}

// The deviations as the book is now: without what was changed meanwhile, each record once.
void RecordComparison::settle_deviations() {
  for (const ScopedName& name : seen_new_) {
    if (auto* entry = book_.records().find(name); entry != nullptr) entry->stamp = stamp_;
  }
  std::erase_if(deviations_, [&](Deviation& each) {
    auto* entry = book_.records().find(each.name);
    if (is_changed(each.name, entry)) return true;
    if (entry == nullptr) {
      if (each.verdict == number_of(RecordVerdict::Old))
        each.verdict = number_of(RecordVerdict::Returned);
      return false;
    }
    entry->stamp = stamp_;
    if (each.verdict == number_of(RecordVerdict::Returned))
      each.verdict = number_of(RecordVerdict::Old);
    return entry->seal() == each.seal;
  });
  const auto is_before = [](const Deviation& a, const Deviation& b) {
    return std::tie(a.name, a.seal) < std::tie(b.name, b.seal);
  };
  std::sort(deviations_.begin(), deviations_.end(), is_before);
  const auto is_same = [](const Deviation& a, const Deviation& b) { return a.name == b.name; };
  deviations_.erase(std::unique(deviations_.begin(), deviations_.end(), is_same),
                    deviations_.end());
}

void RecordComparison::add_missing(std::vector<MissingRecord>& missing) {
  const std::size_t found = deviations_.size();
  book_.records().for_each([&](const RecordMap::Entry& entry) {
    if (entry.stamp == stamp_ || sequence_of(entry.seal()) >= begin_of(entry.scope)) return;
    deviations_.push_back({entry.name(), kMissingVerdict, 0});
  });
  const auto by_name = [](const Deviation& a, const Deviation& b) { return a.name < b.name; };
  const auto middle = deviations_.begin() + static_cast<std::ptrdiff_t>(found);
  std::sort(middle, deviations_.end(), by_name);
  for (auto each = middle; each != deviations_.end() && missing.size() < kMaxNamedMissing; ++each)
    missing.push_back({book_.scope(each->name.scope).id, each->name.name});
  std::inplace_merge(deviations_.begin(), middle, deviations_.end(), by_name);
}

std::map<RecordScope, ScopeFinding> RecordComparison::finish(std::vector<MissingRecord>& missing) {
  settle_deviations();
  add_missing(missing);
  std::map<RecordScope, ScopeFinding> out;
  for (auto first = deviations_.begin(); first != deviations_.end();) {
    const std::uint16_t number = first->name.scope;
    const auto last = std::find_if(
        first, deviations_.end(), [&](const Deviation& each) { return each.name.scope != number; });
    const BookScope& scope = book_.scope(number);
    ScopeFinding& finding = out[scope.id];
    finding.next_sequence = scope.next_sequence;
    DifferenceDigest digest(scope.id);
    for (auto each = first; each != last; ++each) {
      ScopeDifference& counts = finding.difference;
      if (each->verdict == number_of(RecordVerdict::Old)) ++counts.old;
      if (each->verdict == number_of(RecordVerdict::Returned)) ++counts.returned;
      if (each->verdict == number_of(RecordVerdict::Newer)) ++counts.newer;
      if (each->verdict == kMissingVerdict) ++counts.missing;
      digest.add({each->name.name, each->verdict, each->seal});
    }
    finding.difference.difference = digest.finish();
    finding.deviations.assign(first, last);
    first = last;
  }
  for (const auto& [id, count] : forged_) {
    auto& difference = out[id].difference;
    difference.forged = count;
    if (out[id].deviations.empty()) difference.difference = DifferenceDigest(id).finish();
  }
  for (auto& [id, finding] : out) finding.difference.scope = id;
  return out;
}

}  // namespace keyhaven::unit
