#include "unitd/sandbox.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/landlock.h"

namespace keyhaven::unitd {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;  // no filter: numbers unknown
#endif

// A list of what a unit never needs rather than of all that libc, libcrypto and a sanitizer may: an
// unforeseen libc must not stop a unit. Files are Landlock's part.
constexpr long kDenied[] = {
    // Network.
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4,
    // Programs and processes (clone: below).
    SYS_execve, SYS_execveat,
#ifdef SYS_fork
    SYS_fork, SYS_vfork,
#endif
    SYS_kill, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_pidfd_open,
    SYS_pidfd_getfd, SYS_pidfd_send_signal,
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

constexpr std::uint32_t refuse(int error) {
  return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
}

sock_filter statement(int code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}
// Goes on behind the next statement unless the accumulator passes the test.
sock_filter skip_next_unless(int test, std::uint32_t k) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 0, 1, k};
}
sock_filter skip_next_if(int test, std::uint32_t k) {
  return {static_cast<std::uint16_t>(BPF_JMP | test | BPF_K), 1, 0, k};
}

std::vector<sock_filter> filter_program() {
  const auto load = [](std::size_t offset) {
    return statement(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
  };
  const auto answer = [](std::uint32_t value) { return statement(BPF_RET | BPF_K, value); };
  std::vector<sock_filter> program = {
    load(offsetof(seccomp_data, arch)),
    skip_next_if(BPF_JEQ, kArchitecture),
    answer(refuse(ENOSYS)),  // another ABI has other numbers
    load(offsetof(seccomp_data, nr)),
#if defined(__x86_64__)
    skip_next_unless(BPF_JGE, 0x40000000),  // x32
    answer(refuse(ENOSYS)),
#endif
    skip_next_unless(BPF_JEQ,
                     SYS_clone3),  // its flags are behind a pointer: libc falls back to clone
    answer(refuse(ENOSYS)),
  };
  for (const long number : kDenied) {
    program.push_back(skip_next_unless(BPF_JEQ, static_cast<std::uint32_t>(number)));
    program.push_back(answer(refuse(EPERM)));
  }
  // clone: threads only. The flags are the low half of the first argument.
  program.push_back(skip_next_if(BPF_JEQ, SYS_clone));
  program.push_back(answer(SECCOMP_RET_ALLOW));
  program.push_back(load(offsetof(seccomp_data, args)));
  program.push_back(skip_next_if(BPF_JSET, CLONE_THREAD));
  program.push_back(answer(refuse(EPERM)));
  program.push_back(answer(SECCOMP_RET_ALLOW));
  return program;
}

bool install_filter() {
  if (kArchitecture == 0) return false;
  std::vector<sock_filter> program = filter_program();
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}

}  // namespace

SandboxReport enter_sandbox(const std::string& state_directory) {
  SandboxReport report;
  LandlockRules rules;
  rules.read_write = {state_directory};
  rules.deny_tcp = true;
  rules.isolate_signals = true;
  auto landlock = restrict_with_landlock(rules);
  if (landlock) {
    report.landlock_abi = *landlock;
  } else {
    report.missing = landlock.error().message;
  }
  report.seccomp = install_filter();
  if (!report.seccomp) {
    report.missing += std::string(report.missing.empty() ? "" : "; ") + "no seccomp filter";
  }
  return report;
}

}  // namespace keyhaven::unitd
