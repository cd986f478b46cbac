// For tests of searches: a log with small segments and a clock by hand, and all pages of a search.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "audit/log_test_directory.h"
#include "audit/search.h"

namespace keyhaven::audit {

// "loop-0 7" of each record.
inline std::vector<std::string> names_of(const std::vector<FoundRecord>& records) {
  std::vector<std::string> out;
  for (const FoundRecord& record : records)
    out.push_back(record.stream + " " + std::to_string(record.seq));
  return out;
}

inline SearchQuery query_of(std::map<std::string, std::string> parameters) {
  const auto query = parse_search([&](std::string_view name) -> std::optional<std::string> {
    const auto found = parameters.find(std::string(name));
    return found == parameters.end() ? std::nullopt : std::optional(found->second);
  });
  EXPECT_TRUE(query) << (query ? "" : query.error().message);
  return query ? *query : SearchQuery{};
}

class SearchLog {
 public:
  explicit SearchLog(unsigned loops = 2, std::size_t segment_bytes = 4096) {
    const LogOptions options{.directory = directory_.path(),
                             .loop_streams = loops,
                             .preallocate_bytes = 4096,
                             .segment_bytes = segment_bytes};
    log_ = Log::open(options, crypto::Ed25519PrivateKey::from_seed(SecretBytes(32)).value(), clock_)
               .value();
  }

  Event event(std::string action = "hs-crypto.secrets.wrap") const {
    Event out;
    out.time = clock_.now();
    out.action = std::move(action);
    out.outcome = Outcome::Success;
    return out;
  }
  void loop(unsigned loop, const Event& event) {
    log_->append_loop(loop, event);
    ASSERT_TRUE(log_->flush_loop(loop));
  }
  void management(const Event& event) { ASSERT_TRUE(log_->append_management(event)); }

  SearchResult page(const SearchQuery& query, const SearchBudget& budget = {}) const {
    auto found = search_log(directory_.path(), log_->state().streams, query, budget);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? std::move(found).value() : SearchResult{};
  }
  // All pages as one.
  SearchResult all(SearchQuery query, const SearchBudget& budget = {}) const {
    SearchResult out;
    for (int pages = 0; pages < 100'000; ++pages) {
      SearchResult more = page(query, budget);
      EXPECT_LE(more.records.size(), query.limit);
      EXPECT_EQ(more.complete, more.cursor.empty());
      for (auto& record : more.records) out.records.push_back(std::move(record));
      for (auto& finding : more.findings) out.findings.push_back(std::move(finding));
      out.bytes_read += more.bytes_read;
      out.records_read += more.records_read;
      out.looked_back_to = more.looked_back_to;
      if (more.complete) return out;
      query.cursor = decode_cursor(more.cursor).value();
    }
    ADD_FAILURE() << "the search does not end";
    return out;
  }
  SearchResult search(std::map<std::string, std::string> parameters) const {
    return all(query_of(std::move(parameters)));
  }

  std::string file(const std::string& name) const { return directory_.file(name); }
  const std::string& directory() const { return directory_.path(); }
  ManualClock& clock() { return clock_; }
  Log& log() { return *log_; }

 private:
  TestDirectory directory_;
  ManualClock clock_{Timestamp::from_seconds(1'700'000'000)};
  std::unique_ptr<Log> log_;
};

}  // namespace keyhaven::audit
