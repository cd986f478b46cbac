// What `keyhaven console --migration` shows of a plan: all that a reviewer asks, read by the tool's
// own reader.
#include "cli/console_migrations.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "migrate/plan.h"
#include "migrate/proxy_for_tests.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

migrate::Plan some_plan() {
  migrate::Plan plan;
  plan.id = "0a0f7a5e-2f3c-4f5e-8f86-3f6bd1f9c001";
  plan.made = Timestamp::from_seconds(1'800'000'000);
  plan.source.url = "https://source";
  plan.source.instance = "one";
  plan.target.url = "https://target";
  plan.target.instance = "two";
  plan.key_rings = {"ring"};
  plan.lost = {"the events"};
  plan.unknown_keys = {"nobody"};
  migrate::PlannedKey imported;
  imported.source = "key-1";
  imported.name = "<b>\"pay\": #1</b>";
  imported.imported = true;
  imported.action = migrate::KeyAction::Import;
  imported.versions = imported.material_versions = 4;
  imported.aliases = {"pay"};
  imported.deks = 3;
  imported.policies.dual_auth_delete = true;
  imported.lost = {"tags"};
  migrate::PlannedKey blocked;
  blocked.source = "key-2";
  blocked.name = "licence";
  blocked.root = false;
  blocked.action = migrate::KeyAction::Blocked;
  blocked.blocked = "decide this";
  plan.keys = {imported, blocked};
  return plan;
}

class ConsoleMigrations : public ::testing::Test {
 protected:
  json::object shown(const std::string& text) {
    directory_.write("plan.yaml", text);
    const auto migrations = migrations_in(directory_ / "");
    EXPECT_TRUE(migrations);
    const auto answer = (*migrations)->plan("plan.yaml");
    EXPECT_TRUE(answer) << answer.error().message;
    return json::parse(*answer).as_object();
  }
  migrate::testing::TemporaryDirectory directory_;
};

TEST_F(ConsoleMigrations, APlanIsShownAsTextAndAsWhatItSays) {
  const std::string text = to_yaml(some_plan());
  const json::object answer = shown(text);
  EXPECT_EQ(answer.at("text").as_string(), text);
  EXPECT_TRUE(answer.at("mistake").is_null());
  EXPECT_EQ(answer.at("plan"), json::parse(R"({
    "id": "0a0f7a5e-2f3c-4f5e-8f86-3f6bd1f9c001", "made": "2027-01-15T08:00:00Z",
    "source": {"url": "https://source", "instance": "one"},
    "target": {"url": "https://target", "instance": "two"},
    "seconds_of_imports": 7200, "key_rings": ["ring"], "instance_policies": [], "tables": [],
    "lost": ["the events"], "unknown_keys": ["nobody"],
    "keys": [
      {"source": "key-1", "name": "<b>\"pay\": #1</b>", "kind": "root", "action": "import",
       "blocked": "", "lost": ["tags"], "imported": true, "versions": 4, "material_versions": 4,
       "aliases": ["pay"], "key_ring": "default", "deks": 3, "target": "", "dek_target": "",
       "registrations": 0, "dual_auth_delete": true},
      {"source": "key-2", "name": "licence", "kind": "standard", "action": "blocked",
       "blocked": "decide this", "lost": [], "imported": false, "versions": 1,
       "material_versions": 0, "aliases": [], "key_ring": "default", "deks": 0, "target": "",
       "dek_target": "", "registrations": 0, "dual_auth_delete": false}]})"));
}

TEST_F(ConsoleMigrations, AMistakeInAPlanIsToldBesideItsText) {
  std::string text = to_yaml(some_plan());
  text.replace(text.find("action: blocked"), 15, "action: teleport");
  const json::object answer = shown(text);
  EXPECT_EQ(answer.at("text").as_string(), text);
  EXPECT_TRUE(answer.at("plan").is_null());
  EXPECT_NE(answer.at("mistake").as_string().find("key-2"), std::string::npos)
      << answer.at("mistake").as_string();
}

}  // namespace
}  // namespace keyhaven::cli
