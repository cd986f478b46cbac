#include "migrate/material.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "base/file.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxMaterialFileBytes = 4 * 1024 * 1024;

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

Error io(const std::string& path) {
  return Error{Reason::Io, "cannot read " + path + ": " + std::strerror(errno), {}};
}

// The file that is checked is the one that is read: by descriptor, not twice by name.
Result<SecretBytes> read_private(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return io(path);
  if (!S_ISREG(status.st_mode)) return bad(path + " is not a regular file");
  if ((status.st_mode & 077U) != 0) {
    return bad(path + " can be read by others than its owner; run: chmod 600 " + path);
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > kMaxMaterialFileBytes)
    return Error{Reason::TooLarge, path + " has more than 4 MiB", {}};
  SecretBytes content(size);
  const std::span<std::uint8_t> bytes = content.expose_mutable();
  std::size_t have = 0;
  while (have < size) {
    const ssize_t got = ::read(file.get(), bytes.data() + have, size - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return io(path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.shrink(have);
  return content;
}

bool is_root_key_size(std::size_t size) { return size == 16 || size == 24 || size == 32; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  return text;
}

// One cell, with or without quotes. Neither ids nor base64 can hold a quote or a comma.
std::string_view cell(std::string_view text) {
  text = trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

Result<Material> Material::load_csv(const std::string& path) {
  const SecretBytes content = KH_TRY(read_private(path));
  return parse_csv(content, path);
}

Result<Material> Material::parse_csv(const SecretBytes& content, const std::string& path) {
  Material material;
  std::string_view left = as_text(content.expose());
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (left.starts_with(kByteOrderMark)) left.remove_prefix(kByteOrderMark.size());
  bool has_header = false;
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    const std::string_view line = trim(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.empty()) continue;
    const std::string at = path + ":" + std::to_string(number) + ": ";
    const std::size_t comma = line.find(',');
    const bool is_row = comma != std::string_view::npos;
    const std::string_view name = cell(line.substr(0, comma));
    const std::string_view text = is_row ? cell(line.substr(comma + 1)) : std::string_view();
    if (!has_header) {
      if (name != "id" || text != "payload") return bad(at + "the header must be id,payload");
      has_header = true;
      continue;
    }
    if (!is_row) return bad(at + "a row is id,payload");
    if (name.empty()) return bad(at + "the id is empty");
    auto payload = secret_from_base64(text);
    if (!payload) return bad(at + "the payload is not base64: " + payload.error().message);
    if (!is_root_key_size(payload->size())) {
      return bad(at + "the material has " + std::to_string(payload->size()) +
                 " bytes; a root key has 16, 24 or 32");
    }
    material.by_key_[std::string(name)].push_back(std::move(*payload));
  }
  if (!has_header) return bad(path + " is empty; its first line must be id,payload");
  return material;
}

Result<void> Material::add_file(const std::string& key, const std::string& path) {
  SecretBytes content = KH_TRY(read_private(path));
  return add(key, std::move(content), path);
}

Result<void> Material::add(const std::string& key, SecretBytes version, const std::string& where) {
  if (!is_root_key_size(version.size())) {
    return bad(where + " has " + std::to_string(version.size()) +
               " bytes; a root key has 16, 24 or 32");
  }
  by_key_[key].push_back(std::move(version));
  return {};
}

Result<const std::vector<SecretBytes>*> Material::find(
    const std::vector<std::string>& names) const {
  const std::vector<SecretBytes>* out = nullptr;
  for (const std::string& name : names) {
    const auto found = by_key_.find(name);
    if (found == by_key_.end() || &found->second == out) continue;
    if (out != nullptr)
      return bad("material of one key is given under two of its names, " + name + " is one");
    out = &found->second;
  }
  return out;
}

std::vector<std::string> Material::names() const {
  std::vector<std::string> out;
  for (const auto& [name, versions] : by_key_) out.push_back(name);
  return out;
}

}  // namespace keyhaven::migrate
