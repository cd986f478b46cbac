// Decryption of short messages that others encrypted under a bare AES key of 16, 24 or 32 bytes:
// the nonce of an import token under the key that is being imported (key-management-api.md 8).
// Formats of ours use aead.h.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

inline constexpr std::size_t kAesBlockSize = 16;
inline constexpr std::size_t kGcmIvSize = 12;

// Opens ciphertext ‖ 16-byte tag of AES-GCM without AAD. `iv` has kGcmIvSize bytes, asserted as
// the size of the key is. Source: NIST SP 800-38D. Errors: DecryptFailed, one message for every
// cause.
Result<SecretBytes> aes_gcm_decrypt(const SecretBytes& key, ByteView iv,
                                    ByteView ciphertext_and_tag);

// Decrypts AES-CBC and removes its PKCS#7 padding, whose check takes the same time for every
// padding. `iv` has kAesBlockSize bytes, asserted as the size of the key is. CBC proves nothing: a
// wrong key passes the check once in 256. Source: NIST SP 800-38A section 6.2, RFC 5652 section
// 6.3. Errors: DecryptFailed, one message for every cause.
Result<SecretBytes> aes_cbc_decrypt(const SecretBytes& key, ByteView iv, ByteView ciphertext);

}  // namespace keyhaven::crypto
