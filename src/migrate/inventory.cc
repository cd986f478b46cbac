#include "migrate/inventory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "base/file.h"

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

Result<void> check(const InventoryRow& row) {
  if (row.key.empty()) return bad("key is empty; name a key id, alias or CRN");
  if (row.wdek.empty()) return bad("wdek is empty");
  return {};
}

}  // namespace

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
  InventoryRow row;
  row.line = record.line;
  const std::array<std::string*, 4> targets = {&row.key, &row.wdek, &row.aad_text, &row.ref};
  for (std::size_t i = 0; i < record.fields.size(); ++i)
    *targets[layout_.columns[i]] = std::move(record.fields[i]);
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
    auto row = parse_json_row(**line);
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

Result<AtomicOutput> AtomicOutput::create(const std::string& path) {
  const std::string beside = path + ".partial";
  const int fd =
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Error{Reason::Io, "cannot write " + beside + ": " + std::strerror(errno), {}};
  return AtomicOutput(fd, path);
}

AtomicOutput::AtomicOutput(AtomicOutput&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      buffer_(std::move(other.buffer_)) {}

AtomicOutput::~AtomicOutput() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink((path_ + ".partial").c_str());
}

Error AtomicOutput::failure(const char* what) const {
  return Error{errno == ENOSPC || errno == EDQUOT ? Reason::StoreUnavailable : Reason::Io,
               std::string("cannot ") + what + " " + path_ + ".partial: " + std::strerror(errno),
               {}};
}

Result<void> AtomicOutput::flush() {
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t wrote = ::write(fd_, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return failure("write");
    left.remove_prefix(static_cast<std::size_t>(wrote));
  }
  buffer_.clear();
  return {};
}

Result<void> AtomicOutput::write(std::string_view text) {
  constexpr std::size_t kBufferBytes = 64 * 1024;
  buffer_ += text;
  return buffer_.size() < kBufferBytes ? Result<void>() : flush();
}

Result<void> AtomicOutput::finish() {
  KH_TRY(flush());
  if (::fsync(fd_) != 0) return failure("make durable");
  if (::rename((path_ + ".partial").c_str(), path_.c_str()) != 0) return failure("rename");
  ::close(std::exchange(fd_, -1));
  const std::size_t slash = path_.rfind('/');
  sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash));
  return {};
}

bool is_same_file(const std::string& a, const std::string& b) {
  struct stat one {};
  struct stat other {};
  return ::stat(a.c_str(), &one) == 0 && ::stat(b.c_str(), &other) == 0 &&
         one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

}  // namespace keyhaven::migrate
