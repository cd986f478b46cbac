// RSA-2048 signatures: for tokens (RS256), and those of crypto unit administrators whose keys come
// from older installations. Generation takes hundreds of milliseconds: never on an event loop.
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
  // RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8017 section 8.1, as RFC
  // 7518 section 3.5 has it). Thread-safe.
  bool verify_pss_sha256(ByteView message, ByteView signature) const;
  // ANSI X9.31 block 6B BB..BB BA ‖ SHA-256 ‖ 34 CC under the plain public operation; the signature
  // is not reduced to min(s, n - s), as the administration protocol has it. Thread-safe.
  bool verify_x931_sha256(ByteView message, ByteView signature) const;

 private:
  friend class RsaPrivateKey;
  std::shared_ptr<void> key_;
};

class RsaPrivateKey {
 public:
  static RsaPrivateKey generate_2048();
  static Result<RsaPrivateKey> from_pem(const SecretBytes& pem);  // PKCS#8. Errors: InvalidArgument
  SecretBytes pem() const;  // PKCS#8, not encrypted: write 0600 only
  // PKCS#1 RSAPrivateKey in a PEM block labelled PRIVATE KEY: what signature key files of
  // administrators hold (instances-tke-iam.md 3.7); PKCS#8 is read too. Errors: InvalidArgument
  // (also inconsistent).
  static Result<RsaPrivateKey> from_pkcs1_pem(const SecretBytes& pem);
  SecretBytes pkcs1_pem() const;
  const RsaPublicKey& public_key() const noexcept { return public_; }
  Bytes sign_sha256(ByteView message) const;
  Bytes sign_x931_sha256(ByteView message) const;

 private:
  std::shared_ptr<void> key_;
  RsaPublicKey public_;
};

}  // namespace keyhaven::crypto
