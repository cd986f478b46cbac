// A bounded byte queue in locked memory: frames carry DEKs, so what they are built in and read into
// is wiped as it is consumed and never lands on the ordinary heap.
#pragma once

#include <cstring>

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret_bytes.h"

namespace keyhaven::channel {

// Bytes are added at the back and consumed at the front. Memory is taken at the first use:
// `base_capacity` bytes, doubled when needed up to `limit`, given back to `base_capacity` when the
// buffer runs empty. Not thread-safe.
class SecretBuffer {
 public:
  SecretBuffer(std::size_t base_capacity, std::size_t limit) noexcept
      : base_capacity_(base_capacity), limit_(limit) {}

  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  ByteView filled() const noexcept { return memory_.expose().subspan(begin_, size()); }
  // Room behind the filled bytes, for reading into; `commit` then takes its first bytes in.
  std::span<std::uint8_t> free_space() noexcept { return memory_.expose_mutable().subspan(end_); }
  void commit(std::size_t bytes) noexcept;

  // Makes free_space() at least `bytes`; false (and no change) when the limit forbids it. Moves the
  // content.
  [[nodiscard]] bool reserve(std::size_t bytes);
  // Adds `bytes` uninitialised bytes and returns where they start; null when the limit forbids it.
  // The pointer is good until the next reserve or extend.
  [[nodiscard]] std::uint8_t* extend(std::size_t bytes) {
    if (bytes > memory_.size() - end_ && !reserve(bytes)) return nullptr;
    std::uint8_t* start = memory_.expose_mutable().data() + end_;
    end_ += bytes;
    return start;
  }
  // Wipes and drops the first `bytes`.
  void consume(std::size_t bytes) noexcept;
  // Wipes and drops everything behind the first `size` bytes.
  void truncate(std::size_t size) noexcept;
  // Overwrites four filled bytes at `offset` with `value`, big-endian.
  void patch_u32(std::size_t offset, std::uint32_t value) noexcept;
  void clear() noexcept { consume(size()); }

 private:
  SecretBytes memory_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t base_capacity_;
  std::size_t limit_;
};

// Appends big-endian integers and length-prefixed bytes to a SecretBuffer; after the first refusal
// (length above its limit, buffer full) nothing more is written and ok() stays false.
class SecretWriter {
 public:
  explicit SecretWriter(SecretBuffer& out) noexcept : out_(out) {}
  bool ok() const noexcept { return ok_; }
  void fail() noexcept { ok_ = false; }

  void u8(std::uint8_t value) { integer(value); }
  void u16(std::uint16_t value) { integer(value); }
  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void raw(ByteView bytes) {
    if (bytes.empty()) return;
    if (std::uint8_t* to = take(bytes.size())) std::memcpy(to, bytes.data(), bytes.size());
  }
  void uuid(const Uuid& uuid) { raw(uuid.view()); }
  // u16 length, then the bytes; refuses more than `limit` (at most 65535).
  void bytes16(ByteView bytes, std::size_t limit) {
    if (bytes.size() > limit || bytes.size() > UINT16_MAX) return fail();
    u16(static_cast<std::uint16_t>(bytes.size()));
    raw(bytes);
  }
  // u32 length, then the bytes; refuses more than `limit`.
  void bytes32(ByteView bytes, std::size_t limit) {
    if (bytes.size() > limit || bytes.size() > UINT32_MAX) return fail();
    u32(static_cast<std::uint32_t>(bytes.size()));
    raw(bytes);
  }

 private:
  std::uint8_t* take(std::size_t size) {
    std::uint8_t* to = ok_ ? out_.extend(size) : nullptr;
    if (to == nullptr) ok_ = false;
    return to;
  }
  template <class T>
  void integer(T value) {
    if (std::uint8_t* to = take(sizeof(T))) {
      for (std::size_t i = 0; i < sizeof(T); ++i) {
        to[i] = static_cast<std::uint8_t>(value >> ((sizeof(T) - 1 - i) * 8));
      }
    }
  }
  SecretBuffer& out_;
  bool ok_ = true;
};

}  // namespace keyhaven::channel
