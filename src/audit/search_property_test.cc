// Law: a search gives what reading all files, merging them and testing each record gives, for any
// log, filters, page sizes and budgets.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <random>

#include "audit/record.h"
#include "audit/search_for_tests.h"
#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

namespace json = boost::json;

// Written as plainly as can be, and shares nothing with the search but the form of a record.
struct PlainRecord {
  std::string name;
  std::string event;
  std::string time;
};

std::string folded(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string member(const json::value& event, const std::string& pointer) {
  json::error_code failed;
  const json::value* value = event.find_pointer(pointer, failed);
  return value != nullptr && value->is_string() ? std::string(value->get_string().c_str()) : "";
}

bool plainly_matches(const PlainRecord& record, std::map<std::string, std::string> query) {
  const json::value event = json::parse(record.event);
  const auto has = [](const std::string& whole, const std::string& part) {
    return folded(whole).find(folded(part)) != std::string::npos;
  };
  if (query.contains("from") && record.time < query["from"]) return false;
  if (query.contains("to") && record.time >= query["to"]) return false;
  std::string action = query["action"];
  if (action.ends_with('.') && !member(event, "/action").starts_with(action)) return false;
  if (!action.empty() && !action.ends_with('.') && member(event, "/action") != action) return false;
  if (query.contains("outcome") && member(event, "/outcome") != query["outcome"]) return false;
  if (query.contains("severity") && member(event, "/severity") != query["severity"]) return false;
  if (query.contains("initiator") && !has(member(event, "/initiator/name"), query["initiator"]))
    return false;
  if (query.contains("correlation_id") &&
      member(event, "/correlationId") != query["correlation_id"]) {
    return false;
  }
  return true;
}

class Scenario {
 public:
  explicit Scenario(unsigned seed) : random_(seed), log_(1 + pick(3), 1024 + 512 * pick(6)) {}

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }
  template <std::size_t N>
  std::string one_of(const char* const (&texts)[N]) {
    return texts[pick(N)];
  }

  void write() {
    const unsigned loops = static_cast<unsigned>(log_.log().state().streams.size()) - 2;
    const unsigned count = pick(200);
    const unsigned late_at = pick(200);
    for (unsigned i = 0; i < count; ++i) {
      step_clock();
      Event event = log_.event(one_of(kActions));
      event.outcome = pick(3) == 0 ? Outcome::Failure : Outcome::Success;
      event.severity = kSeverities[pick(3)];
      event.initiator_name = one_of(kNames);
      event.correlation_id = "call-" + std::to_string(pick(20));
      if (i == late_at) event.time = event.time.plus_seconds(-static_cast<int>(pick(100'000)));
      if (pick(3) == 0 || i == late_at) {
        log_.management(event);
      } else {
        log_.loop(pick(loops), event);
      }
      if (pick(40) == 0) {
        EXPECT_TRUE(log_.log().checkpoint());
      }
    }
  }

  std::map<std::string, std::string> filters() {
    std::map<std::string, std::string> out;
    if (pick(3) == 0) out["action"] = pick(2) == 0 ? one_of(kActions) : "hs-crypto.secrets.";
    if (pick(4) == 0) out["outcome"] = pick(2) == 0 ? "success" : "failure";
    if (pick(4) == 0) out["severity"] = kSeverities[pick(3)];
    if (pick(4) == 0) out["initiator"] = one_of(kParts);
    if (pick(6) == 0) out["correlation_id"] = "call-" + std::to_string(pick(20));
    const auto age = [this] { return static_cast<std::int64_t>(pick(40'000)) - 1000; };
    const std::int64_t from = age();
    if (pick(2) == 0) out["from"] = format_rfc3339(log_.clock().now().plus_seconds(-from));
    if (pick(2) == 0)
      out["to"] = format_rfc3339(log_.clock().now().plus_seconds(1 - std::min(from, age())));
    return out;
  }

  SearchBudget budget() {
    return {std::uint64_t{1} << pick(18), std::chrono::seconds(pick(4) == 0 ? 0 : 60)};
  }

  // Every stream from its end, merged by time as search.h says.
  std::vector<std::string> plain_search(const std::map<std::string, std::string>& query) const {
    std::map<std::string, std::vector<PlainRecord>> streams = read_all();
    std::vector<std::string> out;
    for (;;) {
      std::vector<PlainRecord>* newest = nullptr;
      for (auto& [name, records] : streams) {
        if (!records.empty() && (newest == nullptr || records.back().time > newest->back().time))
          newest = &records;
      }
      if (newest == nullptr) return out;
      if (plainly_matches(newest->back(), query)) out.push_back(newest->back().name);
      newest->pop_back();
    }
  }

  SearchLog& log() { return log_; }

 private:
  static constexpr const char* kActions[] = {"hs-crypto.secrets.wrap", "hs-crypto.secrets.unwrap",
                                             "hs-crypto.instances.create", "hs-crypto.secrets"};
  static constexpr const char* kSeverities[] = {"normal", "warning", "critical"};
  static constexpr const char* kNames[] = {
      "Ada", "ada lovelace", "\"quoted\"", "b\\c", "\n", "\xc3\xbc", ""};
  static constexpr const char* kParts[] = {"ADA", "a l", "\"Q", "\\", "\n", "\xc3\xbc", "zz"};

  // Mostly forward; back by no more than the slack in all.
  void step_clock() {
    if (pick(30) == 0 && behind_ == 0) {
      behind_ = pick(3000);
      log_.clock().advance_seconds(-static_cast<std::int64_t>(behind_));
      return;
    }
    const unsigned forward = pick(10) == 0 ? pick(2000) : pick(3);
    behind_ -= std::min(behind_, forward);
    log_.clock().advance_seconds(forward);
  }

  std::map<std::string, std::vector<PlainRecord>> read_all() const {
    std::map<std::string, std::vector<PlainRecord>> streams;
    const SegmentLists lists = list_segments(log_.directory()).value();
    for (const auto& [name, segments] : lists) {
      if (name == "checkpoint") continue;
      for (const std::uint32_t segment : segments) {
        for (std::string line :
             lines_of(read_text(segment_path(log_.directory(), name, segment)))) {
          line.pop_back();
          const auto record = parse_record(line);
          std::string event(record->event_json);
          streams[name].push_back({name + " " + std::to_string(record->seq), event,
                                   member(json::parse(event), "/eventTime")});
        }
      }
    }
    return streams;
  }

  std::mt19937 random_;
  SearchLog log_;
  unsigned behind_ = 0;
};

TEST(SearchPropertyTest, FindsWhatReadingEverythingFinds) {
  std::size_t found = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Scenario scenario(seed);
    scenario.write();
    for (int i = 0; i < 12; ++i) {
      const auto filters = scenario.filters();
      SearchQuery query = query_of(filters);
      query.limit = 1 + scenario.pick(30);
      const SearchResult result = scenario.log().all(query, scenario.budget());
      EXPECT_EQ(names_of(result.records), scenario.plain_search(filters))
          << testing::PrintToString(filters);
      EXPECT_TRUE(result.findings.empty());
      found += result.records.size();
    }
  }
  EXPECT_GT(found, 500U);  // or the filters exclude everything
}

}  // namespace
}  // namespace keyhaven::audit
