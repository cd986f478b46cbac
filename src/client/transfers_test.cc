#include "client/transfers.h"

#include <gtest/gtest.h>

namespace keyhaven::client {
namespace {

const std::string kId = "11111111-2222-4333-8444-555555555555";
const std::string kOther = "99999999-2222-4333-8444-555555555555";
const std::string kDigest(64, 'a');

TEST(TransfersTest, WhatIsOpen) {
  const auto open = parse_transfers(
      R"({"outgoing":[{"id":")" + kId + R"(","target":")" + kOther +
      R"(","expires":"2026-01-02T03:04:05Z"}],"incoming":[{"id":")" + kOther + R"(","source":")" +
      kId + R"(","expires":"2026-01-02T03:04:05Z","manifest":")" + kDigest + R"("}]})");
  ASSERT_TRUE(open) << open.error().message;
  const Uuid id = Uuid::parse(kId).value();
  ASSERT_NE(open->find_outgoing(id), nullptr);
  EXPECT_EQ(open->find_outgoing(id)->target.text(), kOther);
  EXPECT_EQ(open->find_incoming(id), nullptr) << "that one goes out";
  ASSERT_EQ(open->incoming.size(), 1U);
  ASSERT_TRUE(open->incoming[0].manifest);
  EXPECT_EQ(to_hex(*open->incoming[0].manifest), kDigest);
  EXPECT_TRUE(parse_transfers("{}")) << "nothing is open";
}

std::string chunk_json(std::string_view chunk, std::string_view keys, std::string_view next) {
  std::string out = R"({"index":3,"chunk":)";
  out += chunk;
  out += R"(,"digest":")" + kDigest + R"(","tag":")" + kDigest + R"(","keys":)";
  out += keys;
  out += R"(,"next":)";
  out += next;
  return out + R"(,"left_out":[{"id":")" + kOther +
         R"(","name":"gone","code":"KEY_DELETED_ERR","reason":"purged"}]})";
}

TEST(TransfersTest, AStepOfAnExport) {
  const std::string keys =
      R"([{"id":")" + kId + R"(","name":"a\u0007b","type":"t","extractable":true,"versions":4}])";
  const auto step = parse_exported_chunk(chunk_json(R"("c2VhbGVk")", keys, '"' + kId + '"'));
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(step->index, 3U);
  EXPECT_EQ(as_text(step->chunk), "sealed");
  ASSERT_EQ(step->keys.size(), 1U);
  EXPECT_EQ(step->keys[0].versions, 4U);
  EXPECT_EQ(step->keys[0].kind, "standard");
  EXPECT_EQ(step->keys[0].name.find('\a'), std::string::npos) << "it is shown on terminals";
  ASSERT_TRUE(step->next);
  EXPECT_EQ(step->next->text(), kId);
  ASSERT_EQ(step->left_out.size(), 1U);
  EXPECT_EQ(step->left_out[0].reason, "purged");
}

TEST(TransfersTest, AnExportWithoutAKeyHasNoChunk) {
  const auto step = parse_exported_chunk(chunk_json("null", "[]", "null"));
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_TRUE(step->chunk.empty());
  EXPECT_FALSE(step->next);
}

TEST(TransfersTest, WhatIsWrongIsNamed) {
  const std::string key = R"([{"id":")" + kId + R"(","name":"n","type":"t","versions":1}])";
  const struct {
    std::string json;
    std::string_view field;
  } rows[] = {
      {chunk_json(R"("%%")", key, "null"), "chunk"},
      {chunk_json(R"("")", key, "null"), "chunk"},
      {chunk_json(R"("c2VhbGVk")", "[]", "null"), "keys"},
      {chunk_json("null", key, "null"), "keys"},
      {chunk_json(R"("c2VhbGVk")", R"([{"id":"no uuid"}])", "null"), "id"},
      {chunk_json(R"("c2VhbGVk")", R"([7])", "null"), "keys"},
      {chunk_json(R"("c2VhbGVk")", key, R"("no uuid")"), "next"},
  };
  for (const auto& row : rows) {
    const auto step = parse_exported_chunk(row.json);
    ASSERT_FALSE(step) << row.json;
    EXPECT_EQ(step.error().reason, Reason::BadBody);
    EXPECT_EQ(step.error().target, row.field) << row.json;
  }
  EXPECT_FALSE(parse_transfers(R"({"outgoing":[{"id":"x"}]})"));
  EXPECT_FALSE(parse_transfers("[]"));
  EXPECT_FALSE(parse_manifest("{}"));
}

TEST(TransfersTest, OutcomesOfAnImport) {
  const auto keys = parse_imported_keys(
      R"({"keys":[{"id":")" + kId + R"(","name":"a","outcome":"imported"},{"id":")" + kId +
      R"(","name":"b","outcome":"present"},{"id":")" + kOther +
      R"(","name":"c","outcome":"refused","code":"KEY_ALIAS_NOT_UNIQUE_ERR","message":"taken"}]})");
  ASSERT_TRUE(keys) << keys.error().message;
  using Outcome = ImportedKey::Outcome;
  ASSERT_EQ(keys->size(), 3U);
  EXPECT_EQ((*keys)[0].outcome, Outcome::Imported);
  EXPECT_EQ((*keys)[1].outcome, Outcome::Present);
  EXPECT_EQ((*keys)[2].outcome, Outcome::Refused);
  EXPECT_EQ((*keys)[2].message, "taken");
  const auto unknown =
      parse_imported_keys(R"({"keys":[{"id":")" + kId + R"(","name":"a","outcome":"lost"}]})");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().target, "outcome");
}

}  // namespace
}  // namespace keyhaven::client
