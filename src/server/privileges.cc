#include "server/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

#include "base/file.h"

namespace keyhaven::server {

bool started_by_root() noexcept { return ::geteuid() == 0; }

Result<User> find_user(const std::string& name, const std::string& config_key) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const bool numeric = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos &&
                       name.size() < 10;
  if (numeric) {
    const auto id = static_cast<uid_t>(std::stoul(name));
    if (id == 0) return Error{Reason::InvalidArgument, config_key + " must not be root", {}};
    ::getpwuid_r(id, &entry, buffer.data(), buffer.size(), &found);
    return found != nullptr ? User{entry.pw_uid, entry.pw_gid} : User{id, static_cast<gid_t>(id)};
  }
  ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return Error{Reason::InvalidArgument,
                 config_key + ": there is no user \"" + name +
                     "\"; create it with `useradd --system --no-create-home " +
                     "--shell /usr/sbin/nologin " + name +
                     "`, name another one, or do not start as root",
                 {}};
  }
  if (entry.pw_uid == 0)
    return Error{Reason::InvalidArgument, config_key + " must not be root", {}};
  return User{entry.pw_uid, entry.pw_gid};
}

Result<void> prepare_server_directory(const Config& config, const User& owner) {
  KH_TRY(make_directory(config.data_directory, 0755));
  KH_TRY(make_directory(config.server_directory(), 0700));
  if (started_by_root() && ::chown(config.server_directory().c_str(), owner.uid, owner.gid) != 0) {
    return Error{
        Reason::Io,
        "cannot give " + config.server_directory() + " to the server user: " + std::strerror(errno),
        {}};
  }
  return {};
}

Result<void> give_to(const std::string& path, const User& owner) {
  std::vector<std::string> paths = {path};
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(path, failed))
    paths.push_back(entry.path());
  for (const std::string& one : paths) {
    if (::lchown(one.c_str(), owner.uid, owner.gid) != 0) {
      return Error{
          Reason::Io, "cannot give " + one + " to the server user: " + std::strerror(errno), {}};
    }
  }
  return {};
}

Result<void> become(const User& user) {
  if (::setgroups(0, nullptr) != 0 || ::setresgid(user.gid, user.gid, user.gid) != 0 ||
      ::setresuid(user.uid, user.uid, user.uid) != 0) {
    return Error{
        Reason::Internal, std::string("cannot drop privileges: ") + std::strerror(errno), {}};
  }
  if (::setuid(0) == 0)
    return Error{Reason::Internal, "privileges could be regained after dropping them", {}};
  return {};
}

Result<std::string> program_directory() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size <= 0 || static_cast<std::size_t>(size) >= path.size()) {
    return Error{Reason::Io, "cannot read the path of the running program", {}};
  }
  const std::string program(path.data(), static_cast<std::size_t>(size));
  return program.substr(0, program.rfind('/'));
}

}  // namespace keyhaven::server
