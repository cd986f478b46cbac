// RSA key pairs under which others encrypt key material for us: RSAES-OAEP (RFC 8017 section 7.1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

enum class OaepHash : std::uint8_t { Sha1, Sha256 };

// A private key that only decrypts. Const functions are thread-safe.
class OaepPrivateKey {
 public:
  // A new pair of 2048 to 4096 bits, asserted. 4096 bits take 0.2 s to several seconds: never on an
  // event loop.
  static OaepPrivateKey generate(int bits);
  // Of 2048 to 4096 bits. Errors: InvalidArgument.
  static Result<OaepPrivateKey> from_pkcs8(const SecretBytes& der);
  SecretBytes pkcs8() const;  // DER, not encrypted
  Bytes public_key() const;   // SubjectPublicKeyInfo, DER

  // Decrypts with an empty label and MGF1 over the same hash. Nothing for whatever is wrong with
  // the ciphertext: one answer, and libcrypto checks the padding in constant time (else a caller
  // could decrypt by asking often: J. Manger, CRYPTO 2001). The private operation is blinded.
  std::optional<SecretBytes> decrypt(ByteView ciphertext, OaepHash hash) const;

 private:
  explicit OaepPrivateKey(std::shared_ptr<void> key) : key_(std::move(key)) {}
  std::shared_ptr<void> key_;
};

}  // namespace keyhaven::crypto
