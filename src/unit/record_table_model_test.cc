// Random histories of a store beside its RecordTable: groups with every outcome, deaths of server,
// unit and power, renewals, checks; then random tampering, whose verdicts a naive model foretells.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "unit/record_store_for_tests.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::unit {
namespace {

constexpr std::uint32_t kNames = 12;
using Row = RecordStoreForTests::Row;

int pick(int count) { return *rc::gen::inRange(0, count); }

PlaceForTests any_place() {
  return {scope_for_tests(static_cast<std::uint8_t>(pick(3))),
          name_for_tests(static_cast<std::uint32_t>(pick(kNames)))};
}

class History {
 public:
  History() { table_.set_most_entries(20); }

  void step() {
    switch (pick(12)) {
      case 0:
        table_.restart(pick(2) == 0);
        return expect_clean();  // settles what the power failure has forgotten
      case 1:
        return expect_clean();
      case 2:
        return renew();
      case 3:
        return table_.set_units({scope_for_tests(1)});
      default:
        return change();
    }
  }

  void expect_clean() {
    const auto checked = store_.check(*table_);
    RC_ASSERT(checked.has_value());
    RC_ASSERT(checked->is_clean());
  }

  // Any row of now or of the past, or a row of another place, put anywhere; and rows taken away.
  void tamper_and_expect() {
    std::map<PlaceForTests, RecordVerdict> expected;
    std::set<PlaceForTests> missing;
    const auto good = store_.rows;
    for (int i = 0; i < 4; ++i) {
      const PlaceForTests place = any_place();
      tamper(place);
      const auto now = store_.rows.find(place);
      const auto was = good.find(place);
      expected.erase(place);
      missing.erase(place);
      if (now == store_.rows.end()) {
        if (was != good.end()) missing.insert(place);
        continue;
      }
      const auto verdict = foretell(place, now->second, was == good.end() ? nullptr : &was->second);
      if (verdict != RecordVerdict::Authentic) expected[place] = verdict;
      if (verdict == RecordVerdict::Forged && was != good.end()) missing.insert(place);
    }
    const auto checked = store_.check(*table_);
    RC_ASSERT(checked.has_value());
    for (const auto& [place, row] : store_.rows) {
      const auto found = expected.find(place);
      const auto wanted = found != expected.end() ? found->second : RecordVerdict::Authentic;
      RC_ASSERT(checked->verdicts.at(place) == wanted);
    }
    std::set<PlaceForTests> told;
    for (const MissingRecord& each : checked->result.missing) told.insert({each.scope, each.name});
    RC_ASSERT(told == missing);
    accept_all(checked->result);
  }

 private:
  // A group in one or two calls, and what becomes of it.
  void change() {
    std::map<PlaceForTests, RecordChange> changes;
    for (int i = 0; i <= pick(4); ++i) {
      const PlaceForTests place = any_place();
      std::optional<Digest> digest;
      if (pick(3) != 0) digest = digest_for_tests(std::to_string(pick(1000)));
      changes[place] = {place.scope, place.name, digest};
    }
    std::vector<RecordChange> all;
    for (const auto& [place, each] : changes) all.push_back(each);
    const std::uint64_t group = ++groups_;
    if (pick(10) == 0) {  // the disk is full
      table_.fail(1);
      const auto refused = table_->seal_records(group, all);
      table_.fail(0);
      RC_ASSERT(!refused.has_value());
      return;
    }
    const auto seals = table_->seal_records(group, all);
    RC_ASSERT(seals.has_value());
    const bool committed = pick(3) != 0;
    if (committed) commit(all, *seals);
    if (pick(4) != 0) {
      RC_ASSERT(table_->settle_records(group, committed).has_value());
      return;
    }
    // The server died, perhaps the unit too; or the power failed.
    if (pick(2) == 0) table_.restart(pick(2) == 0);
    expect_clean();
  }

  void commit(const std::vector<RecordChange>& changes, const std::vector<RecordSeal>& seals) {
    for (const auto& [place, row] : store_.rows) past_.emplace_back(place, row);
    store_.apply(changes, seals);
    if (past_.size() > 200) past_.erase(past_.begin(), past_.end() - 200);
  }

  void renew() {
    const RecordScope scope = scope_for_tests(static_cast<std::uint8_t>(pick(3)));
    if (!table_->renew_record_key(scope)) return;
    std::vector<RecordChange> changes;
    for (const auto& [place, row] : store_.rows) {
      if (place.scope == scope && pick(2) == 0)
        changes.push_back({place.scope, place.name, row.digest});
    }
    const std::uint64_t group = ++groups_;
    const auto seals = table_->seal_records(group, changes);
    RC_ASSERT(seals.has_value());
    commit(changes, *seals);
    RC_ASSERT(table_->settle_records(group, true).has_value());
  }

  void tamper(const PlaceForTests& place) {
    switch (pick(5)) {
      case 0:
        store_.rows.erase(place);
        return;
      case 1:
        store_.rows[place].digest = digest_for_tests("edited");
        return;
      case 2:
        if (!store_.rows.empty()) store_.rows[place] = store_.rows.begin()->second;
        return;
      case 3:
        store_.rows[place].seal.reset();
        return;
      default:
        break;
    }
    for (const auto& [then, row] : past_) {
      if (then == place && pick(2) == 0) store_.rows[place] = row;
    }
  }

  // By comparing with what was stored here at some time, not by any MAC.
  RecordVerdict foretell(const PlaceForTests& place, const Row& row, const Row* good) const {
    const auto is = [&](const Row& other) {
      return row.seal.has_value() && other.seal == row.seal && other.digest == row.digest;
    };
    if (good != nullptr && is(*good)) return RecordVerdict::Authentic;
    const auto keys = table_.keys().scopes.find(place.scope);
    const auto is_known = [&](const RecordSeal& seal) {
      if (keys == table_.keys().scopes.end()) return false;
      for (const RecordKey& key : keys->second) {
        // A scope that was given up and came back has other keys under the same numbers.
        if (key.epoch == seal.epoch)
          return record_tag(key.key, place.scope, place.name, seal.epoch, seal.sequence,
                            row.digest) == seal.tag;
      }
      return false;
    };
    for (const auto& [then, old] : past_) {
      if (then == place && is(old) && is_known(*row.seal))
        return good != nullptr ? RecordVerdict::Old : RecordVerdict::Returned;
    }
    return RecordVerdict::Forged;
  }

  // Afterwards the store is what is good, but for what is forged.
  void accept_all(const RecordCheckResult& result) {
    for (const ScopeDifference& each : result.differences) {
      if (table_->difference_of(each.scope))
        RC_ASSERT(table_->accept_records(each.scope, each.difference).has_value());
    }
    if (pick(2) == 0) table_.restart(pick(2) == 0);
    const auto checked = store_.check(*table_);
    RC_ASSERT(checked.has_value());
    RC_ASSERT(checked->result.missing.empty());
    for (const auto& [place, verdict] : checked->verdicts) {
      if (verdict == RecordVerdict::Authentic) continue;
      RC_ASSERT(verdict == RecordVerdict::Forged);
      store_.rows.erase(place);
    }
    expect_clean();
  }

  RecordTableForTests table_;
  RecordStoreForTests store_;
  std::vector<std::pair<PlaceForTests, Row>> past_;
  std::uint64_t groups_ = 0;
};

RC_GTEST_PROP(RecordTableModelTest, VerdictsAreThoseOfTheNaiveModel, ()) {
  History history;
  for (int i = 0; i < 40; ++i) history.step();
  history.expect_clean();
  for (int i = 0; i < 3; ++i) {
    history.tamper_and_expect();
    for (int j = 0; j < 5; ++j) history.step();
  }
}

// RecordMap against std::map.
RC_GTEST_PROP(RecordMapTest, IsAMap, ()) {
  RecordMap map;
  std::map<ScopedName, PackedSeal> model;
  const int steps = *rc::gen::inRange(0, 5000);
  std::uint64_t sequence = 0;
  for (int i = 0; i < steps; ++i) {
    ScopedName name{static_cast<std::uint16_t>(i % 3),
                    name_for_tests(static_cast<std::uint32_t>(sequence * 7919 % 800))};
    ++sequence;
    if (sequence * 31 % 5 < 3) {
      map.put(name, pack_seal(1, sequence << 20));
      model[name] = pack_seal(1, sequence << 20);
    } else {
      RC_ASSERT(map.erase(name) == (model.erase(name) == 1));
    }
  }
  RC_ASSERT(map.size() == model.size());
  std::size_t visited = 0;
  map.for_each([&](const RecordMap::Entry& entry) {
    ++visited;
    RC_ASSERT(model.at(entry.name()) == entry.seal());
  });
  RC_ASSERT(visited == model.size());
  for (const auto& [name, seal] : model) RC_ASSERT(map.find(name)->seal() == seal);
}

}  // namespace
}  // namespace keyhaven::unit
