#include "net/loop.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "net/tls_test_peer.h"

namespace keyhaven::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

TEST(LoopTest, RunsPostedTasksOnItsOwnThread) {
  const auto server = start_server();
  ASSERT_EQ(server->loop_count(), 2U);
  for (unsigned index = 0; index < 2; ++index) {
    Loop& loop = server->loop(index);
    EXPECT_EQ(loop.index(), index);
    EXPECT_FALSE(loop.in_loop_thread());
    Event done;
    bool inside = false, elsewhere = true;
    loop.post([&] {
      inside = loop.in_loop_thread();
      elsewhere = server->loop(1 - index).in_loop_thread();
      done.set();
    });
    ASSERT_TRUE(done.wait());
    EXPECT_TRUE(inside);
    EXPECT_FALSE(elsewhere);
  }
}

TEST(LoopTest, ATaskPostedByATaskRunsAfterThoseThatWereReady) {
  const auto server = start_server();
  Loop& loop = server->loop(0);
  std::string order;
  Event done;
  loop.post([&] {  // all three are ready before "flush" is posted
    loop.post([&] {
      order += "a";
      loop.post([&] {
        order += " flush";
        done.set();
      });
    });
    loop.post([&] { order += "b"; });
    loop.post([&] { order += "c"; });
  });
  ASSERT_TRUE(done.wait());
  EXPECT_EQ(order, "abc flush");
}

TEST(LoopTest, TasksThatThrowDoNotEndTheLoop) {
  const auto server = start_server();
  Loop& loop = server->loop(0);
  loop.post([] { throw std::runtime_error("a library threw"); });
  Event done;
  loop.post([&] { done.set(); });
  EXPECT_TRUE(done.wait());
}

TEST(LoopTest, EveryRepeatsUntilTheServerStops) {
  const auto server = start_server();
  std::atomic<int> count{0};
  Event third;
  server->loop(1).every(5ms, [&] {
    if (++count == 3) third.set();
  });
  EXPECT_TRUE(third.wait());
  server->stop();
  const int at_stop = count;
  EXPECT_GE(at_stop, 3);
  server->loop(1).post([&] { ++count; });  // dropped
  EXPECT_EQ(count, at_stop);
}

class WatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    ours_ = FileDescriptor(fds[0]);
    theirs_ = FileDescriptor(fds[1]);
  }
  // Runs `task` on the loop and waits for it.
  void on_loop(const std::function<void()>& task) {
    Event done;
    server_->loop(0).post([&] {
      task();
      done.set();
    });
    ASSERT_TRUE(done.wait());
  }
  std::unique_ptr<Server> server_ = start_server();
  FileDescriptor ours_, theirs_;
  std::unique_ptr<Loop::Watch> watch_;
};

TEST_F(WatchTest, CallsForEachArrivalUntilItIsDestroyed) {
  Event first, second;
  std::string received;
  std::atomic<int> calls{0};
  on_loop([&] {
    watch_ = server_->loop(0).watch(ours_.get(), [&] {
      ++calls;
      char bytes[16];
      const ssize_t count = ::read(ours_.get(), bytes, sizeof bytes);
      if (count > 0) received.append(bytes, static_cast<std::size_t>(count));
      if (received == "one") first.set();
      if (received == "onetwo") second.set();
    });
  });
  ASSERT_EQ(::write(theirs_.get(), "one", 3), 3);
  ASSERT_TRUE(first.wait());
  ASSERT_EQ(::write(theirs_.get(), "two", 3), 3);
  ASSERT_TRUE(second.wait());
  on_loop([&] { watch_.reset(); });
  const int before = calls;
  ASSERT_EQ(::write(theirs_.get(), "three", 5), 5);
  on_loop([] {});
  EXPECT_EQ(calls, before);
  // The descriptor is still the caller's, and can be watched again: what is unread is seen.
  EXPECT_NE(::fcntl(ours_.get(), F_GETFD), -1);
  Event third;
  on_loop([&] {
    watch_ = server_->loop(0).watch(ours_.get(), [&] {
      third.set();
      watch_.reset();
    });
  });
  EXPECT_TRUE(third.wait());
  on_loop([&] { watch_.reset(); });
}

TEST_F(WatchTest, TellsWhenTheDescriptorTakesBytesAgain) {
  const std::string block(4096, 'x');
  std::size_t filled = 0;
  for (ssize_t count; (count = ::write(ours_.get(), block.data(), block.size())) > 0;) {
    filled += static_cast<std::size_t>(count);
  }
  Event writable;
  std::atomic<int> calls{0};
  on_loop([&] {
    watch_ = server_->loop(0).watch(ours_.get(), [] {});
    watch_->notify_writable([&] {
      ++calls;
      writable.set();
    });
  });
  on_loop([] {});
  EXPECT_EQ(calls, 0);
  std::string sink(filled, ' ');
  for (std::size_t drained = 0; drained < filled;) {
    const ssize_t count = ::read(theirs_.get(), sink.data(), sink.size());
    ASSERT_GT(count, 0);
    drained += static_cast<std::size_t>(count);
  }
  EXPECT_TRUE(writable.wait());
  on_loop([] {});
  EXPECT_EQ(calls, 1);  // once for each request
  on_loop([&] { watch_.reset(); });
}

TEST_F(WatchTest, SeesTheOtherEndClose) {
  Event closed;
  on_loop([&] {
    watch_ = server_->loop(0).watch(ours_.get(), [&] {
      char byte;
      if (::read(ours_.get(), &byte, 1) == 0) {
        watch_.reset();  // from its own callback
        closed.set();
      }
    });
  });
  theirs_.reset();
  EXPECT_TRUE(closed.wait());
}

TEST_F(WatchTest, MayOutliveTheLoopsThread) {
  on_loop([&] { watch_ = server_->loop(0).watch(ours_.get(), [] {}); });
  server_->stop();
  watch_.reset();
  EXPECT_NE(::fcntl(ours_.get(), F_GETFD), -1);
}

}  // namespace
}  // namespace keyhaven::net
