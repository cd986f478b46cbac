#include "server/confine.h"

#include <asm/sockios.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "base/landlock.h"
#include "base/seccomp.h"
#include "crypto/process_memory.h"

namespace keyhaven::server {
namespace {

constexpr const char* kReadByAll[] = {"/etc",
                                      "/usr",
                                      "/lib",
                                      "/lib64",
                                      "/proc/self",
                                      "/run/systemd/resolve",
                                      "/dev/urandom",
                                      "/dev/random",
                                      "/proc/cpuinfo",
                                      "/proc/meminfo",
                                      "/proc/sys/vm",
                                      "/sys/fs/cgroup",
                                      "/sys/devices/system/cpu"};

// Not in every header of Debian 12; numbers are equal on x86_64 and aarch64.
constexpr long kProcessMrelease = 448;
constexpr long kFchmodat2 = 452;

constexpr std::uint32_t kAddressFamilies = 64;  // Linux has fewer (AF_MAX)

constexpr std::uint32_t kSetSignal = 10;              // F_SETSIG
constexpr std::uint32_t kSetOwnerEx = 15;             // F_SETOWN_EX
constexpr std::uint32_t kTerminalSelection = 0x541C;  // TIOCLINUX

constexpr long kNeverCalled[] = {
    // Files by name. Landlock leaves these to the owner, who is the same user without a start by
    // root: he could open the unit's files to another user, or cut the state off (truncate:
    // Landlock
    // refuses it from ABI 3 on).
    SYS_fchmodat, kFchmodat2, SYS_fchownat, SYS_truncate, SYS_setxattr, SYS_lsetxattr,
    SYS_removexattr, SYS_lremovexattr, SYS_open_by_handle_at, SYS_name_to_handle_at,
#ifdef SYS_chmod
    SYS_chmod, SYS_chown, SYS_lchown,
#endif
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_fanotify_init, SYS_fanotify_mark,
#ifdef SYS_inotify_init
    SYS_inotify_init,
#endif
    // New sockets (socket, connect: below).
    SYS_bind, SYS_listen,
    // Other processes (tgkill, prlimit64: below).
    SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal,
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_process_madvise, kProcessMrelease,
    SYS_kcmp, SYS_pidfd_getfd, SYS_move_pages, SYS_migrate_pages, SYS_setpriority, SYS_ioprio_set,
    SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
    // Programs, names, privileges (clone: below).
    SYS_execve, SYS_execveat,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns, SYS_open_tree,
    SYS_move_mount, SYS_fsopen, SYS_fsmount, SYS_mknodat,
#ifdef SYS_mknod
    SYS_mknod,
#endif
    // Large kernel interfaces; io_uring would pass by this list.
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_bpf, SYS_perf_event_open,
    SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_init_module, SYS_finit_module,
    SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_acct, SYS_syslog, SYS_personality};

// New sockets: it serves those it has. Else it could ask a daemon of its user, such as systemd's
// session manager, to run a program outside of all this; Landlock leaves unix sockets open. For an
// OpenID provider it makes connections to Internet addresses; no other address family is left.
void restrict_sockets(SystemCallRules& rules, Connections connections) {
  if (connections == Connections::None) {
    rules.calls.insert(rules.calls.end(), {SYS_socket, SYS_connect});
    return;
  }
  for (std::uint32_t family = 0; family < kAddressFamilies; ++family) {
    if (family == AF_INET || family == AF_INET6) continue;
    rules.conditions.push_back({SYS_socket, 0, SystemCallCondition::Test::Differs, family});
  }
}

std::string canonical(const std::string& path) {
  std::error_code error;
  const auto full = std::filesystem::weakly_canonical(path, error);
  return error ? path : full.string();
}

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || directory == "/" ||
         (path.starts_with(directory) && path[directory.size()] == '/');
}

}  // namespace

Result<int> restrict_server_with_landlock(const ServerFiles& files) {
  LandlockRules rules;
  rules.read_write = files.read_write;
  rules.read_write.emplace_back("/dev/null");
  rules.isolate_signals = true;
  rules.read_only = files.read_only;
  rules.read_only.insert(rules.read_only.end(), std::begin(kReadByAll), std::end(kReadByAll));
  for (const std::string& forbidden : files.forbidden) {
    for (const auto* list : {&rules.read_write, &rules.read_only}) {
      for (const std::string& allowed : *list) {
        if (!is_within(canonical(forbidden), canonical(allowed))) continue;
        return Error{Reason::InvalidArgument,
                     "the crypto unit's " + forbidden + " lies within " + allowed +
                         ", which the server may read; name another place for one of them",
                     ""};
      }
    }
  }
  const int abi = KH_TRY(restrict_with_landlock(rules));
  for (const std::string& forbidden : files.forbidden) {
    const FileDescriptor fd(::open(forbidden.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd.valid())
      return Error{Reason::InvalidArgument, "the server can still open " + forbidden, ""};
  }
  return abi;
}

Result<void> restrict_server_system_calls(Connections connections) {
  if (kBuiltWithSanitizer) return {};
  using Test = SystemCallCondition::Test;
  SystemCallRules rules;
  rules.listed = SystemCallRules::Listed::AreRefused;
  rules.calls.assign(std::begin(kNeverCalled), std::end(kNeverCalled));
  rules.conditions = {
      {SYS_clone, 0, Test::HasAll, CLONE_THREAD},
      {SYS_prlimit64, 0, Test::Equals, 0},  // its own limits
      {SYS_tgkill, 0, Test::Equals, static_cast<std::uint32_t>(::getpid())},
      // Signals by way of a descriptor's owner; typing on the terminal it was started from.
      {SYS_fcntl, 1, Test::Differs, F_SETOWN},
      {SYS_fcntl, 1, Test::Differs, kSetOwnerEx},
      {SYS_fcntl, 1, Test::Differs, kSetSignal},
      {SYS_ioctl, 1, Test::Differs, FIOSETOWN},
      {SYS_ioctl, 1, Test::Differs, SIOCSPGRP},
      {SYS_ioctl, 1, Test::Differs, TIOCSTI},
      {SYS_ioctl, 1, Test::Differs, kTerminalSelection},
  };
  restrict_sockets(rules, connections);
  return restrict_system_calls(rules);
}

Result<std::string> confine_server(const Config& config, bool unit_has_own_user) {
  crypto::forbid_core_dumps_and_tracing();
  KH_TRY(make_directory(config.audit_path(), 0700));
  ServerFiles files;
  files.read_write = {config.server_directory(), config.audit_path()};
  files.forbidden = {config.unit_directory(), config.unit_key_path()};
  if (const std::string secrets = config.credentials_directory(); !secrets.empty())
    files.forbidden.push_back(secrets);
  std::string missing;
  const auto landlock = restrict_server_with_landlock(files);
  if (!landlock) {
    // Without Landlock the separation stands on users alone.
    if (landlock.error().reason != Reason::NotSupported || !unit_has_own_user)
      return landlock.error();
    missing = landlock.error().message;
  }
  const auto calls = restrict_server_system_calls(
      config.oidc_issuer.empty() ? Connections::None : Connections::Outbound);
  if (!calls) missing += (missing.empty() ? "" : "; ") + calls.error().message;
  return missing;
}

}  // namespace keyhaven::server
