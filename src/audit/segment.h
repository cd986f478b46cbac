// The files of a log directory: names, listing, reading line by line in bounded memory.
//
// Stream "loop-0" is loop-0.00000001.log, loop-0.00000002.log, ... without gap, and loop-0.reserve
// for a full disk.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace keyhaven::audit {

std::string segment_path(const std::string& directory, std::string_view stream,
                         std::uint32_t segment);
std::string reserve_path(const std::string& directory, std::string_view stream);

// Segment numbers of each stream, ascending. Other files are ignored. Errors: Io.
using SegmentLists = std::map<std::string, std::vector<std::uint32_t>, std::less<>>;
Result<SegmentLists> list_segments(const std::string& directory);

// Whether the numbers are 1, 2, 3 ...; else the first number that is missing.
std::optional<std::uint32_t> first_gap(const std::vector<std::uint32_t>& segments);

// Reads the complete lines of one file. A line longer than kMaxRecordBytes comes out in pieces of
// that size.
class LineReader {
 public:
  // Nothing behind `limit` bytes is read.
  static Result<LineReader> open(const std::string& path,
                                 std::uint64_t limit = std::numeric_limits<std::uint64_t>::max());

  // The next line without its newline, valid until the next call; nothing at the end. Errors: Io.
  Result<std::optional<std::string_view>> next();

  std::uint64_t line_offset() const noexcept { return line_offset_; }  // where the last line began
  std::uint64_t end_offset() const noexcept { return next_offset_; }   // after its newline
  // Bytes after the last newline; known when next() gave nothing.
  std::size_t tail_size() const noexcept { return buffer_.size() - begin_; }
  std::string_view tail() const noexcept { return std::string_view(buffer_).substr(begin_); }

 private:
  LineReader(FileDescriptor file, std::uint64_t limit) : file_(std::move(file)), unread_(limit) {}
  Result<bool> fill();

  FileDescriptor file_;
  std::uint64_t unread_;  // bytes that may still be read
  std::string buffer_;
  std::size_t begin_ = 0;
  std::uint64_t line_offset_ = 0;
  std::uint64_t next_offset_ = 0;
};

// "cause: what the system says", for `error_number` of errno.
std::string system_message(std::string_view cause, int error_number);

}  // namespace keyhaven::audit
