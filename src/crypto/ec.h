// Elliptic-curve keys: P-521 for the administration protocol (signatures SHA-512, ECDH), Ed25519
// for audit checkpoints.
#pragma once

#include <array>
#include <memory>

#include "base/bytes.h"
#include "base/secret_bytes.h"

namespace keyhaven::crypto {

inline constexpr std::size_t kP521PointSize = 133;  // 04 ‖ X ‖ Y, each coordinate 66 bytes
inline constexpr std::size_t kP521CoordinateSize = 66;
using P521Point = std::array<std::uint8_t, kP521PointSize>;

// r ‖ s, each left-padded to 66 bytes.
struct P521Signature {
  std::array<std::uint8_t, 66> r{};
  std::array<std::uint8_t, 66> s{};

  Bytes der() const;  // ECDSA-Sig-Value (RFC 3279 section 2.2.3), at most 139 bytes
};

// A P-521 public key. Copies are cheap (counted). Thread-safe.
class P521PublicKey {
 public:
  // Errors: InvalidArgument when not a point of the curve.
  static Result<P521PublicKey> from_point(ByteView point);  // 133 bytes
  static Result<P521PublicKey> from_spki(ByteView der);     // SubjectPublicKeyInfo, 158 bytes
  const P521Point& point() const noexcept { return point_; }
  Bytes spki() const;
  bool verify_sha512(ByteView message, const P521Signature& signature) const;
  bool verify_sha512_der(ByteView message, ByteView der_signature) const;

 private:
  friend class P521PrivateKey;
  std::shared_ptr<void> key_;
  P521Point point_{};
};

// A P-521 private key. Thread-safe for use.
class P521PrivateKey {
 public:
  static P521PrivateKey generate();
  // SEC 1 ECPrivateKey, DER or PEM text with label PRIVATE KEY around SEC 1
  // (instances-tke-iam.md 3.7) or EC PRIVATE KEY. Errors: InvalidArgument.
  static Result<P521PrivateKey> from_sec1_der(ByteView der);
  static Result<P521PrivateKey> from_pem(ByteView pem);
  SecretBytes sec1_der() const;
  SecretBytes pem_labelled_private_key() const;  // label PRIVATE KEY, content SEC 1 DER
  const P521PublicKey& public_key() const noexcept { return public_; }
  P521Signature sign_sha512(ByteView message) const;
  Bytes sign_sha512_der(ByteView message) const;
  // ECDH: the 66-byte X coordinate. Errors: InvalidArgument for a peer off the curve.
  Result<SecretBytes> ecdh(const P521PublicKey& peer) const;

 private:
  std::shared_ptr<void> key_;
  P521PublicKey public_;
};

// Ed25519 (RFC 8032). Seed and public key 32 bytes, signature 64.
class Ed25519PrivateKey {
 public:
  static Ed25519PrivateKey generate();
  static Result<Ed25519PrivateKey> from_seed(const SecretBytes& seed);
  const SecretBytes& seed() const noexcept { return seed_; }
  const std::array<std::uint8_t, 32>& public_key() const noexcept { return public_; }
  std::array<std::uint8_t, 64> sign(ByteView message) const;

 private:
  std::shared_ptr<void> key_;
  SecretBytes seed_;
  std::array<std::uint8_t, 32> public_{};
};
bool ed25519_verify(ByteView public_key, ByteView message, ByteView signature);

}  // namespace keyhaven::crypto
