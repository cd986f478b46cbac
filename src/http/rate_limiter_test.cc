#include "http/rate_limiter.h"

#include <gtest/gtest.h>

#include <thread>

#include "http/key_test_api.h"

namespace keyhaven::http {
namespace {

constexpr Timestamp kStart{1'767'323'045'000'000};

InstanceId instance(std::uint8_t number) {
  InstanceId id;
  id.uuid.bytes.fill(number);
  return id;
}

// Tokens that can be taken at once.
int drain(RateLimiter& limiter, const Rate& rate, Timestamp now, std::string_view caller = "a") {
  int taken = 0;
  while (taken < 10'000 && limiter.admit(0, caller, instance(1), rate, now)) ++taken;
  return taken;
}

TEST(RateLimiterTest, ABurstThenTheRate) {
  RateLimiter limiter(1);
  const Rate rate{.per_second = 10, .burst = 25};
  EXPECT_EQ(drain(limiter, rate, kStart), 25);
  EXPECT_EQ(drain(limiter, rate, {kStart.us + 99'999}), 0);
  EXPECT_EQ(drain(limiter, rate, {kStart.us + 100'000}), 1);
  EXPECT_EQ(drain(limiter, rate, {kStart.us + 1'100'000}), 10);
  EXPECT_EQ(drain(limiter, rate, kStart.plus_seconds(3600)), 25);  // never more than full
}

TEST(RateLimiterTest, CallersAndInstancesHaveTheirOwn) {
  RateLimiter limiter(1);
  const Rate rate{.per_second = 1, .burst = 2};
  EXPECT_EQ(drain(limiter, rate, kStart, "a"), 2);
  EXPECT_EQ(drain(limiter, rate, kStart, "b"), 2);
  EXPECT_TRUE(limiter.admit(0, "a", instance(2), rate, kStart));
  EXPECT_EQ(limiter.buckets(), 3U);
}

TEST(RateLimiterTest, NoRateNoLimitAndNoBucket) {
  RateLimiter limiter(1);
  EXPECT_EQ(drain(limiter, Rate{}, kStart), 10'000);
  EXPECT_EQ(limiter.buckets(), 0U);
}

TEST(RateLimiterTest, AChangedRateHoldsAtOnce) {
  RateLimiter limiter(1);
  EXPECT_EQ(drain(limiter, {.per_second = 1, .burst = 100}, kStart), 100);
  const Rate smaller{.per_second = 10, .burst = 5};
  EXPECT_EQ(drain(limiter, smaller, kStart), 0);
  EXPECT_EQ(drain(limiter, smaller, kStart.plus_seconds(100)), 5);
}

TEST(RateLimiterTest, AClockSetBackCostsAtMostOneBurst) {
  RateLimiter limiter(1);
  const Rate rate{.per_second = 10, .burst = 10};
  EXPECT_EQ(drain(limiter, rate, kStart.plus_seconds(86'400)), 10);
  EXPECT_EQ(drain(limiter, rate, kStart), 0);
  EXPECT_EQ(drain(limiter, rate, {kStart.us + 500'000}), 5);
  EXPECT_EQ(drain(limiter, rate, kStart.plus_seconds(2)), 10);
}

TEST(RateLimiterTest, LoopsShareABucket) {
  constexpr unsigned kLoops = 4;
  RateLimiter limiter(kLoops);
  const Rate rate{.per_second = 1, .burst = 1000};
  std::array<int, kLoops> taken{};
  std::vector<std::thread> loops;
  for (unsigned loop = 0; loop < kLoops; ++loop) {
    loops.emplace_back([&, loop] {
      while (limiter.admit(loop, "a", instance(1), rate, kStart)) ++taken[loop];
    });
  }
  for (std::thread& loop : loops) loop.join();
  EXPECT_EQ(taken[0] + taken[1] + taken[2] + taken[3], 1000);
}

TEST(RateLimiterTest, IdleBucketsAreDropped) {
  RateLimiter limiter(1);
  const Rate rate{.per_second = 1, .burst = 1};
  for (int i = 0; i < 40'000; ++i) {
    limiter.admit(0, std::to_string(i), instance(1), rate, kStart.plus_seconds(i));
  }
  EXPECT_LT(limiter.buckets(), 33'000U);
}

TEST(RateLimiterTest, ARefusedCallSaysWhenToComeBackAndChangesNothing) {
  key_tests::TestApi api;
  const InstanceId id = unit::test_instance(1);
  instances::InstanceRecord record = *api.instances.instances.at(id);
  record.limits.requests_per_second = 1;
  record.limits.request_burst = 2;
  api.instances.instances[id] = std::make_shared<const instances::InstanceRecord>(record);
  EXPECT_EQ(api.call("GET", "/api/v2/keys").status, 200);
  EXPECT_EQ(api.call("GET", "/api/v2/keys/unknown/metadata").status, 404);
  const net::Response refused = api.call(
      "POST", "/api/v2/keys",
      R"({"metadata":{"collectionType":"x","collectionTotal":1},"resources":[{"name":"root"}]})");
  EXPECT_EQ(refused.status, 429);
  EXPECT_NE(refused.body.find("TOO_MANY_REQUESTS_ERR"), std::string::npos) << refused.body;
  const auto header = std::find_if(refused.headers.begin(), refused.headers.end(),
                                   [](const auto& one) { return one.first == "Retry-After"; });
  ASSERT_NE(header, refused.headers.end());
  EXPECT_EQ(header->second, "1");
  EXPECT_TRUE(api.directory.list(id, [](const keys::KeyRecord&) { return true; }).empty());
  // Another caller is not held up, and a second later there is a token again.
  api.add_caller("other", {iam::Role::Reader}, id);
  EXPECT_EQ(api.call("GET", "/api/v2/keys", {}, {{"Authorization", "Bearer other"}}).status, 200);
  api.clock.advance_seconds(1);
  EXPECT_EQ(api.call("GET", "/api/v2/keys").status, 200);
}

}  // namespace
}  // namespace keyhaven::http
