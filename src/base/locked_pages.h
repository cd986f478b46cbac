// The page side of the locked arena: one reservation of address space in slots of 64 KiB, of which
// runs are made accessible, locked and kept out of core dumps: memory of memfd_secret, or private
// pages with mlock and advice. Internal to base/: use
// locked_arena.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/locked_arena.h"

namespace keyhaven::locked_arena {

inline constexpr std::size_t kSlotSize = 64 * 1024;
inline constexpr std::size_t kPageSize = 4096;
inline constexpr std::size_t kSpanSize =
    kSlotSize - kPageSize;  // the first page of each slot is a guard

// What lies at an address of the reservation.
struct Run {
  std::uint8_t* begin = nullptr;  // first accessible byte; null when the address is outside any run
  std::size_t size = 0;           // accessible bytes
  std::size_t block_size = 0;     // size of each block of a span; `size` for a large allocation
  OnFork on_fork = OnFork::Wipe;
};

// Makes at least `bytes` accessible and zero, locked as the policy demands, with an inaccessible
// page before and after. `block_size` 0 means one large allocation. Exhaustion is fatal. The caller
// holds the arena's mutex.
std::uint8_t* map_run(std::size_t bytes, std::size_t block_size, OnFork on_fork);

// Gives the pages of a large run back to the system, which zeroes them. The caller holds the
// arena's mutex.
void unmap_run(const Run& run) noexcept;

// Whether the run's pages are of memfd_secret, which cost much to get and to give back.
bool is_secret(const Run& run) noexcept;

// The run around `pointer`. Needs no lock for a pointer the caller owns.
Run run_of(const void* pointer) noexcept;

std::size_t mapped_bytes() noexcept;
std::size_t secret_bytes() noexcept;
bool all_locked() noexcept;

}  // namespace keyhaven::locked_arena
