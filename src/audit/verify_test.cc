// Mutations: whatever is done to a log that a checkpoint covers shows, and the report names where.
#include <gtest/gtest.h>

#include "audit/checkpoint.h"
#include "audit/log.h"
#include "audit/log_test_directory.h"
#include "audit/record.h"

namespace keyhaven::audit {
namespace {

class VerifyTest : public testing::Test {
 protected:
  // Two loops and management, three segments and more each, a checkpoint in the middle and one at
  // the end.
  void SetUp() override {
    LogOptions options{.directory = directory_.path(),
                       .loop_streams = 2,
                       .preallocate_bytes = 4096,
                       .segment_bytes = 4096};
    auto opened = Log::open(options, crypto::Ed25519PrivateKey::from_seed(seed_).value(), clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    Log& log = **opened;
    for (int i = 0; i < 60; ++i) {
      Event event;
      event.time = clock_.now();
      event.action = "hs-crypto.secrets.wrap";
      event.initiator_name = "caller " + std::to_string(i);
      for (unsigned loop = 0; loop < 2; ++loop) {
        log.append_loop(loop, event);
        ASSERT_TRUE(log.flush_loop(loop));
      }
      ASSERT_TRUE(log.append_management(event));
      if (i % 20 == 19) {
        ASSERT_TRUE(log.checkpoint());
      }
    }
    ASSERT_EQ(problems(), std::vector<std::string>{});
  }

  std::vector<std::string> problems() {
    auto verified = verify_log(directory_.path(),
                               crypto::Ed25519PrivateKey::from_seed(seed_).value().public_key());
    EXPECT_TRUE(verified) << (verified ? "" : verified.error().message);
    return verified ? verified->problems : std::vector<std::string>{};
  }

  // Expects a problem that contains all of `words`.
  void expect_problem(const std::vector<std::string>& words) {
    const auto found = problems();
    for (const std::string& problem : found) {
      bool all = true;
      for (const std::string& word : words) all = all && problem.find(word) != std::string::npos;
      if (all) return;
    }
    ADD_FAILURE() << "no problem names " << testing::PrintToString(words) << " in "
                  << testing::PrintToString(found);
  }

  std::string path(const std::string& name) const { return directory_.file(name); }
  std::string text(const std::string& name) const { return read_text(path(name)); }
  std::vector<std::string> lines(const std::string& name) const { return lines_of(text(name)); }
  void put(const std::string& name, const std::string& content) { write_text(path(name), content); }
  void put(const std::string& name, const std::vector<std::string>& content) {
    put(name, join(content));
  }

  TestDirectory directory_;
  ManualClock clock_{Timestamp::from_seconds(1'700'000'000)};
  SecretBytes seed_{32};
};

TEST_F(VerifyTest, EveryFlippedByteOfARecordShows) {
  const std::string whole = text("loop-0.00000001.log");
  const std::size_t begin = lines("loop-0.00000001.log")[0].size();
  const std::size_t end = begin + lines("loop-0.00000001.log")[1].size();
  for (std::size_t at = begin; at < end; at += 7) {
    std::string edited = whole;
    edited[at] = static_cast<char>(edited[at] ^ 1);
    put("loop-0.00000001.log", edited);
    EXPECT_FALSE(problems().empty()) << "byte " << at;
  }
  std::string edited = whole;
  edited[end - 1] = ' ';  // the newline
  put("loop-0.00000001.log", edited);
  EXPECT_FALSE(problems().empty());
}

TEST_F(VerifyTest, NamesTheEditedRecord) {
  std::string edited = text("management.00000002.log");
  const auto record = parse_record(std::string_view(edited).substr(0, edited.find('\n')));
  ASSERT_TRUE(record.has_value());
  const std::string number = std::to_string(record->seq);
  edited.replace(edited.find("caller"), 6, "nobody");
  put("management.00000002.log", edited);
  expect_problem({"management", "record " + number, "segment 2 offset 0", "edited"});
  EXPECT_EQ(problems().size(), 1U);
}

TEST_F(VerifyTest, EditWithARecomputedHashShows) {
  auto content = lines("loop-1.00000001.log");
  auto parsed = parse_record(std::string_view(content[3]).substr(0, content[3].size() - 1));
  ASSERT_TRUE(parsed.has_value());
  std::string forged;
  append_record(forged, {parsed->seq - 1, parsed->prev}, R"({"forged":true})", 0);
  content[3] = forged;
  put("loop-1.00000001.log", content);
  expect_problem({"loop-1", "record 5", "not chained"});
}

TEST_F(VerifyTest, WholeStreamRecomputedShows) {
  std::string forged;
  Head head = genesis("loop-1");
  for (int i = 0; i < 60; ++i) head = append_record(forged, head, R"({"forged":true})", 0);
  for (int segment = 1;
       std::filesystem::exists(path("loop-1.0000000" + std::to_string(segment) + ".log"));
       ++segment) {
    put("loop-1.0000000" + std::to_string(segment) + ".log", segment == 1 ? forged : std::string());
  }
  expect_problem({"loop-1", "record 20", "checkpoint signed"});
}

TEST_F(VerifyTest, CutOutRecordShows) {
  auto content = lines("loop-0.00000001.log");
  content.erase(content.begin() + 4);
  put("loop-0.00000001.log", content);
  expect_problem({"loop-0", "record 6", "follows record 4"});
}

TEST_F(VerifyTest, ReorderedRecordsShow) {
  auto content = lines("loop-0.00000001.log");
  std::swap(content[2], content[3]);
  put("loop-0.00000001.log", content);
  expect_problem({"loop-0", "record 4", "follows record 2"});
}

TEST_F(VerifyTest, RepeatedRecordShows) {
  auto content = lines("loop-0.00000001.log");
  content.insert(content.begin() + 3, content[2]);
  put("loop-0.00000001.log", content);
  expect_problem({"loop-0", "record 3", "follows record 3"});
}

TEST_F(VerifyTest, TruncationBelowACheckpointShows) {
  std::string last;
  for (int segment = 1;; ++segment) {
    const std::string name = "management.0000000" + std::to_string(segment) + ".log";
    if (!std::filesystem::exists(path(name)) || text(name).empty()) break;
    last = name;
  }
  auto content = lines(last);
  content.pop_back();
  put(last, content);
  expect_problem({"management", "ends at record 59", "signed record 60", "truncated"});
}

TEST_F(VerifyTest, CutInTheMiddleOfARecordShows) {
  const std::string whole = text("loop-0.00000002.log");
  put("loop-0.00000002.log", whole.substr(0, whole.size() - 3));
  expect_problem({"loop-0", "unfinished record", "segment 2"});
}

TEST_F(VerifyTest, RemovedSegmentShows) {
  std::filesystem::remove(path("loop-0.00000002.log"));
  expect_problem({"loop-0", "segment 2 is missing"});
}

TEST_F(VerifyTest, RemovedStreamShows) {
  for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
    if (entry.path().filename().string().starts_with("loop-1"))
      std::filesystem::remove(entry.path());
  }
  expect_problem({"loop-1", "gone"});
}

TEST_F(VerifyTest, SwappedSegmentsShow) {
  const std::string first = text("loop-0.00000001.log");
  put("loop-0.00000001.log", text("loop-0.00000002.log"));
  put("loop-0.00000002.log", first);
  expect_problem({"loop-0", "follows record 0"});
}

TEST_F(VerifyTest, SwappedStreamsShow) {
  const std::string first = text("loop-0.00000001.log");
  put("loop-0.00000001.log", text("loop-1.00000001.log"));
  put("loop-1.00000001.log", first);
  expect_problem({"loop-0", "record 1", "not chained"});
  expect_problem({"loop-1", "record 1", "not chained"});
}

TEST_F(VerifyTest, RemovedCheckpointShows) {
  auto content = lines("checkpoint.00000001.log");
  ASSERT_EQ(content.size(), 3U);
  content.erase(content.begin() + 1);
  put("checkpoint.00000001.log", content);
  expect_problem({"checkpoint", "record 3", "follows record 1"});
}

TEST_F(VerifyTest, ForgedCheckpointShows) {
  const auto other = crypto::Ed25519PrivateKey::generate();
  auto content = lines("checkpoint.00000001.log");
  const auto last = parse_record(std::string_view(content[2]).substr(0, content[2].size() - 1));
  ASSERT_TRUE(last.has_value());
  std::string forged;
  append_checkpoint(forged, {last->seq - 1, last->prev}, clock_.now(),
                    *parse_heads(last->event_json), other);
  content[2] = forged;
  put("checkpoint.00000001.log", content);
  expect_problem({"checkpoint", "record 3", "signature"});
  EXPECT_EQ(problems().size(), 1U);
}

TEST_F(VerifyTest, OtherKeyShows) {
  auto verified = verify_log(directory_.path(), crypto::Ed25519PrivateKey::generate().public_key());
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->problems.size(), 3U);
}

TEST_F(VerifyTest, BytesThatAreNoRecordShow) {
  put("loop-0.00000001.log", "garbage\n" + text("loop-0.00000001.log"));
  expect_problem({"loop-0", "after record 0", "offset 0", "not a record"});
  put("loop-0.00000001.log", std::string(3 << 20, 'x'));
  expect_problem({"loop-0", "not a record"});
}

TEST_F(VerifyTest, NoLogIsAnError) {
  const TestDirectory empty;
  EXPECT_FALSE(verify_log(empty.path(), seed_.expose()));
  EXPECT_FALSE(verify_log(empty.file("absent"), seed_.expose()));
}

}  // namespace
}  // namespace keyhaven::audit
