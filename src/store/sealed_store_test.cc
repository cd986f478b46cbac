// The store and the unit's seals: what is sealed when, what a unit that is away or a process that
// dies leaves behind, and that nothing of it is a false alarm.
#include <filesystem>
#include <future>
#include <latch>
#include <thread>

#include "store/guarded_store_for_tests.h"

namespace keyhaven::store {
namespace {

using instances::RecordFault;

class SealedStoreTest : public GuardedStore {
 protected:
  void SetUp() override { start(); }
  void start() {
    ASSERT_NO_FATAL_FAILURE(open());
    ASSERT_NO_FATAL_FAILURE(load_all());
  }
  // Clean now and after the next start.
  void expect_clean() {
    EXPECT_EQ(check_now(), std::vector<Found>());
    ASSERT_NO_FATAL_FAILURE(start());
    EXPECT_EQ(found_in(database_->found_at_start()), std::vector<Found>());
  }
  std::uint64_t sealed_in_unit() { return table_->record_status()->records; }
  // The store's files as a process that dies now leaves them.
  void copy_store(const std::string& to) {
    std::filesystem::create_directory(directory_.file(to));
    for (const char* file : {"keyhaven.db", "keyhaven.db-wal"}) {
      std::filesystem::copy_file(directory_.file("store/" + std::string(file)),
                                 directory_.file(to + "/" + file),
                                 std::filesystem::copy_options::overwrite_existing);
    }
  }
  void use_copy(const std::string& from) {
    database_.reset();
    std::filesystem::remove_all(directory_.file("store"));
    std::filesystem::rename(directory_.file(from), directory_.file("store"));
  }
  bool is_loaded(const RowKey& key) const { return std::ranges::count(loaded_, key) == 1; }
  static iam::IamChange identity_with_rights(const std::string& iam_id) {
    iam::IamChange change;
    change.put_identities = {{iam_id, iam::IdentityKind::ServiceId, "n", "d", {}}};
    iam::ApiKey key{"ApiKey-" + crypto::random_uuid().text(), iam_id, "first", {}, {}, false};
    key.secret_hash.fill(9);
    change.put_api_keys = {key};
    change.put_grants = {{crypto::random_uuid().text(), iam_id, 1, std::nullopt, "", std::nullopt}};
    return change;
  }

  InstanceId instance_ = new_instance();
};

TEST_F(SealedStoreTest, ANewStoreIsGuardedFromItsFirstRecord) {
  EXPECT_TRUE(table_->record_status()->guarding);
  EXPECT_EQ(sealed_in_unit(), 0U);
  EXPECT_FALSE(database_->has_or_had_identities());
  make_key(instance_);
  EXPECT_EQ(sealed_in_unit(), 1U);
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(database_->sealed_at_open(), std::nullopt);
  EXPECT_EQ(database_->found_at_start().records, 1U);
}

TEST_F(SealedStoreTest, AStoreFromBeforeIsSealedAsItIsFoundHoweverOftenThatIsInterrupted) {
  for (int i = 0; i < 5; ++i) make_key(instance_, {"alias-" + std::to_string(i)});
  ASSERT_TRUE(database_->commit_iam(identity_with_rights("iam-ServiceId-1"), sample_event("c")));
  ASSERT_TRUE(database_->put_setting("region", "us-south"));
  database_.reset();
  editor()->run("UPDATE keys SET seal = NULL; UPDATE grants SET seal = NULL").value();
  // Another unit, which dies after each group that it sealed. Settings, identities, API keys,
  // grants and keys are one group each.
  table_.put_back({{}, {}});
  for (int sealed = 0; sealed < 5; ++sealed) {
    guard_.seals_left = sealed;
    EXPECT_FALSE(try_open()) << sealed;
    table_.restart();
  }
  guard_.seals_left = -1;
  ASSERT_NO_FATAL_FAILURE(open());
  EXPECT_EQ(database_->sealed_at_open(), 9U);
  ASSERT_NO_FATAL_FAILURE(load_all());
  EXPECT_EQ(found_in(database_->found_at_start()), std::vector<Found>());
  EXPECT_TRUE(database_->has_or_had_identities());
  expect_clean();
  EXPECT_EQ(database_->sealed_at_open(), std::nullopt);
}

TEST_F(SealedStoreTest, WhatIsRefusedIsNotSealed) {
  const keys::KeyRecord key = make_key(instance_, {"taken"});
  const int calls = guard_.seal_calls;
  keys::KeyChange again;
  again.put = {sample_key(instance_), sample_key(instance_, {"taken"})};
  EXPECT_EQ(database_->commit(again, sample_event("c")).error().reason, Reason::AliasNotUnique);
  iam::IamChange orphan = identity_with_rights("iam-ServiceId-1");
  orphan.put_identities.clear();
  EXPECT_FALSE(database_->commit_iam(orphan, sample_event("c")));
  EXPECT_EQ(guard_.seal_calls, calls) << "a group that touches nothing makes no call";
  instances::Proposal proposal;
  proposal.instance = instance_;
  proposal.id = {crypto::random_uuid()};
  ASSERT_TRUE(database_->put_proposal(proposal, nullptr));
  EXPECT_EQ(guard_.seal_calls, calls);
  EXPECT_EQ(sealed_in_unit(), 1U);
  expect_clean();
}

TEST_F(SealedStoreTest, WhatGoesByCascadeIsForgotten) {
  const keys::KeyRecord key = make_key(instance_, {"a"});
  keys::KeyChange change;
  change.put_registrations = {sample_registration(key, 1), sample_registration(key, 2)};
  ASSERT_TRUE(commit(change));
  ASSERT_TRUE(database_->commit_iam(identity_with_rights("iam-ServiceId-1"), sample_event("c")));
  EXPECT_EQ(sealed_in_unit(), 6U);
  keys::KeyChange purge;
  purge.remove = {{key.instance, key.id}};
  ASSERT_TRUE(commit(purge));
  EXPECT_EQ(sealed_in_unit(), 3U);
  iam::IamChange remove;
  remove.remove_identities = {"iam-ServiceId-1"};
  ASSERT_TRUE(database_->commit_iam(remove, sample_event("c")));
  EXPECT_EQ(sealed_in_unit(), 0U);
  expect_clean();
}

// A grant whose column was edited so that it goes with somebody else's identity is not forgotten.
TEST_F(SealedStoreTest, ACascadeOverAnEditedColumnLeavesAMissingRecord) {
  const iam::IamChange first = identity_with_rights("iam-ServiceId-1");
  iam::IamChange second = identity_with_rights("iam-ServiceId-2");
  second.put_api_keys.clear();
  ASSERT_TRUE(database_->commit_iam(first, sample_event("c")));
  ASSERT_TRUE(database_->commit_iam(second, sample_event("c")));
  editor()->run("UPDATE grants SET iam_id = 'iam-ServiceId-2'").value();
  iam::IamChange remove;
  remove.remove_identities = {"iam-ServiceId-2"};
  ASSERT_TRUE(database_->commit_iam(remove, sample_event("c")));
  EXPECT_EQ(check_now(), std::vector{expect_missing(grant_row(first.put_grants[0].id))});
}

// The unit would refuse a name that occurs twice in a group.
TEST_F(SealedStoreTest, ARowTouchedTwiceByAChangeIsSealedOnce) {
  iam::IamChange change = identity_with_rights("iam-ServiceId-1");
  ASSERT_TRUE(database_->commit_iam(change, sample_event("c")));
  change.put_identities.clear();
  change.put_api_keys.clear();
  change.remove_grants = {change.put_grants[0].id};
  change.put_grants[0].roles = 5;
  guard_.sealed_records = 0;
  ASSERT_TRUE(database_->commit_iam(change, sample_event("c")));
  EXPECT_EQ(guard_.sealed_records, 1);
  EXPECT_EQ(sealed_in_unit(), 3U);
  expect_clean();
}

// Many changes of one row at once, some of them in one group: sealed as it is last.
TEST_F(SealedStoreTest, ARowTouchedByManyIsSealedAsItIsLast) {
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<bool> first = true;
  std::latch entered(1);
  guard_.before_seal = [&] {
    if (!first.exchange(false)) return;
    entered.count_down();
    released.wait();
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] { EXPECT_TRUE(database_->put_setting("first", "1")); });
  entered.wait();
  constexpr int kWaiting = 8;  // they queue behind the group that is being sealed
  std::atomic<int> asked = 0;
  for (int i = 0; i < kWaiting; ++i) {
    threads.emplace_back([&, i] {
      ++asked;
      EXPECT_TRUE(database_->put_setting("same", std::to_string(i)));
    });
  }
  while (asked < kWaiting) std::this_thread::yield();
  guard_.sealed_records = 0;
  release.set_value();
  for (std::thread& thread : threads) thread.join();
  // The first, and one for each group that the others came into: at most as many as they are.
  EXPECT_LE(guard_.sealed_records, 1 + kWaiting);
  EXPECT_EQ(sealed_in_unit(), 2U);
  guard_.before_seal = [] {};
  expect_clean();
}

TEST_F(SealedStoreTest, AUnitThatIsAwayRefusesChangesAndNothingElse) {
  const keys::KeyRecord key = make_key(instance_);
  guard_.away = true;
  keys::KeyChange change;
  change.put = {sample_key(instance_)};
  const auto refused = database_->commit(change, sample_event("refused"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(log_.count("refused"), 0U);
  std::size_t keys = 0;
  guard_.away = false;
  ASSERT_TRUE(database_->load_keys([&](const keys::KeyRecord&) { ++keys; }));
  EXPECT_EQ(keys, 1U);
  EXPECT_TRUE(commit(change));
  expect_clean();
}

// The unit seals and the answer is lost: the group is undone, the unit is told.
TEST_F(SealedStoreTest, ALostAnswerOfTheSealingUndoesTheGroup) {
  const keys::KeyRecord key = make_key(instance_);
  std::vector<bool> told;
  guard_.before_settle = [&](bool committed) { told.push_back(committed); };
  bool once = true;
  guard_.after_seal = [&] { guard_.away = std::exchange(once, false); };
  keys::KeyChange change;
  change.put = {key};
  change.put[0].name = "next";
  // The sealing itself was answered; what fails is telling the end, until the unit is back.
  std::thread back([&] {
    while (!guard_.away) std::this_thread::yield();
    guard_.away = false;
  });
  EXPECT_TRUE(commit(change));
  back.join();
  ASSERT_FALSE(told.empty());
  EXPECT_TRUE(told.back());
  EXPECT_TRUE(database_->health());
  guard_.before_settle = [](bool) {};
  expect_clean();
}

TEST_F(SealedStoreTest, AChangeIsAcknowledgedAtLastWhenTheUnitCannotBeTold) {
  guard_.failing_settles = 1'000'000;
  const auto began = std::chrono::steady_clock::now();
  const keys::KeyRecord key = make_key(instance_);
  EXPECT_GE(std::chrono::steady_clock::now() - began, GroupSealer::kPatience);
  ASSERT_FALSE(database_->health());
  EXPECT_EQ(database_->health().error().reason, Reason::UnitUnavailable);
  keys::KeyChange next;
  next.put = {sample_key(instance_)};
  EXPECT_EQ(database_->commit(next, sample_event("c")).error().reason, Reason::UnitUnavailable);
  EXPECT_EQ(database_->check_records().error().reason, Reason::UnitUnavailable);
  guard_.failing_settles = 0;
  for (int ms = 0; ms < 20'000 && !database_->health(); ++ms)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_TRUE(database_->health()) << "nobody asked, and the unit was told";
  EXPECT_TRUE(commit(next));
  expect_clean();
}

// --- The process dies, at every point of a group ---

TEST_F(SealedStoreTest, ADeathBetweenThePhasesIsNoFalseAlarm) {
  const keys::KeyRecord key = make_key(instance_, {"a"});
  const keys::KeyRecord other = make_key(instance_, {"b"});
  keys::KeyChange change;
  change.put = {key};
  change.put[0].name = "next";
  change.remove = {{other.instance, other.id}};
  change.put_rings = {{instance_, "new", {}, "me"}};
  guard_.after_seal = [&] { copy_store("before commit"); };
  guard_.before_settle = [&](bool) { copy_store("before settle"); };
  const auto before = table_.copy();
  ASSERT_TRUE(commit(change));
  guard_.after_seal = [] {};
  guard_.before_settle = [](bool) {};
  std::vector<Bytes> entries = table_.entries();
  entries.pop_back();  // that it was settled
  const struct {
    const char* copy;
    bool committed;
  } cases[] = {{"before commit", false}, {"before settle", true}};
  for (const auto& each : cases) {
    use_copy(each.copy);
    table_.put_back({entries, before.keys.clone()});
    ASSERT_TRUE(table_->record_status()->unsettled_group);
    ASSERT_NO_FATAL_FAILURE(start());
    EXPECT_EQ(found_in(database_->found_at_start()), std::vector<Found>()) << each.copy;
    EXPECT_FALSE(table_->record_status()->unsettled_group);
    EXPECT_EQ(is_loaded(key_row(instance_, other.id)), !each.committed) << each.copy;
    EXPECT_EQ(is_loaded(ring_row(instance_, "new")), each.committed) << each.copy;
    make_key(instance_);  // and it goes on
    expect_clean();
  }
}

// Somebody uses the moment: of a group that was not settled one record is put back.
TEST_F(SealedStoreTest, ADeathBetweenThePhasesIsNoWayBack) {
  const keys::KeyRecord one = make_key(instance_);
  const keys::KeyRecord two = make_key(instance_);
  copy_store("old");
  keys::KeyChange change;
  change.put = {one, two};
  for (keys::KeyRecord& key : change.put) key.name = "next";
  const auto before = table_.copy();
  ASSERT_TRUE(commit(change));
  std::vector<Bytes> entries = table_.entries();
  entries.pop_back();
  database_.reset();
  editor()
      ->run("ATTACH '" + directory_.file("old/keyhaven.db") +
            "' AS old; DELETE FROM main.keys WHERE id = x'" + to_hex(one.id.view()) +
            "'; INSERT INTO main.keys SELECT * FROM old.keys WHERE id = x'" +
            to_hex(one.id.view()) + "'")
      .value();
  table_.put_back({entries, before.keys.clone()});
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(found_in(database_->found_at_start()),
            std::vector{expect_row(key_row(instance_, one.id), RecordFault::Old)});
  EXPECT_FALSE(is_loaded(key_row(instance_, one.id)));
  EXPECT_TRUE(is_loaded(key_row(instance_, two.id)));
}

TEST_F(SealedStoreTest, AnOlderStoreIsNamedRecordByRecord) {
  const keys::KeyRecord changed = make_key(instance_);
  const keys::KeyRecord gone = make_key(instance_);
  const keys::KeyRecord kept = make_key(instance_);
  copy_store("old");
  keys::KeyChange change;
  change.put = {changed};
  change.remove = {{gone.instance, gone.id}};
  ASSERT_TRUE(commit(change));
  const keys::KeyRecord later = make_key(instance_);
  use_copy("old");
  ASSERT_NO_FATAL_FAILURE(start());
  std::vector<Found> expected = {expect_row(key_row(instance_, changed.id), RecordFault::Old),
                                 expect_row(key_row(instance_, gone.id), RecordFault::Returned),
                                 expect_missing(key_row(instance_, later.id))};
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(found_in(database_->found_at_start()), expected);
  EXPECT_EQ(loaded_, std::vector{key_row(instance_, kept.id)});
  // Accepted, it is the state of the store.
  ASSERT_EQ(database_->found_at_start().differences.size(), 1U);
  const unit::ScopeDifference& difference = database_->found_at_start().differences[0];
  ASSERT_TRUE(table_->accept_records(difference.scope, difference.difference));
  expect_clean();
  EXPECT_EQ(loaded_.size(), 3U);
}

// --- What a start needs to know ---

TEST_F(SealedStoreTest, LostIdentitiesAreNoFirstStart) {
  ASSERT_TRUE(database_->commit_iam(identity_with_rights("iam-ServiceId-1"), sample_event("c")));
  ASSERT_TRUE(database_->put_setting("account", "0123"));
  database_.reset();
  editor()->run("DELETE FROM grants; DELETE FROM api_keys; DELETE FROM identities").value();
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(database_->has_or_had_identities());
  database_.reset();
  std::filesystem::remove_all(directory_.file("store"));
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(database_->has_or_had_identities());
  const auto account = database_->setting("account");
  ASSERT_FALSE(account);
  EXPECT_EQ(account.error().reason, Reason::RecordNotAuthentic);
  EXPECT_NE(account.error().message.find("missing"), std::string::npos);
  EXPECT_EQ(database_->setting("region").value(), std::nullopt);
}

// Nothing of an identity that is not authentic is in use, and the others can log in.
// Without its settings a server does not start, so this is where it learns what can be accepted;
// and what is accepted is in use at that start.
TEST_F(SealedStoreTest, SettingsNobodyRemembersRefuseTheStartUntilTheyAreAccepted) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(database_->put_setting("account", "0123"));
  ASSERT_TRUE(database_->commit_iam(identity_with_rights("iam-ServiceId-1"), sample_event("c")));
  database_.reset();
  table_.lose_journal();
  ASSERT_NO_FATAL_FAILURE(open());
  const auto refused = database_->setting("account");
  ASSERT_FALSE(refused);
  const std::string& message = refused.error().message;
  const std::size_t quote = message.find("unit.accept_records = \"");
  ASSERT_NE(quote, std::string::npos) << message;
  const auto hex = from_hex(message.substr(message.find('"', quote) + 1, 64));
  ASSERT_TRUE(hex) << message;
  Digest difference;
  std::ranges::copy(*hex, difference.begin());
  database_.reset();
  table_.restart();
  table_->accept_at_first_check(difference, [](const std::string&) {});
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(*database_->setting("account"), "0123");
  EXPECT_EQ(database_->found_at_start().faults, 0u);
  EXPECT_EQ(check_now(), std::vector<Found>{});
}

// A row that somebody adds must not keep the server from starting.
TEST_F(SealedStoreTest, ASettingThatNobodyAsksForIsASuspectLikeOthers) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(database_->put_setting("account", "0123"));
  database_.reset();
  editor()
      ->run(
          "INSERT INTO settings (name, value, checksum) SELECT 'x', value, checksum FROM "
          "settings WHERE name = 'account'")
      .value();
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(*database_->setting("account"), "0123");
  EXPECT_EQ(database_->found_at_start().faults, 1u);
}

TEST_F(SealedStoreTest, TheRightsOfASuspectIdentityAreNotInUse) {
  const iam::IamChange one = identity_with_rights("iam-ServiceId-1");
  iam::IamChange two = identity_with_rights("iam-ServiceId-2");
  two.put_api_keys[0].secret_hash.fill(8);
  ASSERT_TRUE(database_->commit_iam(one, sample_event("c")));
  ASSERT_TRUE(database_->commit_iam(two, sample_event("c")));
  database_.reset();
  editor()->run("UPDATE identities SET seal = NULL WHERE iam_id = 'iam-ServiceId-1'").value();
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(loaded_,
            (std::vector{identity_row("iam-ServiceId-2"), api_key_row(two.put_api_keys[0].id),
                         grant_row(two.put_grants[0].id)}));
}

TEST_F(SealedStoreTest, TheIndexOfAliasesIsPutRightAtStart) {
  const keys::KeyRecord key = make_key(instance_, {"mine", "second"});
  const keys::KeyRecord other = make_key(instance_, {"theirs"});
  database_.reset();
  editor()
      ->run("UPDATE aliases SET key = x'" + to_hex(other.id.view()) +
            "' WHERE alias = 'mine'; DELETE FROM aliases WHERE alias = 'second'")
      .value();
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(database_->found_at_start().faults, 3U);
  EXPECT_EQ(loaded_.size(), 2U) << "the keys themselves are in use";
  EXPECT_EQ(check_now(), std::vector<Found>());
  keys::KeyChange taken;
  taken.put = {sample_key(instance_, {"mine"})};
  EXPECT_EQ(database_->commit(taken, sample_event("c")).error().reason, Reason::AliasNotUnique);
  expect_clean();
}

// A second check while one is under way is refused; both kinds of callers are told so.
TEST_F(SealedStoreTest, OneCheckAtATime) {
  for (int i = 0; i < 20; ++i) make_key(instance_);
  std::atomic<int> refused = 0;
  std::atomic<int> done = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        const auto checked = database_->check_records();
        if (checked) {
          EXPECT_EQ(checked->faults, 0U);
          ++done;
        } else {
          EXPECT_EQ(checked.error().reason, Reason::Conflict);
          ++refused;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(done, 0);
  EXPECT_EQ(done + refused, 40);
}

TEST_F(SealedStoreTest, ACheckBesideChangesRaisesNoFalseAlarm) {
  constexpr int kWriters = 4;
  constexpr int kChecks = 60;
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriters; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937 random(static_cast<std::uint32_t>(t));
      std::vector<keys::KeyRecord> mine;
      for (int i = 0; !stop; ++i) {
        keys::KeyChange change;
        const bool creates = mine.size() < 4 || random() % 3 == 0;
        if (creates) {
          change.put = {
              sample_key(instance_, {"a-" + std::to_string(t) + "-" + std::to_string(i)})};
          change.put_registrations = {sample_registration(change.put[0], i)};
        } else if (random() % 2 == 0) {
          change.put = {mine[random() % mine.size()]};
          change.put[0].name = std::to_string(i);
        } else {
          change.remove = {{instance_, mine.back().id}};
        }
        ASSERT_TRUE(commit(change));
        if (creates) {
          mine.push_back(change.put[0]);
          mine.back().revision = 1;
        } else if (!change.remove.empty()) {
          mine.pop_back();
        } else {
          for (keys::KeyRecord& each : mine) {
            if (each.id == change.put[0].id) ++each.revision;
          }
        }
      }
    });
  }
  std::uint64_t records = 0;
  for (int i = 0; i < kChecks; ++i) {
    const auto checked = database_->check_records();
    ASSERT_TRUE(checked) << checked.error().message;
    EXPECT_EQ(found_in(*checked), std::vector<Found>()) << "check " << i;
    EXPECT_TRUE(checked->differences.empty());
    records = checked->records;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(records, 0U);
  expect_clean();
}

// --- New seals after a rotation of the master key ---

TEST_F(SealedStoreTest, SealsAreMadeAnewAndForgedRecordsStayForged) {
  std::vector<keys::KeyRecord> keys;
  for (int i = 0; i < 600; ++i) keys.push_back(sample_key(instance_));
  keys::KeyChange change;
  change.put = keys;
  change.put_rings = {{instance_, "ring", {}, "me"}};
  change.put_registrations = {sample_registration(keys[0], 1)};
  ASSERT_TRUE(commit(change));
  instances::InstanceRecord record;
  record.id = instance_;
  ASSERT_TRUE(database_->commit_instance(record, sample_event("c")));
  make_key(new_instance());  // of another scope: not touched
  const std::string forged = "x'" + to_hex(keys[5].id.view()) + "'";
  editor()->run("UPDATE keys SET seal = randomblob(28) WHERE id = " + forged).value();
  const Found expected = expect_row(key_row(instance_, keys[5].id), RecordFault::Forged);

  ASSERT_TRUE(database_->renew_seals(instance_));
  EXPECT_EQ(table_->record_renewal(instance_)->epoch, 2U);
  EXPECT_EQ(table_->record_renewal(instance_)->older, 1U) << "the forged one has no new seal";
  EXPECT_EQ(check_now(), std::vector{expected});
  const auto epochs =
      editor()->value("SELECT count(*) FROM keys WHERE substr(seal, 1, 4) = x'00000002'");
  EXPECT_EQ(epochs.value(), "599");
  ASSERT_TRUE(database_->continue_renewal(instance_));  // nothing it can do
  EXPECT_EQ(check_now(), std::vector{expected});
}

TEST_F(SealedStoreTest, ARenewalThatACrashEndedGoesOn) {
  keys::KeyChange change;
  for (int i = 0; i < 700; ++i) change.put.push_back(sample_key(instance_));
  ASSERT_TRUE(commit(change));
  guard_.seals_left = 1;
  EXPECT_FALSE(database_->renew_seals(instance_));
  guard_.seals_left = -1;
  const std::uint64_t left = table_->record_renewal(instance_)->older;
  EXPECT_GT(left, 0U);
  EXPECT_LT(left, 700U);
  database_.reset();
  table_.restart();
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(found_in(database_->found_at_start()), std::vector<Found>());
  ASSERT_TRUE(database_->continue_renewal(instance_));
  EXPECT_EQ(table_->record_renewal(instance_)->older, 0U);
  EXPECT_EQ(table_.keys().scopes.at(instance_).size(), 1U) << "the older key is destroyed";
  expect_clean();
}

}  // namespace
}  // namespace keyhaven::store
