#include "base/id.h"

namespace keyhaven {

namespace {

constexpr std::size_t kTextSize = 36;

constexpr bool is_dash_position(std::size_t i) noexcept {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_into(std::string_view text, std::array<std::uint8_t, 16>& bytes) noexcept {
  if (text.size() != kTextSize) return false;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < kTextSize; ++i) {
    if (is_dash_position(i)) {
      if (text[i] != '-') return false;
      continue;
    }
    const int value = digit_value(text[i]);
    if (value < 0) return false;
    std::uint8_t& byte = bytes[digits / 2];
    byte = static_cast<std::uint8_t>(byte << 4 | value);
    ++digits;
  }
  return true;
}

}  // namespace

void Uuid::append_to(std::string& out) const {
  constexpr char kDigits[] = "0123456789abcdef";
  char buffer[kTextSize];
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    if (is_dash_position(at)) buffer[at++] = '-';
    buffer[at++] = kDigits[byte >> 4];
    buffer[at++] = kDigits[byte & 15];
  }
  out.append(buffer, kTextSize);
}

std::string Uuid::text() const {
  std::string out;
  append_to(out);
  return out;
}

Result<Uuid> Uuid::parse(std::string_view text) {
  Uuid out;
  if (!parse_into(text, out.bytes)) {
    return Error{Reason::InvalidArgument,
                 "not a UUID: expected 36 characters like 01234567-89ab-cdef-0123-456789abcdef",
                 {}};
  }
  return out;
}

bool Uuid::looks_like_v4(std::string_view text) noexcept {
  std::array<std::uint8_t, 16> bytes{};
  // Version nibble 4 and variant bits 10 (RFC 4122 sections 4.1.1 and 4.1.3).
  return parse_into(text, bytes) && bytes[6] >> 4 == 4 && bytes[8] >> 6 == 2;
}

}  // namespace keyhaven
