#include "unitd/freshness.h"

#include <gtest/gtest.h>

#include <vector>

namespace keyhaven::unitd {
namespace {

struct TestCounter final : MonotonicCounter {
  Result<std::uint64_t> read() override { return value; }
  Result<void> increment() override {
    if (!works) return Error{Reason::UnitUnavailable, "no answer", {}};
    ++value;
    return {};
  }
  std::uint64_t value = 40;
  bool works = true;
};

// One line of a save after which a process may end.
enum class EndsAfter { Nothing, File, Increment };

// A save by a new process on the newest file of age `newest`; returns the newest age on the disk.
std::uint64_t save_until(TestCounter& counter, std::uint64_t newest, EndsAfter end) {
  Freshness freshness(counter);
  EXPECT_TRUE(freshness.check(newest));
  const auto age = freshness.age_of_next();
  if (end == EndsAfter::Nothing) return newest;
  if (end == EndsAfter::Increment) {
    EXPECT_TRUE(freshness.saved());
  }
  return *age;
}

TEST(FreshnessTest, ACrashAtAnyLineIsNoFalseAlarmAndOldCopiesAreNoticed) {
  const EndsAfter ends[] = {EndsAfter::Nothing, EndsAfter::File, EndsAfter::Increment};
  for (const EndsAfter first : ends) {
    for (const EndsAfter second : ends) {
      for (const EndsAfter third : ends) {
        TestCounter counter;
        std::vector<std::uint64_t> ages = {counter.value};
        for (const EndsAfter end : {first, second, third}) {
          const std::uint64_t age = save_until(counter, ages.back(), end);
          if (age != ages.back()) ages.push_back(age);
        }
        Freshness freshness(counter);
        ASSERT_TRUE(freshness.check(ages.back())) << "the newest is always good";
        ages.pop_back();
        for (const std::uint64_t old : ages) {
          Freshness again(counter);
          const auto refused = again.check(old);
          ASSERT_FALSE(refused) << old << " with the counter at " << counter.value;
          EXPECT_EQ(refused.error().reason, Reason::Conflict);
        }
      }
    }
  }
}

TEST(FreshnessTest, OneSaveIsOneIncrement) {
  TestCounter counter;
  Freshness freshness(counter);
  freshness.begin_at(counter.value);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(freshness.age_of_next());
    ASSERT_TRUE(freshness.saved());
  }
  EXPECT_EQ(counter.value, 45U);
}

TEST(FreshnessTest, ASaveThatDidNotComeAboutCostsNothing) {
  TestCounter counter;
  Freshness freshness(counter);
  freshness.begin_at(counter.value);
  EXPECT_EQ(*freshness.age_of_next(), 41U);
  EXPECT_EQ(*freshness.age_of_next(), 41U);
  EXPECT_EQ(counter.value, 40U);
}

TEST(FreshnessTest, AtMostOneIncrementIsOwed) {
  TestCounter counter;
  Freshness freshness(counter);
  freshness.begin_at(counter.value);
  EXPECT_EQ(*freshness.age_of_next(), 41U);
  counter.works = false;
  EXPECT_FALSE(freshness.saved());
  EXPECT_FALSE(freshness.age_of_next()) << "the next save is refused";
  {
    Freshness after_restart(counter);
    EXPECT_FALSE(after_restart.check(41)) << "the counter must answer";
  }
  counter.works = true;
  EXPECT_EQ(*freshness.age_of_next(), 42U);
  EXPECT_EQ(counter.value, 41U);
}

TEST(FreshnessTest, ACounterThatIsBehindIsAnotherDevice) {
  TestCounter counter;
  Freshness freshness(counter);
  const auto refused = freshness.check(42);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("ahead"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::unitd
