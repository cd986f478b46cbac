#include "cli/profile.h"

#include <array>
#include <boost/json.hpp>
#include <utility>

#include "base/file.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxProfileBytes = 64 * 1024;

using Field = std::pair<std::string_view, std::string Profile::*>;
constexpr std::array<Field, 5> kFields{{{"url", &Profile::url},
                                        {"iam_url", &Profile::iam_url},
                                        {"ca_file", &Profile::ca_file},
                                        {"api_key_file", &Profile::api_key_file},
                                        {"instance", &Profile::instance}}};

Error malformed(const std::string& path, std::string_view why) {
  return {Reason::InvalidArgument, "profile " + path + ": " + std::string(why), "config"};
}

}  // namespace

std::string profile_directory(const std::string& xdg_config_home, const std::string& home) {
  if (!xdg_config_home.empty()) return xdg_config_home + "/keyhaven";
  return home.empty() ? std::string() : home + "/.config/keyhaven";
}

Result<std::optional<Profile>> load_profile(const std::string& path) {
  auto bytes = read_file(path, kMaxProfileBytes);
  if (!bytes) {
    if (bytes.error().code() == Errc::NotFound) return std::optional<Profile>();
    return malformed(path, bytes.error().message);
  }
  boost::json::error_code failed;
  const std::string_view text = as_text(bytes.value());
  const boost::json::value value = boost::json::parse({text.data(), text.size()}, failed);
  if (failed || !value.is_object()) return malformed(path, "not a JSON object");
  Profile profile;
  for (const auto& [name, content] : value.get_object()) {
    const std::string_view key(name.data(), name.size());
    const auto field = std::find_if(kFields.begin(), kFields.end(),
                                    [&](const Field& known) { return known.first == key; });
    if (field == kFields.end())
      return malformed(path, "unknown member \"" + std::string(key) + '"');
    if (!content.is_string())
      return malformed(path, '"' + std::string(key) + "\" must be a string");
    profile.*(field->second) =
        std::string(content.get_string().data(), content.get_string().size());
  }
  return std::optional(std::move(profile));
}

Result<void> save_profile(const std::string& path, const Profile& profile) {
  boost::json::object object;
  for (const auto& [name, member] : kFields) {
    if (!(profile.*member).empty()) object[{name.data(), name.size()}] = profile.*member;
  }
  if (const auto slash = path.rfind('/'); slash != std::string::npos && slash > 0) {
    KH_TRY(make_directory(path.substr(0, slash), 0700));
  }
  return write_file_atomic(path, as_bytes(boost::json::serialize(object) + "\n"), 0600);
}

}  // namespace keyhaven::cli
