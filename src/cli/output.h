// Results for people (tables) and for programs (JSON).
#pragma once

#include <boost/json/fwd.hpp>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace keyhaven::cli {

class Context;

// Columns are as wide as their widest cell (UTF-8 code points); the last one is not padded. Control
// characters in cells become '?': a name on the server must not drive the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : header_(std::move(header)) {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::size_t rows() const noexcept { return rows_.size(); }
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

// Prints one JSON value and a newline.
void print_json(Context& context, const boost::json::value& value);
// The table, or the value when --output json was given.
Result<void> show(Context& context, const Table& table, const boost::json::value& value);
// "OK" and what was done, or {"ok":true,...} with `value`'s members.
Result<void> show_done(Context& context, std::string_view what, const boost::json::object& value);

// RFC 3339, or "-" when not set.
std::string time_text(Timestamp time);
std::string join(const std::vector<std::string>& texts, std::string_view separator);

// A progress bar on a terminal, nothing elsewhere. Not thread-safe.
class Progress {
 public:
  Progress(Context& context, std::string label, std::size_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void advance(std::size_t done);

 private:
  std::ostream* err_ = nullptr;  // null: no terminal
  std::string label_;
  std::size_t total_;
  std::size_t shown_percent_ = 101;
};

}  // namespace keyhaven::cli
