#include "tke/der.h"

#include <algorithm>

namespace keyhaven::tke {

namespace {

void append_length(Bytes& out, std::size_t size) {
  KH_ASSERT(size <= 0xFFFFFFFFu);
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
    return;
  }
  int octets = 1;
  while (octets < 4 && (size >> (8 * octets)) != 0) ++octets;
  out.push_back(static_cast<std::uint8_t>(0x80 | octets));
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(size >> shift));
  }
}

}  // namespace

namespace der {

Bytes element(std::uint8_t tag, ByteView content) {
  Bytes out;
  out.reserve(content.size() + 6);
  out.push_back(tag);
  append_length(out, content.size());
  append(out, content);
  return out;
}

Bytes octet_string(ByteView content) { return element(kOctetString, content); }

Bytes octet_string_u32(std::uint32_t value) {
  const std::uint8_t bytes[4] = {
      static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
      static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return octet_string(bytes);
}

Bytes constructed(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  Bytes content;
  for (ByteView part : parts) append(content, part);
  return element(tag, content);
}

Bytes sequence(std::initializer_list<ByteView> parts) { return constructed(kSequence, parts); }

Bytes bit_string(ByteView content) {
  Bytes inner;
  inner.reserve(content.size() + 1);
  inner.push_back(0);
  append(inner, content);
  return element(kBitString, inner);
}

}  // namespace der

std::optional<DerReader::Header> DerReader::header() const noexcept {
  if (!ok_ || in_.size() < 2) return std::nullopt;
  const std::uint8_t tag = in_[0];
  if ((tag & 0x1F) == 0x1F) return std::nullopt;  // multi-byte tags are not used here
  const std::uint8_t first = in_[1];
  if (first < 0x80) return Header{tag, 2, first};
  const std::size_t octets = first & 0x7Fu;
  if (octets == 0 || octets > 4 || in_.size() < 2 + octets) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < octets; ++i) size = size << 8 | in_[2 + i];
  const bool minimal = octets == 1 ? size >= 0x80 : size >> (8 * (octets - 1)) != 0;
  if (!minimal) return std::nullopt;
  return Header{tag, 2 + octets, size};
}

ByteView DerReader::read(std::uint8_t tag) {
  const auto found = header();
  if (!found || found->tag != tag || found->content_size > in_.size() - found->header_size) {
    fail();
    return {};
  }
  const ByteView content = in_.subspan(found->header_size, found->content_size);
  in_ = in_.subspan(found->header_size + found->content_size);
  return content;
}

ByteView DerReader::read_element() {
  const auto found = header();
  if (!found || found->content_size > in_.size() - found->header_size) {
    fail();
    return {};
  }
  const ByteView whole = in_.first(found->header_size + found->content_size);
  in_ = in_.subspan(whole.size());
  return whole;
}

DerReader DerReader::enter(std::uint8_t tag) {
  const ByteView content = read(tag);
  DerReader inner(content);
  if (!ok_) inner.fail();
  return inner;
}

ByteView DerReader::octet_string(std::size_t size) {
  const ByteView content = read(der::kOctetString);
  if (ok_ && content.size() != size) {
    fail();
    return {};
  }
  return content;
}

std::uint32_t DerReader::octet_string_u32() {
  std::uint32_t value = 0;
  for (std::uint8_t byte : octet_string(4)) value = value << 8 | byte;
  return value;
}

ByteView DerReader::bit_string() {
  const ByteView content = read(der::kBitString);
  if (!ok_) return {};
  if (content.empty() || content[0] != 0) {
    fail();
    return {};
  }
  return content.subspan(1);
}

void DerReader::expect(std::uint8_t tag, ByteView content) {
  const ByteView found = read(tag);
  if (ok_ && !std::equal(found.begin(), found.end(), content.begin(), content.end())) fail();
}

}  // namespace keyhaven::tke
