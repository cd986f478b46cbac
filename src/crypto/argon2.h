// Argon2id (RFC 9106): a key from a passphrase, slow and large enough that guessing is dear.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

struct Argon2Cost {
  std::uint32_t memory_kib = 64 * 1024;  // kArgon2LeastMemoryKib per lane to kArgon2MostMemoryKib
  std::uint32_t passes = 3;              // 1 to kArgon2MostPasses
  std::uint32_t lanes = 4;               // 1 to kArgon2MostLanes; part of the result, not threads
  bool operator==(const Argon2Cost&) const = default;
};
inline constexpr std::uint32_t kArgon2LeastMemoryKib = 8;
inline constexpr std::uint32_t kArgon2MostMemoryKib = 1024 * 1024;
inline constexpr std::uint32_t kArgon2MostPasses = 64;
inline constexpr std::uint32_t kArgon2MostLanes = 16;
inline constexpr std::size_t kArgon2LeastSalt = 8;
inline constexpr std::size_t kArgon2MostSalt = 64;

// Whether a cost read from somewhere is within these limits.
bool is_within_limits(const Argon2Cost& cost) noexcept;

// Derives `size` bytes (4 to 64) from a passphrase of 1 to 4096 bytes and a salt of
// kArgon2LeastSalt to kArgon2MostSalt bytes. The defaults take about 0.2 s on one core. One thread.
//
// The memory it fills is not in the locked arena: 64 MiB exceed the usual limit of locked memory,
// 8 MiB. It is mapped for this call, left out of core dumps and of children, and wiped before it is
// given back; while the call runs, the kernel may swap it. The passphrase and the result are in the
// arena.
//
// Errors: InvalidArgument (a limit above; nothing was allocated), Io (the system does not give the
// memory).
// Source: RFC 9106, version 0x13.
Result<SecretBytes> argon2id(const SecretBytes& passphrase, ByteView salt, const Argon2Cost& cost,
                             std::size_t size);

}  // namespace keyhaven::crypto
