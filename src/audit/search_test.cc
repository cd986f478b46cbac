#include "audit/search.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "audit/search_for_tests.h"

namespace keyhaven::audit {
namespace {

using Names = std::vector<std::string>;

class SearchTest : public testing::Test, protected SearchLog {
 protected:
  // `count` records a stream, a second apart: loop-0, loop-1 and management in each second.
  void fill(int count) {
    for (int i = 0; i < count; ++i) {
      clock().advance_seconds(1);
      Event one = event();
      one.correlation_id = "call " + std::to_string(i);
      loop(0, one);
      loop(1, one);
      one.action = "hs-crypto.secrets.create";
      management(one);
    }
  }
  std::string words_of(const SearchResult& found) {
    std::string out;
    for (const SearchFinding& finding : found.findings)
      out += finding.stream + " " + std::to_string(finding.segment) + ": " + finding.problem + "\n";
    return out;
  }
  std::string time(std::int64_t seconds_ago) {
    return format_rfc3339(clock().now().plus_seconds(-seconds_ago));
  }
};

TEST_F(SearchTest, NewestFirstAndEqualTimesByStream) {
  fill(2);
  const SearchResult found = page({});
  EXPECT_EQ(names_of(found.records), (Names{"loop-0 2", "loop-1 2", "management 2", "loop-0 1",
                                            "loop-1 1", "management 1"}));
  EXPECT_TRUE(found.complete);
  EXPECT_EQ(found.cursor, "");
  EXPECT_EQ(found.looked_back_to, clock().now().plus_seconds(-1));
  EXPECT_EQ(found.records_read, 6U);
  EXPECT_TRUE(found.findings.empty());
  EXPECT_EQ(found.records[1].prev, found.records[4].hash);
  EXPECT_TRUE(found.records[0].event_json.starts_with("{\"eventTime\":"));
}

TEST_F(SearchTest, AnEmptyLogIsComplete) {
  const SearchResult found = page({});
  EXPECT_TRUE(found.complete);
  EXPECT_TRUE(found.records.empty());
  EXPECT_FALSE(found.looked_back_to.is_set());
}

TEST_F(SearchTest, CheckpointsOnlyWhenAsked) {
  fill(1);
  ASSERT_TRUE(log().checkpoint());
  EXPECT_EQ(search({}).records.size(), 3U);
  EXPECT_EQ(names_of(search({{"checkpoints", "true"}}).records)[0], "checkpoint 1");
}

TEST_F(SearchTest, PagesLoseAndRepeatNothingWhileTheLogIsWrittenAndCutOver) {
  fill(30);
  const Names before = names_of(search({}).records);
  ASSERT_EQ(before.size(), 90U);
  SearchQuery query;
  query.limit = 7;
  Names seen;
  for (;;) {
    const SearchResult found = page(query);
    for (const std::string& name : names_of(found.records)) seen.push_back(name);
    EXPECT_EQ(words_of(found), "");
    if (found.complete) break;
    query.cursor = decode_cursor(found.cursor).value();
    fill(5);  // a segment holds about ten records
  }
  EXPECT_EQ(seen, before);
}

TEST_F(SearchTest, ASmallBudgetGetsOnAndSaysHowFarItLooked) {
  fill(20);
  for (const SearchBudget budget :
       {SearchBudget{1, std::chrono::seconds(60)}, SearchBudget{5000, std::chrono::seconds(60)},
        SearchBudget{1 << 30, std::chrono::milliseconds(0)}}) {
    EXPECT_EQ(all(SearchQuery{}, budget).records.size(), 60U);
    const SearchResult first = page(query_of({{"action", "secrets.none"}}), budget);
    EXPECT_TRUE(first.records.empty());
    EXPECT_FALSE(first.complete);
    EXPECT_TRUE(first.looked_back_to.is_set());
    EXPECT_TRUE(all(query_of({{"action", "secrets.none"}}), budget).records.empty());
  }
}

TEST_F(SearchTest, AnAnswerHasABoundedSize) {
  Event big = event();
  for (int i = 0; i < 14; ++i)
    big.details.emplace_back("detail" + std::to_string(i), std::string(1000, 'x'));
  for (int i = 0; i < 100; ++i) loop(0, big);
  SearchQuery query;
  query.limit = kMaxSearchLimit;
  const SearchResult found = page(query);
  EXPECT_FALSE(found.complete);
  EXPECT_GT(found.records.size(), 40U);
  EXPECT_LT(found.records.size(), 70U);
  EXPECT_EQ(all(query).records.size(), 100U);
}

TEST_F(SearchTest, FiltersMustAllHold) {
  Event one = event("hs-crypto.secrets.wrap");
  one.outcome = Outcome::Failure;
  one.severity = "critical";
  one.initiator_id = "iam-ServiceId-1";
  one.initiator_name = "Ada L\xc3\xbc";
  one.initiator_address = "192.0.2.7";
  one.instance_id = "11111111-2222-4333-8444-555555555555";
  one.target_id = "crn:v1:key:aaaa";
  one.correlation_id = "abc-1";
  one.details = {{"keyName", "Payroll"}};
  loop(0, one);
  Event made = event("hs-crypto.instances.create");
  made.target_id = "crn:v1:11111111-2222-4333-8444-555555555555::";
  management(made);
  const std::string wrap = "loop-0 1";
  const std::string create = "management 1";
  const struct {
    std::map<std::string, std::string> query;
    Names wanted;
  } rows[] = {
      {{{"action", "hs-crypto.secrets.wrap"}}, {wrap}},
      {{{"action", "secrets.wrap"}}, {wrap}},
      {{{"action", "secrets.wra"}}, {}},
      {{{"action", "ecrets.wrap"}}, {}},
      {{{"action", "Secrets.wrap"}}, {}},
      {{{"action", "secrets."}}, {wrap}},
      {{{"action", "secrets.w*"}}, {wrap}},
      {{{"action", "hs-crypto.secrets."}}, {wrap}},
      {{{"action", "*"}}, {wrap, create}},
      {{{"outcome", "failure"}}, {wrap}},
      {{{"outcome", "success"}}, {create}},
      {{{"severity", "critical"}}, {wrap}},
      {{{"severity", "warning"}}, {}},
      {{{"initiator", "ada"}}, {wrap}},
      {{{"initiator", "L\xc3\xbc"}}, {wrap}},
      {{{"initiator", "serviceid-1"}}, {wrap}},
      {{{"initiator", "192.0.2"}}, {wrap}},
      {{{"initiator", "payroll"}}, {}},
      {{{"target", "KEY:aaaa"}}, {wrap}},
      {{{"target", "payroll"}}, {}},
      {{{"instance", "11111111-2222-4333-8444-555555555555"}}, {wrap, create}},
      {{{"instance", "11111111-2222"}}, {create}},
      {{{"correlation_id", "abc-1"}}, {wrap}},
      {{{"correlation_id", "abc"}}, {}},
      {{{"text", "pAYROLL"}}, {wrap}},
      {{{"text", "payrolls"}}, {}},
      {{{"text", "keyName"}}, {wrap}},
      {{{"text", "success\",\"reason"}}, {}},
      {{{"action", "secrets.wrap"}, {"outcome", "success"}}, {}},
      {{{"action", "secrets.wrap"}, {"outcome", "failure"}, {"text", "ada"}}, {wrap}},
      {{{"from", time(0)}}, {wrap, create}},
      {{{"from", time(-1)}}, {}},
      {{{"to", time(0)}}, {}},
      {{{"to", time(-1)}}, {wrap, create}},
      {{{"to", "2023-11-14T22:13:20.5Z"}}, {wrap, create}},
      {{{"from", "2023-11-14T22:13:20.5Z"}}, {}},
      {{{"from", "0001-01-01T00:00:00Z"}, {"to", "9999-12-31T23:59:59.5Z"}}, {wrap, create}},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(names_of(search(row.query).records), row.wanted) << testing::PrintToString(row.query);
  }
}

TEST_F(SearchTest, HostileTextsAreFoundAndMatchNothingElse) {
  const std::string names[] = {R"(","action":"hs-crypto.keys.none)",
                               "line\nbreak",
                               "tab\there",
                               "back\\slash",
                               "\xe2\x80\xae flip",
                               "null \x01 control",
                               "<script>alert(1)</script>",
                               "not \xff utf-8",
                               "{\"eventTime\":\"2001-01-01T00:00:00Z\""};
  for (const std::string& name : names) {
    Event one = event();
    one.initiator_name = name;
    loop(0, one);
  }
  std::uint64_t seq = 0;
  for (const std::string& name : names) {
    const std::string wanted = "loop-0 " + std::to_string(++seq);
    EXPECT_EQ(names_of(search({{"text", name}}).records), Names{wanted}) << name;
    if (name.find('\xff') == std::string::npos) {
      EXPECT_EQ(names_of(search({{"initiator", name}}).records), Names{wanted}) << name;
    }
  }
  EXPECT_TRUE(search({{"action", "keys.none"}}).records.empty());
  EXPECT_TRUE(search({{"to", "2002-01-01T00:00:00Z"}}).records.empty());
}

TEST_F(SearchTest, SegmentsOutsideTheRangeAreNotRead) {
  for (int day = 0; day < 10; ++day) {
    clock().advance_seconds(86'400);
    fill(12);  // more than one segment
  }
  const std::uint64_t everything = search({}).bytes_read;
  const SearchResult newest = search({{"from", time(60)}});
  EXPECT_EQ(newest.records.size(), 36U);
  EXPECT_LT(newest.bytes_read, everything / 2);
  const SearchResult middle =
      search({{"from", time(3 * 86'400 + 60)}, {"to", time(3 * 86'400 - 60)}});
  EXPECT_EQ(middle.records.size(), 36U);
  EXPECT_LT(middle.records_read, search({}).records_read / 2);
  EXPECT_EQ(words_of(newest) + words_of(middle), "");
}

TEST_F(SearchTest, WhatACrashLeftInTheOutboxIsFoundAmongNewerRecords) {
  fill(30);
  const Timestamp before = clock().now();
  Event late = event("hs-crypto.instances.delete");
  clock().advance_seconds(3 * 86'400);
  fill(10);
  management(late);
  fill(30);
  const SearchResult found = search({{"from", format_rfc3339(before)},
                                     {"to", format_rfc3339(before.plus_seconds(1))},
                                     {"action", "instances.delete"}});
  EXPECT_EQ(names_of(found.records), Names{"management 41"});
  EXPECT_EQ(search({{"from", time(0)}}).records.size(), 3U);
}

TEST_F(SearchTest, AClockThatWasSetBackHidesNothing) {
  fill(30);
  clock().advance_seconds(-1800);
  fill(30);
  EXPECT_EQ(search({{"from", time(0)}}).records.size(), 180U - 3 * 29U);
  EXPECT_EQ(names_of(search({{"from", time(-1770)}}).records),
            (Names{"loop-0 30", "loop-1 30", "management 30"}));
}

class SearchDamageTest : public SearchTest {
 protected:
  void SetUp() override { fill(12); }
  SearchResult with(const std::string& name, const std::function<void(Names&)>& change) {
    const std::string path = file(name);
    const std::string good = read_text(path);
    Names lines = lines_of(good);
    change(lines);
    write_text(path, join(lines));
    SearchResult found = search({});
    write_text(path, good);
    return found;
  }
};

TEST_F(SearchDamageTest, IsToldAndHidesNoOtherRecord) {
  const std::string segment = "loop-0.00000001.log";
  ASSERT_GT(lines_of(read_text(file(segment))).size(), 5U);
  const auto edit = [](std::string& line) { line.replace(line.find("call 2"), 6, "call X"); };
  const struct {
    std::string what;
    std::function<void(Names&)> change;
    std::size_t records;
    std::string finding;
  } rows[] = {
      {"edited", [&](Names& lines) { edit(lines[2]); }, 36,
       "loop-0 1: record 3: content and hash differ"},
      {"cut out", [](Names& lines) { lines.erase(lines.begin() + 2); }, 35,
       "loop-0 1: record 2 is not what the record after it, number 4, was chained to"},
      {"put in again", [](Names& lines) { lines.insert(lines.begin() + 2, lines[2]); }, 37,
       "loop-0 1: record 3 is not what the record after it, number 3, was chained to"},
      {"no record", [](Names& lines) { lines[2] = "{}\n"; }, 35, "loop-0 1: not a record"},
      {"an empty line", [](Names& lines) { lines[2] = "\n"; }, 35, "loop-0 1: not a record"},
      {"no JSON", [](Names& lines) { lines[2].replace(lines[2].find("\"outcome\""), 1, "x"); }, 35,
       "loop-0 1: record 3: its event is not JSON"},
      {"unfinished", [](Names& lines) { lines.back().resize(40); }, 35,
       "loop-0 1: an unfinished record"},
      {"the first gone", [](Names& lines) { lines.erase(lines.begin()); }, 35,
       "loop-0 1: the stream does not begin here"},
      {"binary", [](Names& lines) { lines[1] = std::string(3'000'000, '\0') + "\n"; }, 35,
       "loop-0 1: not a record"},
  };
  for (const auto& row : rows) {
    const SearchResult found = with(segment, row.change);
    EXPECT_EQ(found.records.size(), row.records) << row.what;
    EXPECT_NE(words_of(found).find(row.finding), std::string::npos) << row.what << "\n"
                                                                    << words_of(found);
  }
  EXPECT_EQ(words_of(search({})), "");
}

TEST_F(SearchDamageTest, ACutFileAndAMissingOneAreTold) {
  const std::string newest = "loop-1.00000002.log";
  const SearchResult cut = with(newest, [](Names& lines) { lines.pop_back(); });
  EXPECT_EQ(cut.records.size(), 35U);
  EXPECT_NE(words_of(cut).find("but the server wrote up to byte"), std::string::npos)
      << words_of(cut);
  std::filesystem::remove(file("management.00000001.log"));
  const SearchResult missing = search({});
  EXPECT_LT(missing.records.size(), 36U);
  EXPECT_NE(words_of(missing).find("management 1: segment 1 cannot be read"), std::string::npos);
}

TEST_F(SearchDamageTest, FindingsOfAnAnswerAreBounded) {
  const SearchResult found =
      with("loop-0.00000001.log", [](Names& lines) { lines.assign(5000, "junk\n"); });
  EXPECT_EQ(found.records.size(), 24U + lines_of(read_text(file("loop-0.00000002.log"))).size());
  ASSERT_EQ(found.findings.size(), kMaxFindings + 1);
  const SearchFinding& rest = found.findings.back();
  EXPECT_EQ(rest.stream, "loop-0");
  EXPECT_NE(rest.problem.find("more findings, the first of them here"), std::string::npos)
      << rest.problem;
}

TEST_F(SearchTest, CursorsOfOtherLogsAreRefused) {
  fill(1);
  for (const Cursor& cursor :
       {Cursor{{"loop-7", 1, 0}}, Cursor{{"loop-0", 2, 0}}, Cursor{{"checkpoint", 1, 0}}}) {
    SearchQuery query;
    query.cursor = cursor;
    const auto found = search_log(directory(), log().state().streams, query, {});
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().reason, Reason::InvalidQueryParam);
    EXPECT_EQ(found.error().target, "cursor");
  }
  SearchQuery
      query;  // places that are no beginnings of lines, or behind the end, read what is there
  for (const std::uint64_t offset :
       {std::uint64_t{1}, std::uint64_t{100}, ~std::uint64_t{0} >> 1}) {
    query.cursor = Cursor{{"loop-0", 1, offset}};
    EXPECT_TRUE(search_log(directory(), log().state().streams, query, {}));
  }
}

}  // namespace
}  // namespace keyhaven::audit
