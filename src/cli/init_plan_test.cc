#include "cli/init_plan.h"

#include <gtest/gtest.h>

#include "cli/unit_plan_for_tests.h"

namespace keyhaven::cli {
namespace {

constexpr auto unit = unit_of;
using Indexes = std::vector<std::size_t>;

InitWish wish(const std::string& names, std::uint32_t threshold) {
  return {skis_named(names), threshold, threshold};
}

std::string refused(const Result<InitPlan>& plan) {
  EXPECT_FALSE(plan);
  return plan ? std::string() : plan.error().message;
}

TEST(InitPlanTest, FreshUnitsGetEverything) {
  const auto plan =
      plan_init({unit("operational", "", 0, 0, 0, false), unit("operational", "", 0, 0, 0, false),
                 unit("recovery", "", 0, 0, 0, false)},
                wish("ab", 2));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->install, (Indexes{0, 1, 2}));
  EXPECT_EQ(plan->source, 2U);
  EXPECT_TRUE(plan->random);
  EXPECT_EQ(plan->copy, (Indexes{0, 1}));
}

TEST(InitPlanTest, GoesOnWhereItStopped) {
  const auto plan =
      plan_init({unit("operational", "ab", 2, 1, 0, false),  // done
                 unit("operational", "ab", 2, 0, 1, true),   // not yet immediate
                 unit("operational", "a", 0, 0, 0, false),   // half installed
                 unit("recovery", "ba", 2, 1, 0, false), unit("recovery", "ab", 2, 0, 0, false)},
                wish("ab", 2));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->install, (Indexes{2}));
  EXPECT_EQ(plan->source, 3U);
  EXPECT_FALSE(plan->random);
  EXPECT_EQ(plan->copy, (Indexes{1, 2, 4}));
}

TEST(InitPlanTest, TheSecondRecoveryUnitCanBeTheSource) {
  const auto plan =
      plan_init({unit("operational", "a", 1, 0, 0, false), unit("recovery", "a", 1, 0, 0, false),
                 unit("recovery", "a", 1, 1, 0, false)},
                wish("a", 1));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->source, 2U);
  EXPECT_EQ(plan->copy, (Indexes{0, 1}));
}

TEST(InitPlanTest, NothingIsLeftWhenAllHoldTheKey) {
  const auto plan =
      plan_init({unit("operational", "ab", 1, 1, 0, false), unit("recovery", "ab", 1, 1, 0, false)},
                wish("ab", 1));
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->nothing_to_do());
  // Also without recovery units: initialised by key parts.
  const auto parts = plan_init({unit("operational", "ab", 1, 1, 0, false)}, wish("ab", 1));
  ASSERT_TRUE(parts);
  EXPECT_TRUE(parts->nothing_to_do());
}

TEST(InitPlanTest, OtherAdministratorsAreRefusedByName) {
  const UnitFacts recovery = unit("recovery", "ab", 1, 1, 0, false);
  struct Case {
    UnitFacts unit;
    std::string says;
  };
  const Case cases[] = {
      {unit("operational", "abx", 1, 0, 0, false), "x ("},
      {unit("operational", "x", 1, 0, 0, false), "not in imprint mode"},
      {unit("operational", "a", 1, 0, 0, false), "1 of the 2"},
      {unit("operational", "x", 0, 0, 0, false), "somebody is initialising"},
      {unit("operational", "ab", 2, 0, 0, false), "thresholds 2 and 2, not 1 and 1"},
  };
  for (const Case& one : cases) {
    const std::string message = refused(plan_init({recovery, one.unit}, wish("ab", 1)));
    EXPECT_NE(message.find(one.says), std::string::npos) << message;
    EXPECT_NE(message.find("[operational]"), std::string::npos) << "names the unit: " << message;
  }
}

TEST(InitPlanTest, KeysThatDifferAreNotCopiedOver) {
  const auto plan =
      plan_init({unit("operational", "a", 1, 1, 0, false), unit("recovery", "a", 1, 2, 0, false)},
                wish("a", 1));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().reason, Reason::UnitsDiffer);
}

TEST(InitPlanTest, WithoutASourceItSaysWhatToDo) {
  EXPECT_NE(refused(plan_init({unit("operational", "", 0, 0, 0, false)}, wish("a", 1)))
                .find("--add-recovery-units"),
            std::string::npos);
  // The key came from parts; a recovery unit that was added later does not have it.
  EXPECT_NE(refused(plan_init({unit("operational", "a", 1, 1, 0, false),
                               unit("recovery", "", 0, 0, 0, false)},
                              wish("a", 1)))
                .find("cryptounit-mk-load"),
            std::string::npos);
}

TEST(InitPlanTest, RulesOfTheWish) {
  EXPECT_FALSE(check_wish(wish("", 1)));
  EXPECT_FALSE(check_wish(wish("a", 0)));
  EXPECT_FALSE(check_wish(wish("a", 2)));
  EXPECT_FALSE(check_wish(wish("abcdefghi", 9)));
  EXPECT_FALSE(check_wish(wish("abcdefghi", 8)));
  EXPECT_TRUE(check_wish(wish("abcdefgh", 8)));
  EXPECT_TRUE(check_wish(wish("a", 1)));
}

}  // namespace
}  // namespace keyhaven::cli
