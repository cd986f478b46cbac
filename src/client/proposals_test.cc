#include "client/proposals.h"

#include <gtest/gtest.h>

namespace keyhaven::client {
namespace {

constexpr std::string_view kDigest =
    "0101010101010101010101010101010101010101010101010101010101010101";

TEST(ProposalsTest, OneWithAllThatItMayHave) {
  const auto proposal = parse_proposal(R"({"id":"a","hsm_id":"b","state":"sent","command":"zeroize",
      "details":{"adminName":"Ad\u0007a","count":3},"domain_index":2,"domain_instance":5,
      "module_id":"00","counter":"01","block_sha512":"ff","note":"n","created_by":"c",
      "created_at":"2026-01-02T03:04:05Z","signatures":[{"signer":"aa","name":"Ada","added_by":"x",
      "added_at":"2026-01-02T03:04:05Z","signer_info":"MAA="}],"signatures_needed":2,
      "commands_before":0,"result":{"accepted":false,"return_code":96,"reason_code":32,
      "meaning":"m","remedy":"r"},"block":"MAMB","request":"q","response":"p",
      "transcript_fault":"f"})");
  ASSERT_TRUE(proposal.has_value()) << proposal.error().message;
  EXPECT_EQ(proposal->block, (Bytes{0x30, 0x03, 0x01}));
  EXPECT_EQ(proposal->details.size(), 1U) << "facts are texts";
  EXPECT_EQ(proposal->details[0].second.find('\a'), std::string::npos);
  ASSERT_EQ(proposal->signatures.size(), 1U);
  EXPECT_EQ(proposal->signatures[0].signer_info, (Bytes{0x30, 0x00}));
  EXPECT_EQ(proposal->signatures_needed, 2U);
  EXPECT_EQ(proposal->commands_before, 0U);
  ASSERT_TRUE(proposal->result.has_value());
  EXPECT_EQ(proposal->result->return_code, 96U);
  EXPECT_EQ(proposal->transcript_fault, "f");
}

TEST(ProposalsTest, WhatIsWrongIsNamed) {
  const struct {
    std::string_view json;
    std::string_view field;
  } rows[] = {
      {R"({"hsm_id":"b","state":"open"})", "id"},
      {R"({"id":"a","hsm_id":"b"})", "state"},
      {R"({"id":"a","hsm_id":"b","state":"open","block":"MAM"})", "block"},
      {R"({"id":"a","hsm_id":"b","state":"open","signatures":[1]})", "signatures"},
      {R"({"id":"a","hsm_id":"b","state":"open","signatures":[{"name":"x"}]})", "signer"},
      {R"({"id":"a","hsm_id":"b","state":"open","domain_index":"1"})", "domain_index"},
  };
  for (const auto& row : rows) {
    const auto read = parse_proposal(row.json);
    ASSERT_FALSE(read.has_value()) << row.json;
    EXPECT_EQ(read.error().reason, Reason::BadBody);
    EXPECT_NE(read.error().message.find(row.field), std::string::npos) << read.error().message;
  }
  for (const std::string_view json : {"", "[]", "{", "7"}) {
    EXPECT_FALSE(parse_proposal(json).has_value()) << json;
    EXPECT_FALSE(parse_proposals(json).has_value()) << json;
    EXPECT_FALSE(parse_transcript(json).has_value()) << json;
  }
  EXPECT_FALSE(parse_proposals(R"({"proposals":[{"id":"a"}]})").has_value());
}

TEST(ProposalsTest, TranscriptEntries) {
  const std::string digest(kDigest);
  const std::string good = R"({"first":1,"last":9,"entries":[{"sequence":1,"previous":")" + digest +
                           R"(","hash":")" + digest +
                           R"(","time_us":5,"hsm_id":"u","location":"l","caller":"c",
      "request":"q","response":"","certificates":["MAA="]}]})";
  const auto page = parse_transcript(good);
  ASSERT_TRUE(page.has_value()) << page.error().message;
  EXPECT_EQ(page->last, 9U);
  EXPECT_EQ(page->entries.at(0).hash[0], 1);
  EXPECT_EQ(page->entries.at(0).certificates.at(0), (Bytes{0x30, 0x00}));
  for (const std::string_view field : {"previous", "hash", "certificates", "hsm_id"}) {
    std::string bad = good;
    const auto at = bad.find('"' + std::string(field) + "\":");
    bad.replace(at, field.size() + 3, '"' + std::string(field) + "\":7,\"x\":");
    EXPECT_FALSE(parse_transcript(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace keyhaven::client
