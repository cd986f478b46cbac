// One stream of a search, read backwards record by record.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "audit/backwards.h"
#include "audit/log.h"
#include "audit/record.h"
#include "audit/record_filter.h"
#include "audit/search_query.h"

namespace keyhaven::audit {

// Times that decide what is left unread (search.h); unset: nothing is.
struct TimeBounds {
  std::optional<TimeKey> long_before_from;  // by more than the clock's slack
  std::optional<TimeKey> long_after_to;
};

class StreamScanner {
 public:
  using Report =
      std::function<void(std::uint32_t segment, std::uint64_t offset, std::string problem)>;

  // Begins at `start`, or at the end when there is none. `end` is a state of the log; `directory`
  // and `report` must outlive it.
  StreamScanner(const std::string& directory, StreamState end, const std::optional<Position>& start,
                const TimeBounds& bounds, const Report& report);

  // Leaves the record at which it stands behind and goes one step back: to the record before, or to
  // none (record() is null) when there was damage or a segment to leave out. At the end is_done().
  void step();

  bool is_done() const noexcept { return segment_ == 0; }
  const ParsedRecord* record() const noexcept { return record_ ? &*record_ : nullptr; }
  // Of the record; where there is none, of what was before it, so that it is stepped over at once.
  TimeKey time() const noexcept { return time_; }
  std::uint32_t segment() const noexcept { return segment_; }
  std::uint64_t offset() const noexcept { return reader_->line_offset(); }  // of the record's line
  const std::string& name() const noexcept { return end_.name; }
  // What the last step has cost: bytes of the line, or something for a segment left out.
  std::uint64_t cost() const noexcept { return cost_; }
  // Where to go on so that the record at which it stands comes again.
  std::optional<Position> resume() const;

 private:
  bool leave_out_segment();
  TimeKey first_time_of(std::uint32_t segment) const;
  bool open_segment();
  void read_line(std::string_view line);
  void next_segment();
  void stop();
  void report(std::uint64_t offset, std::string problem) const;

  const std::string& directory_;
  const StreamState end_;
  const TimeBounds& bounds_;
  const Report& report_;
  const bool may_be_late_;  // records may be older than their neighbours

  std::uint32_t segment_;
  std::uint64_t begin_at_;  // where reading of segment_ begins, until it is open
  std::optional<BackwardReader> reader_;
  std::optional<ParsedRecord> record_;
  std::uint64_t record_end_ = 0;
  std::optional<Head> expected_;  // what the record before has to be
  TimeKey time_ = std::numeric_limits<TimeKey>::max();
  std::uint64_t cost_ = 0;
};

}  // namespace keyhaven::audit
