#include "base/bytes.h"

#include "base/base64_codec.h"

namespace keyhaven {

namespace {

std::string hex_with(ByteView bytes, const char* digits) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    out.push_back(digits[byte >> 4]);
    out.push_back(digits[byte & 15]);
  }
  return out;
}

int digit_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

template <class Alphabet, bool padded>
Result<Bytes> decode(std::string_view text) {
  Bytes out(base64_codec::max_decoded_size(text.size()));
  const auto decoded = base64_codec::decode<Alphabet, padded>(text, out.data());
  if (!decoded.ok) return base64_codec::error_at(decoded.offset);
  out.resize(decoded.size);
  return out;
}

}  // namespace

std::string to_hex(ByteView bytes) { return hex_with(bytes, "0123456789abcdef"); }
std::string to_hex_upper(ByteView bytes) { return hex_with(bytes, "0123456789ABCDEF"); }

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Error{Reason::InvalidArgument, "hexadecimal text has an odd number of digits", {}};
  }
  Bytes out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_value(text[i]);
    const int low = digit_value(text[i + 1]);
    if (high < 0 || low < 0) {
      return Error{Reason::InvalidArgument,
                   "not a hexadecimal digit at offset " + std::to_string(high < 0 ? i : i + 1),
                   {}};
    }
    out.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return out;
}

void append_base64(std::string& out, ByteView bytes) {
  const std::size_t before = out.size();
  out.resize(before + base64_size(bytes.size()));
  base64_codec::encode<base64_codec::Standard, true>(bytes, out.data() + before);
}

std::string to_base64(ByteView bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

std::string to_base64url(ByteView bytes) {
  std::string out((bytes.size() * 4 + 2) / 3, '\0');
  base64_codec::encode<base64_codec::Url, false>(bytes, out.data());
  return out;
}

Result<Bytes> from_base64(std::string_view text) {
  return decode<base64_codec::Standard, true>(text);
}

Result<Bytes> from_base64url(std::string_view text) {
  return decode<base64_codec::Url, false>(text);
}

}  // namespace keyhaven
