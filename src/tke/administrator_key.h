// The public key of an administrator: P-521, or RSA-2048 with exponent 65537 from an older
// installation. Source: instances-tke-iam.md 3.7.
#pragma once

#include <cstdint>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"

namespace keyhaven::tke {

// Subject key identifier, shown and compared as 64 lower-case hexadecimal digits. SHA-256 over
// 04 ‖ X ‖ Y of a P-521 key, over DER SEQUENCE { n, e } of an RSA key.
using Ski = Digest;
Ski ski_of(const crypto::P521Point& point);
Ski ski_of(const crypto::RsaPublicKey& key);
// What clients of importer keys compute: SHA-256 over X ‖ Y without the 04 byte.
Ski short_ski_of(const crypto::P521Point& point);

enum class SignatureAlgorithm : std::uint8_t {
  EcdsaSha512,    // DER SEQUENCE { r, s }
  RsaX931Sha256,  // 256 bytes
};

inline constexpr std::size_t kRsaModulusSize = 256;

// Copies are cheap. Thread-safe.
class AdministratorKey {
 public:
  AdministratorKey() = default;  // verifies nothing
  // NOLINTNEXTLINE(google-explicit-constructor): either kind of key is one
  AdministratorKey(crypto::P521PublicKey key) : key_(std::move(key)) {}
  // NOLINTNEXTLINE(google-explicit-constructor)
  AdministratorKey(crypto::RsaPublicKey key) : key_(std::move(key)) {}
  // SubjectPublicKeyInfo, DER. Errors: InvalidArgument: another kind of key, curve, size or
  // exponent.
  static Result<AdministratorKey> from_spki(ByteView der);

  SignatureAlgorithm algorithm() const noexcept;
  Ski ski() const;
  Bytes spki() const;
  // False for a signature by another algorithm than the key's.
  bool verify(ByteView message, SignatureAlgorithm algorithm, ByteView signature) const;
  const crypto::P521PublicKey* p521() const noexcept;  // null for RSA

 private:
  std::variant<crypto::P521PublicKey, crypto::RsaPublicKey> key_;
};

}  // namespace keyhaven::tke
