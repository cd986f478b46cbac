// Public bytes and their text forms. Secret bytes have their own type: secret_bytes.h.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace keyhaven {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;
using Digest = std::array<std::uint8_t, 32>;  // a SHA-256 value

inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
inline void append(Bytes& out, ByteView more) { out.insert(out.end(), more.begin(), more.end()); }

// Hexadecimal, two digits a byte. `from_hex` accepts both cases and nothing else; errors:
// InvalidArgument.
std::string to_hex(ByteView bytes);
std::string to_hex_upper(ByteView bytes);
Result<Bytes> from_hex(std::string_view text);

// Base64, RFC 4648 section 4, strict: padding required, no white space, unused bits zero. The url
// form (section 5) has no padding. Errors: InvalidArgument, whose message names the offset of the
// first bad byte.
std::string to_base64(ByteView bytes);
Result<Bytes> from_base64(std::string_view text);
std::string to_base64url(ByteView bytes);
Result<Bytes> from_base64url(std::string_view text);

// Appends base64 to `out` without a temporary.
void append_base64(std::string& out, ByteView bytes);
constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }

}  // namespace keyhaven
