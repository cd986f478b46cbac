// Who signed an administrative block: subject key identifiers and SignerInfos (ECDSA P-521 with
// SHA-512).
//
//   SEQUENCE { INTEGER 3, [0] SKI (32), SEQUENCE{OID sha512, NULL}, SEQUENCE{OID ecdsa-with-SHA512,
//   NULL},
//              OCTET STRING { SEQUENCE { r, s } } }
// Source: instances-tke-iam.md 3.4 and 3.7; RFC 5652 section 5.3.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ec.h"

namespace keyhaven::tke {

inline constexpr std::size_t kMaxSigners = 16;

// SHA-256 over 04 ‖ X ‖ Y. Shown and compared as 64 lower-case hexadecimal digits.
using Ski = Digest;
Ski ski_of(const crypto::P521Point& point);
// What clients of importer keys compute: SHA-256 over X ‖ Y without the 04 byte.
Ski short_ski_of(const crypto::P521Point& point);

struct SignerInfo {
  Ski ski{};
  Bytes signature;  // DER SEQUENCE { r, s }
};

Bytes encode(const SignerInfo& info);
// A concatenation of SignerInfos, empty allowed. Errors: InvalidArgument (malformed, other
// algorithms), TooLarge above kMaxSigners.
Result<std::vector<SignerInfo>> parse_signer_infos(ByteView der);

// Whatever can sign a block with an administrator's key: a key file now, a token or signing service
// later.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const crypto::P521PublicKey& public_key() const = 0;
  // ECDSA over SHA-512 of `message`; DER SEQUENCE { r, s }. Errors: UnitUnavailable when a device
  // refuses.
  virtual Result<Bytes> sign(ByteView message) const = 0;
  Ski ski() const { return ski_of(public_key().point()); }
};

class LocalSigner final : public Signer {
 public:
  explicit LocalSigner(crypto::P521PrivateKey key) : key_(std::move(key)) {}
  const crypto::P521PublicKey& public_key() const override { return key_.public_key(); }
  Result<Bytes> sign(ByteView message) const override { return key_.sign_sha512_der(message); }
  const crypto::P521PrivateKey& key() const noexcept { return key_; }

 private:
  crypto::P521PrivateKey key_;
};

using Signers = std::vector<const Signer*>;

// The SignerInfos of all `signers` over `block`, concatenated. Errors: what a signer gives;
// TooLarge.
Result<Bytes> sign_block(ByteView block, const Signers& signers);

}  // namespace keyhaven::tke
