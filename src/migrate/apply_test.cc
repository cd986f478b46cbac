#include "migrate/apply.h"

#include "migrate/kill_for_tests.h"
#include "migrate/progress.h"

namespace keyhaven::migrate {
namespace {

using testing::ChildProcess;
using testing::FakeKey;
using testing::FakeService;
using testing::kKilled;
using testing::Migration;
using testing::Notes;

Result<ApplyResult> apply_all(Migration& migration, Notes& notes,
                              const ApplyOptions& options = {.jobs = 1}) {
  const auto journal = migration.journal();
  return apply(migration.plan, migration.source.side(), migration.target.side(), *journal,
               migration.owner_material(), options, notes);
}

// What a plan says beyond the key itself.
void enrich(Migration& migration) {
  for (PlannedKey& key : migration.plan.keys) {
    if (key.source != migration.generated) continue;
    key.policies.rotation = client::RotationPolicy{true, 3};
    key.policies.dual_auth_delete = true;
    key.registrations = {{"", "crn:v1:a:b:c:d:e:f:g/1", "database", true},
                         {"", "crn:v1:a:b:c:d:e:f:g/2", "", false}};
  }
}

TEST(Apply, CarriesEveryKindOfKey) {
  Migration migration;
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(result->carried, 4U);
  EXPECT_EQ(result->reported, 1U);
  EXPECT_EQ(result->blocked, 0U);
  migration.expect_all_carried();
  for (const std::string& line : migration.source.log())
    EXPECT_TRUE(line.starts_with("GET ")) << line;
}

TEST(Apply, DoesNothingTheSecondTime) {
  Migration migration;
  Notes notes;
  ASSERT_TRUE(apply_all(migration, notes));
  const auto before = migration.target.log().size();
  const auto again = apply_all(migration, notes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->carried, 4U);
  EXPECT_EQ(migration.target.log().size(), before);
  migration.expect_all_carried();
}

TEST(Apply, WorksOnManyKeysAtATime) {
  Migration migration;
  Notes notes;
  const auto result = apply_all(migration, notes, {.jobs = 8});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  migration.expect_all_carried();
}

TEST(Apply, ResumesAfterAKillAtEveryJournalWrite) {
  Migration migration;
  ChildProcess::prepare(migration);
  int kills = 0;
  while (true) {
    SCOPED_TRACE("killed at journal write point " + std::to_string(kills + 1));
    migration.target.reset();
    migration.forget_journal();
    const int status = ChildProcess::run(migration, "apply", kills + 1);
    if (status == 0) break;
    ASSERT_EQ(status, kKilled);
    ++kills;
    ASSERT_EQ(ChildProcess::run(migration, "apply", 0), 0);
    migration.expect_all_carried();
    if (::testing::Test::HasFailure()) return;
  }
  // Ring; create (with the aliases), release of 4 keys; 2 versions; 1 disable: intent and result of
  // each, before and after; of 3 keys the result of create and the intent of release are one write.
  EXPECT_EQ(kills, ((1 + 4 * 2 + 2 + 1) * 2 - 3) * 2);
}

TEST(Apply, ResumesAfterKillsInARow) {
  Migration migration;
  ChildProcess::prepare(migration);
  for (int run = 0; run < 60; ++run) {
    const int status =
        ChildProcess::run(migration, "apply", 3);  // at most one step further each time
    if (status == 0) break;
    ASSERT_EQ(status, kKilled);
  }
  ASSERT_EQ(ChildProcess::run(migration, "apply", 0), 0);
  migration.expect_all_carried();
}

class LostAnswer : public ::testing::TestWithParam<FakeService::Trouble> {};

TEST_P(LostAnswer, OfTheTargetLeavesNothingTwice) {
  Migration migration;
  unsigned requests = 1;
  for (unsigned at = 1; at <= requests; ++at) {
    SCOPED_TRACE("the answer of request " + std::to_string(at) + " was lost");
    migration.target.reset();
    migration.forget_journal();
    migration.target.trouble_at(at, GetParam());
    Notes notes;
    auto result = apply_all(migration, notes);
    requests = std::max(requests, migration.target.requests());
    for (int again = 0; again < 3 && (!result || result->failed > 0); ++again)
      result = apply_all(migration, notes);
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->failed, 0U) << notes.text();
    migration.expect_all_carried();
    if (::testing::Test::HasFailure()) return;
  }
  EXPECT_GT(requests, 15U);
}

TEST_P(LostAnswer, OfTheSourceLeavesNothingTwice) {
  Migration migration;
  migration.source.trouble_at(1, GetParam());
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_GE(migration.source.requests(), 2U);
  migration.expect_all_carried();
}

INSTANTIATE_TEST_SUITE_P(Troubles, LostAnswer,
                         ::testing::Values(FakeService::Trouble::Cut,
                                           FakeService::Trouble::Status503));

// A call that got lost on the way (503: nobody knows whether it happened) is looked for and, since
// it did not happen, repeated in the same run.
TEST(Apply, ACallThatNeverArrivedIsRepeatedInTheSameRun) {
  struct Case {
    std::string_view path;
    int times;  // a create is repeated by the client itself; this is more than it does
  };
  for (const Case& one :
       {Case{"/key_rings/finance", 3}, Case{"/keys", 6}, Case{"/keys_with_policy_overrides", 6},
        Case{"/aliases/held", 3}, Case{"/registrations/", 3}}) {
    SCOPED_TRACE(one.path);
    Migration migration;
    enrich(migration);
    for (PlannedKey& key : migration.plan.keys) {
      if (key.source == migration.generated) key.aliases = {"payroll", "wages", "c", "d", "held"};
    }
    int left = one.times;
    migration.target.refuse(
        [&](std::string_view method, std::string_view path) {
          const bool is_it = one.path.ends_with('/') ? path.find(one.path) != std::string_view::npos
                                                     : path.ends_with(one.path);
          return method == "POST" && is_it && left-- > 0;
        },
        503, "SERVICE_UNAVAILABLE_ERR");
    Notes notes;
    const auto result = apply_all(migration, notes);
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->failed, 0U) << notes.text();
    EXPECT_LE(left, 0) << "the case did not come to pass";
    EXPECT_EQ(migration.target.keys().size(), 4U);
    EXPECT_EQ(migration.target.key("held").registrations.size(), 2U);
    migration.target.refuse({});
  }
}

TEST(Apply, ACallThatNeverArrivesIsGivenUpAndSaid) {
  Migration migration;
  int asked = 0;
  migration.target.refuse(
      [&](std::string_view method, std::string_view path) {
        const bool is_create = method == "POST" && path.ends_with("/keys");
        asked += is_create;
        return is_create;
      },
      503, "SERVICE_UNAVAILABLE_ERR");
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 4U);
  EXPECT_EQ(asked, 4 * 4 * 5);  // keys, looks, attempts of the client
  EXPECT_TRUE(migration.target.keys().empty());
}

TEST(Apply, OneFailedKeyDoesNotStopTheOthers) {
  Migration migration;
  migration.target.add({.name = "other", .aliases = {"wages"}});
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->carried, 3U);
  EXPECT_EQ(result->failed, 1U);
  EXPECT_NE(notes.text().find(migration.generated), std::string::npos);
  // The way is free again: the same command goes on.
  migration.target.change("wages", [](FakeKey& key) { key.aliases.clear(); });
  const auto again = apply_all(migration, notes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->failed, 0U);
  EXPECT_EQ(migration.target.keys().size(), 5U);
}

TEST(Apply, SaysWhichMaterialIsMissingAndBeginsNothing) {
  Migration migration;
  migration.directory.write(
      "material.csv", "id,payload\n" + migration.imported + "," + migration.material[0] + "\n");
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 1U);
  EXPECT_NE(notes.text().find("3 version(s) of material"), std::string::npos) << notes.text();
  EXPECT_FALSE(migration.journal()->find(migration.imported, "create").value());
}

TEST(Apply, RefusesAForeignKeyUnderItsTemporaryAlias) {
  Migration migration;
  migration.target.add(
      {.name = "planted", .aliases = {temporary_alias(migration.plan.id, migration.suspended)}});
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 1U);
  EXPECT_NE(notes.text().find("is not what was to be made"), std::string::npos) << notes.text();
}

TEST(Apply, RefusesAnActionChangedAfterTheKeyWasMade) {
  Migration migration;
  Notes notes;
  ASSERT_TRUE(apply_all(migration, notes));
  for (PlannedKey& key : migration.plan.keys) {
    if (key.source != migration.imported) continue;
    key.action = KeyAction::Generate;
    key.material_versions = 0;
  }
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 1U);
  EXPECT_NE(notes.text().find("has begun to import the key"), std::string::npos) << notes.text();
}

TEST(Apply, RefusesToGoOnWithAKeyThatSomebodyRotated) {
  Migration migration;
  const auto journal = migration.journal();
  migration.plan.keys.resize(1);
  ASSERT_EQ(migration.plan.keys[0].source, migration.imported);
  migration.plan.keys[0].material_versions = 1;
  Notes notes;
  ASSERT_TRUE(apply(migration.plan, migration.source.side(), migration.target.side(), *journal,
                    migration.owner_material(), {.jobs = 1}, notes));
  const std::string id = journal->find(migration.imported, "create").value()->detail;
  migration.target.change(id, [](FakeKey& key) { key.material.emplace_back("Zm9yZWlnbg=="); });
  migration.plan.keys[0].material_versions = 3;
  const auto result = apply(migration.plan, migration.source.side(), migration.target.side(),
                            *journal, migration.owner_material(), {.jobs = 1}, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 1U);
  EXPECT_NE(notes.text().find("somebody else has rotated it"), std::string::npos) << notes.text();
  EXPECT_EQ(migration.target.key(id).material.size(), 2U);
}

TEST(Apply, SetsPoliciesAndRegistrations) {
  Migration migration;
  enrich(migration);
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(result->unregistered, 0U);
  const FakeKey key = migration.target.key("payroll");
  EXPECT_EQ(key.policies.rotation, (client::RotationPolicy{true, 3}));
  EXPECT_FALSE(key.policies.dual_auth_delete) << "nobody can take it back: cutover sets it";
  ASSERT_EQ(key.registrations.size(), 2U);
  EXPECT_EQ(key.registrations[0].description, "database");
  EXPECT_TRUE(key.registrations[0].prevent_key_deletion);
  migration.expect_all_carried();
}

TEST(Apply, PoliciesAndRegistrationsSurviveAKillAtEveryJournalWrite) {
  Migration migration;
  enrich(migration);
  std::erase_if(migration.plan.keys, [&](const PlannedKey& key) {
    return key.source != migration.generated;  // the others' steps have a test of their own
  });
  ChildProcess::prepare(migration);
  for (int kills = 1;; ++kills) {
    SCOPED_TRACE("killed at journal write point " + std::to_string(kills));
    migration.target.reset();
    migration.forget_journal();
    const int status = ChildProcess::run(migration, "apply", kills);
    if (status == 0) break;
    ASSERT_EQ(status, kKilled);
    ASSERT_EQ(ChildProcess::run(migration, "apply", 0), 0);
    ASSERT_EQ(migration.target.keys().size(), 1U);
    const FakeKey key = migration.target.key("payroll");
    ASSERT_EQ(key.registrations.size(), 2U);
    ASSERT_EQ(key.policies.rotation, (client::RotationPolicy{true, 3}));
    ASSERT_EQ(key.aliases, (std::vector<std::string>{"payroll", "wages"}));
  }
}

TEST(Apply, AServiceWithoutPolicyOverridesGetsThePolicyAfterwards) {
  Migration migration;
  enrich(migration);
  migration.target.refuse(
      [](std::string_view, std::string_view path) {
        return path.ends_with("/keys_with_policy_overrides");
      },
      404, "PATH_NOT_FOUND_ERR");
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(migration.target.key("payroll").policies.rotation, (client::RotationPolicy{true, 3}));
}

TEST(Apply, RegistrationsAreForServicesOnlyAndHoldNothingUp) {
  Migration migration;
  enrich(migration);
  migration.target.is_service = false;
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(result->unregistered, 2U);
  EXPECT_NE(notes.text().find("2 registration(s) are not carried"), std::string::npos);
  migration.expect_all_carried();
  migration.target.is_service = true;  // the same command with the service's API key
  const auto again = apply_all(migration, notes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->unregistered, 0U);
  EXPECT_EQ(migration.target.key("payroll").registrations.size(), 2U);
}

TEST(Apply, TheTargetsOwnPoliciesDoNotReachTheKeys) {
  Migration migration;
  migration.target.set_instance_policy("dualAuthDelete", {{"enabled", true}});
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  for (const FakeKey& key : migration.target.keys())
    EXPECT_FALSE(key.policies.dual_auth_delete) << key.name;
}

TEST(Apply, SendsMaterialUnderOneImportToken) {
  Migration migration;
  for (const ImportForm form : {ImportForm::Sha256Gcm, ImportForm::Sha1Cbc}) {
    migration.target.reset();
    migration.forget_journal();
    migration.target.tokens_made = 0;
    migration.plan.import_form = form;
    Notes notes;
    const auto result = apply_all(migration, notes);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->failed, 0U) << notes.text();
    EXPECT_EQ(migration.target.tokens_made, 1U);
    migration.expect_all_carried();
  }
}

TEST(Apply, AReplacedImportTokenIsMadeAgain) {
  Migration migration;
  bool is_replaced = false;
  migration.target.refuse(
      [&is_replaced](std::string_view method, std::string_view path) {
        return method == "POST" && path.ends_with("/rotate") && !std::exchange(is_replaced, true);
      },
      409, "IMPORT_TOKEN_EXPIRED_ERR");
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  EXPECT_EQ(migration.target.tokens_made, 2U);
  migration.expect_all_carried();
}

TEST(Apply, WithoutImportTokensTheRemedyIsPlain) {
  Migration migration;
  migration.target.refuse(
      [](std::string_view, std::string_view path) { return path.ends_with("/import_token"); }, 404,
      "PATH_NOT_FOUND_ERR");
  Notes notes;
  ASSERT_TRUE(apply_all(migration, notes));
  EXPECT_NE(notes.text().find("set import_form to plain"), std::string::npos) << notes.text();
  migration.plan.import_form = ImportForm::Plain;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->failed, 0U) << notes.text();
  migration.expect_all_carried();
}

TEST(Apply, WaitsForTheRuleOnRotations) {
  Migration migration;
  migration.target.rotations = 1;
  Notes notes;
  ApplyOptions options{.jobs = 2};
  options.wait = false;
  const auto left = apply_all(migration, notes, options);
  ASSERT_TRUE(left);
  EXPECT_EQ(left->waiting, 1U);
  EXPECT_EQ(left->failed, 0U) << notes.text();
  EXPECT_TRUE(left->next.is_set());
  unsigned waits = 0;
  options.wait = true;
  options.sleep = [&](std::chrono::seconds time) {
    EXPECT_GE(time.count(), 30);
    if (++waits == 2) migration.target.rotations = 1;  // too early once
  };
  const auto result = apply_all(migration, notes, options);
  ASSERT_TRUE(result);
  EXPECT_EQ(waits, 2U);
  EXPECT_EQ(result->carried, 4U);
  migration.expect_all_carried();
}

TEST(Apply, AFullTargetStopsTheRest) {
  Migration migration;
  migration.target.room = 2;
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->carried, 2U);
  EXPECT_EQ(result->failed, 2U);
  EXPECT_NE(notes.text().find("the target is full"), std::string::npos) << notes.text();
  migration.target.room = 100;
  const auto again = apply_all(migration, notes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->failed, 0U);
  migration.expect_all_carried();
}

TEST(Apply, ASourceThatRefusesInTheMiddleFailsThoseKeysOnly) {
  Migration migration;
  migration.source.refuse(
      [&](std::string_view, std::string_view path) {
        return path.find(migration.standard) != std::string_view::npos;
      },
      401, "");
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->carried, 3U);
  EXPECT_EQ(result->failed, 1U);
  const auto noted = migration.journal()->notes();
  ASSERT_TRUE(noted);
  ASSERT_EQ(noted->size(), 1U);
  EXPECT_EQ(noted->front().key, migration.standard);
  migration.source.refuse({});
  const auto again = apply_all(migration, notes);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->failed, 0U);
  EXPECT_TRUE(migration.journal()->notes()->empty());
}

TEST(Apply, AnExistingKeyIsTakenOverAsItIs) {
  Migration migration;
  const std::string target = migration.target.add({.name = "theirs", .aliases = {"own"}});
  migration.plan.keys.resize(1);
  PlannedKey& key = migration.plan.keys[0];
  key.action = KeyAction::Existing;
  key.material_versions = 0;
  key.target = target;
  Notes notes;
  const auto result = apply_all(migration, notes);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->carried, 1U) << notes.text();
  EXPECT_EQ(migration.journal()->find(key.source, "create").value()->detail, target);
  EXPECT_EQ(migration.target.key("own").name, "theirs");
  key.target = migration.target.add({.name = "other"});
  const auto changed = apply_all(migration, notes);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->failed, 1U);
  EXPECT_NE(notes.text().find("set target back"), std::string::npos) << notes.text();
}

}  // namespace
}  // namespace keyhaven::migrate
