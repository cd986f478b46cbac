#include "migrate/inventory.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxAadEntries = 255;
constexpr std::array<std::string_view, 4> kColumns = {"key", "wdek", "aad", "ref"};

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

Result<client::AadList> aad_from(const boost::json::value& value) {
  const boost::json::array* array = value.if_array();
  if (array == nullptr) return bad("aad must be a JSON list of strings");
  if (array->size() > kMaxAadEntries) return bad("aad has more than 255 entries");
  client::AadList aad;
  for (const boost::json::value& entry : *array) {
    const boost::json::string* text = entry.if_string();
    if (text == nullptr) return bad("aad must be a JSON list of strings");
    aad.emplace_back(text->data(), text->size());
  }
  return aad;
}

Result<boost::json::value> parse_json(std::string_view text) {
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 8;
  boost::json::value value = boost::json::parse({text.data(), text.size()}, failed, {}, options);
  if (failed) return bad("not JSON: " + failed.message());
  return value;
}

constexpr std::string_view kNotUtf8 =
    "the row is not UTF-8; convert the file, e.g. by iconv -f LATIN1 -t UTF-8";

Result<void> check(const InventoryRow& row) {
  if (row.key.empty()) return bad("key is empty; name a key id, alias or CRN");
  if (row.wdek.empty()) return bad("wdek is empty");
  return {};
}

// How many bytes follow the first one of a UTF-8 sequence, and the least and greatest second byte;
// 0x80 to 0xBF unless the sequence would be too long for its value, a surrogate or beyond U+10FFFF.
struct Sequence {
  std::size_t more = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
};

std::optional<Sequence> sequence_of(unsigned char first) noexcept {
  if (first < 0x80) return Sequence{};
  if (first >= 0xC2 && first <= 0xDF) return Sequence{.more = 1};
  if (first == 0xE0) return Sequence{.more = 2, .low = 0xA0};
  if (first == 0xED) return Sequence{.more = 2, .high = 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return Sequence{.more = 2};
  if (first == 0xF0) return Sequence{.more = 3, .low = 0x90};
  if (first >= 0xF1 && first <= 0xF3) return Sequence{.more = 3};
  if (first == 0xF4) return Sequence{.more = 3, .high = 0x8F};
  return std::nullopt;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = 0; i < text.size();) {
    std::optional<Sequence> sequence = sequence_of(static_cast<unsigned char>(text[i++]));
    if (!sequence) return false;
    for (; sequence->more > 0; --sequence->more, sequence->low = 0x80, sequence->high = 0xBF) {
      if (i == text.size()) return false;
      const auto c = static_cast<unsigned char>(text[i++]);
      if (c < sequence->low || c > sequence->high) return false;
    }
  }
  return true;
}

Result<client::AadList> parse_aad(std::string_view text) {
  if (text.empty()) return client::AadList{};
  const boost::json::value value = KH_TRY(parse_json(text));
  return aad_from(value);
}

Result<InventoryRow> parse_json_row(std::string_view line) {
  const boost::json::value value = KH_TRY(parse_json(line));
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return bad("a row must be a JSON object");
  InventoryRow row;
  for (const auto& [name, member] : *object) {
    if (name == "aad") {
      if (!member.is_null()) row.aad = KH_TRY(aad_from(member));
      continue;
    }
    std::string* field = name == "key"    ? &row.key
                         : name == "wdek" ? &row.wdek
                         : name == "ref"  ? &row.ref
                                          : nullptr;
    if (field == nullptr) return bad("unknown member; a row has key, wdek, aad and ref");
    const boost::json::string* text = member.if_string();
    if (text == nullptr) return bad("key, wdek and ref must be strings");
    field->assign(text->data(), text->size());
  }
  KH_TRY(check(row));
  return row;
}

InventoryReader::InventoryReader(std::ifstream in, InventoryFormat format)
    : in_(std::move(in)), layout_{format, {0, 1, 2, 3}}, csv_(in_), lines_(in_) {}

Result<std::unique_ptr<InventoryReader>> InventoryReader::open(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Error{Reason::Io, "cannot read inventory " + path + ": " + std::strerror(errno), {}};
  const bool json =
      path.ends_with(".jsonl") || path.ends_with(".ndjson") || path.ends_with(".json");
  std::unique_ptr<InventoryReader> reader(
      new InventoryReader(std::move(in), json ? InventoryFormat::JsonLines : InventoryFormat::Csv));
  if (!json) KH_TRY(reader->read_header(path));
  return reader;
}

Result<void> InventoryReader::read_header(const std::string& path) {
  auto header = csv_.next();
  if (!header) {
    return bad(path + ": line " + std::to_string(csv_.line()) + ": " + header.error().message);
  }
  if (in_.bad()) return Error{Reason::Io, "cannot read inventory " + path, {}};
  if (!*header) return bad(path + " is empty; its first line must be key,wdek,aad,ref");
  const std::string& first = (**header).fields.front();
  if (first.starts_with("\xFF\xFE") || first.starts_with("\xFE\xFF"))
    return bad(path + " is UTF-16; convert it to UTF-8, e.g. by iconv -f UTF-16 -t UTF-8");
  layout_.columns.clear();
  for (const std::string& name : (**header).fields) {
    const auto* known = std::find(kColumns.begin(), kColumns.end(), name);
    if (known == kColumns.end()) {
      return bad(path + ": unknown column \"" + name.substr(0, 40) +
                 "\"; the header must be key,wdek,aad,ref");
    }
    const auto column = static_cast<std::size_t>(known - kColumns.begin());
    if (std::count(layout_.columns.begin(), layout_.columns.end(), column) > 0)
      return bad(path + ": the header names the column " + name + " twice");
    layout_.columns.push_back(column);
  }
  for (const std::size_t required : {std::size_t{0}, std::size_t{1}}) {
    if (std::count(layout_.columns.begin(), layout_.columns.end(), required) == 0)
      return bad(path + ": the header must name the columns key and wdek");
  }
  return {};
}

InventoryItem InventoryReader::csv_row(CsvRecord record) const {
  InventoryItem item;
  item.line = record.line;
  if (record.fields.size() > layout_.columns.size()) {
    item.problem = "the row has " + std::to_string(record.fields.size()) +
                   " fields, the header names " + std::to_string(layout_.columns.size());
    return item;
  }
  for (const std::string& field : record.fields) {
    if (is_utf8(field)) continue;
    item.problem = kNotUtf8;
    return item;
  }
  InventoryRow row;
  row.line = record.line;
  const std::array<std::string*, 4> targets = {&row.key, &row.wdek, &row.aad_text, &row.ref};
  for (std::size_t i = 0; i < record.fields.size(); ++i)
    *targets[layout_.columns[i]] = std::move(record.fields[i]);
  item.ref = row.ref;
  auto aad = parse_aad(row.aad_text);
  if (!aad) {
    item.problem = aad.error().message;
  } else if (auto checked = check(row); !checked) {
    item.problem = checked.error().message;
  } else {
    row.aad = std::move(*aad);
    item.row = std::move(row);
  }
  return item;
}

Result<std::optional<InventoryItem>> InventoryReader::at_end() const {
  if (in_.bad()) return Error{Reason::Io, "the inventory cannot be read to its end", {}};
  return std::optional<InventoryItem>();
}

Result<std::optional<InventoryItem>> InventoryReader::next_csv() {
  auto record = csv_.next();
  if (!record) {
    InventoryItem item;
    item.line = csv_.line();
    item.problem = record.error().message;
    return std::optional<InventoryItem>(std::move(item));
  }
  if (!*record) return at_end();
  return std::optional<InventoryItem>(csv_row(std::move(**record)));
}

Result<std::optional<InventoryItem>> InventoryReader::next_json() {
  while (true) {
    auto line = lines_.next();
    InventoryItem item;
    item.line = lines_.number();
    if (!line) {
      item.problem = line.error().message;
      return std::optional<InventoryItem>(std::move(item));
    }
    if (!*line) return at_end();
    if ((**line).find_first_not_of(" \t\r") == std::string::npos) continue;
    auto row = is_utf8(**line) ? parse_json_row(**line) : bad(std::string(kNotUtf8));
    if (row) {
      row->line = item.line;
      item.row = std::move(*row);
    } else {
      item.problem = row.error().message;
    }
    return std::optional<InventoryItem>(std::move(item));
  }
}

Result<std::optional<InventoryItem>> InventoryReader::next() {
  return layout_.format == InventoryFormat::Csv ? next_csv() : next_json();
}

std::string header_of(const InventoryLayout& layout) {
  std::string out;
  if (layout.format == InventoryFormat::JsonLines) return out;
  std::vector<std::string_view> names;
  for (const std::size_t column : layout.columns) names.push_back(kColumns[column]);
  append_csv(out, names);
  return out;
}

void append_row(std::string& out, const InventoryLayout& layout, const InventoryRow& row) {
  if (layout.format == InventoryFormat::Csv) {
    const std::array<std::string_view, 4> values = {row.key, row.wdek, row.aad_text, row.ref};
    std::vector<std::string_view> fields;
    for (const std::size_t column : layout.columns) fields.push_back(values[column]);
    append_csv(out, fields);
    return;
  }
  boost::json::object object{{"key", row.key}, {"wdek", row.wdek}};
  if (!row.aad.empty()) object["aad"] = boost::json::array(row.aad.begin(), row.aad.end());
  if (!row.ref.empty()) object["ref"] = row.ref;
  out += boost::json::serialize(object);
  out += '\n';
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat one {};
  struct stat other {};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace keyhaven::migrate
