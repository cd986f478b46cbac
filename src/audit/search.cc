#include "audit/search.h"

#include <algorithm>
#include <boost/json.hpp>
#include <memory>

#include "audit/record_filter.h"
#include "audit/stream_scanner.h"

namespace keyhaven::audit {
namespace {

// The clock is asked every so many bytes.
constexpr std::uint64_t kBytesBetweenClocks = 128 * 1024;

class Budget {
 public:
  explicit Budget(const SearchBudget& budget)
      : bytes_(budget.bytes), end_(std::chrono::steady_clock::now() + budget.time) {}
  void spend(std::uint64_t bytes) {
    spent_ += bytes;
    if (spent_ < ask_at_) return;
    ask_at_ = spent_ + kBytesBetweenClocks;
    is_late_ = std::chrono::steady_clock::now() >= end_;
  }
  bool is_spent() const noexcept { return is_late_ || spent_ >= bytes_; }
  std::uint64_t spent() const noexcept { return spent_; }

 private:
  std::uint64_t bytes_;
  std::chrono::steady_clock::time_point end_;
  std::uint64_t spent_ = 0;
  std::uint64_t ask_at_ = 0;
  bool is_late_ = false;
};

// Not set for a key that is no time.
Timestamp timestamp_of(TimeKey key) {
  const std::string digits = std::to_string(key);
  constexpr std::size_t kDigits = 14;
  if (digits.size() != kDigits) return {};
  const std::string text = digits.substr(0, 4) + "-" + digits.substr(4, 2) + "-" +
                           digits.substr(6, 2) + "T" + digits.substr(8, 2) + ":" +
                           digits.substr(10, 2) + ":" + digits.substr(12, 2) + "Z";
  const auto time = parse_rfc3339(text);
  return time ? *time : Timestamp{};
}

class Search {
 public:
  Search(const std::string& directory, const SearchQuery& query, const SearchBudget& budget)
      : directory_(directory), query_(query), filter_(query), budget_(budget) {
    if (query.from)
      bounds_.long_before_from = time_key_from(query.from->plus_seconds(-kClockSlackSeconds));
    if (query.to) bounds_.long_after_to = time_key_from(query.to->plus_seconds(kClockSlackSeconds));
  }

  Result<SearchResult> run(const std::vector<StreamState>& streams) {
    KH_TRY(begin(streams));
    bool has_moved = false;  // every call gets on, however small its budget
    for (;;) {
      Stream* newest = find_newest();
      result_.complete = newest == nullptr;
      if (result_.complete || is_full() || (has_moved && budget_.is_spent())) break;
      if (const ParsedRecord* record = newest->scanner->record()) {
        look_at(*newest, *record);
        has_moved = true;
      }
      newest->scanner->step();
      has_moved |= newest->scanner->record() == nullptr;
      budget_.spend(newest->scanner->cost());
    }
    tell_unlisted();
    result_.bytes_read = budget_.spent();
    result_.looked_back_to = timestamp_of(last_time_);
    if (!result_.complete) result_.cursor = encode_cursor(resume());
    return std::move(result_);
  }

 private:
  struct Stream {
    StreamScanner::Report report;
    std::unique_ptr<StreamScanner> scanner;
  };

  // Errors: InvalidQueryParam.
  Result<void> begin(const std::vector<StreamState>& streams) {
    std::size_t known = 0;
    for (const StreamState& state : streams) {
      if (state.name == kCheckpointStream && !query_.with_checkpoints) continue;
      std::optional<Position> start;
      if (query_.cursor) {
        start = position_of(state.name);
        if (!start) continue;  // was at its end, or is newer than the search
        ++known;
        if (start->segment > state.segment) return foreign_cursor();
      }
      auto stream = std::make_unique<Stream>();
      stream->report = [this, name = state.name](std::uint32_t segment, std::uint64_t offset,
                                                 std::string problem) {
        add_finding({name, segment, offset, std::move(problem)});
      };
      stream->scanner =
          std::make_unique<StreamScanner>(directory_, state, start, bounds_, stream->report);
      streams_.push_back(std::move(stream));
    }
    if (query_.cursor && known != query_.cursor->size()) return foreign_cursor();
    return {};
  }

  void add_finding(SearchFinding finding) {
    if (result_.findings.size() < kMaxFindings)
      return result_.findings.push_back(std::move(finding));
    if (unlisted_++ == 0) first_unlisted_ = std::move(finding);
  }

  void tell_unlisted() {
    if (unlisted_ == 0) return;
    first_unlisted_.problem =
        std::to_string(unlisted_) +
        " more findings, the first of them here, are not listed: check the log";
    result_.findings.push_back(std::move(first_unlisted_));
  }

  static Error foreign_cursor() {
    return {Reason::InvalidQueryParam,
            "cursor belongs to another search or another log: search again without it", "cursor"};
  }

  std::optional<Position> position_of(std::string_view stream) const {
    for (const Position& position : *query_.cursor) {
      if (position.stream == stream) return position;
    }
    return std::nullopt;
  }

  Stream* find_newest() const {
    Stream* newest = nullptr;
    for (const auto& stream : streams_) {
      if (stream->scanner->is_done()) continue;
      if (newest == nullptr || stream->scanner->time() > newest->scanner->time())
        newest = stream.get();
    }
    return newest;
  }

  bool is_full() const noexcept {
    return result_.records.size() >= query_.limit || answer_bytes_ >= kMaxAnswerBytes;
  }

  void look_at(const Stream& stream, const ParsedRecord& record) {
    ++result_.records_read;
    last_time_ = stream.scanner->time();
    if (!filter_.may_match(record.event_json, time_key_of_event(record.event_json))) return;
    const StreamScanner& at = *stream.scanner;
    boost::json::error_code failed;
    const boost::json::value event = boost::json::parse(record.event_json, failed);
    if (failed || !event.is_object()) {
      stream.report(at.segment(), at.offset(),
                    "record " + std::to_string(record.seq) + ": its event is not JSON");
      return;
    }
    if (!filter_.matches(event.get_object())) return;
    const bool is_whole = record.computed_hash() == record.hash;
    if (!is_whole)
      stream.report(at.segment(), at.offset(),
                    "record " + std::to_string(record.seq) + ": content and hash differ (edited)");
    answer_bytes_ += record.event_json.size();
    result_.records.push_back({at.name(), record.seq, record.prev, record.hash,
                               std::string(record.event_json), is_whole});
  }

  Cursor resume() const {
    Cursor cursor;
    for (const auto& stream : streams_) {
      if (auto position = stream->scanner->resume()) cursor.push_back(std::move(*position));
    }
    return cursor;
  }

  const std::string& directory_;
  const SearchQuery& query_;
  RecordFilter filter_;
  Budget budget_;
  TimeBounds bounds_;
  std::vector<std::unique_ptr<Stream>> streams_;
  SearchResult result_;
  std::uint64_t unlisted_ = 0;
  SearchFinding first_unlisted_;
  std::size_t answer_bytes_ = 0;
  TimeKey last_time_ = 0;
};

}  // namespace

Result<SearchResult> search_log(const std::string& directory,
                                const std::vector<StreamState>& streams, const SearchQuery& query,
                                const SearchBudget& budget) {
  return Search(directory, query, budget).run(streams);
}

}  // namespace keyhaven::audit
