// A running log that checks itself: no false alarm while it is written, cut over and sealed, and no
// silence when somebody changed what is on disk.
#include "audit/check.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "audit/log_test_directory.h"
#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

class CheckTest : public testing::Test {
 protected:
  void SetUp() override {
    const LogOptions options{.directory = directory_.path(),
                             .loop_streams = 2,
                             .preallocate_bytes = 4096,
                             .segment_bytes = 16384};
    auto key = crypto::Ed25519PrivateKey::from_seed(seed_).value();
    public_key_ = key.public_key();
    auto opened = Log::open(options, std::move(key), clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    log_ = std::move(opened).value();
  }
  Event event(std::string action = "hs-crypto.secrets.wrap") const {
    Event out;
    out.time = clock_.now();
    out.action = std::move(action);
    out.initiator_name = std::string(200, 'x');
    return out;
  }
  void write(unsigned loop, int count) {
    for (int i = 0; i < count; ++i) log_->append_loop(loop, event());
    ASSERT_TRUE(log_->flush_loop(loop));
  }
  Verification check() {
    LogCheck check(*log_, directory_.path(), public_key_, clock_);
    EXPECT_TRUE(check.start().value());
    check.wait();
    const CheckStatus status = check.status();
    EXPECT_EQ(status.failure, "");
    EXPECT_EQ(status.started, clock_.now());
    EXPECT_EQ(status.finished, clock_.now());
    EXPECT_FALSE(status.running);
    return status.result.value_or(Verification{});
  }
  void expect_problem(const Verification& found, const std::string& words) {
    for (const std::string& problem : found.problems) {
      if (problem.find(words) != std::string::npos) return;
    }
    ADD_FAILURE() << "no problem says \"" << words << "\" in "
                  << testing::PrintToString(found.problems);
  }

  TestDirectory directory_;
  ManualClock clock_{Timestamp::from_seconds(1'700'000'000)};
  SecretBytes seed_{32};
  std::array<std::uint8_t, 32> public_key_{};
  std::unique_ptr<Log> log_;
};

TEST_F(CheckTest, StateSaysWhatIsOnDisk) {
  write(0, 3);
  log_->append_loop(1, event());  // not flushed
  ASSERT_TRUE(log_->append_management(event()));
  LogState state = log_->state();
  EXPECT_FALSE(state.sealed_at.is_set());
  ASSERT_EQ(state.streams.size(), 4U);
  EXPECT_EQ(state.streams[0].name, "checkpoint");
  EXPECT_EQ(state.streams[1].head.seq, 3U);
  EXPECT_EQ(state.streams[1].size_bytes,
            std::filesystem::file_size(directory_.file("loop-0.00000001.log")));
  EXPECT_EQ(state.streams[2].head.seq, 0U);
  EXPECT_EQ(state.streams[3].head.seq, 1U);
  ASSERT_TRUE(log_->checkpoint());
  state = log_->state();
  EXPECT_EQ(state.sealed_at, clock_.now());
  EXPECT_EQ(state.sealed.at("loop-0"), state.streams[1].head);
}

TEST_F(CheckTest, KnowsTheTimeOfTheNewestCheckpointAfterARestart) {
  write(0, 1);
  ASSERT_TRUE(log_->checkpoint());
  const Timestamp sealed = clock_.now();
  log_.reset();
  clock_.advance_seconds(60);
  SetUp();
  EXPECT_EQ(log_->state().sealed_at, sealed);
}

TEST_F(CheckTest, AWholeLogIsWhole) {
  write(0, 100);
  ASSERT_TRUE(log_->checkpoint());
  write(1, 3);
  const Verification found = check();
  EXPECT_EQ(found.problems, std::vector<std::string>{});
  EXPECT_EQ(found.records, 103U);
  EXPECT_EQ(found.unsealed, 3U);
  // The result is a record of the log.
  EXPECT_NE(read_text(directory_.file("management.00000001.log")).find("hs-crypto.audit.check"),
            std::string::npos);
}

TEST_F(CheckTest, FindsNoProblemInALogThatIsWrittenMeanwhile) {
  std::atomic<bool> stop = false;
  std::vector<std::thread> writers;
  for (unsigned loop = 0; loop < 2; ++loop) {
    writers.emplace_back([this, loop, &stop] {
      while (!stop) write(loop, 7);
    });
  }
  writers.emplace_back([this, &stop] {
    while (!stop) ASSERT_TRUE(log_->append_management(event("hs-crypto.secrets.create")));
  });
  writers.emplace_back([this, &stop] {
    while (!stop) ASSERT_TRUE(log_->checkpoint());
  });
  std::uint64_t records = 0;
  for (int i = 0; i < 6; ++i) {
    const Verification found = check();
    EXPECT_EQ(found.problems, std::vector<std::string>{});
    EXPECT_EQ(found.notes.size(), found.checkpoints == 0 ? 1U : 0U);
    EXPECT_GE(found.records, records);
    records = found.records;
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_GT(records, 500U);
  EXPECT_GT(list_segments(directory_.path()).value().at("loop-0").size(), 2U);
}

TEST_F(CheckTest, FindsWhatWasDoneToTheFiles) {
  write(0, 10);
  ASSERT_TRUE(log_->checkpoint());
  write(0, 10);  // not signed yet
  const std::string path = directory_.file("loop-0.00000001.log");
  const std::string good = read_text(path);
  const auto rewrite = [&](const std::vector<std::string>& lines) {
    write_text(path, join(lines));
  };
  std::vector<std::string> lines = lines_of(good);

  lines[4].replace(lines[4].find("xxx"), 3, "yyy");
  rewrite(lines);
  expect_problem(check(), "stream loop-0: record 5, segment 1");

  lines = lines_of(good);
  lines.pop_back();  // only the server knows that there was one more
  rewrite(lines);
  expect_problem(check(), "stream loop-0: ends at record 19, but the server wrote up to record 20");

  std::filesystem::remove(path);
  expect_problem(check(), "stream loop-0: its files are gone");
  std::filesystem::remove(directory_.file("loop-1.00000001.log"));
  expect_problem(check(), "stream loop-1: its files are gone");
  EXPECT_NE(read_text(directory_.file("management.00000001.log")).find("\"severity\":\"critical\""),
            std::string::npos);
}

TEST_F(CheckTest, OneRunsAtATimeAndTheEndOfTheServerEndsIt) {
  for (int i = 0; i < 100; ++i) write(0, 100);  // dozens of pauses long
  LogCheck check(*log_, directory_.path(), public_key_, clock_);
  EXPECT_FALSE(check.status().started.is_set());
  EXPECT_TRUE(check.start().value());
  EXPECT_FALSE(check.start().value());
  const CheckStatus status = check.status();
  EXPECT_TRUE(status.running);
  EXPECT_FALSE(status.result);
  EXPECT_GT(status.bytes_total, 2'000'000U);
}  // the destructor returns long before all is read

TEST_F(CheckTest, ADirectoryThatIsGoneIsToldAtTheStart) {
  LogCheck check(*log_, directory_.file("none"), public_key_, clock_);
  const auto started = check.start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().reason, Reason::Io);
  EXPECT_FALSE(check.status().running);
}

}  // namespace
}  // namespace keyhaven::audit
