#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace keyhaven {
namespace {

class FileTest : public testing::Test {
 protected:
  FileTest() {
    std::string pattern = testing::TempDir() + "keyhaven-file-XXXXXX";
    KH_ASSERT(::mkdtemp(pattern.data()) != nullptr);
    directory_ = pattern;
  }
  ~FileTest() override { std::filesystem::remove_all(directory_); }

  std::string path(const std::string& name) const { return directory_ + "/" + name; }
  unsigned mode_of(const std::string& file) const {
    struct stat info {};
    EXPECT_EQ(::stat(file.c_str(), &info), 0);
    return info.st_mode & 07777;
  }
  std::size_t entries() const {
    const std::filesystem::directory_iterator all(directory_);
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }

  std::string directory_;
};

TEST_F(FileTest, WriteReplacesContentAndModeAndLeavesNothingElse) {
  ASSERT_TRUE(write_file_atomic(path("f"), as_bytes("old"), 0644));
  ASSERT_TRUE(write_file_atomic(path("f"), as_bytes("new content"), 0600));
  EXPECT_EQ(as_text(read_file(path("f"), 100).value()), "new content");
  EXPECT_EQ(mode_of(path("f")), 0600u);
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, WriteReplacesByRenameSoThatOpenReadersKeepTheOldFile) {
  ASSERT_TRUE(write_file_atomic(path("f"), as_bytes("old"), 0600));
  const FileDescriptor reader(::open(path("f").c_str(), O_RDONLY));
  ASSERT_TRUE(write_file_atomic(path("f"), as_bytes("new"), 0600));
  char text[4] = {};
  ASSERT_EQ(::read(reader.get(), text, 3), 3);
  EXPECT_STREQ(text, "old");
}

TEST_F(FileTest, AFailedWriteKeepsTheOldStateAndNamesTheCause) {
  std::filesystem::create_directory(path("d"));
  ASSERT_TRUE(write_file_atomic(path("d/inside"), as_bytes("x"), 0600));
  const auto onto_directory = write_file_atomic(path("d"), as_bytes("x"), 0600);
  ASSERT_FALSE(onto_directory);
  EXPECT_EQ(onto_directory.error().reason, Reason::Io);
  EXPECT_EQ(entries(), 1u);  // the temporary file is gone
  const auto nowhere = write_file_atomic(path("none/f"), as_bytes("x"), 0600);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().reason, Reason::Io);
  EXPECT_NE(nowhere.error().message.find("none/f"), std::string::npos);
}

TEST_F(FileTest, AWriteCutShortLeavesNothing) {
  EXPECT_EXIT(
      {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit;
        limit.rlim_cur = limit.rlim_max = 4;  // four bytes go through, then EFBIG
        ::setrlimit(RLIMIT_FSIZE, &limit);
        const auto written = write_file_atomic(path("f"), as_bytes("too long"), 0600);
        ::_exit(!written && written.error().reason == Reason::Io && entries() == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(FileTest, AFullDiskIsStoreUnavailable) {
  const auto scope = [this] {
    // A file system of one page of our own; needs the right to mount.
    if (::unshare(CLONE_NEWNS) != 0 ||
        ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("none", directory_.c_str(), "tmpfs", 0, "size=4096") != 0) {
      ::_exit(77);
    }
    const auto written = write_file_atomic(path("f"), Bytes(100'000, 1), 0600);
    ::_exit(!written && written.error().reason == Reason::StoreUnavailable && entries() == 0 ? 0
                                                                                             : 1);
  };
  const pid_t child = ::fork();
  if (child == 0) scope();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "mounting is not allowed here";
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(FileTest, CreateRefusesToReplace) {
  ASSERT_TRUE(create_file(path("f"), as_bytes("first"), 0640));
  EXPECT_EQ(mode_of(path("f")), 0640u);
  const auto again = create_file(path("f"), as_bytes("second"), 0600);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().reason, Reason::AlreadyExists);
  EXPECT_EQ(as_text(read_file(path("f"), 100).value()), "first");
  EXPECT_EQ(entries(), 1u);
}

TEST_F(FileTest, ReadKeepsTheLimit) {
  ASSERT_TRUE(write_file_atomic(path("f"), Bytes(1000, 7), 0600));
  EXPECT_EQ(read_file(path("f"), 1000).value().size(), 1000u);
  const auto outside = read_file(path("f"), 999);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().reason, Reason::TooLarge);
  EXPECT_EQ(read_secret_file(path("f"), 1000).value().size(), 1000u);
  EXPECT_EQ(read_secret_file(path("f"), 999).error().reason, Reason::TooLarge);
}

TEST_F(FileTest, ReadOfAnEmptyFileAndOfNone) {
  ASSERT_TRUE(write_file_atomic(path("empty"), {}, 0600));
  EXPECT_TRUE(read_file(path("empty"), 0).value().empty());
  EXPECT_EQ(read_file(path("none"), 10).error().reason, Reason::NotFound);
  EXPECT_EQ(read_file(directory_, 10'000).error().reason, Reason::Io);
}

TEST_F(FileTest, ReadOfAFileThatTellsNoSize) {
  // Larger than the first buffer and told as size 0.
  const Bytes status = read_file("/proc/self/status", 1 << 20).value();
  EXPECT_GT(status.size(), 600u);
  EXPECT_EQ(read_file("/proc/self/status", 300).error().reason, Reason::TooLarge);
}

TEST_F(FileTest, MakeDirectoryMakesParentsAndIsRepeatable) {
  ASSERT_TRUE(make_directory(path("a/b/c"), 0700));
  EXPECT_EQ(mode_of(path("a/b/c")), 0700u);
  EXPECT_EQ(mode_of(path("a")), 0755u);
  EXPECT_TRUE(make_directory(path("a/b/c"), 0700));
  EXPECT_TRUE(make_directory(path("a/b/d/"), 0750));
  EXPECT_EQ(mode_of(path("a/b/d")), 0750u);
  ASSERT_TRUE(create_file(path("f"), {}, 0600));
  EXPECT_EQ(make_directory(path("f/g"), 0700).error().reason, Reason::Io);
  EXPECT_EQ(make_directory(path("f"), 0700).error().reason, Reason::Io);
}

TEST_F(FileTest, DescriptorClosesItsFileOnce) {
  int number = -1;
  {
    FileDescriptor first(::open(directory_.c_str(), O_RDONLY));
    number = first.get();
    FileDescriptor second(std::move(first));
    EXPECT_FALSE(first.valid());  // NOLINT: the promise under test
    EXPECT_EQ(second.get(), number);
    EXPECT_NE(::fcntl(number, F_GETFD), -1);
  }
  EXPECT_EQ(::fcntl(number, F_GETFD), -1);
}

// Exit code of a child that tries to take the lock: 0 taken, 1 refused as it should be.
int try_in_child(const std::string& directory, pid_t holder) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto lock = DirectoryLock::acquire(directory);
    if (lock) ::_exit(0);
    const bool as_promised = lock.error().reason == Reason::AlreadyExists &&
                             lock.error().message.find("in use by process " +
                                                       std::to_string(holder)) != std::string::npos;
    ::_exit(as_promised ? 1 : 2);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(FileTest, DirectoryLockRefusesASecondHolderInAnotherProcessAndInThisOne) {
  {
    const auto lock = DirectoryLock::acquire(directory_);
    ASSERT_TRUE(lock);
    EXPECT_EQ(try_in_child(directory_, ::getpid()), 1);
    EXPECT_FALSE(DirectoryLock::acquire(directory_));
  }
  EXPECT_EQ(try_in_child(directory_, ::getpid()), 0);
  EXPECT_TRUE(DirectoryLock::acquire(directory_));  // the child's end released it
}

TEST_F(FileTest, DirectoryLockNeedsTheDirectory) {
  EXPECT_EQ(DirectoryLock::acquire(path("none")).error().reason, Reason::Io);
}

}  // namespace
}  // namespace keyhaven
