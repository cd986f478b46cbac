// AES-256 as a pseudo-random function: CMAC, and the bare block that tokens are compared with.
#pragma once

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

inline constexpr std::size_t kCmacSize = 16;

// AES-CMAC (NIST SP 800-38B, RFC 4493), all 16 bytes; secret, because keys are derived from it.
// `key` has 32 bytes, asserted.
SecretBytes aes256_cmac(const SecretBytes& key, ByteView data);

// One block of AES-256; `key` has 32 bytes and `block` 16, asserted. No mode of operation: use it
// only to check a key.
SecretBytes aes256_block(const SecretBytes& key, std::span<const std::uint8_t> block);

// Counter-mode key derivation (NIST SP 800-108r1 section 4.1) with AES-CMAC: K(i) = PRF(i ‖ label ‖
// 00 ‖ context ‖ L), i and L of 32 bits, big-endian, L in bits. `key` has 32 bytes; `size` is 1 to
// 4080. kdf_counter_inputs gives the inputs of the PRF for i = 1 to the number of blocks that
// `size` bytes need, so that the PRF may run in a token.
SecretBytes kdf_counter_cmac(const SecretBytes& key, std::string_view label, ByteView context,
                             std::size_t size);
std::vector<Bytes> kdf_counter_inputs(std::string_view label, ByteView context, std::size_t size);

}  // namespace keyhaven::crypto
