// The contract of keys::KeyStore, one suite for every backend.
//
// A backend's test defines a factory and instantiates:
//   INSTANTIATE_TEST_SUITE_P(Name, KeyStoreContract, testing::Values(&make_backend));
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <latch>
#include <memory>
#include <thread>

#include "store/test_samples.h"

namespace keyhaven::contract {

using store::new_instance;
using store::RecordingLog;
using store::sample_event;
using store::sample_key;

// A store with its durable home; `reopen` closes it and opens the same home again.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual keys::KeyStore& store() = 0;
  virtual void reopen() = 0;
  RecordingLog& log() { return log_; }

 private:
  RecordingLog log_;
};
using MakeBackend = std::unique_ptr<Backend> (*)();

class KeyStoreContract : public testing::TestWithParam<MakeBackend> {
 protected:
  void SetUp() override { backend_ = GetParam()(); }

  keys::KeyStore& store() { return backend_->store(); }
  RecordingLog& log() { return backend_->log(); }

  // Commits with an event of a new correlation id.
  Result<std::vector<std::uint64_t>> commit(const keys::KeyChange& change) {
    last_correlation_ = "c-" + std::to_string(++commits_);
    return store().commit(change, sample_event(last_correlation_));
  }
  Reason failure(const keys::KeyChange& change) {
    const auto result = commit(change);
    if (result) {
      ADD_FAILURE() << "the commit succeeded";
      return Reason::Internal;
    }
    EXPECT_EQ(log().count(last_correlation_), 0U) << "a refused change left an event";
    return result.error().reason;
  }
  static keys::KeyChange put(std::vector<keys::KeyRecord> keys) {
    keys::KeyChange change;
    change.put = std::move(keys);
    return change;
  }
  std::vector<keys::KeyRecord> load() {
    std::vector<keys::KeyRecord> out;
    const auto loaded =
        store().load_keys([&](keys::KeyRecord key) { out.push_back(std::move(key)); });
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    return out;
  }
  std::vector<keys::KeyRing> rings() {
    std::vector<keys::KeyRing> out;
    const auto loaded =
        store().load_rings([&](keys::KeyRing ring) { out.push_back(std::move(ring)); });
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    return out;
  }

  std::vector<keys::Registration> registrations() {
    std::vector<keys::Registration> out;
    const auto loaded = store().load_registrations(
        [&](keys::Registration registration) { out.push_back(std::move(registration)); });
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    std::sort(out.begin(), out.end(),
              [](const auto& a, const auto& b) { return a.resource_crn < b.resource_crn; });
    return out;
  }
  std::vector<keys::LifecycleEvent> lifecycle_events() {
    std::vector<keys::LifecycleEvent> out;
    const auto loaded =
        store().load_events([&](keys::LifecycleEvent event) { out.push_back(std::move(event)); });
    EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
    return out;
  }
  static keys::Registration sample_registration(const keys::KeyRecord& key, std::string crn) {
    keys::Registration out;
    out.instance = key.instance;
    out.key = key.id;
    out.resource_crn = std::move(crn);
    out.version = key.newest().id;
    out.description = "bucket \xe2\x82\xac";
    out.metadata = "m";
    out.created_by = out.updated_by = "iam-ServiceId-1";
    out.created = out.updated = Timestamp::from_seconds(7);
    return out;
  }
  static keys::LifecycleEvent sample_lifecycle_event(const keys::KeyRecord& key) {
    keys::LifecycleEvent out;
    out.instance = key.instance;
    out.id = crypto::random_uuid();
    out.kind = keys::LifecycleKind::Disable;
    out.key = key.id;
    out.version = key.newest().id;
    out.resource_crn = "crn:a";
    out.created = Timestamp::from_seconds(8);
    out.deadline = Timestamp::from_seconds(9);
    return out;
  }

  std::unique_ptr<Backend> backend_;
  std::string last_correlation_;
  int commits_ = 0;
};

TEST_P(KeyStoreContract, StartsEmpty) {
  EXPECT_TRUE(load().empty());
  EXPECT_TRUE(rings().empty());
}

TEST_P(KeyStoreContract, GivesBackWhatWasStoredAlsoAfterReopening) {
  keys::KeyRecord key = sample_key(new_instance(), {"first", "second"});
  const auto revisions = commit(put({key}));
  ASSERT_TRUE(revisions);
  EXPECT_EQ(*revisions, std::vector<std::uint64_t>{1});
  key.revision = 1;
  for (int round = 0; round < 2; ++round) {
    const auto loaded = load();
    ASSERT_EQ(loaded.size(), 1U);
    EXPECT_EQ(keys::encode(loaded[0]), keys::encode(key));
    backend_->reopen();
  }
}

TEST_P(KeyStoreContract, RevisionsCountUpAndGuardAgainstLostUpdates) {
  keys::KeyRecord key = sample_key(new_instance());
  EXPECT_EQ(commit(put({key})).value()[0], 1U);
  EXPECT_EQ(failure(put({key})), Reason::Conflict);  // creating it again
  key.revision = 1;
  key.name = "second";
  EXPECT_EQ(commit(put({key})).value()[0], 2U);
  key.name = "late";
  EXPECT_EQ(failure(put({key})), Reason::Conflict);  // still revision 1
  key.revision = 3;
  EXPECT_EQ(failure(put({key})), Reason::Conflict);  // not there yet
  keys::KeyRecord unknown = sample_key(new_instance());
  unknown.revision = 1;
  EXPECT_EQ(failure(put({unknown})), Reason::Conflict);
  ASSERT_EQ(load().size(), 1U);
  EXPECT_EQ(load()[0].name, "second");
  EXPECT_EQ(load()[0].revision, 2U);
}

TEST_P(KeyStoreContract, SameIdInTwoInstancesIsTwoKeys) {
  keys::KeyRecord one = sample_key(new_instance());
  keys::KeyRecord other = one;
  other.instance = new_instance();
  ASSERT_TRUE(commit(put({one, other})));
  EXPECT_EQ(load().size(), 2U);
  keys::KeyChange purge;
  purge.remove.emplace_back(one.instance, one.id);
  ASSERT_TRUE(commit(purge));
  ASSERT_EQ(load().size(), 1U);
  EXPECT_EQ(load()[0].instance, other.instance);
}

TEST_P(KeyStoreContract, AliasesAreUniqueInAnInstance) {
  const InstanceId instance = new_instance();
  ASSERT_TRUE(commit(put({sample_key(instance, {"taken", "also"})})));
  EXPECT_EQ(failure(put({sample_key(instance, {"free", "taken"})})), Reason::AliasNotUnique);
  EXPECT_EQ(failure(put({sample_key(instance, {"x"}), sample_key(instance, {"x"})})),
            Reason::AliasNotUnique);
  EXPECT_TRUE(commit(put({sample_key(new_instance(), {"taken"})})));  // another instance
  EXPECT_TRUE(commit(put({sample_key(instance, {"free", "Taken"})})));
}

TEST_P(KeyStoreContract, AnAliasIsFreeWhenItsKeyGivesItUpOrIsPurged) {
  const InstanceId instance = new_instance();
  keys::KeyRecord first = sample_key(instance, {"a", "b"});
  ASSERT_TRUE(commit(put({first})));
  first.revision = 1;
  first.aliases = {"b"};
  ASSERT_TRUE(commit(put({first})));
  ASSERT_TRUE(commit(put({sample_key(instance, {"a"})})));
  EXPECT_EQ(failure(put({sample_key(instance, {"b"})})), Reason::AliasNotUnique);
  keys::KeyChange purge;
  purge.remove.emplace_back(instance, first.id);
  ASSERT_TRUE(commit(purge));
  EXPECT_TRUE(commit(put({sample_key(instance, {"b"})})));
}

TEST_P(KeyStoreContract, AnAliasMovesBetweenKeysInOneChange) {
  const InstanceId instance = new_instance();
  keys::KeyRecord from = sample_key(instance, {"a"});
  keys::KeyRecord to = sample_key(instance);
  ASSERT_TRUE(commit(put({from, to})));
  from.revision = to.revision = 1;
  from.aliases.clear();
  to.aliases = {"a"};
  EXPECT_TRUE(commit(put({to, from})));  // taken before it is given up
  EXPECT_EQ(failure(put({sample_key(instance, {"a"})})), Reason::AliasNotUnique);
}

TEST_P(KeyStoreContract, AChangeIsAllOrNothing) {
  const InstanceId instance = new_instance();
  keys::KeyRecord stored = sample_key(instance, {"a"});
  ASSERT_TRUE(commit(put({stored})));
  keys::KeyChange change = put({sample_key(instance, {"new"}), sample_key(instance, {"a"})});
  change.put_rings.push_back({instance, "ring", Timestamp::from_seconds(1), "me"});
  change.remove.emplace_back(instance, KeyId{crypto::random_uuid()});
  EXPECT_EQ(failure(change), Reason::Conflict);
  change.remove.clear();
  EXPECT_EQ(failure(change), Reason::AliasNotUnique);
  EXPECT_EQ(load().size(), 1U);
  EXPECT_TRUE(rings().empty());
  EXPECT_TRUE(commit(put({sample_key(instance, {"new"})})));  // the alias was not left behind
}

TEST_P(KeyStoreContract, PurgeRemovesOnceAndFreesTheId) {
  keys::KeyRecord key = sample_key(new_instance(), {"a"});
  ASSERT_TRUE(commit(put({key})));
  keys::KeyChange purge;
  purge.remove.emplace_back(key.instance, key.id);
  ASSERT_TRUE(commit(purge));
  EXPECT_TRUE(load().empty());
  EXPECT_EQ(failure(purge), Reason::Conflict);
  EXPECT_EQ(commit(put({key})).value()[0], 1U);
}

TEST_P(KeyStoreContract, RingsAreUniqueInAnInstance) {
  const InstanceId instance = new_instance();
  keys::KeyChange change;
  change.put_rings.push_back({instance, "team", Timestamp::from_seconds(5), "iam-1"});
  ASSERT_TRUE(commit(change));
  EXPECT_EQ(failure(change), Reason::KeyRingExists);
  keys::KeyChange elsewhere;
  elsewhere.put_rings.push_back({new_instance(), "team", {}, {}});
  ASSERT_TRUE(commit(elsewhere));
  backend_->reopen();
  ASSERT_EQ(rings().size(), 2U);
  const auto all = rings();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& ring) { return ring.instance == instance; });
  ASSERT_NE(found, all.end());
  EXPECT_EQ(found->id, "team");
  EXPECT_EQ(found->created, Timestamp::from_seconds(5));
  EXPECT_EQ(found->created_by, "iam-1");

  keys::KeyChange remove;
  remove.remove_rings.emplace_back(instance, "team");
  ASSERT_TRUE(commit(remove));
  EXPECT_EQ(failure(remove), Reason::Conflict);
  EXPECT_EQ(rings().size(), 1U);
}

TEST_P(KeyStoreContract, RegistrationsAndEventsAreReplacedAndRemovedByName) {
  const keys::KeyRecord key = sample_key(new_instance());
  keys::KeyChange change = put({key});
  change.put_registrations = {sample_registration(key, "crn:a"), sample_registration(key, "crn:b")};
  change.put_events = {sample_lifecycle_event(key)};
  ASSERT_TRUE(commit(change));
  backend_->reopen();
  EXPECT_EQ(registrations(), change.put_registrations);
  EXPECT_EQ(lifecycle_events(), change.put_events);

  keys::KeyChange second;
  second.put_registrations = {change.put_registrations[0]};
  second.put_registrations[0].active = false;
  second.put_registrations[0].revision = 2;
  second.put_events = change.put_events;
  second.put_events[0].acknowledged = Timestamp::from_seconds(10);
  second.put_events[0].adopter_key_state = "DEK_DISABLED";
  second.remove_registrations = {{key.instance, key.id, "crn:b"}};
  ASSERT_TRUE(commit(second));
  backend_->reopen();
  EXPECT_EQ(registrations(), second.put_registrations);
  EXPECT_EQ(lifecycle_events(), second.put_events);

  keys::KeyChange gone;
  gone.remove_registrations = {{key.instance, key.id, "crn:b"}};
  EXPECT_EQ(failure(gone), Reason::Conflict);
  keys::KeyChange swept;  // two sweeps may meet
  swept.remove_events = {{key.instance, second.put_events[0].id},
                         {key.instance, crypto::random_uuid()}};
  ASSERT_TRUE(commit(swept));
  EXPECT_TRUE(lifecycle_events().empty());
}

TEST_P(KeyStoreContract, RegistrationsAndEventsGoWithTheirKeyAndCommitWithIt) {
  keys::KeyRecord key = sample_key(new_instance());
  keys::KeyRecord other = sample_key(key.instance);
  keys::KeyChange change = put({key, other});
  for (const keys::KeyRecord* each : {&key, &other}) {
    change.put_registrations.push_back(sample_registration(*each, "crn:a"));
    change.put_events.push_back(sample_lifecycle_event(*each));
  }
  ASSERT_TRUE(commit(change));
  keys::KeyChange late = put({key});  // still revision 0
  late.put_registrations = {sample_registration(key, "crn:z")};
  EXPECT_EQ(failure(late), Reason::Conflict);
  EXPECT_EQ(registrations().size(), 2U);
  keys::KeyChange purge;
  purge.remove.emplace_back(key.instance, key.id);
  ASSERT_TRUE(commit(purge));
  backend_->reopen();
  ASSERT_EQ(registrations().size(), 1U);
  EXPECT_EQ(registrations()[0].key, other.id);
  ASSERT_EQ(lifecycle_events().size(), 1U);
  EXPECT_EQ(lifecycle_events()[0].key, other.id);
}

TEST_P(KeyStoreContract, EachChangeLeavesOneEvent) {
  keys::KeyRecord key = sample_key(new_instance());
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(commit(put({key})));
    key.revision += 1;
    EXPECT_EQ(log().count(last_correlation_), 1U);
  }
  for (int i = 0; i < 3; ++i) backend_->reopen();
  EXPECT_EQ(log().events().size(), 5U);
}

TEST_P(KeyStoreContract, AnEventThatCannotBeChainedWaitsAndHoldsUpFurtherChanges) {
  ASSERT_TRUE(commit(put({sample_key(new_instance())})));
  log().refuse(true);
  ASSERT_TRUE(commit(put({sample_key(new_instance())})));  // durable, its event too
  const std::string waiting = last_correlation_;
  EXPECT_EQ(log().count(waiting), 0U);
  EXPECT_EQ(failure(put({sample_key(new_instance())})), Reason::AuditUnavailable);
  backend_->reopen();
  EXPECT_EQ(failure(put({sample_key(new_instance())})), Reason::AuditUnavailable);
  EXPECT_EQ(load().size(), 2U);
  log().refuse(false);
  ASSERT_TRUE(commit(put({sample_key(new_instance())})));
  EXPECT_EQ(log().count(waiting), 1U);
  EXPECT_EQ(log().events().size(), 3U);
  backend_->reopen();
  EXPECT_EQ(log().events().size(), 3U);
}

TEST_P(KeyStoreContract, SixtyFourWritersLoseNothing) {
  constexpr int kWriters = 64;
  constexpr int kKeys = 10;
  const InstanceId instance = new_instance();
  std::latch start(kWriters);
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      start.arrive_and_wait();
      for (int i = 0; i < kKeys; ++i) {
        const std::string name = std::to_string(w) + "-" + std::to_string(i);
        keys::KeyRecord key = sample_key(instance, {"alias-" + name});
        keys::KeyChange change;
        change.put = {key};
        const auto created = store().commit(change, sample_event("create-" + name));
        EXPECT_TRUE(created) << (created ? "" : created.error().message);
        change.put[0].revision = 1;
        EXPECT_TRUE(store().commit(change, sample_event("change-" + name)));
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  backend_->reopen();
  const auto loaded = load();
  EXPECT_EQ(loaded.size(), static_cast<std::size_t>(kWriters * kKeys));
  EXPECT_TRUE(
      std::all_of(loaded.begin(), loaded.end(), [](const auto& key) { return key.revision == 2; }));
  auto events = log().events();
  EXPECT_EQ(events.size(), static_cast<std::size_t>(2 * kWriters * kKeys));
  std::sort(events.begin(), events.end());
  EXPECT_EQ(std::adjacent_find(events.begin(), events.end()), events.end());
}

// All race for one alias and one revision: one wins each, and the losers disturb nobody in the same
// group.
TEST_P(KeyStoreContract, ConflictsInAGroupStayWithTheirCallers) {
  constexpr int kWriters = 64;
  const InstanceId instance = new_instance();
  keys::KeyRecord shared = sample_key(instance);
  ASSERT_TRUE(commit(put({shared})));
  shared.revision = 1;
  std::latch start(kWriters);
  std::atomic<int> alias_winners = 0;
  std::atomic<int> revision_winners = 0;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      keys::KeyChange alias;
      alias.put = {sample_key(instance, {"wanted"})};
      keys::KeyChange revision;
      revision.put = {shared};
      keys::KeyChange own;
      own.put = {sample_key(instance, {"own-" + std::to_string(w)})};
      start.arrive_and_wait();
      const auto first = store().commit(alias, sample_event("alias"));
      if (first) ++alias_winners;
      EXPECT_TRUE(first || first.error().reason == Reason::AliasNotUnique);
      const auto second = store().commit(revision, sample_event("revision"));
      if (second) ++revision_winners;
      EXPECT_TRUE(second || second.error().reason == Reason::Conflict);
      EXPECT_TRUE(store().commit(own, sample_event("own")));
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(alias_winners, 1);
  EXPECT_EQ(revision_winners, 1);
  EXPECT_EQ(load().size(), static_cast<std::size_t>(kWriters + 2));
  EXPECT_EQ(log().count("alias"), 1U);
  EXPECT_EQ(log().count("revision"), 1U);
  EXPECT_EQ(log().count("own"), static_cast<std::size_t>(kWriters));
}

}  // namespace keyhaven::contract
