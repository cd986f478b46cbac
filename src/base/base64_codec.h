// Base64 (RFC 4648), one algorithm for public and secret bytes: the alphabet is a policy. Internal
// to base/: use bytes.h and secret_bytes.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::base64_codec {

// An alphabet maps six bits to a character and back; `value` gives 0xFF for a character outside the
// alphabet.

template <char c62, char c63>
struct Table {
  static constexpr std::array<char, 64> kCharacters = [] {
    std::array<char, 64> out{};
    std::size_t at = 0;
    for (char c = 'A'; c <= 'Z'; ++c) out[at++] = c;
    for (char c = 'a'; c <= 'z'; ++c) out[at++] = c;
    for (char c = '0'; c <= '9'; ++c) out[at++] = c;
    out[62] = c62;
    out[63] = c63;
    return out;
  }();
  static constexpr std::array<std::uint8_t, 256> kValues = [] {
    std::array<std::uint8_t, 256> out{};
    for (auto& value : out) value = 0xFF;
    for (std::size_t i = 0; i < 64; ++i) {
      out[static_cast<std::uint8_t>(kCharacters[i])] = static_cast<std::uint8_t>(i);
    }
    return out;
  }();
  static char character(std::uint32_t bits) noexcept { return kCharacters[bits]; }
  static std::uint32_t value(char c) noexcept { return kValues[static_cast<std::uint8_t>(c)]; }
};

using Standard = Table<'+', '/'>;
using Url = Table<'-', '_'>;

// The standard alphabet without tables and branches: which cache line a table lookup touches would
// depend on the secret.
struct ConstantTime {
  // All ones if low <= x <= high; all values below 2^31.
  static std::uint32_t between(std::uint32_t x, std::uint32_t low, std::uint32_t high) noexcept {
    return 0U - (((low - 1 - x) & (x - high - 1)) >> 31);
  }
  static char character(std::uint32_t bits) noexcept {
    const std::uint32_t x = bits + 1;  // so that the lower bound below is never negative
    return static_cast<char>((between(x, 1, 26) & (bits + 'A')) |
                             (between(x, 27, 52) & (bits - 26 + 'a')) |
                             (between(x, 53, 62) & (bits - 52 + '0')) | (between(x, 63, 63) & '+') |
                             (between(x, 64, 64) & '/'));
  }
  static std::uint32_t value(char c) noexcept {
    const std::uint32_t x = static_cast<std::uint8_t>(c);
    const std::uint32_t upper = between(x, 'A', 'Z');
    const std::uint32_t lower = between(x, 'a', 'z');
    const std::uint32_t digit = between(x, '0', '9');
    const std::uint32_t plus = between(x, '+', '+');
    const std::uint32_t slash = between(x, '/', '/');
    return (upper & (x - 'A')) | (lower & (x - 'a' + 26)) | (digit & (x - '0' + 52)) | (plus & 62) |
           (slash & 63) | (~(upper | lower | digit | plus | slash) & 0xFF);
  }
};

inline Error error_at(std::size_t offset) {
  return Error{Reason::InvalidArgument, "not valid base64 at offset " + std::to_string(offset), {}};
}

// Upper bound of the decoded size of `text_size` characters, with or without padding.
constexpr std::size_t max_decoded_size(std::size_t text_size) noexcept {
  return text_size / 4 * 3 + text_size % 4;
}

// Writes the text of `bytes` to `out`, which has room for it.
template <class Alphabet, bool padded>
void encode(std::span<const std::uint8_t> bytes, char* out) noexcept {
  std::size_t i = 0;
  for (; i + 3 <= bytes.size(); i += 3) {
    const std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16 |
                                static_cast<std::uint32_t>(bytes[i + 1]) << 8 | bytes[i + 2];
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = Alphabet::character(group >> shift & 63);
  }
  const std::size_t rest = bytes.size() - i;
  if (rest == 0) return;
  std::uint32_t group = static_cast<std::uint32_t>(bytes[i]) << 16;
  if (rest == 2) group |= static_cast<std::uint32_t>(bytes[i + 1]) << 8;
  *out++ = Alphabet::character(group >> 18 & 63);
  *out++ = Alphabet::character(group >> 12 & 63);
  if (rest == 2) *out++ = Alphabet::character(group >> 6 & 63);
  if constexpr (padded) {
    if (rest == 1) *out++ = '=';
    *out++ = '=';
  }
}

struct Decoded {
  bool ok = false;
  std::size_t offset =
      0;  // of the first bad character when not ok; the end of the text when it is cut short
  std::size_t size = 0;  // bytes written when ok
};

// Decodes strictly: no white space, padding exactly where `padded` demands it, unused bits zero.
// `out` has room for max_decoded_size(text.size()) bytes.
template <class Alphabet, bool padded>
Decoded decode(std::string_view text, std::uint8_t* out) noexcept {
  std::size_t length = text.size();  // without padding
  if constexpr (padded) {
    if (length % 4 == 0 && length > 0 && text[length - 1] == '=') --length;
    if (length % 4 == 3 && text.size() % 4 == 0 && text[length - 1] == '=') --length;
  }
  const std::uint8_t* const begin = out;
  std::size_t i = 0;
  while (i < length) {
    const std::size_t count = length - i < 4 ? length - i : 4;
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < count; ++j) {
      const std::uint32_t value = Alphabet::value(text[i + j]);
      if (value > 63) return {false, i + j, 0};
      group |= value << (18 - 6 * j);
    }
    if (count == 1 || (padded && count < 4 && text.size() % 4 != 0)) return {false, text.size(), 0};
    const std::size_t bytes = count - 1;
    if ((group & (0xFFFFFFU >> (8 * bytes))) != 0 && count < 4) return {false, i + count - 1, 0};
    for (std::size_t j = 0; j < bytes; ++j) {
      *out++ = static_cast<std::uint8_t>(group >> (16 - 8 * j));
    }
    i += count;
  }
  return {true, 0, static_cast<std::size_t>(out - begin)};
}

}  // namespace keyhaven::base64_codec
