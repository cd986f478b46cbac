#include "base/locked_arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/locked_pages.h"
#include "base/secret_bytes.h"

namespace keyhaven::locked_arena {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KH_NEEDS_MLOCK() \
  GTEST_SKIP() << "the sanitizers replace mlock by a function that does nothing"
#else
#define KH_NEEDS_MLOCK() static_cast<void>(0)
#endif

// Made before main: the arena must work while static objects are built.
const SecretBytes early = SecretBytes::copy_of("made before main");

// VmFlags of the mapping around `pointer` in /proc/self/smaps: lo locked, dd not dumped, wf wiped
// on fork.
std::string flags_of(const void* pointer) {
  std::ifstream smaps("/proc/self/smaps");
  const auto at = reinterpret_cast<std::uintptr_t>(pointer);
  bool inside = false;
  for (std::string line; std::getline(smaps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) inside = at >= begin && at < end;
    if (inside && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return {};
}

bool has(const std::string& flags, const char* flag) {
  return flags.find(std::string(" ") + flag + " ") != std::string::npos;
}

// Reads freed memory on purpose.
__attribute__((no_sanitize("address"))) bool is_zero(const void* pointer, std::size_t from,
                                                     std::size_t to) {
  const auto* bytes = static_cast<const volatile std::uint8_t*>(pointer);
  for (std::size_t i = from; i < to; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

TEST(LockedArenaTest, WorksBeforeMain) {
  EXPECT_TRUE(owns(early.expose().data()));
  EXPECT_TRUE(early == SecretBytes::copy_of("made before main"));
}

TEST(LockedArenaTest, EverySizeIsZeroedAlignedAndUsableToItsEnd) {
  for (const std::size_t size :
       {0u, 1u, 15u, 16u, 17u, 32u, 33u, 100u, 4096u, 4097u, 16384u, 16385u, 65536u, 1048577u}) {
    auto* const block = static_cast<std::uint8_t*>(allocate(size));
    ASSERT_NE(block, nullptr) << size;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % 16, 0u) << size;
    EXPECT_GE(size_of(block), size);
    EXPECT_TRUE(is_zero(block, 0, size_of(block))) << size;
    std::memset(block, 0xA5, size_of(block));
    release(block);
  }
}

TEST(LockedArenaTest, EmptyAllocationsAreDistinct) {
  void* const a = allocate(0);
  void* const b = allocate(0);
  EXPECT_NE(a, b);
  release(a);
  release(b);
}

TEST(LockedArenaTest, PagesAreLockedNotDumpedAndWipedOnFork) {
  KH_NEEDS_MLOCK();
  for (const std::size_t size : {32u, 16384u, 100'000u}) {
    void* const block = allocate(size);
    const std::string flags = flags_of(block);
    EXPECT_TRUE(has(flags, "lo")) << size << ": " << flags;
    EXPECT_TRUE(has(flags, "dd")) << size << ": " << flags;
    EXPECT_TRUE(has(flags, "wf")) << size << ": " << flags;
    release(block);
  }
  EXPECT_TRUE(usage().locked);
}

// The change is for good, so in a child.
int with_secret_memory() {
  if (!use_secret_memory()) return 77;
  for (const std::size_t size : {32u, 16384u, 100'000u}) {
    auto* const block = static_cast<std::uint8_t*>(allocate(size));
    const std::size_t usable = size_of(block);
    if (!is_zero(block, 0, usable)) return 1;
    std::memset(block, 0xA5, usable);
    const std::string flags = flags_of(block);
    if (!has(flags, "lo") || !has(flags, "dd") || !has(flags, "dc")) return 2;
    std::ifstream memory("/proc/self/mem");
    memory.seekg(static_cast<std::streamoff>(reinterpret_cast<std::uintptr_t>(block)));
    char byte = 0;
    if (memory.read(&byte, 1)) return 3;  // the kernel itself does not find it
    release(block);
  }
  auto* const large = static_cast<std::uint8_t*>(allocate(100'000));
  if (!is_zero(large, 0, size_of(large))) return 4;
  auto* const larger = static_cast<std::uint8_t*>(allocate(4 << 20));
  std::memset(larger, 0xA5, 4 << 20);
  const std::size_t before = usage().secret_bytes;
  release(larger);  // above what is kept: its pages go back
  if (usage().secret_bytes + (4 << 20) > before || has(flags_of(larger), "lo")) return 5;
  return usage().locked && usage().secret_bytes > 0 ? 0 : 7;
}

// Looks at every mapping that can be read or written and belongs to the arena.
int pages_not_locked_after_load() {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 2000; ++i) blocks.push_back(allocate(i * 37 % 40'000 + 1));
  for (std::size_t i = 0; i < blocks.size(); i += 2) release(blocks[i]);
  std::ifstream smaps("/proc/self/smaps");
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  std::size_t seen = 0;
  char rights[8] = {};
  bool of_arena = false;
  for (std::string line; std::getline(smaps, line);) {
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) == 3) {
      of_arena = rights[0] == 'r' && owns(reinterpret_cast<void*>(begin));  // NOLINT
      if (of_arena) seen += end - begin;
    }
    if (!of_arena || line.rfind("VmFlags:", 0) != 0) continue;
    if (!has(line + " ", "lo") || !has(line + " ", "dd")) return 1;
  }
  return seen == usage().mapped_bytes && usage().locked ? 0 : 2;
}

TEST(LockedArenaTest, AfterLoadEveryPageIsLockedAndNotDumped) {
  KH_NEEDS_MLOCK();
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  if (::geteuid() != 0 && limit.rlim_max != RLIM_INFINITY)
    GTEST_SKIP() << "needs 32 MiB of locked memory";
  EXPECT_EXIT(::_exit(pages_not_locked_after_load()), testing::ExitedWithCode(0), "");
  EXPECT_EXIT(
      {
        (void)use_secret_memory();
        ::_exit(pages_not_locked_after_load());
      },
      testing::ExitedWithCode(0), "");
}

TEST(LockedArenaTest, SecretMemoryIsHiddenFromTheKernelItself) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // a fresh process: the arena has no pages yet
  const int fd = static_cast<int>(::syscall(447, 0));
  if (fd < 0) GTEST_SKIP() << "the kernel has no memfd_secret, or it is switched off";
  ::close(fd);
  EXPECT_EXIT(::_exit(with_secret_memory()), testing::ExitedWithCode(0), "");
}

int keep_large_runs() {
  if (!use_secret_memory()) return 77;
  auto* const first = static_cast<std::uint8_t*>(allocate(100'000));
  std::memset(first, 0xA5, 100'000);
  release(first);
  auto* const second = static_cast<std::uint8_t*>(allocate(90'000));
  if (second != first || !is_zero(second, 0, size_of(second))) return 1;
  if (allocate(90'000) == first) return 2;  // it is in use
  release(second);
  if (allocate(20'000) == first) return 3;  // more than twice as much
  std::vector<void*> many;
  for (int i = 0; i < 40; ++i) many.push_back(allocate(100'000));
  const std::size_t bytes_of_many = many.size() * size_of(many.front());
  const std::size_t others = usage().secret_bytes - bytes_of_many;
  for (void* block : many) release(block);
  return usage().secret_bytes - others <= (1 << 20) ? 0 : 4;
}

TEST(LockedArenaTest, ReleasedLargeRunsOfSecretMemoryAreUsedAgainAndBounded) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const int fd = static_cast<int>(::syscall(447, 0));
  if (fd < 0) GTEST_SKIP() << "the kernel has no memfd_secret, or it is switched off";
  ::close(fd);
  EXPECT_EXIT(::_exit(keep_large_runs()), testing::ExitedWithCode(0), "");
}

TEST(LockedArenaTest, AChildHasNoSecretMemory) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto touch_in_child = [] {
    if (!use_secret_memory()) ::_exit(SIGSEGV);
    auto* const block = static_cast<volatile std::uint8_t*>(allocate(100'000));
    block[0] = 1;
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(block[0]);
    int status = 0;
    ::waitpid(pid, &status, 0);
    ::_exit(WIFSIGNALED(status) ? WTERMSIG(status) : 0);
  };
  const int fd = static_cast<int>(::syscall(447, 0));
  if (fd < 0) GTEST_SKIP() << "the kernel has no memfd_secret, or it is switched off";
  ::close(fd);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizers catch the signal";
#endif
  EXPECT_EXIT(touch_in_child(), testing::ExitedWithCode(SIGSEGV), "");
}

TEST(LockedArenaTest, GuardPagesStandBeforeAndAfterARun) {
  auto* const block = static_cast<std::uint8_t*>(allocate(100'000));
  const std::size_t size = size_of(block);
  EXPECT_DEATH(*static_cast<volatile std::uint8_t*>(block - 1) = 1, "");
  EXPECT_DEATH(*static_cast<volatile std::uint8_t*>(block + size) = 1, "");
  release(block);
}

TEST(LockedArenaTest, ReleaseWipesTheBlock) {
  for (const std::size_t size : {32u, 500u, 16384u}) {
    void* const block = allocate(size);
    std::memset(block, 0x5A, size);
    release(block);
    EXPECT_TRUE(is_zero(block, sizeof(void*), size)) << size;  // the first word links free blocks
  }
}

TEST(LockedArenaTest, ReleaseUnmapsALargeAllocation) {
  const std::size_t before = usage().mapped_bytes;
  void* const block = allocate(1 << 20);
  EXPECT_EQ(usage().mapped_bytes, before + (1 << 20));
  release(block);
  EXPECT_EQ(usage().mapped_bytes, before);
  EXPECT_FALSE(owns(block));
}

TEST(LockedArenaTest, OwnsOnlyItsOwn) {
  int local = 0;
  EXPECT_FALSE(owns(&local));
  EXPECT_FALSE(owns(nullptr));
  void* const block = allocate(10);
  EXPECT_TRUE(owns(block));
  EXPECT_EQ(size_of(block), 16u);
  release(block);
  release(nullptr);
}

TEST(LockedArenaTest, ReleasingWhatIsNoBlockStopsTheProcess) {
  int local = 0;
  EXPECT_DEATH(release(&local), "fatal");
  auto* const block = static_cast<std::uint8_t*>(allocate(64));
  EXPECT_DEATH(release(block + 16), "fatal");
  release(block);
}

TEST(LockedArenaTest, BlocksOfManyThreadsDoNotOverlapAndAllComeBack) {
  const std::size_t before = usage().used_bytes;
  constexpr int kThreads = 4;
  std::vector<std::vector<void*>> left(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &left] {
      std::vector<std::uint8_t*> live;
      for (std::size_t i = 0; i < 20'000; ++i) {
        const std::size_t size = 1 + i * 37 % 5'000;
        auto* const block =
            static_cast<std::uint8_t*>(allocate(size, i % 2 == 0 ? OnFork::Wipe : OnFork::Keep));
        block[0] = static_cast<std::uint8_t>(t + 1);
        block[size - 1] = static_cast<std::uint8_t>(t + 1);
        live.push_back(block);
        if (live.size() > 50) {
          std::uint8_t* const oldest = live.front();
          live.erase(live.begin());
          ASSERT_EQ(oldest[0], t + 1);
          release(oldest);
        }
      }
      for (auto* block : live) left[static_cast<std::size_t>(t)].push_back(block);
    });
  }
  for (auto& thread : threads) thread.join();
  for (int t = 0; t < kThreads; ++t) {
    for (void* block : left[static_cast<std::size_t>(t)]) {
      EXPECT_EQ(*static_cast<std::uint8_t*>(block), t + 1);
      release(block);  // another thread than the one that allocated
    }
  }
  EXPECT_EQ(usage().used_bytes, before);
}

TEST(LockedArenaTest, MemoryFreedByEndedThreadsIsReused) {
  const auto one_round = [] {
    std::thread([] {
      std::vector<SecretBytes> secrets;
      for (int i = 0; i < 2'000; ++i) secrets.emplace_back(64);
    }).join();
  };
  one_round();
  const std::size_t after_one = usage().mapped_bytes;
  for (int i = 0; i < 20; ++i) one_round();
  EXPECT_EQ(usage().mapped_bytes, after_one);
}

// Uses the arena after the cache of its thread has been given back, as libcrypto does.
struct LateUser {
  void* block = nullptr;
  ~LateUser() {
    release(block);
    release(allocate(48));
  }
};

TEST(LockedArenaTest, WorksAtTheEndOfAThread) {
  const std::size_t before = usage().used_bytes;
  std::thread([] {
    thread_local LateUser late;  // registered first, so destroyed after the cache
    late.block = nullptr;
    late.block = allocate(48);
  }).join();
  EXPECT_EQ(usage().used_bytes, before);
}

TEST(LockedArenaTest, AForkedChildSeesZerosOrACopyAndCanAllocate) {
  auto* const secret = static_cast<std::uint8_t*>(allocate(64, OnFork::Wipe));
  auto* const kept = static_cast<std::uint8_t*>(allocate(64, OnFork::Keep));
  std::memset(secret, 7, 64);
  std::memset(kept, 7, 64);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    int bad = is_zero(secret, 0, 64) && kept[63] == 7 ? 0 : 1;
    for (int i = 0; i < 5'000; ++i) {
      auto* const block = static_cast<std::uint8_t*>(allocate(static_cast<std::size_t>(i % 300)));
      if (!is_zero(block, 0, size_of(block))) bad = 2;
      if (i % 3 != 0) release(block);
    }
    release(secret);
    ::_exit(bad);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_EQ(secret[63], 7);
  release(secret);
  release(kept);
}

// Takes away the right to lock memory: root may always.
void forbid_locking() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_MEMLOCK, &none);
  if (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0) ::_exit(99);
}

TEST(LockedArenaTest, PolicyStopNamesTheRemedyWhenLockingFails) {
  KH_NEEDS_MLOCK();
  EXPECT_DEATH(
      {
        forbid_locking();
        set_policy(OnLockFailure::Stop);
        allocate(1 << 20);
      },
      "LimitMEMLOCK");
}

TEST(LockedArenaTest, PolicyStopAlsoStopsWhenAnEarlierLockFailed) {
  KH_NEEDS_MLOCK();
  EXPECT_DEATH(
      {
        forbid_locking();
        release(allocate(1 << 20));
        set_policy(OnLockFailure::Stop);
      },
      "LimitMEMLOCK");
}

TEST(LockedArenaTest, SecretMemoryCountsAgainstTheSameLimit) {
  KH_NEEDS_MLOCK();
  EXPECT_DEATH(
      {
        forbid_locking();
        set_policy(OnLockFailure::Stop);
        (void)use_secret_memory();
        allocate(1 << 20);
      },
      "LimitMEMLOCK");
  EXPECT_EXIT(
      {
        forbid_locking();
        (void)use_secret_memory();
        std::memset(allocate(1 << 20), 1, 1 << 20);
        ::_exit(usage().locked || usage().secret_bytes != 0 ? 1 : 0);
      },
      testing::ExitedWithCode(0), "^keyhaven: warning: [^\n]*\n$");
}

TEST(LockedArenaTest, PolicyWarnSaysSoOnceAndGoesOn) {
  KH_NEEDS_MLOCK();
  EXPECT_EXIT(
      {
        forbid_locking();
        release(allocate(1 << 20));
        release(allocate(1 << 20));
        ::_exit(usage().locked ? 1 : 0);
      },
      testing::ExitedWithCode(0), "^keyhaven: warning: [^\n]*\n$");
}

}  // namespace
}  // namespace keyhaven::locked_arena
