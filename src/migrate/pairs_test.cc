#include "migrate/pairs.h"

#include "migrate/service_for_tests.h"

namespace keyhaven::migrate {
namespace {

using testing::FakeService;
using testing::TemporaryDirectory;

std::string crn(const std::string& instance, const std::string& key) {
  return "crn:v1:bluemix:public:hs-crypto:us-south:a/1:" + instance + ":key:" + key;
}

TEST(Pairs, ReadsTheVendorsFile) {
  TemporaryDirectory directory;
  const std::string path =
      directory.write("pairs.csv", crn("s", "a") + "," + crn("t", "b") + "\r\n" + crn("s", "c") +
                                       "," + crn("t", "b") + "\n");
  const auto pairs = load_pairs(path, "s", "t");
  ASSERT_TRUE(pairs) << pairs.error().message;
  ASSERT_EQ(pairs->size(), 2U);
  EXPECT_EQ((*pairs)[0].source, "a");
  EXPECT_EQ((*pairs)[1].target, "b");
}

TEST(Pairs, EveryMistakeHasItsLine) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "has no row"},
      {"source,target\n", ":1: the source column must be the CRN"},
      {crn("s", "a") + "\n", ":1: a row is the source's CRN"},
      {crn("s", "a") + "," + crn("t", "b") + ",x\n", ":1: a row is"},
      {crn("t", "a") + "," + crn("t", "b") + "\n", ":1: the source key is of instance t"},
      {crn("s", "a") + "," + crn("s", "b") + "\n", ":1: the target key is of instance s"},
      {crn("s", "a") + "," + crn("t", "") + "\n", "column must be the CRN"},
      {crn("s", "a") + "," + crn("t", "b") + "\n" + crn("s", "a") + "," + crn("t", "c") + "\n",
       ":2: the source key is there twice"},
      {"\"x\n", ":1: "},
  };
  TemporaryDirectory directory;
  for (const auto& [text, message] : cases) {
    const auto pairs = load_pairs(directory.write("pairs.csv", text), "s", "t");
    ASSERT_FALSE(pairs) << text;
    EXPECT_NE(pairs.error().message.find(message), std::string::npos) << pairs.error().message;
  }
  EXPECT_EQ(load_pairs(directory / "nowhere", "s", "t").error().reason, Reason::Io);
}

TEST(Pairs, WhatCannotWorkIsBlocked) {
  FakeService source("s"), target("t");
  const std::string good = source.add({.name = "good", .aliases = {"g"}});
  const std::string standard =
      source.add({.name = "standard", .root = false, .material = {"QQ=="}});
  const std::string ready = target.add({.name = "ready"});
  const std::string asleep = target.add({.name = "asleep", .state = client::kSuspended});
  std::vector<CrnPair> pairs;
  for (const auto& [from, to] : std::vector<std::pair<std::string, std::string>>{
           {good, ready}, {standard, ready}, {"nobody", ready}})
    pairs.push_back({1, crn("s", from), from, crn("t", to), to});
  InventoryCount inventory;
  inventory.rows = {{"g", 7}};
  const auto plan = make_pair_plan(source.side(), target.side(), source.ref(), target.ref(),
                                   "0a1b2c3d-0000-4000-8000-000000000001", pairs, inventory,
                                   Timestamp::from_seconds(1'800'000'000), 2);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->keys[0].action, KeyAction::Existing);
  EXPECT_EQ(plan->keys[0].target, ready);
  EXPECT_EQ(plan->keys[0].deks, 7U);
  EXPECT_EQ(plan->keys[1].action, KeyAction::Blocked);
  EXPECT_EQ(plan->keys[2].action, KeyAction::Blocked);
  EXPECT_TRUE(plan->keys[2].blocked.ends_with("set action to existing")) << plan->keys[2].blocked;
  EXPECT_TRUE(plan_from_yaml(to_yaml(*plan)));
  pairs = {{1, crn("s", good), good, crn("t", asleep), asleep}};
  const auto asleep_plan = make_pair_plan(source.side(), target.side(), source.ref(), target.ref(),
                                          "0a1b2c3d-0000-4000-8000-000000000001", pairs, {},
                                          Timestamp::from_seconds(1), 1);
  ASSERT_TRUE(asleep_plan);
  EXPECT_NE(asleep_plan->keys[0].blocked.find("no active root key"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::migrate
