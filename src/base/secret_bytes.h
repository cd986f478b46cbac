// Bytes that must not leak: keys, DEKs, passwords, tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string_view>

#include "base/result.h"

namespace keyhaven {

// Fixed-size secret in the locked arena (locked_arena.h): never swapped, never in a core dump,
// wiped on destruction, move-only, unprintable, compared in constant time. The length is not
// secret; the bytes are. `expose()` is the word reviewers search for: it belongs in crypto/, unit/
// and the one encoder that must send a DEK to its owner. Not thread-safe for concurrent mutation,
// like a vector.
class SecretBytes {
 public:
  SecretBytes() noexcept = default;        // empty
  explicit SecretBytes(std::size_t size);  // zero-filled
  static SecretBytes copy_of(std::span<const std::uint8_t> bytes);
  static SecretBytes copy_of(std::string_view text);
  SecretBytes(SecretBytes&& other) noexcept;             // leaves `other` empty
  SecretBytes& operator=(SecretBytes&& other) noexcept;  // wipes the old value first
  SecretBytes(const SecretBytes&) = delete;              // copying is a decision: call clone()
  SecretBytes& operator=(const SecretBytes&) = delete;
  ~SecretBytes();

  SecretBytes clone() const;
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  std::span<const std::uint8_t> expose() const noexcept { return {data_, size_}; }
  std::span<std::uint8_t> expose_mutable() noexcept { return {data_, size_}; }
  // Keeps the first `size` bytes (size <= this->size()) and wipes the rest.
  void shrink(std::size_t size) noexcept;

  friend bool operator==(const SecretBytes& a,
                         const SecretBytes& b) noexcept;  // constant time for equal sizes
  friend std::ostream& operator<<(std::ostream&,
                                  const SecretBytes&) = delete;  // printing does not compile

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

// Base64 and hexadecimal straight into and out of secret memory. Errors: InvalidArgument (offset,
// never the text).
Result<SecretBytes> secret_from_base64(std::string_view text);
SecretBytes secret_to_base64(
    std::span<const std::uint8_t> bytes);  // ASCII bytes of the base64 text
Result<SecretBytes> secret_from_hex(std::string_view text);

// Overwrites memory in a way the compiler keeps.
void wipe(std::span<std::uint8_t> bytes) noexcept;
void wipe(std::string& text) noexcept;

// Wipes a borrowed range when the scope ends, e.g. a request buffer that carried a DEK.
class WipeOnExit {
 public:
  explicit WipeOnExit(std::span<std::uint8_t> bytes) noexcept : bytes_(bytes) {}
  WipeOnExit(const WipeOnExit&) = delete;
  WipeOnExit& operator=(const WipeOnExit&) = delete;
  ~WipeOnExit() { wipe(bytes_); }

 private:
  std::span<std::uint8_t> bytes_;
};

}  // namespace keyhaven
