// Each attempt runs in a child of its own that has entered the sandbox.
#include "unitd/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "base/file.h"
#include "base/landlock.h"
#include "base/seccomp.h"

namespace keyhaven::unitd {
namespace {

class SandboxTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "kh-sandbox-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
    ASSERT_TRUE(make_directory(base_ + "/state", 0700));
    ASSERT_TRUE(create_file(base_ + "/outside", Bytes{1}, 0644));
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  // errno of `attempt` (negative result: failed) inside the sandbox; 0 when it succeeded.
  template <class Attempt>
  int inside(Attempt attempt) {
    return inside({base_ + "/state"}, attempt);
  }
  template <class Attempt>
  int inside(const SandboxOptions& options, Attempt attempt) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      (void)enter_sandbox(options);
      errno = 0;
      ::_exit(attempt() < 0 ? errno : 0);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string base_;
};

TEST_F(SandboxTest, FilesOutsideTheStateDirectoryAreClosed) {
  if (landlock_abi() == 0) GTEST_SKIP() << "the kernel has no Landlock";
  EXPECT_EQ(inside([&] { return ::open((base_ + "/outside").c_str(), O_RDONLY); }), EACCES);
  EXPECT_EQ(inside([&] { return ::open("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(inside([&] { return ::open((base_ + "/new").c_str(), O_CREAT | O_WRONLY, 0600); }),
            EACCES);
  EXPECT_EQ(inside([&] { return ::unlink((base_ + "/outside").c_str()); }), EACCES);
  EXPECT_EQ(inside([&] { return ::open("/proc/1/mem", O_RDONLY); }), EACCES);
}

TEST_F(SandboxTest, TheStateCanStillBeReplaced) {
  const std::string path = base_ + "/state/state";
  EXPECT_EQ(
      inside([&] {
        if (!write_file_atomic(path, Bytes{1}, 0600) || !write_file_atomic(path, Bytes{2}, 0600))
          return -1;
        const auto content = read_file(path, 10);
        return content && content->size() == 1 && content->front() == 2 ? 0 : -1;
      }),
      0);
}

TEST_F(SandboxTest, NoNetworkNoProgramsNoOtherProcesses) {
  EXPECT_EQ(inside([] { return ::socket(AF_INET, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(inside([] { return ::socket(AF_UNIX, SOCK_STREAM, 0); }), EPERM);
  EXPECT_EQ(inside([] {
              int pair[2];
              return ::socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
            }),
            EPERM);
  EXPECT_EQ(inside([] { return ::execl("/bin/true", "true", nullptr); }), EPERM);
  EXPECT_EQ(inside([] { return static_cast<int>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)); }),
            EPERM);
  EXPECT_EQ(inside([] {
              return static_cast<int>(::ptrace(PTRACE_ATTACH, ::getppid(), nullptr, nullptr));
            }),
            EPERM);
  EXPECT_EQ(inside([] {
              char byte = 0;
              const iovec local{&byte, 1};
              const iovec remote{&byte, 1};
              return static_cast<int>(::process_vm_readv(::getppid(), &local, 1, &remote, 1, 0));
            }),
            EPERM);
  EXPECT_EQ(inside([] { return ::kill(::getppid(), 0); }), EPERM);
  EXPECT_EQ(inside([] { return static_cast<int>(::syscall(SYS_io_uring_setup, 1, nullptr)); }),
            EPERM);
  EXPECT_EQ(inside([] { return static_cast<int>(::syscall(SYS_bpf, 0, nullptr, 0)); }), EPERM);
}

struct RawCall {
  const char* name;
  long number;
  long first = 0;
  long second = 0;
  long third = 0;
};

int call(const RawCall& raw) {
  return static_cast<int>(::syscall(raw.number, raw.first, raw.second, raw.third, 0, 0, 0));
}

// Not in the short list; most would be harmless, none is needed.
constexpr RawCall kUnneeded[] = {
    {"getppid", SYS_getppid},
    {"memfd_create", SYS_memfd_create, 0, 0},
    {"shmget", SYS_shmget, 0, 4096, 0600},
    {"pkey_mprotect", SYS_pkey_mprotect},
    {"remap_file_pages", SYS_remap_file_pages},
    {"sendmmsg", SYS_sendmmsg, -1},
    {"sched_setaffinity", SYS_sched_setaffinity, 0, 0, 0},
    {"setuid", SYS_setuid, 0},
    {"capset", SYS_capset, 0, 0},
    {"inotify_init1", SYS_inotify_init1, 0},
    {"fanotify_init", SYS_fanotify_init, 0, 0},
    {"timer_create", SYS_timer_create, 0, 0, 0},
    {"pidfd_open", SYS_pidfd_open, 1, 0},
    {"perf_event_open", SYS_perf_event_open, 0, 0, -1},
    {"userfaultfd", SYS_userfaultfd, 1},
    {"seccomp", SYS_seccomp, 1, 0, 0},
    {"ioctl", SYS_ioctl, 1, 0x5412, 0},  // TIOCSTI: types on a terminal
    {"dup", SYS_dup, 0},
    {"splice", SYS_splice, 0, 0, 1},
    {"a number that does not exist yet", 700},
};

TEST_F(SandboxTest, WhatIsNotOnTheShortListIsRefused) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer needs more calls than the short list";
  for (const RawCall& raw : kUnneeded) {
    EXPECT_EQ(inside([&] { return call(raw); }), EPERM) << raw.name;
  }
}

TEST_F(SandboxTest, AllowedCallsAreHeldToTheirArguments) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer needs more calls than the short list";
  const rlimit none{0, 0};
  const rlimit* const limit = &none;
  const long size = ::sysconf(_SC_PAGESIZE);
  EXPECT_EQ(inside([&] { return ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); }), EPERM);
  EXPECT_EQ(inside([&] { return ::prctl(PR_SET_NAME, "name", 0, 0, 0); }), 0);
  EXPECT_EQ(inside([&] { return ::setrlimit(RLIMIT_CORE, limit); }), EPERM);
  EXPECT_EQ(inside([&] {
              rlimit now{};
              return ::getrlimit(RLIMIT_MEMLOCK, &now);
            }),
            0);
  EXPECT_EQ(inside([] { return static_cast<int>(::syscall(SYS_tgkill, ::getppid(), 1, SIGKILL)); }),
            EPERM);
  EXPECT_EQ(inside([&] {
              return static_cast<int>(::syscall(SYS_clone, CLONE_VM | CLONE_NEWUSER, 0, 0, 0, 0));
            }),
            EPERM);
  EXPECT_EQ(inside([&] {
              return ::mmap(nullptr, static_cast<std::size_t>(size), PROT_READ | PROT_EXEC,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                         ? -1
                         : 0;
            }),
            EPERM);
}

TEST_F(SandboxTest, NoPageBecomesExecutable) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer maps executable memory";
  for (const SandboxProfile profile : {SandboxProfile::Software, SandboxProfile::Token}) {
    const SandboxOptions options{base_ + "/state", profile};
    EXPECT_EQ(inside(options,
                     [] {
                       void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                       return ::mprotect(page, 4096, PROT_READ | PROT_EXEC);
                     }),
              EPERM);
    EXPECT_EQ(inside(options,
                     [] {
                       return ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                                  ? -1
                                  : 0;
                     }),
              EPERM);
  }
}

// A failed assertion must end the unit, under either list.
TEST_F(SandboxTest, AbortStillEndsTheProcess) {
  for (const SandboxProfile profile : {SandboxProfile::Software, SandboxProfile::Token}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      const rlimit none{0, 0};
      ::setrlimit(RLIMIT_CORE, &none);
      (void)enter_sandbox({base_ + "/state", profile});
      std::abort();
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT) << status;
  }
}

TEST_F(SandboxTest, ATokensLibraryMayUseItsFilesAndSocketsIfTold) {
  ASSERT_TRUE(make_directory(base_ + "/tokens", 0700));
  SandboxOptions options{base_ + "/state", SandboxProfile::Token, {base_ + "/tokens"}};
  const auto touch = [&] {
    return ::open((base_ + "/tokens/new").c_str(), O_CREAT | O_WRONLY, 0600);
  };
  const auto connect = [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); };
  EXPECT_EQ(inside(options, touch), 0);
  EXPECT_EQ(inside(options, connect), EPERM);
  EXPECT_EQ(inside(options, [] { return static_cast<int>(::syscall(SYS_getppid)) > 0 ? 0 : -1; }),
            0);
  EXPECT_EQ(inside(options, [] { return ::kill(::getppid(), 0); }), EPERM);
  EXPECT_EQ(inside(options, [] { return ::execl("/bin/true", "true", nullptr); }), EPERM);
  if (landlock_abi() > 0) {
    EXPECT_EQ(inside(options, [&] { return ::open((base_ + "/outside").c_str(), O_RDONLY); }),
              EACCES);
  }
  options.sockets = true;
  EXPECT_EQ(inside(options, connect), 0);
}

TEST_F(SandboxTest, ThreadsAndMemoryStillWork) {
  EXPECT_EQ(inside([] {
              int ran = 0;
              std::thread([&ran] { ran = 1; }).join();
              void* memory =
                  ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return ran == 1 && memory != MAP_FAILED ? 0 : -1;
            }),
            0);
}

}  // namespace
}  // namespace keyhaven::unitd
