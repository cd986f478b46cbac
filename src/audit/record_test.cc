#include "audit/record.h"

#include <gtest/gtest.h>

#include "audit/checkpoint.h"

namespace keyhaven::audit {
namespace {

std::string without_newline(std::string line) {
  EXPECT_EQ(line.back(), '\n');
  line.pop_back();
  return line;
}

TEST(RecordTest, ParsesWhatItWrites) {
  std::string line;
  const Head start = genesis("loop-0");
  const Head head = append_record(line, start, R"({"a":1})", 0);
  const std::string text = without_newline(line);
  const auto record = parse_record(text);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->seq, 1U);
  EXPECT_EQ(record->event_json, R"({"a":1})");
  EXPECT_EQ(record->outbox_id, 0U);
  EXPECT_EQ(record->prev, start.hash);
  EXPECT_EQ(record->hash, head.hash);
  EXPECT_EQ(record->computed_hash(), head.hash);
  EXPECT_FALSE(record->signature.has_value());
}

TEST(RecordTest, CarriesTheOutboxId) {
  std::string line;
  append_record(line, {41, {}}, R"({"a":",\"outbox\":7"})", 12);
  const std::string text = without_newline(line);
  const auto record = parse_record(text);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->seq, 42U);
  EXPECT_EQ(record->outbox_id, 12U);
  EXPECT_EQ(record->event_json, R"({"a":",\"outbox\":7"})");
}

TEST(RecordTest, RefusesEverythingElse) {
  std::string line;
  append_record(line, genesis("loop-0"), R"({"a":1})", 3);
  const std::string good = without_newline(line);
  ASSERT_TRUE(parse_record(good).has_value());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(parse_record(good.substr(0, size)));
  const std::pair<std::string, std::string> edits[] = {
      {"{\"seq\":1,", "{\"seq\":01,"},
      {"{\"seq\":1,", "{\"seq\": 1,"},
      {"{\"seq\":1,", "{\"seq\":-1,"},
      {",\"outbox\":3", ",\"outbox\":0"},
      {",\"outbox\":3", ",\"outbox\":3 "},
      {"\"hash\"", "\"HASH\""},
      {"{\"seq\":1,", "{\"seq\":99999999999999999999,"},
      {",\"outbox\":3", "]"},
      {"\"}", "\"} "}};
  for (const auto& [from, to] : edits) {
    std::string edited = good;
    const std::size_t at = from == "\"}" ? edited.size() - 2 : edited.find(from);
    edited.replace(at, from.size(), to);
    EXPECT_FALSE(parse_record(edited).has_value()) << edited;
  }
}

TEST(RecordTest, StreamsBeginDifferently) {
  EXPECT_NE(genesis("loop-0").hash, genesis("loop-1").hash);
}

TEST(CheckpointTest, RoundTripsAndIsSigned) {
  const auto key = crypto::Ed25519PrivateKey::generate();
  const Heads heads = {{"loop-0", {5, genesis("x").hash}},
                       {"management", {0, genesis("management").hash}}};
  std::string line;
  append_checkpoint(line, genesis("checkpoint"), Timestamp::from_seconds(1), heads, key);
  std::string text = without_newline(line);
  auto record = parse_record(text);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(parse_heads(record->event_json), heads);
  EXPECT_TRUE(signature_holds(*record, key.public_key()));
  EXPECT_FALSE(signature_holds(*record, crypto::Ed25519PrivateKey::generate().public_key()));
  record->hash[0] ^= 1;
  EXPECT_FALSE(signature_holds(*record, key.public_key()));
}

TEST(CheckpointTest, RefusesOtherForms) {
  const std::string begin = R"({"eventTime":"t","action":"hs-crypto.audit.checkpoint","heads":[)";
  EXPECT_TRUE(parse_heads(begin + "]}").has_value());
  const std::string head = R"({"stream":"a","seq":1,"hash":")" + std::string(64, '0') + "\"}";
  EXPECT_TRUE(parse_heads(begin + head + "]}").has_value());
  EXPECT_FALSE(parse_heads(begin + head + "," + head + "]}").has_value());  // the same stream twice
  EXPECT_FALSE(parse_heads(begin + head + "]").has_value());
  EXPECT_FALSE(parse_heads(begin + "," + head + "]}").has_value());
  EXPECT_FALSE(parse_heads(begin + head + ",]}").has_value());
  EXPECT_FALSE(parse_heads("{}").has_value());
}

}  // namespace
}  // namespace keyhaven::audit
