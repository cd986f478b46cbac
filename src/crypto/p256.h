// ECDSA over P-256 with SHA-256, to verify signatures of others (ES256 of RFC 7518 section 3.4).
#pragma once

#include <memory>

#include "base/bytes.h"

namespace keyhaven::crypto {

inline constexpr std::size_t kP256CoordinateSize = 32;
inline constexpr std::size_t kP256SignatureSize = 64;  // r ‖ s, each 32 bytes, big-endian

// A P-256 public key. Copies are cheap (counted). Thread-safe.
class P256PublicKey {
 public:
  // Each coordinate has exactly 32 bytes. Errors: InvalidArgument when not a point of the curve.
  static Result<P256PublicKey> from_coordinates(ByteView x, ByteView y);
  // False for anything but the good signature of exactly kP256SignatureSize bytes.
  bool verify_sha256(ByteView message, ByteView signature) const;

 private:
  std::shared_ptr<void> key_;
};

// A key pair for tests of whoever verifies.
class P256PrivateKey {
 public:
  static P256PrivateKey generate();
  Bytes x() const;
  Bytes y() const;
  Bytes sign_sha256(ByteView message) const;  // kP256SignatureSize bytes

 private:
  std::shared_ptr<void> key_;
};

}  // namespace keyhaven::crypto
