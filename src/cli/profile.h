// What `login` remembers: a JSON file of strings, 0600, that names files but holds no secret.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace keyhaven::cli {

struct Profile {
  std::string url;
  std::string iam_url;
  std::string ca_file;
  std::string api_key_file;
  std::string instance;
};

// `directory`/profile.json of $XDG_CONFIG_HOME/keyhaven, else $HOME/.config/keyhaven. Empty when
// neither is set.
std::string profile_directory(const std::string& xdg_config_home, const std::string& home);

// nullopt when the file is not there. Errors: InvalidArgument (malformed, an unknown or non-string
// member).
Result<std::optional<Profile>> load_profile(const std::string& path);
// Atomically, mode 0600; makes the directory (0700). Errors: Io.
Result<void> save_profile(const std::string& path, const Profile& profile);

}  // namespace keyhaven::cli
