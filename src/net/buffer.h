// The receive buffer of one request. Whatever passed through it is wiped when it is given back,
// grown or compacted: bodies carry DEKs and headers carry tokens.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "net/http_server.h"

namespace keyhaven::net {

// Wiped blocks of the standard size, kept for the next request. One per loop, not thread-safe.
class BlockPool {
 public:
  static constexpr std::size_t kBlockBytes = 16 * 1024;  // without kBodySlack
  std::unique_ptr<std::uint8_t[]> take();
  void give(std::unique_ptr<std::uint8_t[]> wiped_block);

 private:
  static constexpr std::size_t kMaxSpare = 256;
  std::vector<std::unique_ptr<std::uint8_t[]>> spare_;
};

// Bytes received so far, in one piece, followed by room for more and by kBodySlack readable bytes
// beyond the capacity.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { release(nullptr); }

  // Takes a block of the standard size, from the pool if there is one. The buffer must be released.
  void acquire(BlockPool* pool);
  // Wipes and gives the block back; the buffer has no memory afterwards.
  void release(BlockPool* pool) noexcept;
  bool allocated() const noexcept { return block_ != nullptr; }

  std::uint8_t* data() noexcept { return block_.get(); }
  const std::uint8_t* data() const noexcept { return block_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::span<std::uint8_t> room() noexcept { return {data() + size_, capacity_ - size_}; }
  // Counts `count` bytes written to the front of room().
  void commit(std::size_t count);
  // Makes the capacity at least `capacity`; pointers into the buffer become invalid when it grows.
  void reserve(std::size_t capacity);
  // Moves the bytes from `from` on to `to` (to <= from) and wipes what becomes free behind them.
  void close_gap(std::size_t to, std::size_t from);

 private:
  std::unique_ptr<std::uint8_t[]> block_;
  std::size_t size_ = 0;
  std::size_t high_water_ = 0;  // bytes ever written since acquire; the part to wipe
  std::size_t capacity_ = 0;
};

}  // namespace keyhaven::net
