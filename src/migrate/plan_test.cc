#include "migrate/plan.h"

#include "migrate/plan_split.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

Plan sample() {
  Plan plan;
  plan.id = "0a1b2c3d-0000-4000-8000-000000000001";
  plan.made = Timestamp::from_seconds(1'800'000'000);
  plan.source = {"https://old.example:443/x", "https://iam.example", "/ca \"1\".pem", "/key file",
                 "11111111-0000-4000-8000-000000000001"};
  plan.target = {"https://new.example", "", "", "", "22222222-0000-4000-8000-000000000002"};
  plan.key_rings = {"finance", "no: 1"};
  plan.unknown_keys = {"*anchor", "- x"};
  PlannedKey root;
  root.source = "aaaaaaaa-0000-4000-8000-000000000001";
  root.crn = "crn:v1:bluemix:public:hs-crypto:us-south:a/1:2:key:3";
  root.name = "yes";
  root.description = "line\nend \t\"quoted\" \\ \xC3\xA4 #not a comment";
  root.tags = {"1", "true", "~", ""};
  root.aliases = {"payroll", "null"};
  root.key_ring = "finance";
  root.imported = true;
  root.state = client::kSuspended;
  root.expires = Timestamp::from_seconds(2'000'000'000);
  root.versions = 7;
  root.action = KeyAction::Import;
  root.material_versions = 3;
  root.dek_target = "elsewhere";
  root.deks = 123'456'789'012;
  root.lost = {"a: b"};
  root.hold_aliases = true;
  root.policies.dual_auth_delete = true;
  root.registrations = {{"", "crn:v1:x", "what: for", true}, {"", "crn:v1:y", "", false}};
  plan.import_form = ImportForm::Sha1Cbc;
  plan.rotation_seconds = 60;
  plan.lost = {"instance policies: unknown"};
  plan.instance_policies = {
      {"rotation", true, {}, {}, 3, {}},
      {"keyCreateImportAccess", true, {}, {}, {}, {{"create_root_key", false}}},
      {"allowedIP", true, {}, {"192.0.2.0/24", "::1/128"}, {}, {}}};
  plan.keys.push_back(root);
  PlannedKey standard;
  standard.source = "bbbbbbbb-0000-4000-8000-000000000002";
  standard.name = "secret";
  standard.root = false;
  standard.action = KeyAction::Copy;
  standard.when_expired = "without-expiration";
  plan.keys.push_back(standard);
  PlannedKey blocked;
  blocked.source = "cccccccc-0000-4000-8000-000000000003";
  blocked.action = KeyAction::Blocked;
  blocked.blocked = "because";
  blocked.when_expired = "undecided";
  blocked.material_versions = 1;
  plan.keys.push_back(blocked);
  PlannedKey rotating;
  rotating.source = "dddddddd-0000-4000-8000-000000000004";
  rotating.name = "turning";
  rotating.policies.rotation = client::RotationPolicy{false, 12};
  plan.keys.push_back(rotating);
  PlannedKey existing;
  existing.source = "eeeeeeee-0000-4000-8000-000000000005";
  existing.name = "taken over";
  existing.action = KeyAction::Existing;
  existing.target = "ffffffff-0000-4000-8000-000000000006";
  plan.keys.push_back(existing);
  return plan;
}

TEST(Plan, RoundTrip) {
  const std::string yaml = to_yaml(sample());
  const auto plan = plan_from_yaml(yaml);
  ASSERT_TRUE(plan) << plan.error().message << "\n" << yaml;
  EXPECT_EQ(to_yaml(*plan), yaml);
  const Plan expected = sample();
  EXPECT_EQ(plan->id, expected.id);
  EXPECT_EQ(plan->made, expected.made);
  EXPECT_EQ(plan->source, expected.source);
  EXPECT_EQ(plan->target, expected.target);
  EXPECT_EQ(plan->key_rings, expected.key_rings);
  EXPECT_EQ(plan->unknown_keys, expected.unknown_keys);
  ASSERT_EQ(plan->keys.size(), 5U);
  const PlannedKey& root = plan->keys[0];
  EXPECT_EQ(root.name, "yes");
  EXPECT_EQ(root.description, expected.keys[0].description);
  EXPECT_EQ(root.tags, expected.keys[0].tags);
  EXPECT_EQ(root.aliases, expected.keys[0].aliases);
  EXPECT_EQ(root.crn, expected.keys[0].crn);
  EXPECT_EQ(root.key_ring, "finance");
  EXPECT_TRUE(root.imported);
  EXPECT_EQ(root.state, client::kSuspended);
  EXPECT_EQ(root.expires, expected.keys[0].expires);
  EXPECT_EQ(root.versions, 7U);
  EXPECT_EQ(root.imports(), 3U);
  EXPECT_EQ(root.dek_target, "elsewhere");
  EXPECT_EQ(root.deks, 123'456'789'012U);
  EXPECT_EQ(root.lost, expected.keys[0].lost);
  EXPECT_TRUE(root.hold_aliases);
  EXPECT_EQ(root.policies, expected.keys[0].policies);
  ASSERT_EQ(root.registrations.size(), 2U);
  EXPECT_EQ(root.registrations[0].description, "what: for");
  EXPECT_TRUE(root.registrations[0].prevent_key_deletion);
  EXPECT_EQ(plan->keys[3].policies.rotation, (client::RotationPolicy{false, 12}));
  EXPECT_EQ(plan->keys[4].target, expected.keys[4].target);
  EXPECT_EQ(plan->import_form, ImportForm::Sha1Cbc);
  EXPECT_EQ(plan->rotation_seconds, 60U);
  ASSERT_EQ(plan->instance_policies.size(), 3U);
  EXPECT_EQ(plan->instance_policies[0].interval_month, 3);
  EXPECT_EQ(plan->instance_policies[1].access, expected.instance_policies[1].access);
  EXPECT_EQ(plan->instance_policies[2].allowed_ip, expected.instance_policies[2].allowed_ip);
  EXPECT_FALSE(plan->keys[1].root);
  EXPECT_EQ(plan->keys[2].imports(), 0U);
  EXPECT_TRUE(plan->is_blocked());
}

// The sample with one text of its YAML replaced.
std::string with(const std::string& what, const std::string& by) {
  std::string yaml = to_yaml(sample());
  const std::size_t at = yaml.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? yaml : yaml.replace(at, what.size(), by);
}

TEST(Plan, EveryMistakeIsNamed) {
  const std::tuple<std::string, std::string, std::string> cases[] = {
      {"format: 1", "format: 2", "line 2: plan: format must be 1"},
      {"format: 1", "format: x", "format has the wrong type"},
      {"format: 1", "format: 1\nformat: 1", "member format is there twice"},
      {"format: 1", "format: 1\nextra: 1", "unknown member extra"},
      {"plan: \"0a1b", "plan: \"xa1b", "plan must be a UUID"},
      {"made: \"2027-", "made: \"yesterday-", "made must be a date"},
      {"\nsource:", "\nsauce:", "unknown member sauce"},
      {"  url: \"https://new.example\"\n", "  url: \"\"\n",
       "target: url and instance are required"},
      {"  url: \"https://new.example\"\n", "  url: [a]\n", "target: url has the wrong type"},
      {"  url: \"https://new.example\"\n", "  url: \"u\"\n  api_key: \"secret\"\n",
       "target: unknown member api_key"},
      {"key_rings:\n  - ", "key_rings:\n  - [] #", "key_rings has the wrong type"},
      {"kind: root", "kind: other", "kind must be root or standard"},
      {"action: import", "action: imprt", "action must be import, generate, copy"},
      {"action: import", "action: copy", "a root key cannot be copied"},
      {"action: import", "action: generate", "material_versions is set"},
      {"action: copy", "action: generate", "a standard key can only be copied"},
      {"action: copy", "action: import", "a standard key can only be copied"},
      {"action: blocked", "action: import", "name is empty"},
      {"material_versions: 3", "material_versions: 0", "import needs material_versions"},
      {"material_versions: 3", "material_versions: 8", "must not exceed versions"},
      {"material_versions: 3", "material_versions: -1", "material_versions has the wrong type"},
      {"material_versions: 3", "material_versions: 5000000000", "has the wrong type"},
      {"versions: 7", "versions: 0", "versions must be at least 1"},
      {"state: 2", "state: 4", "state must be 0, 1, 2, 3 or 5"},
      {"state: 2", "state: 5", "a destroyed key can only be reported"},
      {"state: 2", "state: active", "state has the wrong type"},
      {"imported: true", "imported: perhaps", "imported has the wrong type"},
      {"deks: 123456789012", "deks: -1", "deks has the wrong type"},
      {"expires: \"2033-", "expires: \"20333-", "expires must be a date"},
      {"when_expired: \"without-expiration\"", "when_expired: \"maybe\"",
       "when_expired must be undecided or without-expiration"},
      {"when_expired: \"without-expiration\"", "when_expired: \"undecided\"",
       "decide when_expired"},
      {"- \"payroll\"", "- \"null\"", "alias null is given to two keys, or twice to one"},
      {"- \"payroll\"", "- \"\"", "an alias is empty"},
      {"- \"payroll\"", "- a\n      - b\n      - c\n      - d\n      - e", "at most 5 aliases"},
      {"key_ring: \"finance\"", "key_ring: \"\"", "key_ring is empty"},
      {"source: \"bbbbbbbb-0000-4000-8000-000000000002\"",
       "source: \"aaaaaaaa-0000-4000-8000-000000000001\"", "is there twice"},
      {"source: \"bbbbbbbb-0000-4000-8000-000000000002\"", "nom: x", "source is required"},
      {"kind: root", "kind: root\n    kind: root", "member kind is there twice"},
      {"kind: root", "kind: root\n    knd: root", "unknown member knd"},
      {"import_form: sha1-cbc", "import_form: rot13", "import_form must be"},
      {"rotation_seconds: 60", "rotation_seconds: 700000", "more than a week"},
      {"rotation_seconds: 60", "rotation_seconds: -1", "has the wrong type"},
      {"interval_month: 12", "interval_month: 13", "rotation needs interval_month of 1 to 12"},
      {"interval_month: 12", "interval_months: 12", "unknown member interval_months"},
      {"action: import", "action: import\n    rotation:\n      interval_month: 1",
       "cannot rotate by itself"},
      {"resource: \"crn:v1:x\"", "resource: \"x\"", "resource must be a CRN"},
      {"resource: \"crn:v1:x\"", "resource: \"crn:v1:y\"", "is there twice"},
      {"registrations:", "registrations: 1\n    tags2:", "registrations must be a list"},
      {"target: \"ffffffff-0000-4000-8000-000000000006\"", "dek_target: x",
       "existing needs target"},
      {"action: copy", "action: copy\n    target: x", "target belongs to the action existing"},
      {"type: \"rotation\"", "type: \"rotting\"", "type must be dualAuthDelete"},
      {"type: \"rotation\"", "type: \"allowedIP\"", "interval_month is not of this type"},
      {"interval_month: 3\n", "interval_month: 0\n", "interval_month must be 1 to 12"},
      {"      - \"192.0.2.0/24\"\n", "      - [x]\n", "allowed_ip has the wrong type"},
      {"create_root_key: false", "create_root_key: maybe", "has the wrong type"},
      {"create_root_key: false", "delete_root_key: true", "unknown member delete_root_key"},
  };
  for (const auto& [what, by, message] : cases) {
    const auto plan = plan_from_yaml(with(what, by));
    ASSERT_FALSE(plan) << what << " -> " << by;
    EXPECT_EQ(plan.error().reason, Reason::InvalidArgument);
    EXPECT_NE(plan.error().message.find(message), std::string::npos) << plan.error().message;
  }
}

TEST(Plan, ReadInPartsOrWholeIsTheSame) {
  const std::string yaml = to_yaml(sample());
  const auto parts = split_plan(yaml);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->keys.size(), sample().keys.size());
  EXPECT_EQ(parts->outline.find("aaaaaaaa-"), std::string::npos);
  // The same plan in other layouts, which are read as a whole.
  std::string moved = yaml;
  moved.replace(moved.find("\nkeys:\n"), 7, "\nkeys: # all of them\n");
  EXPECT_FALSE(split_plan(moved));
  std::string anchored = yaml;
  anchored.replace(anchored.find("name: \"turning\""), 15, "name: &n \"turning\"");
  anchored.replace(anchored.find("name: \"taken over\""), 18, "name: *n");
  for (const std::string& text : {moved, anchored, "---\n" + yaml, yaml + "# the end\n"}) {
    const auto plan = plan_from_yaml(text);
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->keys.size(), sample().keys.size());
  }
  EXPECT_EQ(plan_from_yaml(anchored)->keys[4].name, "turning");
  EXPECT_FALSE(plan_from_yaml(yaml + "keys: []\n"));
  EXPECT_FALSE(plan_from_yaml(yaml + "  - source: x\n"));
  EXPECT_FALSE(plan_from_yaml(yaml + "---\n" + yaml));
  for (const char* text : {"", "keys:\n", "keys:\n\n# none\nformat: 1\n", "x: 1\n"})
    EXPECT_FALSE(split_plan(text)) << text;
}

TEST(Plan, APlanThatWasCutShortIsNone) {
  const std::string yaml = to_yaml(sample());
  ASSERT_TRUE(yaml.ends_with("\n...\n"));
  std::size_t readable = 0;  // were it not for the mark
  for (std::size_t size = 0; size + 1 < yaml.size(); ++size) {
    const auto plan = plan_from_yaml(yaml.substr(0, size));
    ASSERT_FALSE(plan) << size;
    readable += plan.error().message.find("its last line is not") != std::string::npos ? 1U : 0U;
  }
  EXPECT_GT(readable, 10U);
  EXPECT_TRUE(plan_from_yaml(yaml.substr(0, yaml.size() - 1)));
  EXPECT_TRUE(plan_from_yaml(yaml + "\n# reviewed by ann\n\n"));
}

TEST(Plan, MistakesInAKeyNameLineAndKey) {
  const auto plan = plan_from_yaml(with("kind: root", "kind: other"));
  ASSERT_FALSE(plan);
  EXPECT_NE(plan.error().message.find("line 37"), std::string::npos) << plan.error().message;
  EXPECT_NE(plan.error().message.find("key aaaaaaaa-"), std::string::npos) << plan.error().message;
}

TEST(Plan, HostileTextIsRefused) {
  const std::string hostile[] = {
      "",
      "x",
      "[]",
      "{}",
      "format: 1",
      "\0\1\2",
      "%YAML 9.9\n---\n",
      "{{{{",
      "a: [",
      "- - - -",
      "keys: *unknown",
      "format: 1\nplan: 0a1b2c3d-0000-4000-8000-000000000001\nkeys: {}\n",
      "format: 1\nplan: 0a1b2c3d-0000-4000-8000-000000000001\nkeys: [1]\n",
      "? [a]\n: b\n",
      "!!binary x",
      std::string(300, '['),
      std::string("a: &a [*a]"),
  };
  for (const std::string& text : hostile) {
    const auto plan = plan_from_yaml(text);
    ASSERT_FALSE(plan) << text;
    EXPECT_EQ(plan.error().reason, Reason::InvalidArgument) << text;
  }
}

TEST(Plan, FindsKeysByIdCrnAndAlias) {
  Plan plan = sample();
  EXPECT_EQ(plan.find(plan.keys[1].source), &plan.keys[1]);
  EXPECT_EQ(plan.find(plan.keys[0].crn), &plan.keys[0]);
  EXPECT_EQ(plan.find("payroll"), &plan.keys[0]);
  EXPECT_EQ(plan.find("nobody"), nullptr);
  plan.keys[0].aliases = {plan.keys[1].source};  // an alias that looks like another's id
  EXPECT_EQ(plan.find(plan.keys[1].source), &plan.keys[1]);
}

TEST(Plan, TemporaryAliasIsStableAndItsOwn) {
  const std::string alias = temporary_alias("p", "k");
  EXPECT_EQ(alias, temporary_alias("p", "k"));
  EXPECT_NE(alias, temporary_alias("p", "k2"));
  EXPECT_NE(alias, temporary_alias("p2", "k"));
  EXPECT_TRUE(alias.starts_with(kTemporaryAliasPrefix));
  EXPECT_LE(alias.size(), 90U);
  EXPECT_EQ(alias.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
}

TEST(Plan, IsNeverOverwritten) {
  testing::TemporaryDirectory directory;
  const std::string path = directory / "plan.yaml";
  ASSERT_TRUE(save_plan(path, sample()));
  EXPECT_EQ(save_plan(path, sample()).error().reason, Reason::AlreadyExists);
  const auto plan = load_plan(path);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(to_yaml(*plan), to_yaml(sample()));
  EXPECT_NE(load_plan(directory.write("bad.yaml", "x")).error().message.find("bad.yaml: line 1"),
            std::string::npos);
}

}  // namespace
}  // namespace keyhaven::migrate
