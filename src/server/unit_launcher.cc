#include "server/unit_launcher.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <poll.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "server/passphrase_source.h"

namespace keyhaven::server {
namespace {

Error io_error(const std::string& what) {
  return Error{Reason::Io, what + ": " + std::strerror(errno),
               ""};  // NOLINT(concurrency-mt-unsafe): no threads yet
}

// Makes `path` 0700 for the unit's user, or checks that it is so. Done once, before the server
// reads the network.
Result<void> prepare_directory(const std::string& path,
                               const std::optional<UnitLaunchOptions::User>& user) {
  KH_TRY(make_directory(path, 0700));
  const FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid()) return io_error("cannot open the unit's directory " + path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return io_error("cannot examine the unit's directory " + path);
  const uid_t owner = user ? user->uid : ::geteuid();
  if (user && info.st_uid == 0 && ::fchown(fd.get(), user->uid, user->gid) != 0) {
    return io_error("cannot give " + path + " to the unit's user");
  }
  if (info.st_uid != owner && !(user && info.st_uid == 0)) {
    return Error{Reason::InvalidArgument,
                 "the unit's directory " + path + " belongs to user " +
                     std::to_string(info.st_uid) + ", expected " + std::to_string(owner) +
                     "; run `chown -R` on it or name another directory",
                 ""};
  }
  if ((info.st_mode & 077) != 0 && ::fchmod(fd.get(), 0700) != 0) {
    return io_error("cannot close " + path + " to others");
  }
  return {};
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<void> check(const UnitLaunchOptions& options) {
  if (::access(options.program.c_str(), X_OK) != 0) {
    return Error{Reason::InvalidArgument, "unit.program: cannot execute " + options.program, ""};
  }
  if (options.channels < 1 || options.channels > 128) {
    return Error{Reason::InvalidArgument, "a unit has 1 to 128 channels", ""};
  }
  if (options.user && ::geteuid() != 0) {
    return Error{Reason::InvalidArgument, "another user for the unit needs a start as root", ""};
  }
  return {};
}

bool stop_is_pending() {
  sigset_t pending;
  return ::sigpending(&pending) == 0 &&
         (::sigismember(&pending, SIGINT) == 1 || ::sigismember(&pending, SIGTERM) == 1);
}

// Waits for the launcher's word that it has the passphrase.
Result<void> wait_for_passphrase(int control) {
  constexpr int kStepMs = 100;
  pollfd waiting{control, POLLIN, 0};
  while (::poll(&waiting, 1, kStepMs) <= 0) {
    if (stop_is_pending())
      return Error{Reason::ShuttingDown, "stopped while waiting for the passphrase", ""};
  }
  std::array<char, kMaxLaunchMessage> message{};
  const ssize_t size = ::recv(control, message.data(), message.size(), 0);
  if (size > 0 && message[0] == static_cast<char>(LaunchEvent::Passphrase)) return {};
  const std::string why = size > 1
                              ? std::string(message.data() + 1, static_cast<std::size_t>(size) - 1)
                              : "the launcher of the crypto unit has ended";
  return Error{Reason::InvalidArgument, why, ""};
}

}  // namespace

Result<UnitLauncher> UnitLauncher::fork_launcher(const UnitLaunchOptions& options) {
  KH_TRY(check(options));
  KH_TRY(prepare_directory(options.state_directory, options.user));
  const std::string key_directory = parent_of(options.key_file);
  struct stat info {};
  if (key_directory != options.state_directory && ::stat(key_directory.c_str(), &info) != 0) {
    KH_TRY(prepare_directory(key_directory, options.user));
  }
  std::array<int, 2> control{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control.data()) != 0) {
    return io_error("cannot make the launcher's control socket");
  }
  FileDescriptor ours(control[0]);
  FileDescriptor theirs(control[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return io_error("cannot fork the unit's launcher");
  if (pid == 0) {
    ours.reset();
    run_unit_launcher(options, std::move(theirs));
  }
  if (!options.sealing.passphrase_from.empty()) {
    close_passphrase_descriptor(options.sealing.passphrase_from);  // the launcher's alone
    KH_TRY(wait_for_passphrase(ours.get()));
  }
  return UnitLauncher(std::move(ours), pid);
}

}  // namespace keyhaven::server
