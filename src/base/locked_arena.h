// Memory for secrets: mapped, locked against swap, excluded from core dumps and from forked children, with guard
// pages around each chunk, zeroed when freed. SecretBytes allocates here; the unit also gives it to libcrypto
// (crypto/process_memory.h), because cipher contexts hold key schedules.
#pragma once

#include <cstddef>

namespace keyhaven::locked_arena {

// What to do when mlock fails (the default limit is 8 MiB per process).
enum class OnLockFailure { Stop, Warn };

// Sets the policy; call once, before the first secret. Default: Warn (tools). The unit says Stop.
void set_policy(OnLockFailure policy) noexcept;

// Returns `size` zeroed bytes (16-byte aligned); size 0 gives a valid distinct pointer. Never null: exhaustion is fatal.
// Thread-safe.
void* allocate(std::size_t size);

// Wipes and gives back what `allocate` returned; null is ignored. The size is known to the arena. Thread-safe.
void release(void* pointer) noexcept;

// Usable size of an allocation (at least what was asked for).
std::size_t size_of(const void* pointer) noexcept;

// Whether `pointer` came from the arena.
bool owns(const void* pointer) noexcept;

struct Usage {
  std::size_t mapped_bytes = 0;
  std::size_t used_bytes = 0;
  bool locked = true;  // false if any chunk could not be locked
};
Usage usage() noexcept;

}  // namespace keyhaven::locked_arena
