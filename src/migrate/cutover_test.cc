#include "migrate/cutover.h"

#include "migrate/kill_for_tests.h"
#include "migrate/reversible.h"
#include "migrate/status.h"
#include "migrate/verify_keys.h"

namespace keyhaven::migrate {
namespace {

using testing::FakeKey;
using testing::FakeService;
using testing::Migration;
using testing::Notes;

constexpr std::string_view kVerified =
    R"({"deks":0,"deks_equal":0,"deks_different":0,"deks_unverifiable":0,"deks_not_sampled":0,)"
    R"("standard_keys":1,"standard_equal":1,"keys_compared":4,"metadata_differences":0,)"
    R"("keys_missing":0,"still_enabled":0})";

// A migration that is applied, with something for each act of cutover.
class Cutover : public ::testing::Test {
 protected:
  Cutover() {
    for (PlannedKey& key : migration.plan.keys) {
      if (key.source != migration.generated) continue;
      key.hold_aliases = true;
      key.policies.dual_auth_delete = true;
    }
    migration.plan.instance_policies = {{"allowedNetwork", true, "private-only", {}, {}, {}},
                                        {"metrics", true, {}, {}, {}, {}}};
    const auto applied = apply(migration.plan, migration.source.side(), migration.target.side(),
                               *journal_, migration.owner_material(), {.jobs = 1}, notes);
    EXPECT_TRUE(applied && applied->failed == 0) << notes.text();
    notes.lines.clear();
  }
  Result<CutoverResult> cut(const CutoverOptions& options) {
    return cutover(migration.plan, migration.source.side(), migration.target.side(), *journal_,
                   options, notes);
  }
  Result<UndoResult> undo() {
    return undo_cutover(migration.plan, migration.source.side(), migration.target.side(), *journal_,
                        1, notes);
  }
  void expect_switched() {
    EXPECT_EQ(migration.target.key("payroll").aliases,
              (std::vector<std::string>{"payroll", "wages"}));
    EXPECT_TRUE(migration.target.key("payroll").policies.dual_auth_delete.value_or(false));
    for (const FakeKey& key : migration.source.keys()) {
      if (key.state == client::kDestroyed || !key.root) continue;
      EXPECT_EQ(key.state, client::kSuspended) << key.name;
      EXPECT_EQ(key.intent.empty(), key.name == "resting") << key.name;
    }
    EXPECT_EQ(migration.target.instance_policies().size(), 2U);
  }
  void expect_back() {
    for (const FakeKey& key : migration.source.keys()) {
      if (key.state == client::kDestroyed) continue;
      EXPECT_EQ(key.state, key.name == "resting" ? client::kSuspended : client::kActive)
          << key.name;
      EXPECT_TRUE(key.intent.empty()) << key.name;
    }
    for (const FakeKey& key : migration.target.keys()) {
      if (key.name == "payroll") {
        EXPECT_TRUE(key.aliases.empty());
      }
    }
  }

  Notes notes;
  Migration migration;
  std::unique_ptr<Journal> journal_ = migration.journal();
  CutoverOptions everything{.jobs = 2, .intents = true, .disable_source = true, .unverified = true};
};

TEST_F(Cutover, SwitchesAndGoesBack) {
  const auto result = cut(everything);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_TRUE(result->is_complete()) << notes.text();
  EXPECT_EQ(result->done, 4U);
  EXPECT_EQ(result->disabled, 3U);
  EXPECT_EQ(result->intents, 2U);
  EXPECT_EQ(result->policies, 2U);
  expect_switched();
  const auto requests = migration.source.log().size();
  ASSERT_TRUE(cut(everything));  // again: nothing is left to be done
  for (std::size_t i = requests; i < migration.source.log().size(); ++i)
    EXPECT_TRUE(migration.source.log()[i].starts_with("GET ")) << migration.source.log()[i];

  const auto undone = undo();
  ASSERT_TRUE(undone);
  EXPECT_EQ(undone->failed, 0U) << notes.text();
  EXPECT_EQ(undone->enabled, 2U) << "one was disabled before";
  EXPECT_EQ(undone->intents, 2U);
  EXPECT_EQ(undone->aliases, 2U);
  EXPECT_EQ(undone->kept, 3U);
  expect_back();
  ASSERT_TRUE(undo());
  expect_back();
  ASSERT_TRUE(cut(everything));
  expect_switched();
  for (const std::string& line : migration.source.log())
    EXPECT_FALSE(line.starts_with("DELETE ") && !line.ends_with("/migrationIntent")) << line;
}

TEST_F(Cutover, NetworkPoliciesComeLast) {
  ASSERT_TRUE(cut({.jobs = 1}));
  std::vector<std::string> puts;
  const auto steps = journal_->steps();
  ASSERT_TRUE(steps);
  for (const JournalStep& step : *steps) {
    if (step.key == "instance") puts.push_back(step.step);
  }
  EXPECT_EQ(puts, (std::vector<std::string>{"policy:metrics", "policy:allowedNetwork"}));
}

TEST_F(Cutover, PoliciesWaitUntilEveryKeyIsThrough) {
  PlannedKey late;
  late.source = "not-carried";
  late.name = "late";
  migration.plan.keys.push_back(late);
  const auto result = cut({.jobs = 1});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->not_carried, 1U);
  EXPECT_EQ(result->policies, 0U);
  EXPECT_TRUE(migration.target.instance_policies().empty());
}

TEST_F(Cutover, TheSourceIsDisabledOnlyAfterAProof) {
  everything.unverified = false;
  EXPECT_EQ(cut(everything).error().reason, Reason::Conflict);
  ASSERT_TRUE(journal_->record_run("verify", R"({"deks":1,"deks_different":1})", Timestamp{1}));
  EXPECT_EQ(cut(everything).error().reason, Reason::Conflict);
  for (const std::string& line : migration.source.log()) EXPECT_TRUE(line.starts_with("GET "));
  ASSERT_TRUE(journal_->record_run("verify", kVerified, Timestamp{2}));
  EXPECT_TRUE(cut(everything));
}

TEST_F(Cutover, AProofCoversEveryDekOfThePlan) {
  EXPECT_TRUE(proves_all(migration.plan, kVerified));
  migration.plan.keys[0].deks = 1;
  EXPECT_FALSE(proves_all(migration.plan, kVerified));
  for (const char* nonsense : {"", "x", "[]", "{}", R"({"deks":"many"})"})
    EXPECT_FALSE(proves_all(migration.plan, nonsense)) << nonsense;
}

TEST_F(Cutover, KeysWithRegisteredServicesStayEnabled) {
  migration.source.change(migration.generated, [](FakeKey& key) {
    key.registrations = {{"", "crn:v1:a:b:c:d:e:f:g/1", "", false}};
  });
  const auto result = cut(everything);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->held_back, 1U);
  EXPECT_EQ(migration.source.key(migration.generated).state, client::kActive);
  EXPECT_NE(notes.text().find("1 service(s) are still registered"), std::string::npos);
  migration.source.change(migration.generated, [](FakeKey& key) { key.registrations.clear(); });
  ASSERT_TRUE(cut(everything));
  expect_switched();
}

TEST_F(Cutover, AForeignIntentOrAliasFailsItsKeyOnly) {
  migration.source.change(migration.imported, [](FakeKey& key) { key.intent = "crn:elsewhere"; });
  migration.target.add({.name = "foreign", .aliases = {"wages"}});
  const auto result = cut(everything);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 2U);
  EXPECT_NE(notes.text().find("crn:elsewhere"), std::string::npos) << notes.text();
  const auto undone = undo();
  ASSERT_TRUE(undone);
  EXPECT_EQ(migration.source.key(migration.imported).intent, "crn:elsewhere");
}

TEST_F(Cutover, ASourceWithoutIntentsIsSaidNotFailed) {
  migration.source.refuse(
      [](std::string_view, std::string_view path) { return path.ends_with("/migrationIntent"); },
      404, "PATH_NOT_FOUND_ERR");
  const auto result = cut(everything);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(result->no_intents, 2U);
}

class LostCutoverAnswer : public Cutover,
                          public ::testing::WithParamInterface<FakeService::Trouble> {};

TEST_P(LostCutoverAnswer, LeavesTheSameStateAndOnlyItsOwnIsTakenBack) {
  for (unsigned at = 1; at <= 16; ++at) {
    SCOPED_TRACE("the answer of request " + std::to_string(at) + " was lost");
    migration.source.trouble_at(at, GetParam());
    for (int again = 0; again < 3; ++again) {
      const auto result = cut(everything);
      if (result && result->is_complete()) break;
    }
    expect_switched();
    migration.source.trouble_at(at, GetParam());
    for (int again = 0; again < 3; ++again) {
      const auto result = undo();
      if (result && result->failed == 0) break;
    }
    expect_back();
    if (::testing::Test::HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Troubles, LostCutoverAnswer,
                         ::testing::Values(FakeService::Trouble::Cut,
                                           FakeService::Trouble::Status503));

TEST_F(Cutover, SurvivesAKillAtEveryJournalWriteOnTheWayThereAndBack) {
  testing::ChildProcess::prepare(migration);
  journal_.reset();  // the child's now
  int kills = 0;
  for (int at = 1, killed = 1; killed > 0; ++at) {
    SCOPED_TRACE("killed at journal write point " + std::to_string(at));
    killed = 0;
    for (const char* verb : {"cutover", "undo"}) {
      const int status = testing::ChildProcess::run(migration, verb, at);
      ASSERT_TRUE(status == 0 || status == testing::kKilled) << status;
      killed += status == testing::kKilled;
      ASSERT_EQ(testing::ChildProcess::run(migration, verb, 0), 0);
      if (*verb == 'c') {
        expect_switched();
      } else {
        expect_back();
      }
      if (::testing::Test::HasFailure()) return;
    }
    kills += killed;
  }
  EXPECT_GT(kills, 40);
}

TEST_F(Cutover, MappingNamesBothSides) {
  const auto pairs = mapping(migration.plan, migration.target.side(), *journal_);
  ASSERT_TRUE(pairs);
  ASSERT_EQ(pairs->size(), 4U);
  const std::string csv = mapping_csv(*pairs);
  EXPECT_TRUE(csv.starts_with("source_id,source_crn,target_id,target_crn,name\n")) << csv;
  EXPECT_NE(csv.find(migration.imported + ",crn:v1:test:source-instance:key:"), std::string::npos);
  EXPECT_NE(csv.find("crn:v1:test:target-instance:key:"), std::string::npos);
  EXPECT_TRUE(pairs_csv(*pairs).starts_with("crn:v1:test:source-instance:key:"));
}

TEST_F(Cutover, StatusAndVerifyKnowWhatIsLeftToIt) {
  const auto look = [&] {
    VerifyResult result;
    EXPECT_TRUE(verify_keys(migration.plan, migration.source.side(), migration.target.side(), 2,
                            *journal_, result, notes));
    EXPECT_EQ(result.metadata_differences, 0U) << notes.text();
    EXPECT_EQ(result.keys_compared, 4U);
    return totals_of(*status_of(migration.plan, journal_.get()));
  };
  EXPECT_EQ(look()[KeyStage::Verified], 4U);
  EXPECT_NE(notes.text().find("1 key(s) get aliases or dual authorization at cutover"),
            std::string::npos)
      << notes.text();
  ASSERT_TRUE(cut({.jobs = 1}));
  notes.lines.clear();
  EXPECT_EQ(look()[KeyStage::Verified], 4U);
  EXPECT_EQ(notes.text().find("at cutover"), std::string::npos) << notes.text();
  migration.target.set_instance_policy("metrics", {{"enabled", false}});
  VerifyResult result;
  ASSERT_TRUE(verify_keys(migration.plan, migration.source.side(), migration.target.side(), 1,
                          *journal_, result, notes));
  EXPECT_EQ(result.metadata_differences, 1U);
}

TEST_F(Cutover, LiveStatusCountsServicesOnBothSides) {
  migration.source.change(migration.generated, [](FakeKey& key) {
    key.registrations = {{"", "crn:a", "", false}, {"", "crn:b", "", false}};
  });
  auto keys = status_of(migration.plan, journal_.get());
  ASSERT_TRUE(keys);
  ASSERT_TRUE(add_registrations(*keys, migration.source.side(), migration.target.side()));
  for (const KeyStatus& one : *keys) {
    if (one.key->source != migration.generated) continue;
    EXPECT_EQ(one.source_registrations, 2U);
    EXPECT_EQ(one.target_registrations, 0U);
  }
}

// --- The rules of an act that can be taken back, for every place where the tool may die ---

TEST(Reversible, WhateverDiesOnlyItsOwnIsTakenBack) {
  // The act is set before or not; the first run dies after so many durable writes or acts.
  for (const bool was_set : {false, true}) {
    for (int dies_after = 0; dies_after <= 6; ++dies_after) {
      SCOPED_TRACE(::testing::Message() << was_set << " dies after " << dies_after);
      testing::TemporaryDirectory directory;
      const auto journal = Journal::open(directory / "j", {"p", "s", "t"});
      ASSERT_TRUE(journal);
      bool is_set = was_set;
      int left = dies_after;
      const Error dead{Reason::Io, "dead", {}};
      const ReversibleAct dying{"k", "s", [&]() -> Result<bool> { return is_set; },
                                [&]() -> Result<void> {
                                  if (left-- <= 0) return dead;
                                  is_set = true;
                                  return left-- <= 0 ? Result<void>(dead) : Result<void>();
                                },
                                [&]() -> Result<void> {
                                  if (left-- <= 0) return dead;
                                  is_set = false;
                                  return left-- <= 0 ? Result<void>(dead) : Result<void>();
                                }};
      static_cast<void>(do_once(**journal, dying));
      static_cast<void>(undo_once(**journal, dying));
      left = 1000;
      ASSERT_TRUE(do_once(**journal, dying));
      EXPECT_TRUE(is_set);
      ASSERT_TRUE(undo_once(**journal, dying));
      EXPECT_EQ(is_set, was_set);
      ASSERT_TRUE(undo_once(**journal, dying));
      EXPECT_EQ(is_set, was_set);
    }
  }
}

}  // namespace
}  // namespace keyhaven::migrate
