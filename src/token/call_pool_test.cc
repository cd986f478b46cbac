#include "token/call_pool.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace keyhaven::token {
namespace {

using namespace std::chrono_literals;

Deadline in(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

// Where calls of the tests hang until let go.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
    --waiting_;
    changed_.notify_all();
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void until_waiting(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

TEST(CallPoolTest, RunsCallsOnAThreadOfItsOwn) {
  CallPool pool(1, 1, {});
  std::thread::id ran_on;
  EXPECT_EQ(pool.run([&](const Ticket&) { ran_on = std::this_thread::get_id(); }, in(10s)),
            CallOutcome::Done);
  EXPECT_NE(ran_on, std::this_thread::get_id());
  EXPECT_NE(ran_on, std::thread::id());
}

TEST(CallPoolTest, ACallThatMissesItsDeadlineIsGivenUpAndOthersGoOn) {
  const auto gate = std::make_shared<Gate>();
  const auto abandoned = std::make_shared<std::atomic<bool>>(false);
  CallPool pool(1, 2, {});
  EXPECT_EQ(pool.run(
                [gate, abandoned](const Ticket& ticket) {
                  gate->wait();
                  abandoned->store(ticket.abandoned.load());
                },
                in(20ms)),
            CallOutcome::Missed);
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(10s)), CallOutcome::Done);
  EXPECT_FALSE(pool.hung());
  gate->open();
  gate->until_waiting(0);
  while (!abandoned->load()) std::this_thread::yield();
}

TEST(CallPoolTest, AtTheLimitOfLostThreadsItAnswersAtOnceUntilOneReturns) {
  const auto gate = std::make_shared<Gate>();
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> said;
  CallPool pool(2, 2, [&](bool hung) {
    const std::lock_guard lock(mutex);
    said.push_back(hung);
    changed.notify_all();
  });
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(pool.run([gate](const Ticket&) { gate->wait(); }, in(20ms)), CallOutcome::Missed);
  }
  EXPECT_TRUE(pool.hung());
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(60s)), CallOutcome::Hung);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  gate->open();
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return said.size() >= 2; });
    EXPECT_EQ(said, (std::vector<bool>{true, false}));
  }
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(10s)), CallOutcome::Done);
}

TEST(CallPoolTest, CallsWaitForAFreeThreadAndSayBusyAtTheirDeadline) {
  const auto gate = std::make_shared<Gate>();
  CallPool pool(1, 1, {});
  std::thread first([&] {
    EXPECT_EQ(pool.run([gate](const Ticket&) { gate->wait(); }, in(60s)), CallOutcome::Done);
  });
  gate->until_waiting(1);
  const auto ran = std::make_shared<std::atomic<bool>>(false);
  EXPECT_EQ(pool.run([ran](const Ticket&) { ran->store(true); }, in(20ms)), CallOutcome::Busy);
  gate->open();
  first.join();
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(10s)), CallOutcome::Done);
  EXPECT_FALSE(ran->load());  // what was never begun is not begun later
}

TEST(CallPoolTest, CallsBehindALostOneGetTheThreadThatReplacesIt) {
  const auto gate = std::make_shared<Gate>();
  CallPool pool(1, 2, {});
  std::thread first([&] {
    EXPECT_EQ(pool.run([gate](const Ticket&) { gate->wait(); }, in(200ms)), CallOutcome::Missed);
  });
  gate->until_waiting(1);
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(60s)), CallOutcome::Done);
  first.join();
  gate->open();
}

TEST(CallPoolTest, CallsBehindTheLastThreadThatMayBeLostAnswerHung) {
  const auto gate = std::make_shared<Gate>();
  CallPool pool(1, 1, {});
  std::thread first([&] {
    EXPECT_EQ(pool.run([gate](const Ticket&) { gate->wait(); }, in(200ms)), CallOutcome::Missed);
  });
  gate->until_waiting(1);
  EXPECT_EQ(pool.run([](const Ticket&) {}, in(60s)), CallOutcome::Hung);
  first.join();
  gate->open();
}

TEST(CallPoolTest, ThePoolMayGoWhileACallHangs) {
  const auto gate = std::make_shared<Gate>();
  const auto done = std::make_shared<std::latch>(1);
  {
    CallPool pool(1, 1, {});
    EXPECT_EQ(pool.run(
                  [gate, done](const Ticket&) {
                    gate->wait();
                    done->count_down();
                  },
                  in(20ms)),
              CallOutcome::Missed);
  }
  gate->open();
  done->wait();
}

TEST(CallPoolTest, ManyCallersShareFewThreads) {
  CallPool pool(4, 4, {});
  std::atomic<int> ran = 0;
  std::vector<std::thread> callers;
  for (int i = 0; i < 16; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 200; ++j) {
        EXPECT_EQ(pool.run([&](const Ticket&) { ++ran; }, in(60s)), CallOutcome::Done);
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(ran, 3200);
}

}  // namespace
}  // namespace keyhaven::token
