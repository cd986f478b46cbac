// Reads a segment from its end towards its beginning, line by line, in memory of one block and one
// line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"

namespace keyhaven::audit {

class BackwardReader {
 public:
  // Begins before offset `end`, or at the end of a file that is shorter. Errors: Io.
  static Result<BackwardReader> open(const std::string& path, std::uint64_t end);

  // The line before, without its newline, valid until the next call; nothing at the beginning. What
  // stands behind the last newline is handed out as a line, too: see is_finished. A line longer
  // than kMaxRecordBytes comes out in pieces of at least that size. Errors: Io.
  Result<std::optional<std::string_view>> previous();

  bool is_finished() const noexcept { return is_finished_; }  // the last line had its newline
  std::uint64_t line_offset() const noexcept { return line_begin_; }  // where the last line begins
  std::uint64_t file_size() const noexcept { return file_size_; }     // as it was opened

 private:
  BackwardReader(FileDescriptor file, std::uint64_t size, std::uint64_t end)
      : file_(std::move(file)), file_size_(size), line_begin_(end), buffer_begin_(end) {}
  Result<void> read_block();

  FileDescriptor file_;
  std::uint64_t file_size_;
  std::uint64_t line_begin_;    // everything before it has not been handed out
  std::uint64_t buffer_begin_;  // offset of buffer_[0] in the file
  std::string buffer_;          // [buffer_begin_, line_begin_) and lines handed out before
  bool is_finished_ = true;
};

}  // namespace keyhaven::audit
