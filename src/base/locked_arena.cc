#include "base/locked_arena.h"

#include <pthread.h>
#include <string.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/locked_pages.h"
#include "base/result.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define KH_POISON(at, size) __asan_poison_memory_region(at, size)
#define KH_UNPOISON(at, size) __asan_unpoison_memory_region(at, size)
#else
#define KH_POISON(at, size) static_cast<void>(0)
#define KH_UNPOISON(at, size) static_cast<void>(0)
#endif

namespace keyhaven::locked_arena {

namespace {

constexpr std::array<std::size_t, 20> kClassSizes = {16,   32,   48,   64,   96,    128,  192,
                                                     256,  384,  512,  768,  1024,  1536, 2048,
                                                     3072, 4096, 6144, 8192, 12288, 16384};
constexpr std::size_t kLargestClass = kClassSizes.back();
constexpr std::size_t kGranule = 16;
constexpr std::size_t kPools = 2;  // one per OnFork

// Class of a size, by size in granules rounded up.
constexpr auto kClassOf = [] {
  std::array<std::uint8_t, kLargestClass / kGranule + 1> table{};
  std::size_t at = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    while (kClassSizes[at] < i * kGranule) ++at;
    table[i] = static_cast<std::uint8_t>(at);
  }
  return table;
}();

std::size_t class_of(std::size_t size) noexcept {
  return kClassOf[(size + kGranule - 1) / kGranule];
}

// Blocks that move between a thread and the shared list at once.
constexpr std::size_t batch_of(std::size_t size_class) noexcept {
  return std::clamp<std::size_t>(8192 / kClassSizes[size_class], 1, 32);
}

// A free block: all zero but for this link. A forked child of the Wipe pool finds the links zero:
// its lists end early and the blocks behind are lost to it, which is safe.
struct FreeBlock {
  FreeBlock* next;
};

struct FreeList {
  FreeBlock* first = nullptr;
  std::size_t count = 0;

  void push(FreeBlock* block) noexcept {
    block->next = first;
    first = block;
    ++count;
  }
  FreeBlock* pop() noexcept {
    FreeBlock* const block = first;
    if (block == nullptr) {
      count = 0;
      return nullptr;
    }
    first = block->next;
    block->next = nullptr;
    --count;
    return block;
  }
};

using Lists = std::array<std::array<FreeList, kClassSizes.size()>, kPools>;

// Trivially destructible: libcrypto frees in its own handlers at the end of a thread, after C++
// thread-local objects are gone, and still finds `ended` here.
struct ThreadCache {
  Lists lists;
  std::atomic<std::ptrdiff_t> used{
      0};  // written by its thread only; blocks may be released by another thread
  ThreadCache* next = nullptr;
  ThreadCache* previous = nullptr;
  bool started = false;
  bool ended = false;
};

// Large runs of secret memory that were released and wiped, for the next large allocation: to take
// pages out of the kernel's map and put them back costs ten times what locking costs (256 KiB: 1
// ms), and a channel's buffer grows and shrinks with every large batch.
class KeptRuns {
 public:
  bool keep(const Run& run) noexcept {
    if (bytes_ + run.size > kMostBytes || !is_secret(run)) return false;
    for (Run& place : runs_) {
      if (place.begin != nullptr) continue;
      place = run;
      bytes_ += run.size;
      return true;
    }
    return false;
  }
  // The smallest that fits, of at most twice the size; null when there is none.
  std::uint8_t* take(std::size_t size) noexcept {
    Run* best = nullptr;
    for (Run& run : runs_) {
      if (run.begin == nullptr || run.size < size || run.size / 2 > size) continue;
      if (best == nullptr || run.size < best->size) best = &run;
    }
    if (best == nullptr) return nullptr;
    bytes_ -= best->size;
    return std::exchange(*best, Run{}).begin;
  }

 private:
  static constexpr std::size_t kMostBytes = 1U << 20;
  std::array<Run, 16> runs_{};
  std::size_t bytes_ = 0;
};

struct Shared {
  std::mutex mutex;
  Lists lists;
  ThreadCache* caches = nullptr;
  KeptRuns kept;
  std::ptrdiff_t used = 0;  // of ended threads and large allocations
  bool fork_handlers = false;
};

constinit Shared shared;
constinit thread_local ThreadCache cache;

FreeList& list_of(Lists& lists, OnFork on_fork, std::size_t size_class) noexcept {
  return lists[static_cast<std::size_t>(on_fork)][size_class];
}

void move_blocks(FreeList& from, FreeList& to, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    FreeBlock* const block = from.pop();
    if (block == nullptr) return;
    to.push(block);
  }
}

struct AtThreadEnd {
  bool armed = false;
  ~AtThreadEnd() {
    const std::lock_guard lock(shared.mutex);
    for (std::size_t pool = 0; pool < kPools; ++pool) {
      for (std::size_t i = 0; i < kClassSizes.size(); ++i) {
        FreeList& list = cache.lists[pool][i];
        while (list.first != nullptr) move_blocks(list, shared.lists[pool][i], 64);
      }
    }
    shared.used += cache.used.load(std::memory_order_relaxed);
    if (cache.previous != nullptr) cache.previous->next = cache.next;
    if (cache.next != nullptr) cache.next->previous = cache.previous;
    if (shared.caches == &cache) shared.caches = cache.next;
    cache.ended = true;
  }
};

void start_cache() {
  cache.started = true;
  static thread_local AtThreadEnd at_end;
  at_end.armed = true;  // odr-use: registers the destructor
  const std::lock_guard lock(shared.mutex);
  if (!shared.fork_handlers) {
    shared.fork_handlers = true;
    ::pthread_atfork([] { shared.mutex.lock(); }, [] { shared.mutex.unlock(); },
                     [] { shared.mutex.unlock(); });
  }
  cache.next = shared.caches;
  if (cache.next != nullptr) cache.next->previous = &cache;
  shared.caches = &cache;
}

// Cuts a new span into blocks. The mutex is held.
void refill_shared(FreeList& list, OnFork on_fork, std::size_t size_class) {
  const std::size_t size = kClassSizes[size_class];
  std::uint8_t* const span = map_run(kSpanSize, size, on_fork);
  for (std::size_t i = kSpanSize / size; i > 0; --i) {
    list.push(reinterpret_cast<FreeBlock*>(span + (i - 1) * size));
  }
}

FreeBlock* take_shared(OnFork on_fork, std::size_t size_class, FreeList* also) {
  const std::lock_guard lock(shared.mutex);
  FreeList& list = list_of(shared.lists, on_fork, size_class);
  if (list.first == nullptr) refill_shared(list, on_fork, size_class);
  FreeBlock* const block = list.pop();
  if (also != nullptr) move_blocks(list, *also, batch_of(size_class) - 1);
  return block;
}

void count_used(std::ptrdiff_t difference) noexcept {
  cache.used.store(cache.used.load(std::memory_order_relaxed) + difference,
                   std::memory_order_relaxed);
}

void* allocate_large(std::size_t size, OnFork on_fork) {
  const std::lock_guard lock(shared.mutex);
  std::uint8_t* begin = shared.kept.take(size);
  if (begin == nullptr) begin = map_run(size, 0, on_fork);
  const std::size_t usable = run_of(begin).size;
  KH_UNPOISON(begin, usable);
  shared.used += static_cast<std::ptrdiff_t>(usable);
  return begin;
}

void release_small(FreeBlock* block, OnFork on_fork, std::size_t size_class) noexcept {
  const auto size = static_cast<std::ptrdiff_t>(kClassSizes[size_class]);
  if (!cache.started) start_cache();
  if (cache.ended) {
    const std::lock_guard lock(shared.mutex);
    list_of(shared.lists, on_fork, size_class).push(block);
    shared.used -= size;
    return;
  }
  FreeList& list = list_of(cache.lists, on_fork, size_class);
  list.push(block);
  count_used(-size);
  if (list.count > 2 * batch_of(size_class)) {
    const std::lock_guard lock(shared.mutex);
    move_blocks(list, list_of(shared.lists, on_fork, size_class), batch_of(size_class));
  }
}

}  // namespace

void* allocate(std::size_t size, OnFork on_fork) {
  if (size > kLargestClass) return allocate_large(size, on_fork);
  const std::size_t size_class = class_of(size);
  const auto block_size = static_cast<std::ptrdiff_t>(kClassSizes[size_class]);
  if (!cache.started) start_cache();
  FreeBlock* block = nullptr;
  if (cache.ended) {
    block = take_shared(on_fork, size_class, nullptr);
    const std::lock_guard lock(shared.mutex);
    shared.used += block_size;
  } else {
    FreeList& list = list_of(cache.lists, on_fork, size_class);
    block = list.pop();
    if (block == nullptr) block = take_shared(on_fork, size_class, &list);
    count_used(block_size);
  }
  KH_UNPOISON(block, kClassSizes[size_class]);
  return block;
}

void release(void* pointer) noexcept {
  if (pointer == nullptr) return;
  const Run run = run_of(pointer);
  KH_ASSERT(run.begin != nullptr);
  const auto offset = static_cast<std::size_t>(static_cast<std::uint8_t*>(pointer) - run.begin);
  KH_ASSERT(offset % run.block_size == 0);
  ::explicit_bzero(pointer, run.block_size);
  if (run.block_size > kLargestClass) {
    const std::lock_guard lock(shared.mutex);
    shared.used -= static_cast<std::ptrdiff_t>(run.size);
    if (!shared.kept.keep(run)) {
      unmap_run(run);
    } else {
      KH_POISON(run.begin, run.size);
    }
    return;
  }
  KH_POISON(static_cast<std::uint8_t*>(pointer) + sizeof(FreeBlock),
            run.block_size - sizeof(FreeBlock));
  release_small(static_cast<FreeBlock*>(pointer), run.on_fork, class_of(run.block_size));
}

std::size_t size_of(const void* pointer) noexcept { return run_of(pointer).block_size; }

bool owns(const void* pointer) noexcept { return run_of(pointer).begin != nullptr; }

Usage usage() noexcept {
  const std::lock_guard lock(shared.mutex);
  std::ptrdiff_t used = shared.used;
  for (const ThreadCache* at = shared.caches; at != nullptr; at = at->next) {
    used += at->used.load(std::memory_order_relaxed);
  }
  return {mapped_bytes(), static_cast<std::size_t>(std::max<std::ptrdiff_t>(used, 0)), all_locked(),
          secret_bytes()};
}

}  // namespace keyhaven::locked_arena
