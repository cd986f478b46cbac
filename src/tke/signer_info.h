// Who signed an administrative block: SignerInfos, and whatever can make them.
//
//   SEQUENCE { INTEGER 3, [0] SKI (32), SEQUENCE{digest, NULL}, SEQUENCE{algorithm, NULL},
//              OCTET STRING signature }
// with sha512 and ecdsa-with-SHA512 around SEQUENCE { r, s }, or sha256 and rsaEncryption around an
// X9.31 signature of 256 bytes. Source: instances-tke-iam.md 3.4 and 3.7; RFC 5652 section 5.3.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"
#include "tke/administrator_key.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxSigners = 16;

struct SignerInfo {
  Ski ski{};
  Bytes signature;
  SignatureAlgorithm algorithm = SignatureAlgorithm::EcdsaSha512;
};

Bytes encode(const SignerInfo& info);
// A concatenation of SignerInfos, empty allowed. Errors: InvalidArgument (malformed, other
// algorithms), TooLarge above kMaxSigners.
Result<std::vector<SignerInfo>> parse_signer_infos(ByteView der);

// Whatever can sign a block with an administrator's key.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual AdministratorKey key() const = 0;
  // A signature by the algorithm of key(). Errors: UnitUnavailable when a device refuses.
  virtual Result<Bytes> sign(ByteView message) const = 0;
  Ski ski() const { return key().ski(); }
};

// With a P-521 key: key files, tokens, signing services.
class P521Signer : public Signer {
 public:
  virtual const crypto::P521PublicKey& public_key() const = 0;
  AdministratorKey key() const final { return public_key(); }
};

class LocalSigner final : public P521Signer {
 public:
  explicit LocalSigner(crypto::P521PrivateKey key) : key_(std::move(key)) {}
  const crypto::P521PublicKey& public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(ByteView message) const override { return key_.sign_sha512_der(message); }
  const crypto::P521PrivateKey& private_key() const noexcept { return key_; }

 private:
  crypto::P521PrivateKey key_;
};

// With a key file of an older installation. New RSA keys are not made.
class RsaSigner final : public Signer {
 public:
  // Of 2048 bits with exponent 65537; others make signatures that no unit accepts.
  explicit RsaSigner(crypto::RsaPrivateKey key) : key_(std::move(key)) {}
  AdministratorKey key() const override { return key_.public_key(); }
  Result<Bytes> sign(ByteView message) const override { return key_.sign_x931_sha256(message); }

 private:
  crypto::RsaPrivateKey key_;
};

using Signers = std::vector<const Signer*>;

// The SignerInfos of all `signers` over `block`, concatenated. Errors: what a signer gives;
// TooLarge.
Result<Bytes> sign_block(ByteView block, const Signers& signers);

}  // namespace keyhaven::tke
