#include "instances/unit_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace keyhaven::instances {
namespace {

InstanceId instance(std::uint8_t number) {
  InstanceId id;
  id.uuid.bytes.fill(number);
  return id;
}

TEST(UnitGateTest, ManyShareAndNobodySharesWhileOneExcludes) {
  UnitGate gate;
  std::atomic<int> sharing{0};
  std::atomic<int> excluding{0};
  std::atomic<int> together{0};
  std::atomic<int> most_sharing{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        const UnitGate::Hold held = gate.share(instance(1));
        const int now = ++sharing;
        if (now > most_sharing) most_sharing = now;
        if (excluding != 0) ++together;
        if (i % 64 == 0) std::this_thread::yield();
        --sharing;
      }
    });
  }
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const UnitGate::Hold held = gate.exclude(instance(1));
        if (++excluding != 1 || sharing != 0) ++together;
        --excluding;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(together, 0);
}

// Sharers that follow one another without a gap would keep it waiting for ever.
TEST(UnitGateTest, WhoWantsToExcludeGetsATurnAmongEndlessSharers) {
  UnitGate gate;
  std::atomic<bool> stop{false};
  std::vector<std::thread> sharers;
  for (int t = 0; t < 4; ++t) {
    sharers.emplace_back([&] {
      UnitGate::Hold held = gate.share(instance(1));
      while (!stop) {
        held.reset();
        held = gate.share(instance(1));
      }
    });
  }
  for (int i = 0; i < 50; ++i) {
    const UnitGate::Hold held = gate.exclude(instance(1));
    EXPECT_NE(held, nullptr);
  }
  stop = true;
  for (auto& sharer : sharers) sharer.join();
}

TEST(UnitGateTest, InstancesDoNotWaitForEachOther) {
  UnitGate gate;
  const UnitGate::Hold first = gate.exclude(instance(1));
  const UnitGate::Hold second = gate.exclude(instance(2));
  const UnitGate::Hold third = gate.share(instance(3));
  EXPECT_NE(second, nullptr);
}

TEST(UnitGateTest, AHoldEndsWithItsLastCopy) {
  UnitGate gate;
  UnitGate::Hold held = gate.share(instance(1));
  UnitGate::Hold copy = held;
  held.reset();
  std::atomic<bool> in{false};
  std::thread other([&] {
    const UnitGate::Hold excluded = gate.exclude(instance(1));
    in = true;
  });
  EXPECT_FALSE(in);
  copy.reset();
  other.join();
  EXPECT_TRUE(in);
}

}  // namespace
}  // namespace keyhaven::instances
