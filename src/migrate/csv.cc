#include "migrate/csv.h"

#include <iterator>

namespace keyhaven::migrate {
namespace {

Error bad(const char* what) { return Error{Reason::InvalidArgument, what, {}}; }

// Splits the lines of one record into its fields.
class RecordParser {
 public:
  // True when a quote is open at the end of `line`: the record goes on with the next one.
  Result<bool> feed(std::string_view line) {
    if (state_ == State::Quoted) KH_TRY(add('\n'));
    for (std::size_t i = 0; i < line.size(); ++i) {
      KH_TRY(read(line[i], i + 1 == line.size()));
    }
    if (state_ == State::Quoted) return true;
    if (state_ == State::Plain && field_.back() == '\r') field_.pop_back();
    KH_TRY(end_field());
    return false;
  }
  std::vector<std::string> fields() && { return std::move(fields_); }

 private:
  enum class State : std::uint8_t { Start, Plain, Quoted, Closed };

  Result<void> read(char c, bool is_last) {
    switch (state_) {
      case State::Start:
      case State::Plain:
        if (c == ',') return end_field();
        if (c == '"') {
          if (state_ == State::Plain)
            return bad("a quote inside a field that does not begin with one");
          state_ = State::Quoted;
          return {};
        }
        state_ = State::Plain;
        return add(c);
      case State::Quoted:
        if (c != '"') return add(c);
        state_ = State::Closed;
        return {};
      case State::Closed:
        if (c == ',') return end_field();
        if (c == '\r' && is_last) return {};
        if (c != '"') return bad("text after a closing quote");
        state_ = State::Quoted;  // a doubled quote stands for one
        return add(c);
    }
    return {};
  }
  Result<void> add(char c) {
    if (field_.size() == kMaxCsvFieldBytes) return bad("a field has more than 65536 bytes");
    field_ += c;
    return {};
  }
  Result<void> end_field() {
    if (fields_.size() == kMaxCsvFields) return bad("more than 64 fields");
    fields_.push_back(std::move(field_));
    field_.clear();
    state_ = State::Start;
    return {};
  }

  State state_ = State::Start;
  std::string field_;
  std::vector<std::string> fields_;
};

bool is_blank(std::string_view line) { return line.empty() || line == "\r"; }

}  // namespace

Result<std::optional<std::string>> LineReader::next() {
  constexpr int kEnd = std::istream::traits_type::eof();
  std::streambuf* const buffer = in_.rdbuf();
  if (!in_.good() || buffer == nullptr) return std::optional<std::string>();
  try {
    int c = buffer->sbumpc();
    if (c == kEnd) {
      in_.setstate(std::ios::eofbit);
      return std::optional<std::string>();
    }
    ++number_;
    std::string line;
    bool fits = true;
    for (; c != kEnd && c != '\n'; c = buffer->sbumpc()) {
      fits = fits && line.size() < kMaxLineBytes;
      if (fits) line += static_cast<char>(c);
    }
    if (!fits) return Error{Reason::TooLarge, "the line has more than 262144 bytes", {}};
    constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
    if (number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
    return std::optional<std::string>(std::move(line));
  } catch (const std::ios_base::failure&) {  // a directory, a failing disk
    in_.setstate(std::ios::badbit);
    return std::optional<std::string>();
  }
}

Result<std::optional<CsvReader::Line>> CsvReader::take() {
  if (!again_.empty()) {
    Line line = std::move(again_.front());
    again_.pop_front();
    return std::optional<Line>(std::move(line));
  }
  auto text = lines_.next();
  if (!text) {
    record_line_ = lines_.number();
    return std::move(text).error();
  }
  if (!*text) return std::optional<Line>();
  return std::optional<Line>(Line{lines_.number(), std::move(**text)});
}

Error CsvReader::broken(Error error, std::vector<Line> consumed) {
  again_.insert(again_.begin(), std::make_move_iterator(consumed.begin() + 1),
                std::make_move_iterator(consumed.end()));
  return error;
}

Result<std::optional<CsvRecord>> CsvReader::next() {
  std::optional<Line> line = KH_TRY(take());
  while (line && is_blank(line->text)) line = KH_TRY(take());
  if (!line) return std::optional<CsvRecord>();
  const std::uint64_t begins = line->number;
  record_line_ = begins;
  RecordParser parser;
  std::vector<Line> consumed;
  while (true) {
    consumed.push_back(std::move(*line));
    auto more = parser.feed(consumed.back().text);
    if (!more) return broken(std::move(more).error(), std::move(consumed));
    if (!*more) return std::optional<CsvRecord>(CsvRecord{begins, std::move(parser).fields()});
    if (consumed.size() == kMaxCsvRecordLines)
      return broken(bad("a quote is not closed within 64 lines"), std::move(consumed));
    auto next = take();
    if (!next) {  // that line is lost in any case; the record says so
      record_line_ = begins;
      return broken(std::move(next).error(), std::move(consumed));
    }
    if (!*next) return broken(bad("a quote is not closed"), std::move(consumed));
    line = std::move(*next);
  }
}

void append_csv(std::string& out, const std::vector<std::string_view>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    const std::string_view field = fields[i];
    // A single empty field is quoted, or the record would be an empty line.
    const bool is_plain = field.find_first_of(",\"\r\n") == std::string_view::npos &&
                          !(field.empty() && fields.size() == 1) &&
                          !(i == 0 && field.starts_with('\xEF'));
    if (is_plain) {
      out += field;
      continue;
    }
    out += '"';
    for (const char c : field) {
      if (c == '"') out += '"';
      out += c;
    }
    out += '"';
  }
  out += '\n';
}

}  // namespace keyhaven::migrate
