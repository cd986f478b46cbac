#include "audit/stream_scanner.h"

#include <algorithm>
#include <utility>

#include "audit/segment.h"

namespace keyhaven::audit {
namespace {

// Stands for the end of a segment that is not open yet, also in a cursor; no file is as long.
constexpr std::uint64_t kWholeSegment = std::uint64_t{1} << 62;
constexpr std::uint64_t kCostOfOpening = 4096;
// A record begins with {"seq":N,"event":{"eventTime":"...
constexpr std::size_t kBeginBytes = 128;

TimeKey time_of_line(std::string_view line) noexcept {
  std::uint64_t seq = 0;
  if (!take(line, "{\"seq\":") || !take_number(line, seq) || !take(line, ",\"event\":")) return 0;
  return time_key_of_event(line);
}

}  // namespace

StreamScanner::StreamScanner(const std::string& directory, StreamState end,
                             const std::optional<Position>& start, const TimeBounds& bounds,
                             const Report& report)
    : directory_(directory),
      end_(std::move(end)),
      bounds_(bounds),
      report_(report),
      may_be_late_(end_.name == kManagementStream),
      segment_(start ? start->segment : end_.segment),
      begin_at_(start ? start->offset : end_.size_bytes) {
  if (!start) expected_ = end_.head;
  if (segment_ == end_.segment) begin_at_ = std::min(begin_at_, end_.size_bytes);
}

void StreamScanner::report(std::uint64_t offset, std::string problem) const {
  report_(segment_, offset, std::move(problem));
}

std::optional<Position> StreamScanner::resume() const {
  if (is_done()) return std::nullopt;
  if (record_) return Position{end_.name, segment_, record_end_};
  if (reader_) return Position{end_.name, segment_, reader_->line_offset()};
  return Position{end_.name, segment_, begin_at_};
}

void StreamScanner::stop() {
  segment_ = 0;
  reader_.reset();
}

void StreamScanner::next_segment() {
  reader_.reset();
  --segment_;
  begin_at_ = kWholeSegment;
  if (segment_ == 0 && expected_ && *expected_ != genesis(end_.name))
    report_(1, 0, "the stream does not begin here: records before this one are gone");
}

// 0 when that cannot be told.
TimeKey StreamScanner::first_time_of(std::uint32_t segment) const {
  auto reader = LineReader::open(segment_path(directory_, end_.name, segment), kBeginBytes);
  if (!reader) return 0;
  const auto line = reader->next();
  if (!line || *line) return line && *line ? time_of_line(**line) : 0;
  return time_of_line(reader->tail());
}

// Whether the times say that nothing of the segment can be in the range.
bool StreamScanner::leave_out_segment() {
  if (may_be_late_) {
    if (!bounds_.long_before_from || segment_ + 2 > end_.segment) return false;
    const TimeKey next = first_time_of(segment_ + 1);
    const TimeKey second = first_time_of(segment_ + 2);
    if (next == 0 || second == 0 || std::max(next, second) >= *bounds_.long_before_from)
      return false;
    stop();
    return true;
  }
  if (!bounds_.long_after_to) return false;
  const TimeKey first = first_time_of(segment_);
  if (first == 0 || first < *bounds_.long_after_to) return false;
  expected_.reset();
  next_segment();
  return true;
}

bool StreamScanner::open_segment() {
  const std::string path = segment_path(directory_, end_.name, segment_);
  auto reader = BackwardReader::open(path, begin_at_);
  if (!reader) {
    report(0, "segment " + std::to_string(segment_) + " cannot be read: " + reader.error().message);
    expected_.reset();
    next_segment();
    return false;
  }
  if (begin_at_ != kWholeSegment && reader->file_size() < begin_at_) {
    report(reader->file_size(), "segment " + std::to_string(segment_) + " ends at byte " +
                                    std::to_string(reader->file_size()) +
                                    ", but the server wrote up to byte " +
                                    std::to_string(begin_at_));
    expected_.reset();
  }
  reader_.emplace(std::move(reader).value());
  return true;
}

void StreamScanner::read_line(std::string_view line) {
  record_ = reader_->is_finished() ? parse_record(line) : std::nullopt;
  if (!record_) {
    report(reader_->line_offset(),
           reader_->is_finished() ? "not a record" : "an unfinished record");
    expected_.reset();
    return;
  }
  if (expected_ && *expected_ != Head{record_->seq, record_->hash}) {
    report(reader_->line_offset(), "record " + std::to_string(record_->seq) +
                                       " is not what the record after it, number " +
                                       std::to_string(expected_->seq + 1) +
                                       ", was chained to (edited, cut out, moved or put in)");
  }
  expected_ = Head{record_->seq - 1, record_->prev};
  if (const TimeKey time = time_key_of_event(record_->event_json); time != 0) time_ = time;
  if (!may_be_late_ && bounds_.long_before_from && time_ < *bounds_.long_before_from) {
    record_.reset();
    stop();
  }
}

void StreamScanner::step() {
  record_.reset();
  cost_ = kCostOfOpening;
  if (is_done()) return;
  if (!reader_ && (leave_out_segment() || !open_segment())) return;
  record_end_ = reader_->line_offset();
  const auto line = reader_->previous();
  if (!line) {
    report(record_end_, line.error().message);
    expected_.reset();
    next_segment();
  } else if (!*line) {
    next_segment();
  } else {
    cost_ = (*line)->size() + 1;
    read_line(**line);
  }
}

}  // namespace keyhaven::audit
