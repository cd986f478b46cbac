// RSA-2048 signatures for tokens (RS256). Generation takes hundreds of milliseconds: never on an
// event loop.
#pragma once

#include <memory>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

class RsaPublicKey {
 public:
  // Big-endian modulus and exponent. Errors: InvalidArgument.
  static Result<RsaPublicKey> from_components(ByteView modulus, ByteView exponent);
  Bytes modulus() const;
  Bytes exponent() const;
  // RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2). Thread-safe.
  bool verify_sha256(ByteView message, ByteView signature) const;

 private:
  friend class RsaPrivateKey;
  std::shared_ptr<void> key_;
};

class RsaPrivateKey {
 public:
  static RsaPrivateKey generate_2048();
  static Result<RsaPrivateKey> from_pem(const SecretBytes& pem);  // PKCS#8. Errors: InvalidArgument
  SecretBytes pem() const;  // PKCS#8, not encrypted: write 0600 only
  const RsaPublicKey& public_key() const noexcept { return public_; }
  Bytes sign_sha256(ByteView message) const;

 private:
  std::shared_ptr<void> key_;
  RsaPublicKey public_;
};

}  // namespace keyhaven::crypto
