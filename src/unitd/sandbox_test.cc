// Each attempt runs in a child of its own that has entered the sandbox.
#include "unitd/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
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
    const pid_t pid = ::fork();
    if (pid == 0) {
      (void)enter_sandbox(base_ + "/state");
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
