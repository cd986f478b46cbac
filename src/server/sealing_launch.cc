#include "server/sealing_launch.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "server/passphrase_source.h"

namespace keyhaven::server {
namespace {

constexpr std::size_t kMaxCredentials = 32;  // unitd/options.h

// Files of the credentials directory, opened while root may: systemd gives them to the user who
// started the service. Named and judged by the helper.
std::vector<std::pair<std::string, int>> open_credentials(const std::string& directory) {
  std::vector<std::pair<std::string, int>> out;
  DIR* const entries = ::opendir(directory.c_str());
  if (entries == nullptr) return out;
  while (const dirent* entry = ::readdir(entries)) {  // NOLINT(concurrency-mt-unsafe): no threads
    const std::string name = entry->d_name;
    if (name.front() == '.' || out.size() == kMaxCredentials) continue;
    const int fd =
        ::openat(::dirfd(entries), entry->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info {};
    if (fd >= 0 && ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
      out.emplace_back(name, fd);
    } else if (fd >= 0) {
      ::close(fd);
    }
  }
  ::closedir(entries);
  return out;
}

bool is_plain_name(const std::string& name) {
  return name.size() <= 64 &&
         name.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string::npos;
}

std::vector<std::string> helper_arguments(const UnitLaunchOptions& options, int socket,
                                          int passphrase) {
  const SealingLaunch& sealing = options.sealing;
  std::vector<std::string> out = {options.program, "--sealing-helper", std::to_string(socket),
                                  "--state-dir", options.state_directory};
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    out.emplace_back(name);
    out.push_back(value);
  };
  add("--sealing", sealing.method);
  add("--sealing-reference", sealing.reference);
  add("--credentials-dir", sealing.credentials_directory);
  add("--argon2", sealing.argon2);
  add("--tpm2-tcti", sealing.tpm2_tcti);
  add("--pkcs11-module", sealing.pkcs11_module);
  if (passphrase >= 0) add("--passphrase-fd", std::to_string(passphrase));
  if (!options.user || sealing.credentials_directory.empty()) return out;
  for (const auto& [name, fd] : open_credentials(sealing.credentials_directory)) {
    if (!is_plain_name(name) || ::fcntl(fd, F_SETFD, 0) != 0) continue;
    add("--credential", name + "=" + std::to_string(fd));
  }
  return out;
}

[[noreturn]] void become_helper(const UnitLaunchOptions& options, int program, int socket,
                                int passphrase, const std::vector<FileDescriptor>& closed,
                                std::vector<std::string> variables) {
  const auto fail = [](std::string_view line) {
    (void)!::write(STDERR_FILENO, line.data(), line.size());
    ::_exit(126);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (const FileDescriptor& fd : closed) ::close(fd.get());
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  std::vector<std::string> arguments = helper_arguments(options, socket, passphrase);
  if (nothing < 0 || ::dup2(nothing, STDOUT_FILENO) < 0 || ::fcntl(socket, F_SETFD, 0) != 0 ||
      (passphrase >= 0 && ::fcntl(passphrase, F_SETFD, 0) != 0)) {
    fail("keyhaven-unit: the sealing helper's descriptors cannot be set\n");
  }
  if (options.user && !become_unit_user(*options.user))
    fail("keyhaven-unit: the sealing helper cannot become the unit's user\n");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);           // the kernel forgets it with a change of user
  variables.emplace_back("TSS2_LOG=all+none");  // the helper says by itself what failed
  const auto& more = options.sealing.environment;
  variables.insert(variables.end(), more.begin(), more.end());
  ::syscall(SYS_execveat, program, "", pointers(arguments).data(), pointers(variables).data(),
            AT_EMPTY_PATH);
  fail("keyhaven-unit: the sealing helper cannot be executed\n");
  ::_exit(126);
}

}  // namespace

Result<void> check_sealing(const Config& config) {
  if (is_open_passphrase_source(config.unit_passphrase_from)) return {};
  return Error{Reason::InvalidArgument,
               "unit.passphrase_from is \"" + config.unit_passphrase_from +
                   "\", but keyhavend was not started with that descriptor",
               {}};
}

SealingLaunch sealing_launch(const Config& config) {
  constexpr int kLanes = 4;
  SealingLaunch out;
  out.method = config.unit_sealing;
  out.reference = config.unit_sealing_reference;
  out.credentials_directory = config.credentials_directory();
  out.passphrase_from = config.unit_passphrase_from;
  out.argon2 = std::to_string(config.unit_argon2_memory_mib * 1024) + "," +
               std::to_string(config.unit_argon2_passes) + "," + std::to_string(kLanes);
  out.tpm2_tcti = config.unit_tpm2_tcti;
  out.pkcs11_module = config.unit_sealing_pkcs11_module;
  out.environment = config.unit_sealing_environment;
  out.accept_counter = static_cast<std::uint64_t>(config.unit_accept_state_counter);
  return out;
}

bool become_unit_user(const UnitLaunchOptions::User& user) {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0 && (user.uid == 0 || ::setuid(0) != 0);
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> out;
  for (std::string& text : strings) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

FileDescriptor pipe_with(const SecretBytes& passphrase) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  FileDescriptor read_end(ends[0]);
  const FileDescriptor write_end(ends[1]);
  const auto bytes = passphrase.expose();  // fits into a pipe's buffer
  if (::write(write_end.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
    return {};
  return read_end;
}

FileDescriptor start_sealing_helper(const UnitLaunchOptions& options, int program, int passphrase,
                                    const std::vector<FileDescriptor>& closed,
                                    std::vector<std::string> variables) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return {};
  FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid < 0) return {};
  if (pid == 0) {
    ours.reset();
    become_helper(options, program, theirs.get(), passphrase, closed, std::move(variables));
  }
  return ours;
}

}  // namespace keyhaven::server
