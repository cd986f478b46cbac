#include "audit/log.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "audit/log_test_directory.h"
#include "audit/record.h"

namespace keyhaven::audit {
namespace {

class LogTest : public testing::Test {
 protected:
  std::unique_ptr<Log> open(LogOptions options = {}) {
    auto log = try_open(options);
    EXPECT_TRUE(log) << (log ? "" : log.error().message);
    return log ? std::move(log).value() : nullptr;
  }
  Result<std::unique_ptr<Log>> try_open(LogOptions options = {}) {
    if (options.directory.empty()) options.directory = directory_.path();
    auto key = crypto::Ed25519PrivateKey::from_seed(seed_);
    return Log::open(options, std::move(key).value(), clock_);
  }
  Verification verify() {
    auto key = crypto::Ed25519PrivateKey::from_seed(seed_);
    auto verified = verify_log(directory_.path(), key.value().public_key());
    EXPECT_TRUE(verified) << (verified ? "" : verified.error().message);
    return std::move(verified).value();
  }
  Event event(std::string action = "hs-crypto.secrets.wrap") const {
    Event out;
    out.time = clock_.now();
    out.action = std::move(action);
    out.initiator_id = "iam-ServiceId-1";
    return out;
  }
  std::string text(const std::string& name) const { return read_text(directory_.file(name)); }

  TestDirectory directory_;
  ManualClock clock_{Timestamp::from_seconds(1'700'000'000)};
  SecretBytes seed_{32};
};

TEST_F(LogTest, NewLogIsWholeAndPrivate) {
  open();
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 0U);
  struct stat status {};
  ASSERT_EQ(::stat(directory_.file("management.00000001.log").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(LogTest, WritesNothingBeforeTheFlushAndOneChainAfterIt) {
  auto log = open();
  for (int i = 0; i < 5; ++i) log->append_loop(0, event());
  EXPECT_EQ(text("loop-0.00000001.log"), "");
  ASSERT_TRUE(log->flush_loop(0));
  ASSERT_TRUE(log->flush_loop(0));  // nothing left: nothing written
  EXPECT_EQ(lines_of(text("loop-0.00000001.log")).size(), 5U);
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 5U);
  EXPECT_EQ(result.unsealed, 5U);
}

TEST_F(LogTest, AReceiptProvesItsEvent) {
  auto log = open();
  const Bytes key = [&] {
    const auto pair = crypto::Ed25519PrivateKey::from_seed(seed_);
    const auto bytes = pair.value().public_key();
    return Bytes(bytes.begin(), bytes.end());
  }();
  ASSERT_TRUE(log->append_management(event("before")));
  std::vector<std::thread> others;
  std::atomic<int> written = 0;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      for (int n = 0; n < 50; ++n) written += log->append_management(event("other")) ? 1 : 0;
    });
  }
  std::vector<Receipt> receipts;
  for (int i = 0; i < 20; ++i)
    receipts.push_back(log->append_with_receipt(event("kept-" + std::to_string(i))).value());
  for (std::thread& other : others) other.join();
  EXPECT_EQ(written, 200);
  for (std::size_t i = 0; i < receipts.size(); ++i) {
    const auto held = check_receipt(receipts[i], key);
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_NE(held->find("kept-" + std::to_string(i)), std::string::npos);
  }
  ASSERT_TRUE(log->checkpoint());
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 221U);
  EXPECT_EQ(result.unsealed, 0U);
  EXPECT_GE(result.checkpoints, 20U);
}

TEST_F(LogTest, AReceiptThatWasTouchedDoesNotHold) {
  auto log = open();
  const auto pair = crypto::Ed25519PrivateKey::from_seed(seed_);
  const auto key = pair.value().public_key();
  const Receipt good = log->append_with_receipt(event("one")).value();
  const Receipt other = log->append_with_receipt(event("two")).value();
  ASSERT_TRUE(check_receipt(good, key));
  EXPECT_FALSE(check_receipt({good.record, other.checkpoint}, key));
  EXPECT_FALSE(check_receipt({other.record, good.checkpoint}, key));
  EXPECT_FALSE(check_receipt({good.checkpoint, good.checkpoint}, key));
  auto foreign = key;
  foreign[0] ^= 1;
  EXPECT_FALSE(check_receipt(good, foreign));
  for (std::string Receipt::*line : {&Receipt::record, &Receipt::checkpoint}) {
    for (std::size_t at = 0; at < (good.*line).size(); ++at) {
      Receipt touched = good;
      (touched.*line)[at] = static_cast<char>((touched.*line)[at] ^ 1);
      EXPECT_FALSE(check_receipt(touched, key)) << at;
      touched = good;
      (touched.*line).erase(at, 1);
      EXPECT_FALSE(check_receipt(touched, key)) << at;
    }
  }
}

TEST_F(LogTest, CheckpointSealsAllStreams) {
  auto log = open({.directory = {}, .loop_streams = 3});
  for (unsigned loop = 0; loop < 3; ++loop) {
    log->append_loop(loop, event());
    ASSERT_TRUE(log->flush_loop(loop));
  }
  ASSERT_TRUE(log->append_management(event()));
  ASSERT_TRUE(log->checkpoint());
  ASSERT_TRUE(log->checkpoint());  // nothing new: no second one
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 4U);
  EXPECT_EQ(result.checkpoints, 1U);
  EXPECT_EQ(result.unsealed, 0U);
}

TEST_F(LogTest, ContinuesTheChainsAfterReopening) {
  for (int round = 0; round < 3; ++round) {
    auto log = open({.directory = {}, .loop_streams = 2});
    log->append_loop(1, event());
    ASSERT_TRUE(log->flush_loop(1));
    ASSERT_TRUE(log->append_management(event()));
    ASSERT_TRUE(log->checkpoint());
  }
  // Fewer loops: the other stream stays under the checkpoints.
  auto log = open({.directory = {}, .loop_streams = 1});
  log->append_loop(0, event());
  ASSERT_TRUE(log->flush_loop(0));
  ASSERT_TRUE(log->checkpoint());
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty()) << result.problems.front();
  EXPECT_EQ(result.records, 7U);
  EXPECT_EQ(result.checkpoints, 4U);
}

TEST_F(LogTest, RotatesSegmentsWithoutGap) {
  const LogOptions small{.directory = {}, .preallocate_bytes = 4096, .segment_bytes = 8192};
  {
    auto log = open(small);
    for (int i = 0; i < 200; ++i) {
      log->append_loop(0, event());
      ASSERT_TRUE(log->flush_loop(0));
      if (i % 3 == 0) {
        ASSERT_TRUE(log->append_management(event()));
      }
      if (i % 50 == 0) {
        ASSERT_TRUE(log->checkpoint());
      }
    }
  }
  auto log = open(small);
  log->append_loop(0, event());
  ASSERT_TRUE(log->flush_loop(0));
  EXPECT_GT(text("loop-0.00000003.log").size(), 0U);
  EXPECT_LE(text("loop-0.00000002.log").size(), 8192U);
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty()) << result.problems.front();
  EXPECT_EQ(result.records, 200U + 67U + 1U);
}

TEST_F(LogTest, OutboxEntriesAreChainedOnce) {
  {
    auto log = open();
    EXPECT_EQ(log->last_outbox_id(), 0U);
    ASSERT_TRUE(log->append_outbox({{1, R"({"n":1})"}, {2, R"({"n":2})"}}));
    ASSERT_TRUE(log->append_outbox({{2, R"({"n":2})"}, {3, R"({"n":3})"}}));
    ASSERT_TRUE(log->append_outbox({{1, R"({"n":1})"}}));
    EXPECT_EQ(log->last_outbox_id(), 3U);
  }
  auto log = open();
  EXPECT_EQ(log->last_outbox_id(), 3U);
  ASSERT_TRUE(log->append_outbox({{3, R"({"n":3})"}}));
  EXPECT_EQ(lines_of(text("management.00000001.log")).size(), 3U);
  EXPECT_TRUE(verify().problems.empty());
}

TEST_F(LogTest, FindsTheOutboxIdInAnOlderSegment) {
  const LogOptions small{.directory = {}, .preallocate_bytes = 4096, .segment_bytes = 4096};
  {
    auto log = open(small);
    ASSERT_TRUE(log->append_outbox({{7, R"({"n":7})"}}));
    for (int i = 0; i < 60; ++i) ASSERT_TRUE(log->append_management(event()));
  }
  EXPECT_EQ(open(small)->last_outbox_id(), 7U);
}

TEST_F(LogTest, GroupCommitKeepsEveryRecordOfManyThreads) {
  auto log = open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 16; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(log->append_management(event()));
    });
  }
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(log->checkpoint());
  for (std::thread& thread : threads) thread.join();
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 320U);
}

TEST_F(LogTest, CheckpointsWhileLoopsWrite) {
  const LogOptions options{
      .directory = {}, .loop_streams = 2, .preallocate_bytes = 4096, .segment_bytes = 64 << 10};
  auto log = open(options);
  std::vector<std::thread> loops;
  for (unsigned loop = 0; loop < 2; ++loop) {
    loops.emplace_back([&, loop] {
      for (int i = 0; i < 1000; ++i) {
        log->append_loop(loop, event());
        EXPECT_TRUE(log->flush_loop(loop));
      }
    });
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(log->checkpoint());
    EXPECT_TRUE(verify().problems.empty());  // reading a live log from outside
  }
  for (std::thread& thread : loops) thread.join();
  ASSERT_TRUE(log->checkpoint());
  const Verification result = verify();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.records, 2000U);
  EXPECT_EQ(result.unsealed, 0U);
}

TEST_F(LogTest, CutsATornRecordAndSaysSo) {
  {
    auto log = open();
    log->append_loop(0, event());
    ASSERT_TRUE(log->flush_loop(0));
    ASSERT_TRUE(log->append_management(event()));
    ASSERT_TRUE(log->checkpoint());
    log->append_loop(0, event());
    ASSERT_TRUE(log->flush_loop(0));
  }
  const std::string whole = text("loop-0.00000001.log");
  write_text(directory_.file("loop-0.00000001.log"), whole.substr(0, whole.size() - 10));
  write_text(directory_.file("management.00000001.log"),
             text("management.00000001.log") + std::string(5000, '\0') + "x\n");
  EXPECT_EQ(verify().notes.size(),
            1U);  // the record without newline; the zeros are no record at all
  { open(); }
  const auto lines = lines_of(text("loop-0.00000001.log"));
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_NE(lines[1].find("hs-crypto.audit.recover"), std::string::npos);
  EXPECT_NE(text("management.00000001.log").find("\"cutBytes\":\"5002\""), std::string::npos);
  EXPECT_TRUE(verify().problems.empty());
}

TEST_F(LogTest, RefusesToOpenABrokenChain) {
  {
    auto log = open();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(log->append_management(event()));
    ASSERT_TRUE(log->checkpoint());
  }
  const std::string path = directory_.file("management.00000001.log");
  const std::string whole = read_text(path);
  std::string edited = whole;
  edited.replace(edited.find("wrap", lines_of(whole)[0].size()), 4, "wraq");
  write_text(path, edited);
  auto refused = try_open();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::AuditUnavailable);
  EXPECT_NE(refused.error().message.find("management, record 2"), std::string::npos)
      << refused.error().message;

  // Cut below what a checkpoint signed: refused, and the evidence is left as it is.
  auto lines = lines_of(whole);
  lines.pop_back();
  write_text(path, join(lines));
  refused = try_open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("record 4"), std::string::npos) << refused.error().message;
  EXPECT_EQ(read_text(path), join(lines));

  ::unlink(path.c_str());
  EXPECT_FALSE(try_open());
}

TEST_F(LogTest, OneProcessAtATime) {
  auto log = open();
  const auto second = try_open();
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("in use"), std::string::npos);
}

// Unlinked, replaced or cut under the running server: found at the next checkpoint, then nothing is
// served any more.
TEST_F(LogTest, NoticesTamperingWithItsFilesWhileRunning) {
  using Tamper = void (*)(const std::string& path);
  const Tamper tampers[] = {
      [](const std::string& path) { ::unlink(path.c_str()); },
      [](const std::string& path) { ::rename(path.c_str(), (path + ".old").c_str()); },
      [](const std::string& path) {
        std::filesystem::copy_file(path, path + ".copy");
        ::rename((path + ".copy").c_str(), path.c_str());
      },
      [](const std::string& path) { EXPECT_EQ(::truncate(path.c_str(), 10), 0); },
  };
  for (const Tamper tamper : tampers) {
    for (const char* file : {"loop-0", "management", "checkpoint"}) {
      const TestDirectory directory;
      auto log = open({.directory = directory.path()});
      log->append_loop(0, event());
      ASSERT_TRUE(log->flush_loop(0));
      ASSERT_TRUE(log->append_management(event()));
      ASSERT_TRUE(log->checkpoint());
      tamper(directory.file(std::string(file) + ".00000001.log"));
      const auto result = log->checkpoint();
      ASSERT_FALSE(result) << file;
      EXPECT_EQ(result.error().reason, Reason::AuditUnavailable);
      EXPECT_NE(result.error().message.find(file), std::string::npos);
      EXPECT_FALSE(log->health());
      EXPECT_FALSE(log->append_management(event()));
      log->append_loop(0, event());
      EXPECT_FALSE(log->flush_loop(0));
    }
  }
}

// A full disk, on a small tmpfs where we may mount one.
class FullDiskTest : public LogTest {
 protected:
  void SetUp() override {
    if (::geteuid() != 0 ||
        ::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, "size=512k,mode=0700") != 0) {
      GTEST_SKIP() << "mounting a tmpfs is not allowed here: " << std::strerror(errno);
    }
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) ::umount2(directory_.path().c_str(), MNT_DETACH);
  }
  void fill() {
    std::ofstream out(directory_.file("filler"), std::ios::binary);
    const std::string block(4096, 'x');
    while (out.write(block.data(), 4096) && out.flush()) {
    }
  }
  bool mounted_ = false;
};

TEST_F(FullDiskTest, GoesOnInTheReserveThenRefusesThenRecovers) {
  const LogOptions options{.directory = {}, .loop_streams = 1, .preallocate_bytes = 16 << 10};
  {
    auto log = open(options);
    fill();
    int written = 0;
    Result<void> result;
    while (written < 10'000) {
      log->append_loop(0, event());
      result = log->flush_loop(0);
      if (!result) break;
      ++written;
    }
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().reason, Reason::AuditUnavailable);
    EXPECT_FALSE(log->health());
    EXPECT_GT(written, 40);  // 16 KiB of preallocation and 16 KiB of reserve
    while (result = log->append_management(event()), result) ++written;
    EXPECT_EQ(result.error().reason, Reason::AuditUnavailable);
    EXPECT_TRUE(verify().problems.empty());
    const std::uint64_t records = verify().records;
    EXPECT_EQ(records, static_cast<std::uint64_t>(written));

    ::unlink(directory_.file("filler").c_str());
    ASSERT_TRUE(log->flush_loop(0));  // the record that was held back
    ASSERT_TRUE(log->checkpoint());   // notices by itself that management works again
    EXPECT_TRUE(log->health());
    EXPECT_EQ(verify().records, records + 2);
    EXPECT_TRUE(verify().problems.empty());
  }
  open(options);
}

TEST_F(FullDiskTest, CountsWhatDoesNotFitIntoMemory) {
  auto log = open({.directory = {}, .loop_streams = 1, .preallocate_bytes = 4 << 10});
  fill();
  Event large = event();
  for (int i = 0; i < 8; ++i)
    large.details.emplace_back("d" + std::to_string(i), std::string(1024, 'x'));
  for (int i = 0; i < 3000; ++i) log->append_loop(0, large);  // 26 MB
  EXPECT_FALSE(log->flush_loop(0));
  ::unlink(directory_.file("filler").c_str());
  ASSERT_EQ(::mount("tmpfs", directory_.path().c_str(), "tmpfs", MS_REMOUNT, "size=64m"), 0);
  EXPECT_FALSE(
      log->flush_loop(0));  // written, but events were lost: the answers that wait must not go out
  EXPECT_TRUE(log->flush_loop(0));
  EXPECT_NE(text("loop-0.00000001.log").find("\"lostEvents\":\"1"), std::string::npos);
  EXPECT_TRUE(verify().problems.empty());
}

// Not a measurement, but a warning if the hot path becomes ten times slower than its budget of 2
// us.
TEST_F(LogTest, AppendIsCheap) {
  auto log = open();
  Event wrap = event();
  wrap.status = 200;
  wrap.initiator_address = "192.0.2.7";
  wrap.target_id =
      "crn:v1:bluemix:public:hs-crypto:us-south:a/0123456789abcdef0123456789abcdef:i:key:k";
  wrap.request_uri = "/api/v2/keys/01234567-89ab-4def-8123-456789abcdef/actions/wrap";
  wrap.correlation_id = "01234567-89ab-4def-8123-456789abcdef";
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20'000; ++i) {
    log->append_loop(0, wrap);
    if (i % 16 == 0) {
      ASSERT_TRUE(log->flush_loop(0));
    }
  }
  const std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
  RecordProperty("append_us", std::to_string(spent.count() / 20'000));
  std::printf("append_loop with a flush every 16: %.2f us a record\n", spent.count() / 20'000);
}

}  // namespace
}  // namespace keyhaven::audit
