// Users and directories: what the server does before it reads the network.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "server/config.h"

namespace keyhaven::server {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
};

bool started_by_root() noexcept;

// A user by name or decimal id. Errors: InvalidArgument, whose message says how to create the user.
Result<User> find_user(const std::string& name, const std::string& config_key);

// Makes the data directory (0755) and the server's part of it (0700, owned by `owner` when started
// by root). Errors: Io.
Result<void> prepare_server_directory(const Config& config, const User& owner);

// Gives a file, or a directory with what it holds directly, to `owner`. Errors: Io.
Result<void> give_to(const std::string& path, const User& owner);

// Becomes `user` for good: supplementary groups, gid, uid, and checks that there is no way back.
// Errors: Internal.
Result<void> become(const User& user);

// The directory of the running program, for finding its companions. Errors: Io.
Result<std::string> program_directory();

}  // namespace keyhaven::server
