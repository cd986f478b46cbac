// Key material on its way in under an import token (key-management-api.md 8): encrypted by its
// owner with the token's public key, so that only the crypto unit ever sees it.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace keyhaven::unit {

enum class OaepHash : std::uint8_t { Sha1 = 1, Sha256 = 2 };

inline constexpr std::size_t kImportNonceSize = 12;
inline constexpr std::size_t kImportKeyBits = 4096;
inline constexpr std::size_t kMaxEncryptedMaterialBytes = kImportKeyBits / 8;
inline constexpr std::size_t kMaxEncryptedNonceBytes = 64;

struct EncryptedMaterial {
  Bytes payload;          // RSAES-OAEP of the raw key bytes, empty label, MGF1 with the same hash
  Bytes encrypted_nonce;  // the token's nonce under the imported key
  Bytes iv;               // 12 bytes: AES-GCM, ciphertext || tag; 16 bytes: AES-CBC with PKCS#7
  OaepHash hash = OaepHash::Sha256;
};

}  // namespace keyhaven::unit
