#include "audit/search_query.h"

#include <gtest/gtest.h>

#include <map>

#include "audit/escape.h"
#include "audit/record_filter.h"
#include "base/bytes.h"

namespace keyhaven::audit {
namespace {

Result<SearchQuery> parse(const std::map<std::string, std::string>& parameters) {
  return parse_search([&](std::string_view name) -> std::optional<std::string> {
    const auto found = parameters.find(std::string(name));
    return found == parameters.end() ? std::nullopt : std::optional(found->second);
  });
}

TEST(SearchQueryTest, WithoutParametersIsEverythingButCheckpoints) {
  const SearchQuery query = parse({}).value();
  EXPECT_EQ(query.limit, 100U);
  EXPECT_FALSE(query.with_checkpoints);
  EXPECT_FALSE(query.cursor);
  EXPECT_FALSE(query.from);
}

TEST(SearchQueryTest, WhatIsWrongIsNamed) {
  const std::pair<std::string, std::string> rows[] = {
      {"from", "yesterday"},
      {"to", "2026-11-26"},
      {"outcome", "Success"},
      {"severity", "high"},
      {"limit", "0"},
      {"limit", "501"},
      {"limit", "-1"},
      {"limit", "1e2"},
      {"limit", "00001"},
      {"checkpoints", "1"},
      {"cursor", "?"},
      {"cursor", "AA"},
      {"action", std::string(257, 'a')},
      {"initiator", std::string(257, 'a')},
      {"target", std::string(257, 'a')},
      {"instance", std::string(257, 'a')},
      {"correlation_id", std::string(257, 'a')},
      {"text", std::string(257, 'a')},
  };
  for (const auto& [name, value] : rows) {
    const auto query = parse({{name, value}});
    ASSERT_FALSE(query) << name << "=" << value;
    EXPECT_EQ(query.error().reason, Reason::InvalidQueryParam);
    EXPECT_EQ(query.error().target, name);
  }
  EXPECT_TRUE(parse({{"text", std::string(256, 'a')}, {"limit", "500"}}));
  const auto backwards = parse({{"from", "2026-01-01T00:00:00Z"}, {"to", "2026-01-01T00:00:00Z"}});
  ASSERT_FALSE(backwards);
  EXPECT_EQ(backwards.error().target, "to");
}

TEST(SearchQueryTest, CursorsComeBack) {
  const Cursor rows[] = {
      {},
      {{"management", 1, 0}},
      {{"checkpoint", 99'999'999, 1}, {"loop-0", 1, 127}, {"loop-4095", 128, 1ULL << 62}}};
  for (const Cursor& cursor : rows) EXPECT_EQ(decode_cursor(encode_cursor(cursor)).value(), cursor);
}

TEST(SearchQueryTest, OtherCursorsAreRefused) {
  const Bytes rows[] = {
      {},
      {2},                                                        // version
      {1, 1},                                                     // cut
      {1, 1, 1},                                                  // cut
      {1, 1, 0, 0},                                               // segments begin with 1
      {1, 1, 1, 0x80},                                            // cut in a number
      {1, 1, 1, 0x80, 0},                                         // a second spelling of 0
      {1, 0x82, 0x20, 1, 0},                                      // loop-4096
      {1, 1, 1, 0, 1, 1, 0},                                      // a stream twice
      {1, 1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1},  // too large
      {1, 1, 0x80, 0xc2, 0xd7, 0x2f, 0},                          // segment 100000000
  };
  for (const Bytes& row : rows) EXPECT_FALSE(decode_cursor(to_base64url(row))) << to_hex(row);
  EXPECT_FALSE(decode_cursor(std::string(kMaxCursorBytes + 4, 'A')));
}

TEST(SearchQueryTest, FiltersAreToldAsGiven) {
  const auto filters = filters_of([](std::string_view name) -> std::optional<std::string> {
    if (name == "action") return "secrets.";
    if (name == "text") return "";
    return std::nullopt;
  });
  EXPECT_EQ(filters, (std::vector<std::pair<std::string, std::string>>{{"action", "secrets."}}));
}

TEST(FoldedTextTest, FindsWhereverItIs) {
  const struct {
    std::string text, whole;
    bool found;
  } rows[] = {
      {"a", "a", true},
      {"a", "", false},
      {"A", "xa", true},
      {"abc", "ab", false},
      {"abc", "xxABC", true},
      {"abc", "ababc", true},
      {"aab", "aaab", true},
      {"@", "`", false},
      {"[", "{", false},
      {"k1", "K1", true},
      {"\xc3\xbc", "\xc3\xbc", true},
      {"abcabd", "abcabcabd", true},
      {"zz", "zyzyzyz", false},
  };
  for (const auto& row : rows)
    EXPECT_EQ(FoldedText(row.text).is_in(row.whole), row.found) << row.text << " in " << row.whole;
}

TEST(TimeKeyTest, ReadsOnlyTheWrittenForm) {
  EXPECT_EQ(read_time_key("2023-11-14T22:13:20Z"), 20231114221320U);
  for (const char* text :
       {"", "2023-11-14T22:13:20", "2023-11-14t22:13:20Z", "2023-11-14T22:13:2xZ"})
    EXPECT_EQ(read_time_key(text), 0U) << text;
  EXPECT_EQ(time_key_of_event("{\"eventTime\":\"2023-11-14T22:13:20Z\",\"action\":\"a\"}"),
            20231114221320U);
  EXPECT_EQ(time_key_of_event("{\"action\":\"a\",\"eventTime\":\"2023-11-14T22:13:20Z\"}"), 0U);
}

}  // namespace
}  // namespace keyhaven::audit
