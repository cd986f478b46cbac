#include "audit/flood_guard.h"

#include <gtest/gtest.h>

namespace keyhaven::audit {
namespace {

Timestamp at(std::int64_t seconds) { return Timestamp::from_seconds(seconds); }

TEST(FloodGuardTest, AdmitsTheBudgetOfEachSecond) {
  FloodGuard guard(3);
  for (int second = 10; second < 12; ++second) {
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(guard.admit(at(second)));
    EXPECT_EQ(guard.take_summary(at(second)), std::nullopt);
  }
  EXPECT_EQ(guard.suppressed_total(), 0U);
}

TEST(FloodGuardTest, CountsTheRestInOneEventASecond) {
  FloodGuard guard(2);
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(guard.admit(at(10)), i < 2);
  EXPECT_FALSE(guard.take_summary(at(10)).has_value());  // the second is not over
  const auto summary = guard.take_summary(at(11));
  ASSERT_TRUE(summary.has_value());
  EXPECT_EQ(summary->action, "hs-crypto.audit.suppress");
  EXPECT_EQ(summary->details[0].second, "998");
  EXPECT_FALSE(guard.take_summary(at(11)).has_value());
  EXPECT_TRUE(guard.admit(at(11)));
  EXPECT_EQ(guard.suppressed_total(), 998U);
}

TEST(FloodGuardTest, LosesNoCountWhenNobodyTakesTheSummary) {
  FloodGuard guard(1);
  for (int second = 10; second < 15; ++second) {
    for (int i = 0; i < 3; ++i) guard.admit(at(second));
  }
  EXPECT_EQ(guard.take_final_summary(at(14))->details[0].second, "10");
  EXPECT_FALSE(guard.take_final_summary(at(14)).has_value());
}

TEST(FloodGuardTest, ClockSteppingBackDoesNotRefillTheBudget) {
  FloodGuard guard(1);
  EXPECT_TRUE(guard.admit(at(10)));
  EXPECT_FALSE(guard.admit(at(9)));
  EXPECT_FALSE(guard.admit(at(10)));
}

}  // namespace
}  // namespace keyhaven::audit
