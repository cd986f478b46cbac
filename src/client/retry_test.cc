#include "client/retry.h"

#include <gtest/gtest.h>

namespace keyhaven::client {
namespace {

using std::chrono::milliseconds;

struct Row {
  const char* what;
  int status;
  bool sent;
  bool local;
  bool repeats_safe;
  bool repeats_never;
};

// What is repeated for a Safe and for a Never call.
constexpr Row kRows[] = {
    {"no connection", 0, false, false, true, true},
    {"broken after bytes left", 0, true, false, true, false},
    {"answer too large", 0, true, true, false, false},
    {"429", 429, true, false, true, true},
    {"500", 500, true, false, true, false},
    {"501", 501, true, false, false, false},
    {"503", 503, true, false, true, false},
    {"400", 400, true, false, false, false},
    {"401", 401, true, false, false, false},
    {"409", 409, true, false, false, false},
};

TEST(RetryTest, EveryOutcomeIsDecided) {
  const RetryPolicy policy;
  for (const Row& row : kRows) {
    Attempt attempt;
    attempt.status = row.status;
    attempt.may_have_been_sent = row.sent;
    attempt.local_failure = row.local;
    EXPECT_EQ(next_wait(policy, attempt, Repeat::Safe, 0).has_value(), row.repeats_safe)
        << row.what;
    EXPECT_EQ(next_wait(policy, attempt, Repeat::Never, 0).has_value(), row.repeats_never)
        << row.what;
  }
}

TEST(RetryTest, StopsAtTheLastAttempt) {
  RetryPolicy policy;
  policy.max_attempts = 3;
  Attempt attempt;
  attempt.status = 503;
  attempt.number = 2;
  EXPECT_TRUE(next_wait(policy, attempt, Repeat::Safe, 0));
  attempt.number = 3;
  EXPECT_FALSE(next_wait(policy, attempt, Repeat::Safe, 0));
}

TEST(RetryTest, DoublesUpToTheLongestWaitWithJitter) {
  RetryPolicy policy;
  policy.max_attempts = 100;
  Attempt attempt;
  attempt.status = 500;
  const milliseconds expected[] = {milliseconds(250), milliseconds(500), milliseconds(1000)};
  for (unsigned number = 1; number <= 3; ++number) {
    attempt.number = number;
    EXPECT_EQ(next_wait(policy, attempt, Repeat::Safe, 0), expected[number - 1]);
  }
  attempt.number = 50;
  EXPECT_EQ(next_wait(policy, attempt, Repeat::Safe, 0), milliseconds(8000));
  EXPECT_EQ(next_wait(policy, attempt, Repeat::Safe, 1), milliseconds(12000));
}

TEST(RetryTest, HonoursRetryAfterWithinItsLimit) {
  const RetryPolicy policy;
  Attempt attempt;
  attempt.status = 429;
  attempt.retry_after = "30";
  EXPECT_EQ(next_wait(policy, attempt, Repeat::Never, 0), milliseconds(30'000));
  attempt.retry_after = "31";
  EXPECT_FALSE(next_wait(policy, attempt, Repeat::Never, 0))
      << "a server that asks for more is not waited for";
  attempt.retry_after = "soon";
  EXPECT_EQ(next_wait(policy, attempt, Repeat::Never, 0), milliseconds(250));
}

}  // namespace
}  // namespace keyhaven::client
