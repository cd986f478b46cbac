// Strict, bounded DER: the reader of every structure of the administration protocol, and its
// writer.
//
// Definite, minimal lengths of at most four bytes only; single-byte tags only. Views point into the
// input. Source: ITU-T X.690 section 10.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace keyhaven::tke {

namespace der {
inline constexpr std::uint8_t kInteger = 0x02;
inline constexpr std::uint8_t kBitString = 0x03;
inline constexpr std::uint8_t kOctetString = 0x04;
inline constexpr std::uint8_t kNull = 0x05;
inline constexpr std::uint8_t kObjectIdentifier = 0x06;
inline constexpr std::uint8_t kPrintableString = 0x13;
inline constexpr std::uint8_t kGeneralizedTime = 0x18;
inline constexpr std::uint8_t kSequence = 0x30;
inline constexpr std::uint8_t kSet = 0x31;
inline constexpr std::uint8_t kContext0 = 0x80;             // [0] primitive
inline constexpr std::uint8_t kContext0Constructed = 0xA0;  // [0] constructed
inline constexpr std::uint8_t kContext1Constructed = 0xA1;
inline constexpr std::uint8_t kContext2Constructed = 0xA2;
inline constexpr std::uint8_t kContext3Constructed = 0xA3;

// One element: tag, minimal length, content.
Bytes element(std::uint8_t tag, ByteView content);
Bytes octet_string(ByteView content);
Bytes octet_string_u32(std::uint32_t value);  // four bytes, big-endian
// A constructed element around the concatenation of `parts`, which are complete elements.
Bytes constructed(std::uint8_t tag, std::initializer_list<ByteView> parts);
Bytes sequence(std::initializer_list<ByteView> parts);
Bytes bit_string(ByteView content);  // no unused bits
}  // namespace der

// Reads elements one after another. After the first fault every read yields empty and ok() stays
// false, so a decoder reads all fields and asks once.
class DerReader {
 public:
  explicit DerReader(ByteView in) noexcept : in_(in) {}

  bool ok() const noexcept { return ok_; }
  bool at_end() const noexcept { return ok_ && in_.empty(); }
  // Tag of the next element; 0 at the end or after a fault.
  std::uint8_t peek_tag() const noexcept {
    return ok_ && !in_.empty() ? in_.front() : std::uint8_t{0};
  }

  // Content of the next element, which must have `tag`.
  ByteView read(std::uint8_t tag);
  // The whole next element with its header, of any tag.
  ByteView read_element();
  // A reader over the content of the next element.
  DerReader enter(std::uint8_t tag);
  ByteView octet_string() { return read(der::kOctetString); }
  ByteView octet_string(std::size_t size);  // of exactly this size
  std::uint32_t octet_string_u32();         // of four bytes
  ByteView bit_string();                    // without the unused-bits byte, which must be zero
  void expect(std::uint8_t tag, ByteView content);  // exactly these bytes
  void fail() noexcept {
    ok_ = false;
    in_ = {};
  }

 private:
  struct Header {
    std::uint8_t tag;
    std::size_t header_size;
    std::size_t content_size;
  };
  std::optional<Header> header() const noexcept;
  ByteView in_;
  bool ok_ = true;
};

}  // namespace keyhaven::tke
