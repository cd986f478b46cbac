// The one bounded reader and the one writer for binary formats of ours: big-endian,
// length-prefixed, no pointer arithmetic anywhere else.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/id.h"
#include "base/secret_bytes.h"

namespace keyhaven {

// Appends to a Bytes. Not for secrets larger than what the caller wipes: see SecretWriter uses in
// channel/.
class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}
  void u8(std::uint8_t value) { out_.push_back(value); }
  void u16(std::uint16_t value) { integer(value); }
  void u32(std::uint32_t value) { integer(value); }
  void u64(std::uint64_t value) { integer(value); }
  void i64(std::int64_t value) { integer(static_cast<std::uint64_t>(value)); }
  void raw(ByteView bytes) { append(out_, bytes); }
  void uuid(const Uuid& uuid) { append(out_, uuid.view()); }
  void bytes32(ByteView bytes) {  // u32 length, then the bytes
    KH_ASSERT(bytes.size() <= UINT32_MAX);
    u32(static_cast<std::uint32_t>(bytes.size()));
    raw(bytes);
  }
  void text32(std::string_view text) { bytes32(as_bytes(text)); }

 private:
  template <class T>
  void integer(T value) {
    for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
      out_.push_back(static_cast<std::uint8_t>(value >> shift));
    }
  }
  Bytes& out_;
};

// Reads from a view; after the first short read every read yields zero or empty and ok() stays
// false, so a decoder reads all fields and asks once. Views point into the input.
class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}
  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && in_.empty(); }
  std::size_t remaining() const noexcept { return in_.size(); }

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }
  std::int64_t i64() { return static_cast<std::int64_t>(integer(8)); }
  ByteView raw(std::size_t size) {
    if (!ok_ || size > in_.size()) {
      fail();
      return {};
    }
    ByteView out = in_.first(size);
    in_ = in_.subspan(size);
    return out;
  }
  ByteView bytes32(std::size_t limit) {  // refuses lengths above `limit`
    const std::uint32_t size = u32();
    if (size > limit) {
      fail();
      return {};
    }
    return raw(size);
  }
  std::string_view text32(std::size_t limit) { return as_text(bytes32(limit)); }
  bool flag() {  // refuses what is neither 0 nor 1
    const std::uint8_t value = u8();
    if (value > 1) fail();
    return value == 1;
  }
  // Fills the array; leaves it as it is after a short read.
  template <std::size_t N>
  void into(std::array<std::uint8_t, N>& out) {
    const ByteView bytes = raw(N);
    std::copy(bytes.begin(), bytes.end(), out.begin());
  }
  // How many elements follow (u16): at most `limit`, and with `least` bytes each no more than what
  // is left, so that a caller can make room before it reads them. 0 after a failure.
  std::size_t count16(std::size_t limit, std::size_t least) {
    const std::size_t count = u16();
    if (count > limit || count * least > in_.size()) fail();
    return ok_ ? count : 0;
  }
  Uuid uuid() {
    Uuid out;
    into(out.bytes);
    return out;
  }
  ByteView rest() { return raw(in_.size()); }
  void fail() noexcept {
    ok_ = false;
    in_ = {};
  }

 private:
  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    for (std::uint8_t byte : raw(size)) value = value << 8 | byte;
    return value;
  }
  ByteView in_;
  bool ok_ = true;
};

}  // namespace keyhaven
