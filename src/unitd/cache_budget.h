// How many opened root keys the unit's channels may keep, so that locked memory never runs out.
#pragma once

#include <sys/resource.h>

#include <algorithm>
#include <cstddef>

#include "unit/key_engine.h"

namespace keyhaven::unitd {

// Locked memory of one opened root key: a block of 48 bytes and its share of what the arena keeps
// free (cache_budget_test.cc holds it to that).
inline constexpr std::size_t kOpenedKeyBytes = 64;
// What everything else needs: libcrypto's tables, state, frames under way (measured: 2 MiB).
inline constexpr std::size_t kReservedBytes = 4U << 20;
inline constexpr std::size_t kLeastOpenedKeys = 32;

// The share of one of `channels` engines of a process that may lock `limit_bytes` (RLIM_INFINITY:
// the engine's own default). With the usual 8 MiB and up to four channels that default too: 16384
// keys each. More keys are opened anew when used (about 7 us), never a reason to stop.
constexpr std::size_t opened_keys_per_channel(rlim_t limit_bytes, std::size_t channels) noexcept {
  const std::size_t most = unit::KeyEngineOptions{}.max_opened_keys;
  if (limit_bytes == RLIM_INFINITY) return most;
  const std::size_t budget =
      limit_bytes > kReservedBytes ? static_cast<std::size_t>(limit_bytes) - kReservedBytes : 0;
  return std::clamp(budget / kOpenedKeyBytes / std::max<std::size_t>(channels, 1), kLeastOpenedKeys,
                    most);
}
static_assert(opened_keys_per_channel(8U << 20, 4) == 16384);
static_assert(opened_keys_per_channel(8U << 20, 6) == 10922);
static_assert(opened_keys_per_channel(5U << 20, 2) == 8192);
static_assert(opened_keys_per_channel(0, 3) == kLeastOpenedKeys);
static_assert(opened_keys_per_channel(RLIM_INFINITY, 3) == 16384);

}  // namespace keyhaven::unitd
