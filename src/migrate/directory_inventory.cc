#include "migrate/directory_inventory.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace keyhaven::migrate {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDekFileBytes = 64 * 1024;
constexpr std::size_t kMaxSidecarBytes = 256 * 1024;
constexpr std::string_view kSidecarEnding = ".json";

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

struct FileContent {
  std::string text;
  timespec modified{};
};

// A regular file of at most `limit` bytes, through no link.
Result<FileContent> read_plain(const std::string& path, std::size_t limit) {
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!fd.valid() || ::fstat(fd.get(), &status) != 0)
    return Error{Reason::Io, std::string("it cannot be read: ") + std::strerror(errno), {}};
  if (!S_ISREG(status.st_mode)) return bad("it is not a plain file");
  if (static_cast<std::uint64_t>(status.st_size) > limit)
    return bad("it has more than " + std::to_string(limit) + " bytes");
  FileContent out;
  out.modified = status.st_mtim;
  out.text.resize(limit + 1);
  std::size_t size = 0;
  while (size < out.text.size()) {
    const ssize_t count = ::read(fd.get(), out.text.data() + size, out.text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0)
      return Error{Reason::Io, std::string("it cannot be read: ") + std::strerror(errno), {}};
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > limit) return bad("it has more than " + std::to_string(limit) + " bytes");
  out.text.resize(size);
  return out;
}

Result<boost::json::object> parse_sidecar(const std::string& text) {
  boost::json::error_code failed;
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::json::value value = boost::json::parse(text, failed, {}, options);
  if (failed) return bad("its sidecar is not JSON: " + failed.message());
  if (!value.is_object()) return bad("its sidecar is not a JSON object");
  return std::move(value.as_object());
}

Result<InventoryRow> row_of_sidecar(const std::string& text) {
  const boost::json::object object = KH_TRY(parse_sidecar(text));
  const boost::json::value* key = object.if_contains("key");
  if (key == nullptr || !key->is_string() || key->as_string().empty())
    return bad("its sidecar must name \"key\": a key id, alias or CRN");
  InventoryRow row;
  row.key = std::string(key->as_string());
  const boost::json::value* aad = object.if_contains("aad");
  if (aad != nullptr && !aad->is_null()) row.aad = KH_TRY(parse_aad(boost::json::serialize(*aad)));
  return row;
}

}  // namespace

std::string sidecar_of(const std::string& path) { return path + std::string(kSidecarEnding); }

std::string sidecar_with_key(const std::string& sidecar, const std::string& key) {
  auto object = parse_sidecar(sidecar);
  if (!object) return {};
  (*object)["key"] = key;
  return boost::json::serialize(*object) + "\n";
}

Result<NameRule> NameRule::parse(std::string_view text) {
  NameRule out;
  int keys = 0;
  while (!text.empty()) {
    const bool is_name = text.front() == '{';
    const std::size_t end = is_name ? text.find('}') : text.find('{');
    if (is_name && end == std::string_view::npos) return bad("the name rule has a { without }");
    Part part{std::string(is_name ? text.substr(1, end - 1) : text.substr(0, end)), is_name};
    text.remove_prefix(is_name ? end + 1 : std::min(end, text.size()));
    if (is_name && part.text != "key" && part.text != "ref" && part.text != "aad")
      return bad("the name rule knows {key}, {ref} and {aad}, not {" + part.text + "}");
    if (is_name && !out.parts_.empty() && out.parts_.back().is_name)
      return bad("the name rule must have something between two names in braces");
    keys += is_name && part.text == "key";
    out.parts_.push_back(std::move(part));
  }
  if (!out.parts_.empty() && keys != 1) return bad("the name rule must have {key} exactly once");
  return out;
}

std::vector<std::string> NameRule::match(const std::string& path) const {
  std::vector<std::string> values;
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const Part& part = parts_[i];
    if (!part.is_name) {
      if (path.compare(at, part.text.size(), part.text) != 0) return {};
      values.push_back(part.text);
      at += part.text.size();
      continue;
    }
    // The last name takes what is left before the literal that ends the rule.
    std::size_t end = path.size();
    if (i + 1 < parts_.size()) {
      const std::string& next = parts_[i + 1].text;
      end = i + 2 == parts_.size() ? path.rfind(next) : path.find(next, at + 1);
      if (end == std::string::npos || (i + 2 == parts_.size() && end + next.size() != path.size()))
        return {};
    }
    if (end <= at) return {};
    std::string value = path.substr(at, end - at);
    if (part.text != "ref" && value.find('/') != std::string::npos) return {};
    values.push_back(std::move(value));
    at = end;
  }
  return at == path.size() ? values : std::vector<std::string>();
}

Result<InventoryRow> NameRule::read(const std::string& path) const {
  const std::vector<std::string> values = match(path);
  if (values.empty()) return bad("its path is not as the name rule says");
  InventoryRow row;
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (!parts_[i].is_name) continue;
    if (parts_[i].text == "key") row.key = values[i];
    if (parts_[i].text == "aad") row.aad.push_back(values[i]);
  }
  return row;
}

std::string NameRule::with_key(const std::string& path, const std::string& key) const {
  const std::vector<std::string> values = match(path);
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i)
    out += parts_[i].is_name && parts_[i].text == "key" ? key : values[i];
  return out;
}

Result<DekDirectory> DekDirectory::open(const std::string& path, std::string_view rule) {
  DekDirectory out(path, KH_TRY(NameRule::parse(rule)));
  while (out.root_.size() > 1 && out.root_.ends_with('/')) out.root_.pop_back();
  std::error_code failed;
  out.at_ = fs::recursive_directory_iterator(out.root_, failed);
  if (failed)
    return Error{Reason::Io, "cannot read directory " + path + ": " + failed.message(), {}};
  return out;
}

Result<bool> DekDirectory::is_sidecar(const std::string& path) const {
  if (!rule_.is_empty() || !path.ends_with(kSidecarEnding)) return false;
  struct stat status {};
  const std::string owner = path.substr(0, path.size() - kSidecarEnding.size());
  return ::lstat(owner.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Result<std::optional<DekFile>> DekDirectory::next() {
  std::error_code failed;
  for (const fs::recursive_directory_iterator end; at_ != end; at_.increment(failed)) {
    if (failed) break;
    const bool is_hidden = at_->path().filename().native().starts_with('.');
    const fs::file_type type = at_->symlink_status(failed).type();
    if (failed) break;
    if (is_hidden && type == fs::file_type::directory) at_.disable_recursion_pending();
    if (is_hidden || type == fs::file_type::directory) continue;
    const std::string& path = at_->path().native();
    const bool skip = KH_TRY(is_sidecar(path));
    if (skip) continue;
    DekFile file = read(path.substr(root_.size() + 1));
    file.number = ++number_;
    if (file.row) file.row->line = number_;
    at_.increment(failed);
    if (failed) break;
    return std::optional<DekFile>(std::move(file));
  }
  if (failed)
    return Error{Reason::Io, "cannot read directory " + root_ + ": " + failed.message(), {}};
  return std::optional<DekFile>();
}

DekFile DekDirectory::read(const std::string& path) const {
  DekFile out;
  out.path = path;
  const auto fill = [&]() -> Result<void> {
    const std::string whole = root_ + "/" + path;
    FileContent content = KH_TRY(read_plain(whole, kMaxDekFileBytes));
    InventoryRow row;
    if (rule_.is_empty()) {
      auto sidecar = read_plain(sidecar_of(whole), kMaxSidecarBytes);
      if (!sidecar) return bad("its sidecar " + sidecar_of(path) + ": " + sidecar.error().message);
      row = KH_TRY(row_of_sidecar(sidecar->text));
      out.sidecar = std::move(sidecar->text);
      out.sidecar_modified = sidecar->modified;
    } else {
      row = KH_TRY(rule_.read(path));
    }
    const std::size_t end = content.text.find_last_not_of(" \t\r\n");
    if (end == std::string::npos) return bad("it is empty");
    out.ending = content.text.substr(end + 1);
    content.text.resize(end + 1);
    row.wdek = std::move(content.text);
    row.ref = path;
    out.modified = content.modified;
    out.row = std::move(row);
    return {};
  };
  if (auto filled = fill(); !filled) out.problem = filled.error().message;
  return out;
}

Result<void> visit_inventory(const std::string& path, std::string_view rule,
                             const std::function<void(const InventoryItem&)>& visit) {
  std::error_code failed;
  if (fs::is_directory(path, failed)) {
    DekDirectory directory = KH_TRY(DekDirectory::open(path, rule));
    while (true) {
      std::optional<DekFile> file = KH_TRY(directory.next());
      if (!file) return {};
      visit({std::move(file->row), file->number, std::move(file->problem), std::move(file->path)});
    }
  }
  const auto reader = KH_TRY(InventoryReader::open(path));
  while (true) {
    const std::optional<InventoryItem> item = KH_TRY(reader->next());
    if (!item) return {};
    visit(*item);
  }
}

}  // namespace keyhaven::migrate
