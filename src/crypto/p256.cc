#include "crypto/p256.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>

#include "crypto/algorithms.h"
#include "crypto/handles.h"
#include "crypto/hash.h"

namespace keyhaven::crypto {
namespace {

EVP_PKEY* pkey(const std::shared_ptr<void>& key) noexcept {
  return static_cast<EVP_PKEY*>(key.get());
}

BIGNUM* number(ByteView bytes) {
  return not_null(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
}

// ECDSA-Sig-Value (RFC 3279 section 2.2.3), which OpenSSL takes.
Bytes to_der(ByteView signature) {
  const EcdsaSigPtr pair(not_null(ECDSA_SIG_new()));
  // The pair owns both numbers from here on.
  KH_OPENSSL(ECDSA_SIG_set0(pair.get(), number(signature.first(kP256CoordinateSize)),
                            number(signature.last(kP256CoordinateSize))));
  Bytes out(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)));
  std::uint8_t* at = out.data();
  KH_ASSERT(i2d_ECDSA_SIG(pair.get(), &at) == static_cast<int>(out.size()));
  return out;
}

Bytes coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  KH_OPENSSL(EVP_PKEY_get_bn_param(key, name, &value));
  const BnPtr owner(value);
  Bytes out(kP256CoordinateSize);
  KH_ASSERT(BN_bn2binpad(value, out.data(), kP256CoordinateSize) == kP256CoordinateSize);
  return out;
}

}  // namespace

Result<P256PublicKey> P256PublicKey::from_coordinates(ByteView x, ByteView y) {
  const Error not_a_point{Reason::InvalidArgument, "not a public key of curve P-256", {}};
  if (x.size() != kP256CoordinateSize || y.size() != kP256CoordinateSize) return not_a_point;
  Bytes point = {0x04};
  append(point, x);
  append(point, y);
  static char group[] = "prime256v1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  const ErrorMark mark;
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)));
  KH_OPENSSL(EVP_PKEY_fromdata_init(context.get()));
  EVP_PKEY* key = nullptr;
  // Decoding the point checks that it lies on the curve; the cofactor is 1.
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return not_a_point;
  }
  P256PublicKey out;
  out.key_ = PkeyPtr(key);
  return out;
}

bool P256PublicKey::verify_sha256(ByteView message, ByteView signature) const {
  if (!key_ || signature.size() != kP256SignatureSize) return false;
  const ErrorMark mark;
  const Bytes der = to_der(signature);
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey(key_), nullptr)));
  KH_OPENSSL(EVP_PKEY_verify_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_signature_md(context.get(), algorithms().sha256));
  const Digest hash = sha256(message);
  return EVP_PKEY_verify(context.get(), der.data(), der.size(), hash.data(), hash.size()) == 1;
}

P256PrivateKey P256PrivateKey::generate() {
  P256PrivateKey out;
  out.key_ = PkeyPtr(not_null(EVP_EC_gen("P-256")));
  return out;
}

Bytes P256PrivateKey::x() const { return coordinate(pkey(key_), OSSL_PKEY_PARAM_EC_PUB_X); }
Bytes P256PrivateKey::y() const { return coordinate(pkey(key_), OSSL_PKEY_PARAM_EC_PUB_Y); }

Bytes P256PrivateKey::sign_sha256(ByteView message) const {
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey(key_), nullptr)));
  KH_OPENSSL(EVP_PKEY_sign_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_signature_md(context.get(), algorithms().sha256));
  const Digest hash = sha256(message);
  Bytes der(80);
  std::size_t size = der.size();
  KH_OPENSSL(EVP_PKEY_sign(context.get(), der.data(), &size, hash.data(), hash.size()));
  const std::uint8_t* at = der.data();
  const EcdsaSigPtr pair(not_null(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size))));
  Bytes out(kP256SignatureSize);
  KH_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), out.data(), kP256CoordinateSize) > 0);
  KH_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), out.data() + kP256CoordinateSize,
                         kP256CoordinateSize) > 0);
  return out;
}

}  // namespace keyhaven::crypto
