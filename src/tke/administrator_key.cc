#include "tke/administrator_key.h"

#include <algorithm>

#include "crypto/hash.h"
#include "tke/der.h"

namespace keyhaven::tke {

namespace {

// AlgorithmIdentifier content: OID 1.2.840.113549.1.1.1 (rsaEncryption), NULL.
constexpr std::uint8_t kRsaEncryption[] = {0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7,
                                           0x0D, 0x01, 0x01, 0x01, 0x05, 0x00};
constexpr std::uint8_t kExponent65537[] = {0x01, 0x00, 0x01};

// RSAPublicKey (RFC 8017 appendix A.1.1). The modulus has its top bit set: a zero byte before it.
Bytes rsa_public_key(const crypto::RsaPublicKey& key) {
  Bytes modulus = {0};
  append(modulus, key.modulus());
  return der::sequence(
      {der::element(der::kInteger, modulus), der::element(der::kInteger, key.exponent())});
}

Error refuse(const char* what) {
  return {Reason::InvalidArgument, std::string("administrator key: ") + what, {}};
}

Result<crypto::RsaPublicKey> rsa_from_spki(ByteView bytes) {
  DerReader outer(bytes);
  DerReader info = outer.enter(der::kSequence);
  info.expect(der::kSequence, kRsaEncryption);
  DerReader wrapped(info.bit_string());
  DerReader numbers = wrapped.enter(der::kSequence);
  const ByteView modulus = numbers.read(der::kInteger);
  numbers.expect(der::kInteger, kExponent65537);
  for (const DerReader* r : {&outer, &info, &wrapped, &numbers}) {
    if (!r->at_end()) return refuse("neither a P-521 key nor an RSA key with exponent 65537");
  }
  if (modulus.size() != kRsaModulusSize + 1 || modulus[0] != 0 || (modulus[1] & 0x80) == 0) {
    return refuse("an RSA key has 2048 bits");
  }
  return crypto::RsaPublicKey::from_components(modulus.subspan(1), kExponent65537);
}

}  // namespace

Ski ski_of(const crypto::P521Point& point) { return crypto::sha256(point); }

Ski ski_of(const crypto::RsaPublicKey& key) { return crypto::sha256(rsa_public_key(key)); }

Ski short_ski_of(const crypto::P521Point& point) {
  return crypto::sha256(ByteView(point).subspan(1));
}

Result<AdministratorKey> AdministratorKey::from_spki(ByteView bytes) {
  if (auto p521 = crypto::P521PublicKey::from_spki(bytes)) {
    return AdministratorKey(std::move(p521).value());
  }
  crypto::RsaPublicKey rsa = KH_TRY(rsa_from_spki(bytes));
  return AdministratorKey(std::move(rsa));
}

SignatureAlgorithm AdministratorKey::algorithm() const noexcept {
  return p521() != nullptr ? SignatureAlgorithm::EcdsaSha512 : SignatureAlgorithm::RsaX931Sha256;
}

Ski AdministratorKey::ski() const {
  if (const auto* key = p521()) return ski_of(key->point());
  return ski_of(std::get<crypto::RsaPublicKey>(key_));
}

Bytes AdministratorKey::spki() const {
  if (const auto* key = p521()) return key->spki();
  return der::sequence({der::element(der::kSequence, kRsaEncryption),
                        der::bit_string(rsa_public_key(std::get<crypto::RsaPublicKey>(key_)))});
}

bool AdministratorKey::verify(ByteView message, SignatureAlgorithm algorithm,
                              ByteView signature) const {
  if (algorithm != this->algorithm()) return false;
  if (const auto* key = p521()) return key->verify_sha512_der(message, signature);
  return std::get<crypto::RsaPublicKey>(key_).verify_x931_sha256(message, signature);
}

const crypto::P521PublicKey* AdministratorKey::p521() const noexcept {
  return std::get_if<crypto::P521PublicKey>(&key_);
}

}  // namespace keyhaven::tke
