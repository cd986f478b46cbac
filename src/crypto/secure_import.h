// The sender's side of a secure import: key material encrypted for the import token of a service
// (key-management-api.md 8).
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/rsa_oaep.h"

namespace keyhaven::crypto {

// How the token's nonce is encrypted under the material, to prove that the sender has it.
enum class NonceCipher : std::uint8_t {
  Gcm,  // AES-GCM, iv of 12 bytes, ciphertext ‖ 16-byte tag
  Cbc,  // AES-CBC with PKCS#7 padding, iv of 16 bytes
};

struct SealedMaterial {
  Bytes payload;          // RSAES-OAEP with an empty label, MGF1 over the same hash
  Bytes encrypted_nonce;  // under a fresh random iv
  Bytes iv;
};

// `material` has 16, 24 or 32 bytes, asserted. `public_key_pem`: SubjectPublicKeyInfo of an RSA key
// of 2048 to 4096 bits. Thread-safe. Errors: InvalidArgument for another key or a nonce that is
// empty or longer than 64 bytes.
Result<SealedMaterial> seal_for_import(std::string_view public_key_pem, ByteView nonce,
                                       const SecretBytes& material, OaepHash hash,
                                       NonceCipher cipher);

}  // namespace keyhaven::crypto
