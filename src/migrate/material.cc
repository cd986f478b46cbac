#include "migrate/material.h"

#include <sys/stat.h>

#include "base/bytes.h"
#include "base/file.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxMaterialFileBytes = 16 * 1024 * 1024;

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

Result<SecretBytes> read_private(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077U) != 0) {
    return bad(path + " can be read by others than its owner; run: chmod 600 " + path);
  }
  return read_secret_file(path, kMaxMaterialFileBytes);
}

bool is_root_key_size(std::size_t size) { return size == 16 || size == 24 || size == 32; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  return text;
}

}  // namespace

Result<Material> Material::load_csv(const std::string& path) {
  const SecretBytes content = KH_TRY(read_private(path));
  Material material;
  std::string_view left = as_text(content.expose());
  for (std::size_t number = 1; !left.empty(); ++number) {
    const std::size_t end = std::min(left.find('\n'), left.size());
    const std::string_view line = trim(left.substr(0, end));
    left.remove_prefix(std::min(end + 1, left.size()));
    if (line.empty()) continue;
    const std::string at = path + ":" + std::to_string(number) + ": ";
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) return bad(at + "a row is id,payload");
    const std::string_view name = trim(line.substr(0, comma));
    if (number == 1) {
      if (name != "id" || trim(line.substr(comma + 1)) != "payload")
        return bad(at + "the header must be id,payload");
      continue;
    }
    auto payload = secret_from_base64(trim(line.substr(comma + 1)));
    if (!payload) return bad(at + "the payload is not base64: " + payload.error().message);
    if (name.empty()) return bad(at + "the id is empty");
    if (!is_root_key_size(payload->size())) {
      return bad(at + "the material has " + std::to_string(payload->size()) +
                 " bytes; a root key has 16, 24 or 32");
    }
    material.by_key_[std::string(name)].push_back(std::move(*payload));
  }
  return material;
}

Result<void> Material::add_file(const std::string& key, const std::string& path) {
  SecretBytes content = KH_TRY(read_private(path));
  if (!is_root_key_size(content.size())) {
    return bad(path + " has " + std::to_string(content.size()) +
               " bytes; a root key has 16, 24 or 32");
  }
  by_key_[key].push_back(std::move(content));
  return {};
}

const std::vector<SecretBytes>* Material::find(const std::vector<std::string>& names) const {
  for (const std::string& name : names) {
    const auto found = by_key_.find(name);
    if (found != by_key_.end()) return &found->second;
  }
  return nullptr;
}

std::vector<std::string> Material::names() const {
  std::vector<std::string> out;
  for (const auto& [name, versions] : by_key_) out.push_back(name);
  return out;
}

}  // namespace keyhaven::migrate
