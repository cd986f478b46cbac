// The sums of calls per instance: what counts, since when, and in which of the tables.
#include "http/metrics.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "crypto/random.h"
#include "http/api.h"
#include "instances/instance_service.h"

namespace keyhaven::http {
namespace {

using iam::Action;
using std::chrono::milliseconds;

constexpr unsigned kLoops = 2;

class InstanceTable final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId& id) const override {
    const auto found = records.find(id);
    return found == records.end() ? nullptr : found->second;
  }
  std::map<InstanceId, InstancePtr> records;
};

class MetricsTest : public testing::Test {
 protected:
  // The next revision of an instance, with the policy set at this second.
  InstancePtr set(const InstanceId& id, bool enabled, std::int64_t second) {
    const InstancePtr before = table_.find(id);
    instances::InstanceRecord next = before ? *before : instances::InstanceRecord();
    next.id = id;
    ++next.revision;
    next.policies.set({instances::PolicyType::Metrics, enabled, {}}, "someone",
                      Timestamp::from_seconds(second));
    return table_.records[id] = std::make_shared<instances::InstanceRecord>(std::move(next));
  }
  void wrap(const InstancePtr& instance, int status = 200, unsigned loop = 0) {
    metrics_.count_on_loop(loop, *instance, Action::SecretsWrap, status, milliseconds(2));
  }
  std::uint64_t calls(const InstancePtr& instance, int status = 200) const {
    const CallSums sums = metrics_.of(*instance);
    const auto found = sums.find({Action::SecretsWrap, status});
    return found == sums.end() ? 0 : found->second.calls;
  }

  const InstanceId id_{crypto::random_uuid()};
  InstanceTable table_;
  Metrics metrics_{kLoops, table_};
};

TEST_F(MetricsTest, SumsOfAllTablesAreOne) {
  const InstancePtr on = set(id_, true, 100);
  wrap(on, 200, 0);
  wrap(on, 200, 1);
  wrap(on, 409, 1);
  metrics_.count_on_pool(*on, Action::SecretsWrap, 200, milliseconds(5));
  metrics_.count_on_pool(*on, Action::SecretsCreate, 201, milliseconds(7));
  const CallSums sums = metrics_.of(*on);
  ASSERT_EQ(sums.size(), 3U);
  EXPECT_EQ(sums.at({Action::SecretsWrap, 200}).calls, 3U);
  EXPECT_EQ(sums.at({Action::SecretsWrap, 200}).latency, milliseconds(9));
  EXPECT_EQ(sums.at({Action::SecretsWrap, 409}).calls, 1U);
  EXPECT_EQ(sums.at({Action::SecretsCreate, 201}).latency, milliseconds(7));
}

TEST_F(MetricsTest, WithoutThePolicyNothingIsCounted) {
  auto never = std::make_shared<instances::InstanceRecord>();
  never->id = id_;
  EXPECT_FALSE(Metrics::wants(*never));
  wrap(never);
  EXPECT_TRUE(metrics_.of(*never).empty());
  const InstancePtr off = set(id_, false, 100);
  EXPECT_FALSE(Metrics::wants(*off));
  wrap(off);
  const InstancePtr on = set(id_, true, 101);
  EXPECT_TRUE(metrics_.of(*on).empty());
}

TEST_F(MetricsTest, InstancesAreCountedApart) {
  const InstancePtr one = set(id_, true, 100);
  const InstancePtr other = set(InstanceId{crypto::random_uuid()}, true, 100);
  wrap(one);
  EXPECT_EQ(calls(one), 1U);
  EXPECT_TRUE(metrics_.of(*other).empty());
}

TEST_F(MetricsTest, OffHidesAndOnBeginsAtZero) {
  wrap(set(id_, true, 100));
  const InstancePtr off = set(id_, false, 200);
  EXPECT_TRUE(metrics_.of(*off).empty());
  const InstancePtr again = set(id_, true, 300);
  EXPECT_EQ(calls(again), 0U);
  wrap(again);
  EXPECT_EQ(calls(again), 1U);
}

TEST_F(MetricsTest, CallsOfAnEarlierActivationDoNotCount) {
  const InstancePtr early = set(id_, true, 100);
  set(id_, false, 200);
  const InstancePtr late = set(id_, true, 300);
  wrap(late);
  wrap(early);  // began before, ends after
  EXPECT_EQ(calls(late), 1U);
}

TEST_F(MetricsTest, AClockThatWasSetBackDoesNotStopTheCount) {
  const InstancePtr early = set(id_, true, 300);
  wrap(early);
  set(id_, false, 310);
  const InstancePtr late = set(id_, true, 100);
  wrap(late);
  wrap(early);
  EXPECT_EQ(calls(late), 1U);
}

TEST_F(MetricsTest, OtherChangesOfTheInstanceKeepTheSums) {
  const InstancePtr before = set(id_, true, 100);
  wrap(before);
  instances::InstanceRecord renamed = *before;
  ++renamed.revision;
  renamed.name = "another";
  const InstancePtr after = std::make_shared<instances::InstanceRecord>(std::move(renamed));
  wrap(after);
  wrap(before);
  EXPECT_EQ(calls(after), 3U);
}

TEST_F(MetricsTest, RemovedInstancesMakeRoom) {
  std::vector<InstancePtr> all;
  for (std::size_t i = 0; i < instances::kMaxInstances; ++i) {
    wrap(all.emplace_back(set(InstanceId{crypto::random_uuid()}, true, 100)));
  }
  const InstancePtr beyond = set(id_, true, 100);
  wrap(beyond);
  EXPECT_EQ(calls(beyond), 0U);  // bounded
  EXPECT_EQ(calls(all.front()), 1U);
  table_.records.erase(all.front()->id);
  set(all.back()->id, false, 200);
  wrap(beyond);
  EXPECT_EQ(calls(beyond), 1U);
  EXPECT_EQ(calls(all[1]), 1U);
  EXPECT_EQ(calls(all.back()), 0U);
}

TEST_F(MetricsTest, AScrapeDuringTheCountSeesEveryCallOnceItHasEnded) {
  constexpr std::uint64_t kCalls = 5000;
  const InstancePtr on = set(id_, true, 100);
  const auto count = [&](unsigned loop) {
    for (std::uint64_t i = 0; i < kCalls; ++i) wrap(on, 200, loop);
  };
  std::thread first(count, 0U);
  std::thread second(count, 1U);
  std::uint64_t seen = 0;
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t now = calls(on);
    EXPECT_GE(now, seen);
    seen = now;
  }
  first.join();
  second.join();
  EXPECT_EQ(calls(on), 2 * kCalls);
}

}  // namespace
}  // namespace keyhaven::http
