// Searching a log that is being written, newest records first.
//
// The streams are read backwards and merged by the times of their records: the next record is the
// newest of those at which the streams stand, of equal ones that of the stream named first. So a
// stream's records keep their order, whatever their times say. A call reads so many bytes for so
// long and then answers with what it has and a cursor: the caller says whether to look further
// back.
//
// What times say decides what is left unread when the query has `from` or `to`. In the streams of
// the loops and of checkpoints a record has the time at which it was appended, so times ascend but
// where the clock was set back: by up to kClockSlack is allowed for. Records of the management
// stream may be older than their neighbours (what a crash left in the store's outbox is chained
// after the restart): nothing in it is left out for being too new, and a segment for being too old
// only when the two segments after it begin that long before `from`.
//
// Nothing is verified here, but what does not fit together is told as a finding.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "audit/log.h"
#include "audit/search_query.h"
#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::audit {

inline constexpr std::int64_t kClockSlackSeconds = 3600;
// Events of an answer together; it then has fewer records than the limit.
inline constexpr std::size_t kMaxAnswerBytes = 768 * 1024;
inline constexpr std::size_t kMaxFindings = 20;  // of an answer; one more says how many follow

struct SearchBudget {
  std::uint64_t bytes = 512 << 20;
  std::chrono::milliseconds time{500};
};

struct FoundRecord {
  std::string stream;
  std::uint64_t seq = 0;
  Digest prev{};
  Digest hash{};
  std::string event_json;  // is JSON
  bool is_whole = true;    // its hash is that of its content
};

struct SearchFinding {
  std::string stream;
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;  // of the line
  std::string problem;
};

struct SearchResult {
  std::vector<FoundRecord> records;     // in the order above
  std::vector<SearchFinding> findings;  // damage that was met on the way
  bool complete = false;                // everything was looked through
  std::string cursor;                   // where to go on; empty when complete
  Timestamp looked_back_to;             // time of the last record looked at; not set: none
  std::uint64_t records_read = 0;
  std::uint64_t bytes_read = 0;
};

// Searches `streams` (of Log::state) of `directory`. Memory: a block of 64 KiB and the longest line
// for each stream, and the answer. Thread-safe. Errors: InvalidQueryParam (the cursor is of another
// log), Io.
Result<SearchResult> search_log(const std::string& directory,
                                const std::vector<StreamState>& streams, const SearchQuery& query,
                                const SearchBudget& budget);

}  // namespace keyhaven::audit
