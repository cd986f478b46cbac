#include "base/locked_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>

#include "base/result.h"

namespace keyhaven::locked_arena {

namespace {

constexpr long kMemfdSecret = 447;  // x86_64 and aarch64; not in every header of Debian 12

constexpr std::size_t kSlotCount = 65'536;  // 4 GiB of addresses; costs nothing until used
constexpr std::size_t kReservation =
    kSlotCount * kSlotSize + kPageSize;  // one guard page after the last slot

// One entry per slot, outside the reservation, so that a forked child whose pages are wiped still
// has it. Atomics, relaxed: a pointer reaches another thread through its own synchronisation,
// owns() may be asked about anything.
struct Slot {
  std::atomic<std::uint32_t> head{0};        // index of the run's first slot, plus one; 0 is free
  std::atomic<std::uint32_t> pages{0};       // accessible pages of the run
  std::atomic<std::uint32_t> block_size{0};  // 0: one large allocation
  std::atomic<std::uint8_t> keep_on_fork{0};
  std::atomic<std::uint8_t> secret{0};  // memory of memfd_secret
};

constinit std::array<Slot, kSlotCount> slots{};
constinit std::atomic<std::uintptr_t> base{0};
constinit std::atomic<std::size_t> mapped{0};
constinit std::atomic<std::size_t> secret_mapped{0};
constinit std::atomic<bool> want_secret{false};
constinit std::atomic<bool> lock_failed{false};
constinit std::atomic<bool> must_lock{false};
constinit std::size_t first_free = 0;  // no free slot below it

void say(const char* text) noexcept {
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, ::strlen(text));
}

[[noreturn]] void stop_unlocked() noexcept {
  fatal(__FILE__, __LINE__,
        "memory for keys cannot be locked against swapping (mlock failed); raise the limit: "
        "LimitMEMLOCK=infinity in the systemd unit, or `ulimit -l`, or the container's memlock "
        "ulimit");
}

void raise_lock_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_MEMLOCK, &limit);  // a refusal shows when mlock fails
  }
}

void reserve() {
  raise_lock_limit();
  void* const at =
      ::mmap(nullptr, kReservation, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    fatal(__FILE__, __LINE__,
          "cannot reserve 4 GiB of address space for keys; remove the limit (ulimit -v, LimitAS)");
  }
  base.store(reinterpret_cast<std::uintptr_t>(at), std::memory_order_release);
}

void lock_pages(void* at, std::size_t bytes) noexcept {
  if (::mlock(at, bytes) == 0) return;
  if (must_lock.load()) stop_unlocked();
  if (!lock_failed.exchange(true)) {
    say("keyhaven: warning: memory for secrets could not be locked against swapping; raise the "
        "limit "
        "(ulimit -l, LimitMEMLOCK)\n");
  }
}

int make_secret_memory() noexcept {
  return static_cast<int>(::syscall(kMemfdSecret, static_cast<unsigned>(O_CLOEXEC)));
}

// Memory of its own for each run, held by its mapping alone: the pages go back, zeroed, when the
// run is unmapped, which a common file could not do (it never shrinks). Pages are taken at the
// first touch.
bool map_secret(std::uint8_t* begin, std::size_t bytes) noexcept {
  const int fd = make_secret_memory();
  if (fd < 0) return false;
  const bool mapped_it = ::ftruncate(fd, static_cast<off_t>(bytes)) == 0 &&
                         ::mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
                                0) != MAP_FAILED;  // counts against RLIMIT_MEMLOCK
  ::close(fd);
  return mapped_it && ::madvise(begin, bytes, MADV_DONTFORK) == 0;
}

// A mapping anew, whatever an attempt above left there.
void map_private(std::uint8_t* begin, std::size_t bytes, OnFork on_fork) noexcept {
  if (::mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
             0) == MAP_FAILED) {
    fatal(__FILE__, __LINE__, "cannot map memory for secrets (out of memory, or vm.max_map_count)");
  }
  if (::madvise(begin, bytes, MADV_DONTDUMP) != 0) {
    fatal(__FILE__, __LINE__, "cannot exclude memory for secrets from core dumps (MADV_DONTDUMP)");
  }
  if (on_fork == OnFork::Wipe && ::madvise(begin, bytes, MADV_WIPEONFORK) != 0) {
    fatal(__FILE__, __LINE__, "cannot keep secrets from forked children (MADV_WIPEONFORK)");
  }
  lock_pages(begin, bytes);
}

// Index of the first of `count` free slots in a row.
std::size_t find_free(std::size_t count) {
  std::size_t run = 0;
  for (std::size_t i = first_free; i < kSlotCount; ++i) {
    run = slots[i].head.load(std::memory_order_relaxed) == 0 ? run + 1 : 0;
    if (run == count) return i + 1 - count;
  }
  fatal(__FILE__, __LINE__, "the memory for secrets (4 GiB of addresses) is exhausted");
}

void mark(std::size_t first, std::size_t count, std::uint32_t head, const Run& run) noexcept {
  for (std::size_t i = first; i < first + count; ++i) {
    slots[i].pages.store(static_cast<std::uint32_t>(run.size / kPageSize),
                         std::memory_order_relaxed);
    slots[i].block_size.store(static_cast<std::uint32_t>(run.block_size),
                              std::memory_order_relaxed);
    slots[i].keep_on_fork.store(run.on_fork == OnFork::Keep ? 1 : 0, std::memory_order_relaxed);
    slots[i].head.store(head, std::memory_order_relaxed);
  }
}

std::size_t slots_for(std::size_t accessible) noexcept {
  return (accessible + kPageSize + kSlotSize - 1) / kSlotSize;
}

}  // namespace

std::uint8_t* map_run(std::size_t bytes, std::size_t block_size, OnFork on_fork) {
  if (base.load(std::memory_order_relaxed) == 0) reserve();
  KH_ASSERT(bytes <= kReservation);
  const std::size_t accessible = (bytes + kPageSize - 1) / kPageSize * kPageSize;
  const std::size_t count = slots_for(accessible);
  const std::size_t first = find_free(count);
  if (first == first_free) first_free = first + count;

  auto* const begin = reinterpret_cast<std::uint8_t*>(base.load(std::memory_order_relaxed) +
                                                      first * kSlotSize + kPageSize);
  const bool secret = want_secret.load() && map_secret(begin, accessible);
  if (!secret) map_private(begin, accessible, on_fork);
  mark(first, count, static_cast<std::uint32_t>(first + 1),
       Run{begin, accessible, block_size, on_fork});
  slots[first].secret.store(secret ? 1 : 0, std::memory_order_relaxed);
  if (secret) secret_mapped.fetch_add(accessible);
  mapped.fetch_add(accessible);
  return begin;
}

void unmap_run(const Run& run) noexcept {
  const std::size_t first = (reinterpret_cast<std::uintptr_t>(run.begin) - base.load()) / kSlotSize;
  const std::size_t count = slots_for(run.size);
  // A fresh mapping in place: unlocks, frees, forgets the advice and merges with the reservation
  // around it.
  if (::mmap(run.begin, run.size, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == MAP_FAILED) {
    fatal(__FILE__, __LINE__, "cannot unmap memory for secrets");
  }
  mark(first, count, 0, Run{});
  if (slots[first].secret.exchange(0) != 0) secret_mapped.fetch_sub(run.size);
  first_free = std::min(first_free, first);
  mapped.fetch_sub(run.size);
}

bool is_secret(const Run& run) noexcept {
  const std::size_t first = (reinterpret_cast<std::uintptr_t>(run.begin) - base.load()) / kSlotSize;
  return slots[first].secret.load(std::memory_order_relaxed) != 0;
}

Run run_of(const void* pointer) noexcept {
  const std::uintptr_t start = base.load(std::memory_order_acquire);
  const std::uintptr_t at = reinterpret_cast<std::uintptr_t>(pointer);
  if (start == 0 || at < start || at - start >= kSlotCount * kSlotSize) return {};
  const Slot& slot = slots[(at - start) / kSlotSize];
  const std::uint32_t head = slot.head.load(std::memory_order_relaxed);
  if (head == 0) return {};
  Run run;
  run.begin = reinterpret_cast<std::uint8_t*>(start + (head - 1) * kSlotSize + kPageSize);
  run.size = slot.pages.load(std::memory_order_relaxed) * kPageSize;
  const std::size_t block_size = slot.block_size.load(std::memory_order_relaxed);
  run.block_size = block_size != 0 ? block_size : run.size;
  run.on_fork =
      slot.keep_on_fork.load(std::memory_order_relaxed) != 0 ? OnFork::Keep : OnFork::Wipe;
  const auto* const byte = static_cast<const std::uint8_t*>(pointer);
  if (byte < run.begin || byte >= run.begin + run.size) return {};
  return run;
}

std::size_t mapped_bytes() noexcept { return mapped.load(); }
std::size_t secret_bytes() noexcept { return secret_mapped.load(); }
bool all_locked() noexcept { return !lock_failed.load(); }

bool use_secret_memory() noexcept {
  const int fd = make_secret_memory();
  if (fd < 0) return false;
  ::close(fd);
  want_secret.store(true);
  return true;
}

void set_policy(OnLockFailure policy) noexcept {
  must_lock.store(policy == OnLockFailure::Stop);
  if (policy == OnLockFailure::Stop && lock_failed.load())
    stop_unlocked();  // a static object came first
}

}  // namespace keyhaven::locked_arena
