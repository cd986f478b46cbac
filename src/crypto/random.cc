#include "crypto/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <new>

#include "base/locked_arena.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kPoolSize = 4096;

// Lies in the locked arena as memory that a forked child sees as zeros: `remaining` is 0 there, so
// the child draws fresh bytes instead of repeating the parent's.
struct Pool {
  std::size_t remaining = 0;
  std::array<std::uint8_t, kPoolSize> bytes;
};

struct PoolOwner {
  Pool* pool = new (locked_arena::allocate(sizeof(Pool), locked_arena::OnFork::Wipe)) Pool;
  PoolOwner() = default;
  PoolOwner(const PoolOwner&) = delete;
  PoolOwner& operator=(const PoolOwner&) = delete;
  ~PoolOwner() { locked_arena::release(pool); }
};

}  // namespace

void random_bytes(std::span<std::uint8_t> out) {
  constexpr std::size_t kMost = std::size_t{1} << 30;  // the call takes an int
  while (!out.empty()) {
    const std::size_t count = std::min(out.size(), kMost);
    if (RAND_priv_bytes(out.data(), static_cast<int>(count)) != 1) {
      fatal(__FILE__, __LINE__, "the random generator failed");
    }
    out = out.subspan(count);
  }
}

SecretBytes random_secret(std::size_t size) {
  SecretBytes out(size);
  random_bytes(out.expose_mutable());
  return out;
}

void random_nonce(std::span<std::uint8_t> out) {
  thread_local const PoolOwner owner;
  Pool& pool = *owner.pool;
  while (!out.empty()) {
    if (pool.remaining == 0) {
      random_bytes(pool.bytes);
      pool.remaining = kPoolSize;
    }
    const std::size_t count = std::min(out.size(), pool.remaining);
    const auto used = std::span(pool.bytes).subspan(kPoolSize - pool.remaining, count);
    std::copy(used.begin(), used.end(), out.begin());
    wipe(used);
    pool.remaining -= count;
    out = out.subspan(count);
  }
}

Uuid random_uuid() {
  Uuid out;
  random_nonce(out.bytes);
  // Version 4, variant 10 (RFC 4122 section 4.4).
  out.bytes[6] = static_cast<std::uint8_t>((out.bytes[6] & 0x0F) | 0x40);
  out.bytes[8] = static_cast<std::uint8_t>((out.bytes[8] & 0x3F) | 0x80);
  return out;
}

}  // namespace keyhaven::crypto
