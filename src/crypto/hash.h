// Hashes, MACs and key derivation. All algorithms are fetched once per process.
#pragma once

#include <array>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

Digest sha256(ByteView data);
Digest sha256(std::initializer_list<ByteView> parts);  // of the concatenation
std::array<std::uint8_t, 64> sha512(ByteView data);
std::array<std::uint8_t, 20> sha1(ByteView data);  // X.509 key identifiers only

// HMAC-SHA-256 (RFC 2104). Key of any size.
Digest hmac_sha256(std::span<const std::uint8_t> key, ByteView data);

// HKDF-SHA-256 (RFC 5869): extract with `salt` (empty = zeros), expand with `info` to `size` bytes
// (1 to 8160).
SecretBytes hkdf_sha256(const SecretBytes& key_material, ByteView salt, std::string_view info,
                        std::size_t size);

// PBKDF2-HMAC-SHA-256 (RFC 8018 section 5.2).
SecretBytes pbkdf2_sha256(const SecretBytes& password, ByteView salt, unsigned iterations,
                          std::size_t size);

// ANSI X9.63 KDF with SHA-256 (SEC 1 section 3.6.1): hash(secret, counter from 1, shared_info).
SecretBytes x963_kdf_sha256(const SecretBytes& secret, ByteView shared_info, std::size_t size);

// Constant time for equal sizes; false for different sizes.
bool equal_constant_time(ByteView a, ByteView b) noexcept;

}  // namespace keyhaven::crypto
