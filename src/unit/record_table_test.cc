// The rules of seals, groups, checks, renewals and acceptance, one by one.
#include <gtest/gtest.h>

#include "unit/record_store_for_tests.h"
#include "unit/record_table_for_tests.h"

namespace keyhaven::unit {
namespace {

const RecordScope kScope = scope_for_tests(1);
const RecordScope kDeployment{};

RecordChange put(std::uint32_t number, std::string_view content, RecordScope scope = kScope) {
  return {scope, name_for_tests(number), digest_for_tests(content)};
}
RecordChange removal(std::uint32_t number) { return {kScope, name_for_tests(number), {}}; }
PlaceForTests place(std::uint32_t number) { return {kScope, name_for_tests(number)}; }

class RecordTableTest : public testing::Test {
 protected:
  std::uint64_t begin(const std::vector<RecordChange>& changes) {
    const std::uint64_t group = next_group_++;
    auto seals = table_->seal_records(group, changes);
    EXPECT_TRUE(seals) << (seals ? "" : seals.error().message);
    seals_ = seals ? *seals : std::vector<RecordSeal>(changes.size());
    return group;
  }
  void write(const std::vector<RecordChange>& changes) {
    const std::uint64_t group = begin(changes);
    store_.apply(changes, seals_);
    EXPECT_TRUE(table_->settle_records(group, true));
  }
  RecordStoreForTests::Checked check() {
    auto checked = store_.check(*table_);
    EXPECT_TRUE(checked) << checked.error().message;
    return *checked;
  }
  RecordVerdict verdict_of(std::uint32_t number) { return check().verdicts.at(place(number)); }
  ScopeDifference difference() {
    const auto checked = check();
    for (const auto& each : checked.result.differences) {
      if (each.scope == kScope) return each;
    }
    return {};
  }

  RecordTableForTests table_;
  RecordStoreForTests store_;
  std::vector<RecordSeal> seals_;
  std::uint64_t next_group_ = 1;
};

TEST_F(RecordTableTest, WhatWasSealedLastIsAuthentic) {
  write({put(1, "a"), put(2, "b"), put(1, "of the deployment", kDeployment)});
  write({put(1, "a2"), removal(2), put(3, "c")});
  EXPECT_TRUE(check().is_clean());
  EXPECT_EQ(table_->record_status()->records, 3u);
  EXPECT_EQ(table_->record_status()->scopes, 2u);
  EXPECT_EQ(table_->record_status()->last_group, 2u);
}

TEST_F(RecordTableTest, EditsSwapsAndForeignSealsAreForged) {
  write({put(1, "a"), put(2, "b"), put(1, "a", kDeployment)});
  const RecordStoreForTests good = store_;
  const auto expect_forged = [&](const char* what) {
    EXPECT_EQ(verdict_of(1), RecordVerdict::Forged) << what;
    EXPECT_EQ(difference().forged, 1u) << what;
    store_ = good;
  };
  const auto row = [&]() -> RecordStoreForTests::Row& { return store_.rows[place(1)]; };
  row().digest = digest_for_tests("edited");
  expect_forged("edited");
  row().seal.reset();
  expect_forged("no seal");
  row().seal->tag[15] ^= 1;
  expect_forged("tag");
  ++row().seal->sequence;
  expect_forged("sequence");
  ++row().seal->epoch;
  expect_forged("epoch");
  row().seal->sequence |= std::uint64_t{1} << 48;
  expect_forged("a sequence out of bounds");
  row().seal->epoch = 0;
  expect_forged("no epoch");
  row() = good.rows.at(place(2));
  expect_forged("another record");
  row().seal = good.rows.at({kDeployment, name_for_tests(1)}).seal;
  expect_forged("another scope's seal");
  EXPECT_TRUE(check().is_clean());
}

TEST_F(RecordTableTest, PutBackTakenAwayAndBroughtBackAreNamed) {
  write({put(1, "a"), put(2, "b"), put(3, "c")});
  const RecordStoreForTests old = store_;
  write({put(1, "a2"), removal(2)});
  store_.rows[place(1)] = old.rows.at(place(1));
  store_.rows[place(2)] = old.rows.at(place(2));
  store_.rows.erase(place(3));
  const auto checked = check();
  EXPECT_EQ(checked.verdicts.at(place(1)), RecordVerdict::Old);
  EXPECT_EQ(checked.verdicts.at(place(2)), RecordVerdict::Returned);
  ASSERT_EQ(checked.result.missing.size(), 1u);
  EXPECT_EQ(checked.result.missing[0].name, name_for_tests(3));
  ASSERT_EQ(checked.result.differences.size(), 1u);
  const ScopeDifference& counts = checked.result.differences[0];
  EXPECT_EQ(counts.old, 1u);
  EXPECT_EQ(counts.returned, 1u);
  EXPECT_EQ(counts.missing, 1u);
  EXPECT_EQ(counts.forged + counts.newer, 0u);
}

TEST_F(RecordTableTest, BothStatesOfAWaitingGroupAreGoodAndTheCheckSettlesIt) {
  write({put(1, "a"), put(2, "b")});
  for (const bool committed : {false, true}) {
    const std::vector<RecordChange> changes{put(1, committed ? "x" : "y"), removal(2), put(3, "c")};
    begin(changes);
    const RecordStoreForTests old = store_;
    if (committed) store_.apply(changes, seals_);
    table_.restart();  // nobody settles
    EXPECT_TRUE(table_->record_status()->unsettled_group.has_value());
    EXPECT_TRUE(check().is_clean());
    EXPECT_FALSE(table_->record_status()->unsettled_group.has_value());
    table_.restart();
    EXPECT_TRUE(check().is_clean());
    if (!committed) continue;
    store_ = old;  // the old state of what turned out committed
    EXPECT_EQ(difference().old, 1u);
    EXPECT_EQ(difference().returned, 1u);
    EXPECT_EQ(difference().missing, 1u);
  }
}

TEST_F(RecordTableTest, AGroupHalfPutBackCountsAsCommitted) {
  write({put(1, "a"), put(2, "b"), put(4, "d")});
  const std::vector<RecordChange> changes{put(1, "a2"), removal(2), put(3, "c"), removal(4)};
  begin(changes);
  const RecordStoreForTests old = store_;
  store_.apply(changes, seals_);
  store_.rows[place(1)] = old.rows.at(place(1));
  store_.rows[place(2)] = old.rows.at(place(2));
  const ScopeDifference counts = difference();
  EXPECT_EQ(counts.old, 1u);
  EXPECT_EQ(counts.returned, 1u);
  EXPECT_EQ(counts.missing, 0u);
  EXPECT_EQ(verdict_of(1), RecordVerdict::Old);
  EXPECT_EQ(verdict_of(3), RecordVerdict::Authentic);
}

TEST_F(RecordTableTest, WhatIsStoredDuringACheckIsNotJudged) {
  write({put(1, "a"), put(2, "b"), put(3, "c")});
  const RecordStoreForTests snapshot = store_;
  const std::uint64_t check = *table_->begin_record_check();
  write({put(1, "a2"), removal(2), put(4, "d")});
  const auto checked = snapshot.check_from(*table_, check);
  ASSERT_TRUE(checked);
  EXPECT_TRUE(checked->is_clean());
  EXPECT_TRUE(this->check().is_clean());
}

TEST_F(RecordTableTest, AGroupThatWaitsAcrossAnEndedCheckIsLeftAlone) {
  write({put(1, "a")});
  const std::uint64_t check = *table_->begin_record_check();
  const std::vector<RecordChange> changes{put(1, "a2"), put(2, "b")};
  const std::uint64_t group = begin(changes);
  EXPECT_TRUE(store_.check_from(*table_, check)->is_clean());
  EXPECT_EQ(table_->record_status()->unsettled_group, group);
  store_.apply(changes, seals_);
  EXPECT_TRUE(table_->settle_records(group, true));
  EXPECT_TRUE(this->check().is_clean());
}

TEST_F(RecordTableTest, GroupsAreOneAtATimeAndANameOccursOnce) {
  const std::uint64_t group = begin({put(1, "a")});
  EXPECT_EQ(table_->seal_records(group + 1, {put(2, "b")}).error().reason, Reason::Conflict);
  EXPECT_EQ(table_->seal_records(group, {put(1, "b")}).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(table_->seal_records(group, {put(2, "b"), removal(2)}).error().reason,
            Reason::InvalidArgument);
  EXPECT_EQ(table_->seal_records(0, {}).error().reason, Reason::InvalidArgument);
  const std::vector<RecordChange> many(kMaxRecordsPerCall + 1, put(7, "x"));
  EXPECT_EQ(table_->seal_records(group, many).error().reason, Reason::InvalidArgument);
  EXPECT_TRUE(table_->seal_records(group, {put(2, "b")}));  // the same group goes on
  EXPECT_TRUE(table_->settle_records(group + 1, true));     // not waiting: nothing to do
  EXPECT_EQ(table_->record_status()->unsettled_group, group);
}

TEST_F(RecordTableTest, SequencesAreNeverGivenTwice) {
  table_.set_units({kScope});  // else an empty scope is given up, and its next key is another one
  std::uint64_t last = 0;
  const auto next = [&](bool committed) {
    const std::uint64_t group = begin({put(1, "a")});
    EXPECT_GT(seals_[0].sequence, last);
    last = seals_[0].sequence;
    EXPECT_TRUE(table_->settle_records(group, committed));
  };
  next(true);
  next(false);
  table_.restart();
  next(true);
  write({removal(1)});
  table_.set_most_entries(0);  // compacts at each change
  next(false);
  write({removal(1)});
  table_.restart();
  next(true);
}

TEST_F(RecordTableTest, AnErrorOfASinkLeavesEverythingAsItWas) {
  table_.fail(1);
  EXPECT_EQ(table_->seal_records(1, {put(1, "a")}).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(table_->record_status()->scopes, 0u);
  write({put(1, "a")});
  table_.fail(1);
  EXPECT_EQ(table_->seal_records(50, {put(2, "b")}).error().reason, Reason::StoreUnavailable);
  EXPECT_FALSE(table_->record_status()->unsettled_group.has_value());
  const std::uint64_t group = begin({put(2, "b")});
  table_.fail(1);
  EXPECT_FALSE(table_->settle_records(group, false));
  EXPECT_EQ(table_->record_status()->unsettled_group, group);
  EXPECT_TRUE(table_->settle_records(group, false));
  table_.fail(1);
  EXPECT_FALSE(table_->begin_guarding());
  EXPECT_FALSE(table_->record_status()->guarding);
  EXPECT_TRUE(check().is_clean());
}

TEST_F(RecordTableTest, GuardingIsRemembered) {
  EXPECT_FALSE(table_->record_status()->guarding);
  EXPECT_TRUE(table_->begin_guarding());
  table_.restart(true);
  EXPECT_TRUE(table_->record_status()->guarding);
}

TEST_F(RecordTableTest, APowerFailureForgetsTheSettlingAtMost) {
  write({put(1, "a")});
  write({put(1, "b")});
  table_.restart(true);
  EXPECT_EQ(table_->record_status()->unsettled_group, 2u);
  EXPECT_TRUE(check().is_clean());
}

TEST_F(RecordTableTest, OnlyACheckUnderWayGoesOn) {
  const std::uint64_t first = *table_->begin_record_check();
  const std::uint64_t second = *table_->begin_record_check();
  EXPECT_EQ(table_->check_records(first, {}).error().reason, Reason::Conflict);
  EXPECT_EQ(table_->end_record_check(first).error().reason, Reason::Conflict);
  EXPECT_TRUE(table_->end_record_check(second));
  EXPECT_EQ(table_->end_record_check(second).error().reason, Reason::Conflict);
  const std::vector<StoredRecord> many(kMaxRecordsPerCall + 1);
  EXPECT_EQ(table_->check_records(second, many).error().reason, Reason::InvalidArgument);
}

TEST_F(RecordTableTest, ManyChecksDoNotTakeOneForAnother) {
  write({put(1, "a"), put(2, "b")});
  EXPECT_TRUE(check().is_clean());
  store_.rows.erase(place(2));
  for (int i = 0; i < 520; ++i) ASSERT_EQ(check().result.missing.size(), 1u) << i;
}

TEST_F(RecordTableTest, RenewalMakesSealsAnewAndThenDestroysTheOldKeys) {
  write({put(1, "a"), put(2, "b"), put(1, "a", kDeployment)});
  const RecordStoreForTests old = store_;
  EXPECT_EQ(*table_->renew_record_key(kScope), 2u);
  EXPECT_EQ(table_->record_renewal(kScope)->epoch, 2u);
  EXPECT_TRUE(check().is_clean());
  write({put(1, "a")});
  EXPECT_EQ(table_->record_renewal(kScope)->older, 1u);
  table_.restart();
  EXPECT_EQ(table_->record_renewal(kScope)->older, 1u);
  EXPECT_EQ(table_.keys().scopes.at(kScope).size(), 2u);
  write({put(2, "b")});
  EXPECT_EQ(table_->record_renewal(kScope)->older, 0u);
  ASSERT_EQ(table_.keys().scopes.at(kScope).size(), 1u);
  EXPECT_EQ(table_.keys().scopes.at(kScope)[0].epoch, 2u);
  table_.restart(true);  // what made the old seals obsolete is durable before their key goes
  EXPECT_EQ(table_->record_renewal(kScope)->older, 0u);
  EXPECT_TRUE(check().is_clean());
  store_ = old;
  EXPECT_EQ(verdict_of(1), RecordVerdict::Forged);  // nobody can tell any more
}

TEST_F(RecordTableTest, RenewalsEndWhenTooManyKeysAreNeeded) {
  write({put(1, "a")});
  for (std::size_t i = 1; i < kMaxRecordEpochs; ++i) EXPECT_TRUE(table_->renew_record_key(kScope));
  EXPECT_EQ(table_->renew_record_key(kScope).error().reason, Reason::Conflict);
  write({put(1, "a")});
  EXPECT_TRUE(table_->renew_record_key(kScope));
}

TEST_F(RecordTableTest, AnEmptyScopeIsGivenUpWithItsInstance) {
  table_.set_units({kScope});
  write({put(1, "a")});
  write({removal(1)});
  EXPECT_EQ(table_->record_status()->scopes, 1u);  // the instance has units
  table_.set_units({});
  table_->prune(kScope);
  EXPECT_EQ(table_->record_status()->scopes, 0u);
  table_.restart();
  write({put(2, "b")});
  EXPECT_TRUE(check().is_clean());
  table_->prune(kScope);
  EXPECT_EQ(table_->record_status()->scopes, 1u);  // it has records
  write({removal(2)});
  EXPECT_EQ(table_->record_status()->scopes, 0u);
  EXPECT_TRUE(table_.keys().scopes.empty());
}

TEST_F(RecordTableTest, TooManyScopesAreRefused) {
  table_->prune(kScope);
  for (std::uint32_t i = 0; i < kMaxRecordScopes; ++i) {
    RecordScope scope;
    scope.uuid.bytes = name_for_tests(i).id;
    write({put(1, "a", scope)});
  }
  RecordScope scope;
  scope.uuid.bytes[0] = 1;
  EXPECT_EQ(table_->seal_records(next_group_, {put(1, "a", scope)}).error().reason,
            Reason::InstanceLimit);
  EXPECT_TRUE(check().is_clean());
}

// --- Acceptance ---

TEST_F(RecordTableTest, AnOlderStoreIsAcceptedByTheNameOfItsDifference) {
  write({put(1, "a"), put(2, "b"), put(3, "c")});
  const RecordStoreForTests old = store_;
  write({put(1, "a2"), removal(2), put(4, "d")});
  store_ = old;
  EXPECT_FALSE(table_->difference_of(kScope).has_value());
  const Digest found = difference().difference;
  EXPECT_EQ(table_->difference_of(kScope), found);
  Digest other = found;
  other[0] ^= 1;
  EXPECT_EQ(table_->accept_records(kScope, other).error().reason, Reason::Conflict);
  EXPECT_EQ(table_->accept_records(kDeployment, found).error().reason, Reason::Conflict);
  table_.fail(1);
  EXPECT_EQ(table_->accept_records(kScope, found).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(difference().difference, found);
  EXPECT_TRUE(table_->accept_records(kScope, found));
  EXPECT_EQ(table_->accept_records(kScope, found).error().reason, Reason::Conflict);  // once
  EXPECT_TRUE(check().is_clean());
  table_.restart(true);
  EXPECT_TRUE(check().is_clean());
  EXPECT_EQ(table_->record_status()->records, 3u);
}

TEST_F(RecordTableTest, ForgedRecordsAreNeverAccepted) {
  write({put(1, "a"), put(2, "b")});
  store_.rows[place(1)].digest = digest_for_tests("edited");
  const Digest found = difference().difference;
  EXPECT_EQ(difference().missing, 1u);  // what should be in its place
  EXPECT_TRUE(table_->accept_records(kScope, found));
  EXPECT_EQ(verdict_of(1), RecordVerdict::Forged);
  EXPECT_EQ(difference().missing, 0u);
  EXPECT_FALSE(table_->difference_of(kScope).has_value());
}

TEST_F(RecordTableTest, WhatChangedAfterTheCheckIsKept) {
  write({put(1, "a"), put(2, "b"), put(3, "c")});
  const RecordStoreForTests old = store_;
  write({put(1, "a2"), put(2, "b2"), removal(3)});
  store_ = old;
  const Digest found = difference().difference;
  write({put(1, "a3"), removal(2), put(3, "c3")});
  EXPECT_TRUE(table_->accept_records(kScope, found));
  EXPECT_TRUE(check().is_clean());
}

TEST_F(RecordTableTest, AcceptanceWaitsForTheGroupAndEndsACheck) {
  write({put(1, "a")});
  store_.rows.clear();
  const Digest found = difference().difference;
  const std::uint64_t group = begin({put(2, "b")});
  EXPECT_EQ(table_->accept_records(kScope, found).error().reason, Reason::Conflict);
  EXPECT_TRUE(table_->settle_records(group, false));
  const std::uint64_t check = *table_->begin_record_check();
  EXPECT_TRUE(table_->accept_records(kScope, found));
  EXPECT_EQ(table_->end_record_check(check).error().reason, Reason::Conflict);
  EXPECT_TRUE(this->check().is_clean());
}

TEST_F(RecordTableTest, AUnitsStatePutBackShowsNewerRecordsAndNeverSealsTheirNumbersAgain) {
  write({put(1, "a"), put(2, "b")});
  const auto copy = table_.copy();
  write({put(1, "a2"), put(3, "c")});
  const std::uint64_t highest = seals_[1].sequence;
  table_.put_back(copy);
  const auto checked = check();
  EXPECT_EQ(checked.verdicts.at(place(1)), RecordVerdict::Newer);
  EXPECT_EQ(checked.verdicts.at(place(3)), RecordVerdict::Newer);
  const Digest found = checked.result.differences.at(0).difference;
  EXPECT_TRUE(table_->accept_records(kScope, found));
  EXPECT_TRUE(check().is_clean());
  begin({put(2, "b2")});
  EXPECT_GT(seals_[0].sequence, highest);
  EXPECT_EQ(seals_[0].epoch, 2u);
}

TEST_F(RecordTableTest, AfterALostJournalEverythingHasReturnedAndCanBeAccepted) {
  write({put(1, "a"), put(2, "b")});
  const RecordStoreForTests older = store_;
  write({put(1, "a2")});
  table_.lose_journal();
  const auto checked = check();
  EXPECT_EQ(checked.result.differences.at(0).returned, 2u);
  EXPECT_TRUE(table_->accept_records(kScope, checked.result.differences[0].difference));
  EXPECT_TRUE(check().is_clean());
  write({put(2, "b2")});
  EXPECT_GT(seals_[0].sequence, std::uint64_t{1} << 40);
  store_.rows[place(1)] = older.rows.at(place(1));
  EXPECT_EQ(verdict_of(1), RecordVerdict::Old);
}

TEST_F(RecordTableTest, TheDeploymentIsAcceptedAtTheFirstCheckAfterAStartOnly) {
  write({put(1, "a", kDeployment)});
  store_.rows.clear();
  const auto before = check();
  const Digest found = before.result.differences.at(0).difference;
  EXPECT_FALSE(before.result.differences[0].accepted);
  table_.restart();
  std::vector<std::string> told;
  const auto tell = [&](const std::string& line) { told.push_back(line); };
  table_->accept_at_first_check(found, tell);
  EXPECT_TRUE(table_->record_status()->accepts_next);
  const auto first = check();
  EXPECT_TRUE(first.result.differences.at(0).accepted);
  EXPECT_EQ(told.size(), 1u);
  EXPECT_FALSE(table_->record_status()->accepts_next);
  EXPECT_TRUE(check().is_clean());

  write({put(1, "a", kDeployment)});
  table_.restart();
  table_->accept_at_first_check(found, tell);
  EXPECT_TRUE(check().is_clean());  // another state: nothing to accept
  ASSERT_EQ(told.size(), 2u);
  EXPECT_NE(told[1].find("not accepted"), std::string::npos);
  store_.rows.clear();
  EXPECT_FALSE(check().result.differences.at(0).accepted);  // the option is used up
}

TEST_F(RecordTableTest, JournalOrKeysPutBackAloneFromBeforeAStartAreTold) {
  write({put(1, "a")});
  const auto first = table_.copy();
  EXPECT_TRUE(table_->begin_run());
  EXPECT_TRUE(table_->check_run());
  table_.restart();
  EXPECT_TRUE(table_->check_run());
  EXPECT_TRUE(table_->begin_run());
  EXPECT_EQ(table_.keys().run, 2u);
  const auto second = table_.copy();
  table_.put_back({first.entries, second.keys.clone()});
  EXPECT_EQ(table_->check_run().error().reason, Reason::Conflict);
  table_.put_back({second.entries, first.keys.clone()});
  EXPECT_EQ(*table_->check_run(), RecordTable::Run::KeysAreOlder);
  EXPECT_TRUE(table_->begin_run());  // where somebody has accepted the older keys
  EXPECT_EQ(*table_->check_run(), RecordTable::Run::Newest);
  table_.restart();
  EXPECT_EQ(*table_->check_run(), RecordTable::Run::Newest);
  table_.put_back(second);
  EXPECT_TRUE(table_->check_run());
}

TEST_F(RecordTableTest, ASnapshotThatIsCutShortIsTold) {
  write({put(1, "a"), put(2, "b")});
  table_.set_most_entries(0);
  write({put(1, "a2")});  // compacts, with the group still waiting
  const auto whole = table_.copy();
  EXPECT_TRUE(table_->check_run());
  for (std::size_t cut = 1; cut + 1 < whole.entries.size(); ++cut) {
    const auto first = whole.entries.begin();
    table_.put_back({{first, first + static_cast<std::ptrdiff_t>(cut)}, whole.keys.clone()});
    EXPECT_EQ(table_->check_run().error().reason, Reason::InvalidArgument) << cut;
  }
}

TEST_F(RecordTableTest, AStartThatCannotNoteItsNumberIsNoFalseAlarm) {
  table_.fail(1);  // the journal
  EXPECT_FALSE(table_->begin_run());
  table_.restart();
  EXPECT_TRUE(table_->check_run());
  for (int i = 0; i < 3; ++i) {
    table_.fail_keys(1);
    EXPECT_FALSE(table_->begin_run());
    table_.restart();
    EXPECT_TRUE(table_->check_run()) << i;
  }
}

}  // namespace
}  // namespace keyhaven::unit
