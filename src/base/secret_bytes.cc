#include "base/secret_bytes.h"

#include <string.h>

#include <algorithm>
#include <string>

#include "base/base64_codec.h"
#include "base/locked_arena.h"

namespace keyhaven {

SecretBytes::SecretBytes(std::size_t size) {
  if (size == 0) return;
  data_ = static_cast<std::uint8_t*>(locked_arena::allocate(size));
  size_ = size;
  capacity_ = size;
}

SecretBytes SecretBytes::copy_of(std::span<const std::uint8_t> bytes) {
  SecretBytes out(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.data_);
  return out;
}

SecretBytes SecretBytes::copy_of(std::string_view text) {
  return copy_of(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this == &other) return *this;
  locked_arena::release(data_);  // wipes
  data_ = std::exchange(other.data_, nullptr);
  size_ = std::exchange(other.size_, 0);
  capacity_ = std::exchange(other.capacity_, 0);
  return *this;
}

SecretBytes::~SecretBytes() { locked_arena::release(data_); }

SecretBytes SecretBytes::clone() const { return copy_of(expose()); }

void SecretBytes::shrink(std::size_t size) noexcept {
  KH_ASSERT(size <= size_);
  wipe({data_ + size, size_ - size});
  size_ = size;
}

bool operator==(const SecretBytes& a, const SecretBytes& b) noexcept {
  if (a.size_ != b.size_) return false;
  const volatile std::uint8_t* left = a.data_;
  const volatile std::uint8_t* right = b.data_;
  std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size_; ++i) {
    difference = static_cast<std::uint8_t>(difference | (left[i] ^ right[i]));
  }
  return difference == 0;
}

Result<SecretBytes> secret_from_base64(std::string_view text) {
  using base64_codec::Decoded;
  SecretBytes out(base64_codec::max_decoded_size(text.size()));
  const Decoded decoded =
      base64_codec::decode<base64_codec::ConstantTime, true>(text, out.expose_mutable().data());
  if (!decoded.ok) return base64_codec::error_at(decoded.offset);
  out.shrink(decoded.size);
  return out;
}

SecretBytes secret_to_base64(std::span<const std::uint8_t> bytes) {
  SecretBytes out((bytes.size() + 2) / 3 * 4);
  base64_codec::encode<base64_codec::ConstantTime, true>(
      bytes, reinterpret_cast<char*>(out.expose_mutable().data()));
  return out;
}

namespace {

// The value of a hexadecimal digit, or 0xFF; no branch and no table, so the digit leaves no trace
// in the caches.
std::uint32_t hex_value(std::uint32_t c) noexcept {
  const auto in_range = [](std::uint32_t x, std::uint32_t low, std::uint32_t high) {
    return ((low - 1 - x) & (x - high - 1)) >> 31;  // 1 if low <= x <= high, for x < 2^31
  };
  const std::uint32_t digit = in_range(c, '0', '9');
  const std::uint32_t letter = in_range(c | 0x20, 'a', 'f');
  const std::uint32_t neither = 1U - digit - letter;
  return ((0U - digit) & (c - '0')) | ((0U - letter) & ((c | 0x20) - 'a' + 10)) |
         ((0U - neither) & 0xFF);
}

}  // namespace

Result<SecretBytes> secret_from_hex(std::string_view text) {
  if (text.size() % 2 != 0) {
    return Error{Reason::InvalidArgument, "hexadecimal text has an odd number of digits", {}};
  }
  SecretBytes out(text.size() / 2);
  const auto bytes = out.expose_mutable();
  std::size_t bad = text.size();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint32_t high = hex_value(static_cast<std::uint8_t>(text[2 * i]));
    const std::uint32_t low = hex_value(static_cast<std::uint8_t>(text[2 * i + 1]));
    if ((high | low) > 15) {
      bad = 2 * i + (high > 15 ? 0 : 1);
      break;
    }
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  if (bad != text.size()) {
    return Error{
        Reason::InvalidArgument, "not a hexadecimal digit at offset " + std::to_string(bad), {}};
  }
  return out;
}

void wipe(std::span<std::uint8_t> bytes) noexcept {
  if (!bytes.empty()) ::explicit_bzero(bytes.data(), bytes.size());
}

void wipe(std::string& text) noexcept {
  text.resize(
      text.capacity());  // never reallocates; reaches what an earlier, longer value left behind
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

}  // namespace keyhaven
