// Comma-separated values as RFC 4180 has them: quotes, doubled quotes, line ends within quotes;
// streaming and bounded.
#pragma once

#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven::migrate {

inline constexpr std::size_t kMaxCsvFieldBytes = 64 * 1024;
inline constexpr std::size_t kMaxCsvFields = 64;

struct CsvRecord {
  std::uint64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Reads one record after the other. A record that breaks the rules is an error of its own; the
// reader then goes on with the next line, so that one bad row does not hide the others.
class CsvReader {
 public:
  explicit CsvReader(std::istream& in) : in_(in) {}
  // nullopt at the end; empty lines are skipped. Errors: InvalidArgument (the message names the
  // line).
  Result<std::optional<CsvRecord>> next();
  std::uint64_t line() const noexcept { return line_; }

 private:
  int get();
  Error broken(std::uint64_t at, const char* what);
  std::istream& in_;
  std::uint64_t line_ = 1;
  bool first_ = true;
};

// Appends one record with CRLF-free line end; fields are quoted when they must be.
void append_csv(std::string& out, const std::vector<std::string_view>& fields);

}  // namespace keyhaven::migrate
