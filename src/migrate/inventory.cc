#include "migrate/inventory.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxJsonLineBytes = 256 * 1024;
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
    : in_(std::move(in)), format_(format), csv_(in_) {}

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
  columns_.assign(kColumns.size(), -1);
  auto header = csv_.next();
  if (!header) return bad(path + ": " + header.error().message);
  if (!*header) return bad(path + " is empty; its first line must be key,wdek,aad,ref");
  const std::vector<std::string>& fields = (**header).fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const auto* known = std::find(kColumns.begin(), kColumns.end(), fields[i]);
    if (known == kColumns.end()) {
      return bad(path + ": unknown column \"" + fields[i].substr(0, 40) +
                 "\"; the header must be key,wdek,aad,ref");
    }
    columns_[static_cast<std::size_t>(known - kColumns.begin())] = static_cast<int>(i);
  }
  if (columns_[0] < 0 || columns_[1] < 0)
    return bad(path + ": the header must name the columns key and wdek");
  return {};
}

InventoryItem InventoryReader::csv_row(CsvRecord record) const {
  InventoryItem item;
  item.line = record.line;
  InventoryRow row;
  row.line = record.line;
  const std::array<std::string*, 4> targets = {&row.key, &row.wdek, &row.aad_text, &row.ref};
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (columns_[i] < 0) continue;
    const auto index = static_cast<std::size_t>(columns_[i]);
    if (index < record.fields.size()) *targets[i] = std::move(record.fields[index]);
  }
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

Result<std::optional<InventoryItem>> InventoryReader::next() {
  if (format_ == InventoryFormat::Csv) {
    auto record = csv_.next();
    if (!record) {
      InventoryItem item;
      item.line = csv_.line();
      item.problem = record.error().message;
      return std::optional<InventoryItem>(std::move(item));
    }
    if (!*record) {
      if (in_.bad()) return Error{Reason::Io, "the inventory cannot be read to its end", {}};
      return std::optional<InventoryItem>();
    }
    return std::optional<InventoryItem>(csv_row(std::move(**record)));
  }
  std::string line;
  while (std::getline(in_, line)) {
    ++line_;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    InventoryItem item;
    item.line = line_;
    if (line.size() > kMaxJsonLineBytes) {
      item.problem = "the line has more than 262144 bytes";
      return std::optional<InventoryItem>(std::move(item));
    }
    auto row = parse_json_row(line);
    if (row) {
      row->line = line_;
      item.row = std::move(*row);
    } else {
      item.problem = row.error().message;
    }
    return std::optional<InventoryItem>(std::move(item));
  }
  if (in_.bad()) return Error{Reason::Io, "the inventory cannot be read to its end", {}};
  return std::optional<InventoryItem>();
}

std::string_view header_of(InventoryFormat format) noexcept {
  return format == InventoryFormat::Csv ? "key,wdek,aad,ref\n" : "";
}

void append_row(std::string& out, InventoryFormat format, const InventoryRow& row) {
  if (format == InventoryFormat::Csv) {
    append_csv(out, {row.key, row.wdek, row.aad_text, row.ref});
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

Result<void> AtomicOutput::flush() {
  for (std::string_view left = buffer_; !left.empty();) {
    const ssize_t wrote = ::write(fd_, left.data(), left.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      return Error{errno == ENOSPC ? Reason::StoreUnavailable : Reason::Io,
                   "cannot write " + path_ + ".partial: " + std::strerror(errno),
                   {}};
    }
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
  if (::fsync(fd_) != 0) fatal(__FILE__, __LINE__, "fsync of an output file failed");
  ::close(std::exchange(fd_, -1));
  if (::rename((path_ + ".partial").c_str(), path_.c_str()) != 0) {
    return Error{Reason::Io, "cannot rename to " + path_ + ": " + std::strerror(errno), {}};
  }
  const std::size_t slash = path_.rfind('/');
  sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : path_.substr(0, slash));
  return {};
}

}  // namespace keyhaven::migrate
