// Memory for secrets: mapped, locked against swap (memfd_secret where asked for and offered),
// excluded from core dumps, with guard pages around each span, zeroed when freed. SecretBytes
// allocates here; the unit also gives it to libcrypto (crypto/process_memory.h), because cipher
// contexts hold key schedules.
//
// Shape: one reservation of address space, cut into slots of 64 KiB whose first page is never
// accessible. A slot becomes a span of equal blocks (20 size classes, 16 to 16384 bytes) or, in a
// run of slots, one large allocation. Freed blocks go to a cache of the freeing thread, from there
// in batches to a list under one mutex. Only slots in use are locked, so a small tool fits the
// default limit of 8 MiB. Works before main and after the end of thread-local objects.
#pragma once

#include <cstddef>

namespace keyhaven::locked_arena {

// What to do when mlock fails (the default limit is 8 MiB per process).
enum class OnLockFailure { Stop, Warn };

// Sets the policy; call it before the first secret. Default: Warn (tools). The unit says Stop.
void set_policy(OnLockFailure policy) noexcept;

// From now on takes pages from memfd_secret (Linux 5.14 on, where it is switched on): locked and
// never dumped by their nature, and gone from the kernel's own map of memory, so that neither
// /proc/PID/mem nor process_vm_readv nor a kernel that reads a wrong address finds them, not even
// for root. Such pages are shared mappings, which MADV_WIPEONFORK does not take: a child has them
// not at all (MADV_DONTFORK), so this is for a process that forks only to exec, or never. Call it
// before the first secret; pages mapped earlier stay as they are. Returns whether the kernel offers
// it; if not, pages are locked and kept out of dumps as before.
bool use_secret_memory() noexcept;

// What a forked child sees of an allocation. Wipe: zeros, so secrets do not spread to children
// (MADV_WIPEONFORK); right for plain bytes such as SecretBytes. Keep: a copy; needed for memory
// that holds pointers and locks, that is libcrypto's, which a child would otherwise find torn. A
// process that gives libcrypto the arena must therefore fork only to exec, or before it holds keys.
enum class OnFork { Wipe, Keep };

// Returns `size` zeroed bytes (16-byte aligned); size 0 gives a valid distinct pointer. Never null:
// exhaustion is fatal. Thread-safe.
void* allocate(std::size_t size, OnFork on_fork = OnFork::Wipe);

// Wipes and gives back what `allocate` returned; null is ignored. The size is known to the arena.
// Thread-safe.
void release(void* pointer) noexcept;

// Usable size of an allocation (at least what was asked for).
std::size_t size_of(const void* pointer) noexcept;

// Whether `pointer` came from the arena.
bool owns(const void* pointer) noexcept;

struct Usage {
  std::size_t mapped_bytes = 0;  // accessible pages, guard pages not counted
  std::size_t used_bytes = 0;    // blocks handed out and not yet released, in their usable sizes
  bool locked = true;            // false if any chunk could not be locked
  std::size_t secret_bytes = 0;  // of mapped_bytes, from memfd_secret; released large allocations
                                 // are kept for the next ones, at most 1 MiB
};
Usage usage() noexcept;

}  // namespace keyhaven::locked_arena
