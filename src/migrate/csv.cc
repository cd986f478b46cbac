#include "migrate/csv.h"

namespace keyhaven::migrate {

int CsvReader::get() {
  const int c = in_.get();
  if (c == '\n') ++line_;
  return c;
}

Error CsvReader::broken(std::uint64_t at, const char* what) {
  // Goes on behind the current line; a quote left open must not swallow the rest of the file.
  for (int c = in_.peek(); c != std::istream::traits_type::eof(); c = in_.peek()) {
    get();
    if (c == '\n') break;
  }
  return Error{Reason::InvalidArgument, "line " + std::to_string(at) + ": " + what, {}};
}

Result<std::optional<CsvRecord>> CsvReader::next() {
  constexpr int kEnd = std::istream::traits_type::eof();
  if (first_) {  // byte order mark of spreadsheets
    first_ = false;
    if (in_.peek() == 0xEF) {
      char mark[3];
      in_.read(mark, 3);
    }
  }
  while (in_.peek() == '\n' || in_.peek() == '\r') get();
  if (in_.peek() == kEnd) return std::optional<CsvRecord>();
  CsvRecord record;
  record.line = line_;
  while (true) {
    std::string field;
    int c = in_.peek();
    if (c == '"') {
      get();
      while (true) {
        c = get();
        if (c == kEnd) return broken(record.line, "a quote is not closed");
        if (c == '"') {
          if (in_.peek() != '"') break;
          get();
        }
        if (field.size() == kMaxCsvFieldBytes)
          return broken(record.line, "a field has more than 65536 bytes");
        field += static_cast<char>(c);
      }
      c = get();
      if (c == '\r') c = get();
      if (c != ',' && c != '\n' && c != kEnd)
        return broken(record.line, "text after a closing quote");
    } else {
      for (c = get(); c != ',' && c != '\n' && c != kEnd; c = get()) {
        if (c == '"')
          return broken(record.line, "a quote inside a field that does not begin with one");
        if (field.size() == kMaxCsvFieldBytes)
          return broken(record.line, "a field has more than 65536 bytes");
        field += static_cast<char>(c);
      }
      if (c != ',' && !field.empty() && field.back() == '\r') field.pop_back();
    }
    record.fields.push_back(std::move(field));
    if (c != ',') return std::optional<CsvRecord>(std::move(record));
    if (record.fields.size() == kMaxCsvFields) return broken(record.line, "more than 64 fields");
  }
}

void append_csv(std::string& out, const std::vector<std::string_view>& fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (i > 0) out += ',';
    const std::string_view field = fields[i];
    if (field.find_first_of(",\"\r\n") == std::string_view::npos) {
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
