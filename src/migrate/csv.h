// Comma-separated values as RFC 4180 has them: quotes, doubled quotes, line ends within quotes;
// streaming and bounded.
#pragma once

#include <cstdint>
#include <deque>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven::migrate {

inline constexpr std::size_t kMaxLineBytes = 256 * 1024;
inline constexpr std::size_t kMaxCsvFieldBytes = 64 * 1024;
inline constexpr std::size_t kMaxCsvFields = 64;
inline constexpr std::size_t kMaxCsvRecordLines = 64;  // a quoted field may hold line ends

// Lines of at most kMaxLineBytes, whatever the input. A UTF-8 byte order mark is dropped.
class LineReader {
 public:
  explicit LineReader(std::istream& in) : in_(in) {}
  // Without the line end (a '\r' before it stays). nullopt at the end. Errors: TooLarge; the rest
  // of that line is skipped.
  Result<std::optional<std::string>> next();
  // Of the last line returned or refused, from 1.
  std::uint64_t number() const noexcept { return number_; }

 private:
  std::istream& in_;
  std::uint64_t number_ = 0;
};

struct CsvRecord {
  std::uint64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Reads one record after the other. A record that breaks the rules is an error of its own; the
// reader then goes on with the very next line, so that one bad row (a quote left open, say) hides
// no other.
class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : lines_(in) {}
  // nullopt at the end; empty lines are skipped. Errors: InvalidArgument, TooLarge; line() tells
  // where.
  Result<std::optional<CsvRecord>> next();
  // Where the last record, good or bad, began.
  std::uint64_t line() const noexcept { return record_line_; }

 private:
  struct Line {
    std::uint64_t number = 0;
    std::string text;
  };
  Result<std::optional<Line>> take();
  Error broken(Error error, std::vector<Line> consumed);
  LineReader lines_;
  std::deque<Line> again_;  // read as part of a bad record, to be read on their own
  std::uint64_t record_line_ = 0;
};

// Appends one record; the line end is '\n'. Fields are quoted when they must be.
void append_csv(std::string& out, const std::vector<std::string_view>& fields);

}  // namespace keyhaven::migrate
