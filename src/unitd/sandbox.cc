#include "unitd/sandbox.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/landlock.h"
#include "base/seccomp.h"

namespace keyhaven::unitd {
namespace {

using Condition = SystemCallCondition;
using Test = SystemCallCondition::Test;

// Not in the headers of Debian 12 under every architecture; numbers are kernel interface and equal
// on x86_64 and aarch64.
constexpr long kMemfdSecret = 447;
constexpr long kFutexWaitv = 449;

// What the unit calls after its start, measured with strace over the integration tests, and what
// other versions of the C library call in its place.
constexpr long kAllowed[] = {
    // Channels. They were opened by the launcher.
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_recvfrom, SYS_sendto, SYS_recvmsg, SYS_sendmsg,
    SYS_shutdown, SYS_setsockopt, SYS_getsockopt, SYS_ppoll, SYS_pselect6,
#ifdef SYS_poll
    SYS_poll,
#endif
    // The state file. Which files: Landlock's part.
    SYS_openat, SYS_close, SYS_lseek, SYS_pread64, SYS_pwrite64, SYS_fsync, SYS_fdatasync,
    SYS_ftruncate, SYS_fchmod, SYS_fcntl, SYS_flock, SYS_fstat, SYS_newfstatat, SYS_statx,
    SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_getdents64,
#ifdef SYS_renameat
    SYS_renameat,
#endif
#ifdef SYS_open
    SYS_open, SYS_stat, SYS_lstat, SYS_unlink, SYS_rename, SYS_mkdir,
#endif
    // Memory (mmap and mprotect: below).
    SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise, SYS_mlock, SYS_mlock2, SYS_munlock, kMemfdSecret,
    // Threads (clone: below).
    SYS_futex, kFutexWaitv, SYS_set_robust_list, SYS_rseq, SYS_set_tid_address, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_membarrier, SYS_exit, SYS_exit_group,
    // Time, random, identity, signals.
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_clock_nanosleep, SYS_nanosleep,
    SYS_getrandom, SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall,
    SYS_uname, SYS_sysinfo, SYS_getrusage};

std::vector<Condition> allowed_under_conditions() {
  return {
      {SYS_clone, 0, Test::HasAll, CLONE_THREAD},
      {SYS_mmap, 2, Test::HasNone, PROT_EXEC},
      {SYS_mprotect, 2, Test::HasNone, PROT_EXEC},
      {SYS_prctl, 0, Test::Equals, PR_SET_NAME},
      {SYS_prlimit64, 2, Test::Equals, 0},  // reads limits, sets none
      {SYS_tgkill, 0, Test::Equals, static_cast<std::uint32_t>(::getpid())},  // abort
  };
}

// What not even a token's library, or a sanitizer, has a reason to call.
constexpr long kRefused[] = {
    // Programs and processes (clone: below).
    SYS_execve, SYS_execveat,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_ptrace,
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_open, SYS_pidfd_getfd,
    SYS_pidfd_send_signal,
    // Names and privileges.
    SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns,
    SYS_open_by_handle_at, SYS_mknodat,
#ifdef SYS_mknod
    SYS_mknod,
#endif
    SYS_open_tree, SYS_move_mount, SYS_fsopen, SYS_fsmount, SYS_personality,
    // Large kernel interfaces.
    SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_request_key,
    SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_init_module,
    SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff,
    SYS_acct, SYS_quotactl, SYS_syslog, SYS_settimeofday, SYS_clock_settime, SYS_memfd_create};

constexpr long kSocketCalls[] = {SYS_socket, SYS_socketpair, SYS_connect, SYS_bind,
                                 SYS_listen, SYS_accept,     SYS_accept4};

SystemCallRules rules_of_software() {
  SystemCallRules rules;
  rules.calls.assign(std::begin(kAllowed), std::end(kAllowed));
  rules.conditions = allowed_under_conditions();
  return rules;
}

SystemCallRules rules_of_token(bool sockets) {
  SystemCallRules rules;
  rules.listed = SystemCallRules::Listed::AreRefused;
  rules.calls.assign(std::begin(kRefused), std::end(kRefused));
  if (!sockets)
    rules.calls.insert(rules.calls.end(), std::begin(kSocketCalls), std::end(kSocketCalls));
  rules.conditions = {{SYS_clone, 0, Test::HasAll, CLONE_THREAD}};
  if (!kBuiltWithSanitizer) {
    // A library that is loaded late maps its file executable; nothing makes written memory so.
    rules.conditions.push_back({SYS_mprotect, 2, Test::HasNone, PROT_EXEC});
    rules.conditions.push_back({SYS_mmap, 2, Test::NotAll, PROT_WRITE | PROT_EXEC});
  }
  return rules;
}

void add_missing(SandboxReport& report, const Error& error) {
  report.missing += (report.missing.empty() ? "" : "; ") + error.message;
}

}  // namespace

SandboxReport enter_sandbox(const SandboxOptions& options) {
  SandboxReport report;
  LandlockRules files;
  files.read_write = options.read_write;
  files.read_write.push_back(options.state_directory);
  files.read_only = options.read_only;
  files.deny_tcp = !options.sockets;
  files.isolate_signals = true;
  if (auto landlock = restrict_with_landlock(files)) {
    report.landlock_abi = *landlock;
  } else {
    add_missing(report, landlock.error());
  }
  const bool short_list = options.profile == SandboxProfile::Software && !kBuiltWithSanitizer;
  const auto filter =
      restrict_system_calls(short_list ? rules_of_software() : rules_of_token(options.sockets));
  report.seccomp = filter.has_value();
  if (!filter) add_missing(report, filter.error());
  return report;
}

}  // namespace keyhaven::unitd
