#include "cli/output.h"

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "cli/context.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kBarWidth = 30;

std::string clean(std::string_view text) {
  std::string out(text);
  for (char& byte : out) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) byte = '?';
  }
  return out;
}

// Code points: bytes that do not continue a UTF-8 sequence.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char byte) {
    return (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  }));
}

void print_row(std::ostream& out, const std::vector<std::string>& row,
               const std::vector<std::size_t>& widths) {
  std::string line;
  for (std::size_t column = 0; column < row.size(); ++column) {
    const std::string cell = clean(row[column]);
    line += cell;
    if (column + 1 < row.size()) line.append(widths[column] - width_of(cell) + 3, ' ');
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  out << line << '\n';
}

}  // namespace

void Table::print(std::ostream& out) const {
  std::vector<std::size_t> widths(header_.size(), 0);
  for (std::size_t column = 0; column < header_.size(); ++column) {
    widths[column] = width_of(header_[column]);
    for (const auto& row : rows_) {
      if (column < row.size())
        widths[column] = std::max(widths[column], width_of(clean(row[column])));
    }
  }
  print_row(out, header_, widths);
  for (const auto& row : rows_) print_row(out, row, widths);
}

void print_json(Context& context, const boost::json::value& value) {
  context.out() << boost::json::serialize(value) << '\n';
}

Result<void> show(Context& context, const Table& table, const boost::json::value& value) {
  if (context.wants_json()) {
    print_json(context, value);
  } else {
    table.print(context.out());
  }
  return {};
}

Result<void> show_done(Context& context, std::string_view what, const boost::json::object& value) {
  if (context.wants_json()) {
    boost::json::object out;
    out["ok"] = true;
    for (const auto& [name, content] : value) out[name] = content;
    print_json(context, out);
  } else {
    context.out() << "OK\n" << what << '\n';
  }
  return {};
}

std::string time_text(Timestamp time) {
  return time.is_set() ? format_rfc3339(time) : std::string("-");
}

std::string join(const std::vector<std::string>& texts, std::string_view separator) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += separator;
    out += text;
  }
  return out;
}

Progress::Progress(Context& context, std::string label, std::size_t total)
    : err_(context.err_is_terminal() ? &context.err() : nullptr),
      label_(std::move(label)),
      total_(total) {
  advance(0);
}

Progress::~Progress() {
  if (err_ != nullptr) *err_ << "\r\033[K" << std::flush;
}

void Progress::advance(std::size_t done) {
  if (err_ == nullptr) return;
  const std::size_t percent = total_ == 0 ? 100 : std::min<std::size_t>(100, done * 100 / total_);
  if (percent == shown_percent_) return;
  shown_percent_ = percent;
  const std::size_t filled = percent * kBarWidth / 100;
  *err_ << '\r' << label_ << " [" << std::string(filled, '#')
        << std::string(kBarWidth - filled, '.') << "] " << done << '/' << total_ << "\033[K"
        << std::flush;
}

}  // namespace keyhaven::cli
