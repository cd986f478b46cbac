// One message of AES-256-GCM with a 12-byte nonce on a given context. Internal to crypto/.
#pragma once

#include "base/bytes.h"
#include "crypto/handles.h"

namespace keyhaven::crypto::gcm {

inline constexpr std::size_t kNonceSize = 12;
inline constexpr std::size_t kTagSize = 16;

// A context with the algorithm set and no key yet, for one direction.
CipherCtxPtr new_encryption();
CipherCtxPtr new_decryption();

// Writes ciphertext ‖ tag to `out`, which has plaintext.size() + 16 bytes. `key` has 32 bytes.
void seal(EVP_CIPHER_CTX* context, const std::uint8_t* key, const std::uint8_t* nonce,
          ByteView plaintext, ByteView aad, std::uint8_t* out);

// Opens ciphertext ‖ tag into `out`, which has ciphertext_and_tag.size() - 16 bytes. Returns false
// when the tag does not verify; `out` then holds unauthenticated bytes, which the caller must wipe.
bool open(EVP_CIPHER_CTX* context, const std::uint8_t* key, const std::uint8_t* nonce,
          ByteView ciphertext_and_tag, ByteView aad, std::uint8_t* out);

}  // namespace keyhaven::crypto::gcm
