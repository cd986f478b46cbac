#include "migrate/planner.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::Migration;

constexpr Timestamp kNow = Timestamp{1'800'000'000'000'000};

enum class Kind : std::uint8_t { Generated, Imported, Standard };
enum class Expiry : std::uint8_t { None, Future, Past };

SourceKey source_key(Kind kind, int state, Expiry expiry, std::uint32_t versions) {
  SourceKey out;
  out.key.id = "k";
  out.key.name = "name";
  out.key.key_ring = "ring";
  out.key.state = state;
  out.key.extractable = kind == Kind::Standard;
  out.key.imported = kind != Kind::Generated;
  if (expiry != Expiry::None)
    out.key.expires = kNow.plus_seconds(expiry == Expiry::Future ? 3600 : 0);
  out.versions = versions;
  return out;
}

bool mentions(const std::vector<std::string>& lines, std::string_view words) {
  return std::any_of(lines.begin(), lines.end(), [words](const std::string& line) {
    return line.find(words) != std::string::npos;
  });
}

// What each combination leads to, said once more in the words of the specification.
TEST(PlanKey, EveryStateKindExpiryAndMaterial) {
  for (const int state : {0, 1, 2, 3, 5}) {
    for (const Kind kind : {Kind::Generated, Kind::Imported, Kind::Standard}) {
      for (const Expiry expiry : {Expiry::None, Expiry::Future, Expiry::Past}) {
        for (const std::uint32_t material : {0U, 1U, 2U, 3U}) {
          const std::uint32_t versions = kind == Kind::Standard ? 1 : 2;
          SCOPED_TRACE(::testing::Message()
                       << "state " << state << " kind " << int(kind) << " expiry " << int(expiry)
                       << " material " << material);
          const PlannedKey key =
              plan_key(source_key(kind, state, expiry, versions), material, kNow);
          EXPECT_EQ(key.state, state);
          EXPECT_EQ(key.root, kind != Kind::Standard);
          if (state == 5) {
            EXPECT_EQ(key.action, KeyAction::Report);
            continue;
          }
          const bool expired = state == 3 || expiry == Expiry::Past;
          const bool wrong_material =
              (kind != Kind::Imported && material > 0) || material > versions;
          const KeyAction wanted = kind == Kind::Standard                   ? KeyAction::Copy
                                   : kind == Kind::Imported && material > 0 ? KeyAction::Import
                                                                            : KeyAction::Generate;
          EXPECT_EQ(key.action, expired || wrong_material ? KeyAction::Blocked : wanted);
          EXPECT_EQ(key.when_expired, expired ? "undecided" : "");
          EXPECT_EQ(key.blocked.empty(), !expired && !wrong_material);
          if (!key.blocked.empty()) {
            EXPECT_TRUE(key.blocked.ends_with("set action to " + std::string(name_of(wanted))))
                << key.blocked;
          }
          EXPECT_EQ(key.material_versions,
                    wanted == KeyAction::Import ? std::min(material, versions) : 0);
          EXPECT_EQ(mentions(key.lost, "the imported material"),
                    kind == Kind::Imported && material == 0);
          EXPECT_EQ(mentions(key.lost, "material of 1 version(s)"),
                    kind == Kind::Imported && material == 1);
          EXPECT_EQ(mentions(key.lost, "earlier version(s)"), wanted == KeyAction::Generate);
        }
      }
    }
  }
}

TEST(PlanKey, WhatIsDecidedAsItSaysCanBeApplied) {
  SourceKey source = source_key(Kind::Imported, 3, Expiry::Past, 2);
  Plan plan;
  plan.id = Migration::kPlanId;
  plan.made = kNow;
  plan.source = {"https://a", "", "", "", "i"};
  plan.target = {"https://b", "", "", "", "j"};
  plan.keys.push_back(plan_key(source, 2, kNow));
  EXPECT_TRUE(plan_from_yaml(to_yaml(plan)));
  plan.keys[0].action = KeyAction::Import;
  EXPECT_FALSE(plan_from_yaml(to_yaml(plan)));  // when_expired is still undecided
  plan.keys[0].when_expired = "without-expiration";
  EXPECT_TRUE(plan_from_yaml(to_yaml(plan)));
}

TEST(PlanKey, NamesWhatIsNotCarried) {
  SourceKey source = source_key(Kind::Generated, 1, Expiry::None, 1);
  source.key.dual_auth_delete = true;
  source.key.set_for_deletion = true;
  source.key.aliases = {"kh-migration-0123", "real"};
  source.key.rotation = client::RotationPolicy{true, 0};
  const PlannedKey key = plan_key(source, 0, kNow);
  EXPECT_TRUE(mentions(key.lost, "authorization of its deletion by one person"));
  EXPECT_EQ(key.policies, (client::KeyPolicies{std::nullopt, true}));
  EXPECT_TRUE(mentions(key.lost, "policy rotation"));
  EXPECT_TRUE(mentions(key.lost, "temporary alias"));
  EXPECT_EQ(key.aliases, (std::vector<std::string>{"real"}));
  EXPECT_EQ(key.action, KeyAction::Generate);
}

TEST(PlanKey, MoreThanFiveAliasesAreBlocked) {
  SourceKey source = source_key(Kind::Generated, 1, Expiry::None, 1);
  source.key.aliases = {"a", "b", "c", "d", "e", "f"};
  EXPECT_EQ(plan_key(source, 0, kNow).action, KeyAction::Blocked);
  source.key.aliases.pop_back();
  EXPECT_EQ(plan_key(source, 0, kNow).action, KeyAction::Generate);
}

TEST(MakePlan, ReadsBothSidesAndChangesNothing) {
  Migration migration;  // makes a plan
  const Plan& plan = migration.plan;
  EXPECT_EQ(plan.keys.size(), 5U);
  EXPECT_EQ(plan.key_rings, (std::vector<std::string>{"finance"}));
  EXPECT_EQ(migration.planned(migration.imported).action, KeyAction::Import);
  EXPECT_EQ(migration.planned(migration.imported).imports(), 3U);
  EXPECT_EQ(migration.planned(migration.generated).versions, 2U);
  EXPECT_EQ(migration.planned(migration.standard).action, KeyAction::Copy);
  EXPECT_EQ(migration.planned(migration.suspended).action, KeyAction::Generate);
  EXPECT_EQ(migration.planned(migration.destroyed).action, KeyAction::Report);
  EXPECT_FALSE(plan.is_blocked());
  for (auto* service : {&migration.source, &migration.target})
    for (const std::string& line : service->log()) EXPECT_TRUE(line.starts_with("GET ")) << line;
  for (const std::string& line : migration.source.log())
    EXPECT_EQ(line.find(migration.destroyed), std::string::npos) << line;
  const std::string yaml = to_yaml(plan);
  for (const std::string& secret : migration.material)
    EXPECT_EQ(yaml.find(secret), std::string::npos);
  EXPECT_TRUE(plan_from_yaml(yaml));
}

TEST(MakePlan, CountsDeksAndNamesWhatIsUnknown) {
  Migration migration;
  InventoryCount inventory;
  inventory.rows = {{migration.generated, 3},
                    {"payroll", 4},
                    {migration.planned(migration.imported).crn, 5},
                    {"nobody", 1}};
  inventory.others = 7;
  migration.directory.write("material.csv", "id,payload\nstray," + migration.material[0] + "\n");
  const auto plan =
      make_plan(migration.source.side(), migration.target.side(), migration.source.ref(),
                migration.target.ref(), std::string(Migration::kPlanId), inventory,
                migration.owner_material(), kNow);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->find(migration.generated)->deks, 7U);
  EXPECT_EQ(plan->find(migration.imported)->deks, 5U);
  EXPECT_EQ(plan->unknown_keys,
            (std::vector<std::string>{
                "nobody", "(7 rows of an inventory with too many different keys)", "stray"}));
  EXPECT_TRUE(plan->is_blocked());
}

TEST(MakePlan, ATakenAliasBlocks) {
  Migration migration;
  migration.target.add({.name = "other", .aliases = {"wages"}});
  const auto plan =
      make_plan(migration.source.side(), migration.target.side(), migration.source.ref(),
                migration.target.ref(), std::string(Migration::kPlanId), {}, Material(), kNow);
  ASSERT_TRUE(plan);
  const PlannedKey* key = plan->find(migration.generated);
  EXPECT_EQ(key->action, KeyAction::Blocked);
  EXPECT_NE(key->blocked.find("alias wages is taken"), std::string::npos) << key->blocked;
  EXPECT_TRUE(key->blocked.ends_with("set action to generate"));
}

Result<Plan> plan_again(Migration& migration, const PlanOptions& options = {}) {
  return make_plan(migration.source.side(), migration.target.side(), migration.source.ref(),
                   migration.target.ref(), std::string(Migration::kPlanId), {},
                   migration.owner_material(), kNow, options);
}

TEST(MakePlan, ReadsPoliciesAndRegistrations) {
  Migration migration;
  migration.source.change("payroll", [](testing::FakeKey& key) {
    key.policies = {client::RotationPolicy{true, 6}, true};
    key.registrations = {{"", "crn:v1:db", "a database", true}};
  });
  migration.source.set_instance_policy("metrics", {{"enabled", true}});
  migration.source.set_instance_policy("rotation", {{"enabled", false}});
  migration.source.set_instance_policy(
      "allowedIP",
      {{"enabled", true}, {"attributes", {{"allowed_ip", boost::json::array{"192.0.2.0/24"}}}}});
  migration.source.set_instance_policy("dualAuthDelete", {{"enabled", true}});
  migration.target.set_instance_policy("dualAuthDelete", {{"enabled", true}});
  const auto plan = plan_again(migration, {.jobs = 3, .hold_aliases = true});
  ASSERT_TRUE(plan) << plan.error().message;
  const PlannedKey& key = *plan->find(migration.generated);
  EXPECT_EQ(key.policies, (client::KeyPolicies{client::RotationPolicy{true, 6}, true}));
  ASSERT_EQ(key.registrations.size(), 1U);
  EXPECT_EQ(key.registrations[0].description, "a database");
  EXPECT_TRUE(key.hold_aliases);
  EXPECT_FALSE(plan->find(migration.standard)->hold_aliases);
  // In force in the source, not in the target; the network's last.
  ASSERT_EQ(plan->instance_policies.size(), 2U);
  EXPECT_EQ(plan->instance_policies[0].type, "metrics");
  EXPECT_EQ(plan->instance_policies[1].type, "allowedIP");
  EXPECT_EQ(plan->seconds_of_imports(), 3600U);
  const auto read = plan_from_yaml(to_yaml(*plan));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_yaml(*read), to_yaml(*plan));
}

TEST(MakePlan, SaysWhatItMayNotRead) {
  Migration migration;
  migration.source.refuse(
      [](std::string_view, std::string_view path) {
        return path == "/api/v2/instance/policies" || path == "/api/v2/keys/registrations";
      },
      401, "");
  const auto plan = plan_again(migration);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(mentions(plan->lost, "instance policies, unknown which"));
  EXPECT_TRUE(mentions(plan->find(migration.generated)->lost, "registrations, unknown which"));
}

TEST(MakePlan, WhatTheTargetForbidsIsBlocked) {
  Migration migration;
  migration.target.set_instance_policy(
      "keyCreateImportAccess",
      {{"enabled", true},
       {"attributes",
        {{"create_root_key", false}, {"import_root_key", true}, {"enforce_token", true}}}});
  const auto plan = plan_again(migration);
  ASSERT_TRUE(plan);
  EXPECT_NE(plan->find(migration.generated)->blocked.find("create_root_key is false"),
            std::string::npos);
  EXPECT_EQ(plan->find(migration.imported)->action, KeyAction::Import);
  EXPECT_NE(plan->find(migration.standard)->blocked.find("enforce_token"), std::string::npos);
}

TEST(ReadKeys, ReadsUntilTwoPassesAgree) {
  Migration migration;
  auto api = migration.source.side().connect();
  ASSERT_TRUE(api);
  unsigned lists = 0;
  migration.source.refuse([&](std::string_view method, std::string_view path) {
    if (method == "GET" && path == "/api/v2/keys") ++lists;
    return false;
  });
  const auto before = read_keys(*api);
  ASSERT_TRUE(before);
  EXPECT_EQ(before->size(), 5U);
  EXPECT_EQ(lists, 4U);  // two passes, each with the empty page at its end
}

TEST(MakePlan, MaterialUnderTwoNamesOfAKeyBlocks) {
  Migration migration;
  migration.directory.write("material.csv", "id,payload\n" + migration.imported + "," +
                                                migration.material[0] + "\n" +
                                                migration.planned(migration.imported).crn + "," +
                                                migration.material[1] + "\n");
  const auto plan =
      make_plan(migration.source.side(), migration.target.side(), migration.source.ref(),
                migration.target.ref(), std::string(Migration::kPlanId), {},
                migration.owner_material(), kNow);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->find(migration.imported)->action, KeyAction::Blocked);
  EXPECT_TRUE(plan->unknown_keys.empty());
}

TEST(MakePlan, AnInstanceIsNotMigratedIntoItself) {
  Migration migration;
  const auto plan =
      make_plan(migration.source.side(), migration.source.side(), migration.source.ref(),
                migration.source.ref(), std::string(Migration::kPlanId), {}, Material(), kNow);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().reason, Reason::InvalidArgument);
}

TEST(CountInventory, CountsRowsByNameAndBadOnes) {
  testing::TemporaryDirectory directory;
  const auto count =
      count_inventory(directory.write("a.csv", "key,wdek\na,A\nb,B\na,C\n,D\n\"x\n"));
  ASSERT_TRUE(count);
  EXPECT_EQ(count->rows, (std::map<std::string, std::uint64_t>{{"a", 2}, {"b", 1}}));
  EXPECT_EQ(count->bad, 2U);
  EXPECT_EQ(count->others, 0U);
}

TEST(CountInventory, ManyNamesDoNotFillTheMemory) {
  testing::TemporaryDirectory directory;
  std::string text = "key,wdek\n";
  for (std::size_t i = 0; i < kMaxCountedNames + 10; ++i) text += std::to_string(i) + ",A\n";
  const auto count = count_inventory(directory.write("a.csv", text + "0,B\n"));
  ASSERT_TRUE(count);
  EXPECT_EQ(count->rows.size(), kMaxCountedNames);
  EXPECT_EQ(count->others, 10U);
  EXPECT_EQ(count->rows.at("0"), 2U);
}

}  // namespace
}  // namespace keyhaven::migrate
