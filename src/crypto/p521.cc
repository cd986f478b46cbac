#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <cstring>

#include "crypto/algorithms.h"
#include "crypto/ec.h"
#include "crypto/handles.h"
#include "crypto/hash.h"
#include "crypto/p521_encoding.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kLargestDerSignature = 139;

Error not_a_point() {
  return Error{Reason::InvalidArgument, "not a public key of curve P-521", {}};
}

Error not_a_private_key() {
  return Error{Reason::InvalidArgument, "not a private key of curve P-521 in SEC 1 form", {}};
}

EVP_PKEY* pkey(const std::shared_ptr<void>& key) noexcept {
  return static_cast<EVP_PKEY*>(key.get());
}

bool is_p521(const EVP_PKEY* key) {
  char group[32] = {};
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                        nullptr) == 1 &&
         std::strcmp(group, "secp521r1") == 0;
}

PkeyPtr pkey_from_point(ByteView point) {
  static char group[] = "secp521r1";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
                                        const_cast<std::uint8_t*>(point.data()), point.size()),
      OSSL_PARAM_construct_end()};
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)));
  KH_OPENSSL(EVP_PKEY_fromdata_init(context.get()));
  EVP_PKEY* key = nullptr;
  // Decoding the point checks that it lies on the curve; the cofactor is 1, so no further check is
  // needed.
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters)) != 1) {
    return nullptr;
  }
  return PkeyPtr(key);
}

P521Point point_of(EVP_PKEY* key) {
  P521Point out{};
  std::size_t size = 0;
  BnPtr x;
  BnPtr y;
  BIGNUM* coordinate = nullptr;
  KH_OPENSSL(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_X, &coordinate));
  x.reset(std::exchange(coordinate, nullptr));
  KH_OPENSSL(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_EC_PUB_Y, &coordinate));
  y.reset(coordinate);
  out[size++] = 0x04;
  for (const BIGNUM* number : {x.get(), y.get()}) {
    KH_ASSERT(BN_bn2binpad(number, out.data() + size, kP521CoordinateSize) == kP521CoordinateSize);
    size += kP521CoordinateSize;
  }
  return out;
}

PkeyCtxPtr operation_on(EVP_PKEY* key) {
  return PkeyCtxPtr(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
}

}  // namespace

Bytes P521Signature::der() const {
  const EcdsaSigPtr form(not_null(ECDSA_SIG_new()));
  BIGNUM* const r_number = not_null(BN_bin2bn(r.data(), kP521CoordinateSize, nullptr));
  BIGNUM* const s_number = not_null(BN_bin2bn(s.data(), kP521CoordinateSize, nullptr));
  KH_OPENSSL(ECDSA_SIG_set0(form.get(), r_number, s_number));  // owns both now
  Bytes out(kLargestDerSignature + 8);
  std::uint8_t* end = out.data();
  const int size = i2d_ECDSA_SIG(form.get(), &end);
  KH_ASSERT(size > 0 && static_cast<std::size_t>(size) <= out.size());
  out.resize(static_cast<std::size_t>(size));
  return out;
}

Result<P521PublicKey> P521PublicKey::from_point(ByteView point) {
  const ErrorMark mark;
  if (point.size() != kP521PointSize || point[0] != 0x04) return not_a_point();
  PkeyPtr key = pkey_from_point(point);
  if (!key) return not_a_point();
  P521PublicKey out;
  out.key_ = std::move(key);
  std::copy(point.begin(), point.end(), out.point_.begin());
  return out;
}

Result<P521PublicKey> P521PublicKey::from_spki(ByteView der) {
  constexpr std::size_t kPrefix = kP521SpkiPrefix.size();
  if (der.size() != kPrefix + kP521PointSize ||
      !std::equal(kP521SpkiPrefix.begin(), kP521SpkiPrefix.end(), der.begin())) {
    return not_a_point();
  }
  return from_point(der.subspan(kPrefix));
}

Bytes P521PublicKey::spki() const {
  Bytes out(kP521SpkiPrefix.begin(), kP521SpkiPrefix.end());
  append(out, point_);
  return out;
}

bool P521PublicKey::verify_sha512(ByteView message, const P521Signature& signature) const {
  return verify_sha512_der(message, signature.der());
}

bool P521PublicKey::verify_sha512_der(ByteView message, ByteView der_signature) const {
  if (!key_ || der_signature.size() > kLargestDerSignature) return false;
  const ErrorMark mark;
  const PkeyCtxPtr context = operation_on(pkey(key_));
  KH_OPENSSL(EVP_PKEY_verify_init(context.get()));
  const auto hash = sha512(message);
  // OpenSSL encodes what it read again and compares, so only the one DER form is accepted.
  return EVP_PKEY_verify(context.get(), der_signature.data(), der_signature.size(), hash.data(),
                         hash.size()) == 1;
}

P521PrivateKey P521PrivateKey::generate() {
  P521PrivateKey out;
  PkeyPtr key(not_null(EVP_EC_gen("P-521")));
  const P521Point point = point_of(key.get());
  out.public_ = std::move(P521PublicKey::from_point(point)).value();
  out.key_ = std::move(key);
  return out;
}

Result<P521PrivateKey> P521PrivateKey::from_sec1_der(ByteView der) {
  const ErrorMark mark;
  if (der.size() > 1024) return not_a_private_key();
  const std::uint8_t* at = der.data();
  PkeyPtr key(d2i_PrivateKey_ex(EVP_PKEY_EC, nullptr, &at, static_cast<long>(der.size()), nullptr,
                                nullptr));
  if (!key || at != der.data() + der.size() || !is_p521(key.get())) return not_a_private_key();
  // A public key that does not belong to the private one would let signatures leak the private key.
  const PkeyCtxPtr context = operation_on(key.get());
  if (EVP_PKEY_pairwise_check(context.get()) != 1) return not_a_private_key();
  P521PrivateKey out;
  out.public_ = KH_TRY(P521PublicKey::from_point(point_of(key.get())));
  out.key_ = std::move(key);
  return out;
}

Result<P521PrivateKey> P521PrivateKey::from_pem(ByteView pem) {
  const SecretBytes der = KH_TRY(from_pem_labelled(pem, {"PRIVATE KEY", "EC PRIVATE KEY"}));
  return from_sec1_der(der.expose());
}

SecretBytes P521PrivateKey::sec1_der() const {
  BIGNUM* number = nullptr;
  KH_OPENSSL(EVP_PKEY_get_bn_param(pkey(key_), OSSL_PKEY_PARAM_PRIV_KEY, &number));
  const BnPtr owner(number);
  SecretBytes scalar(kP521CoordinateSize);
  KH_ASSERT(BN_bn2binpad(number, scalar.expose_mutable().data(), kP521CoordinateSize) ==
            kP521CoordinateSize);
  return p521_sec1(scalar.expose(), public_.point());
}

SecretBytes P521PrivateKey::pem_labelled_private_key() const {
  return to_pem("PRIVATE KEY", sec1_der().expose());
}

Bytes P521PrivateKey::sign_sha512_der(ByteView message) const {
  const PkeyCtxPtr context = operation_on(pkey(key_));
  KH_OPENSSL(EVP_PKEY_sign_init(context.get()));
  const auto hash = sha512(message);
  Bytes out(kLargestDerSignature);
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_sign(context.get(), out.data(), &size, hash.data(), hash.size()));
  out.resize(size);
  return out;
}

P521Signature P521PrivateKey::sign_sha512(ByteView message) const {
  const Bytes der = sign_sha512_der(message);
  const std::uint8_t* at = der.data();
  const EcdsaSigPtr form(not_null(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))));
  P521Signature out;
  constexpr int kSize = kP521CoordinateSize;
  KH_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(form.get()), out.r.data(), kSize) == kSize);
  KH_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(form.get()), out.s.data(), kSize) == kSize);
  return out;
}

Result<SecretBytes> P521PrivateKey::ecdh(const P521PublicKey& peer) const {
  const ErrorMark mark;
  const PkeyCtxPtr context = operation_on(pkey(key_));
  KH_OPENSSL(EVP_PKEY_derive_init(context.get()));
  if (!peer.key_ || EVP_PKEY_derive_set_peer(context.get(), pkey(peer.key_)) != 1) {
    return not_a_point();
  }
  SecretBytes out(kP521CoordinateSize);
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_derive(context.get(), out.expose_mutable().data(), &size));
  KH_ASSERT(size == out.size());
  return out;
}

}  // namespace keyhaven::crypto
