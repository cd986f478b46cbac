#include "crypto/rsa.h"

#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <climits>

#include "crypto/algorithms.h"
#include "crypto/handles.h"
#include "crypto/hash.h"
#include "crypto/p521_encoding.h"

namespace keyhaven::crypto {

namespace {

constexpr int kSmallestModulusBits = 2048;
constexpr int kLargestModulusBits = 8192;  // bounds the time of a verification

using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>>;

EVP_PKEY* pkey(const std::shared_ptr<void>& key) noexcept {
  return static_cast<EVP_PKEY*>(key.get());
}

Error bad_key(const char* what) { return Error{Reason::InvalidArgument, what, {}}; }

Bytes component(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  KH_OPENSSL(EVP_PKEY_get_bn_param(key, name, &number));
  const BnPtr owner(number);
  Bytes out(static_cast<std::size_t>(BN_num_bytes(number)));
  BN_bn2bin(number, out.data());
  return out;
}

// A context for RSASSA-PKCS1-v1_5 with SHA-256, after `init`.
PkeyCtxPtr pkcs1_sha256(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
  KH_OPENSSL(init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PADDING));
  KH_OPENSSL(EVP_PKEY_CTX_set_signature_md(context.get(), algorithms().sha256));
  return context;
}

// ANSI X9.31 section 2.3: header, padding, hash, trailer naming SHA-256.
Bytes x931_block(const Digest& hash, std::size_t size) {
  Bytes out(size, 0xBB);
  out.front() = 0x6B;
  const std::size_t hash_at = size - hash.size() - 2;
  out[hash_at - 1] = 0xBA;
  std::copy(hash.begin(), hash.end(), out.begin() + static_cast<std::ptrdiff_t>(hash_at));
  out[size - 2] = 0x34;
  out[size - 1] = 0xCC;
  return out;
}

PkeyCtxPtr without_padding(EVP_PKEY* key, int (*init)(EVP_PKEY_CTX*)) {
  PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
  KH_OPENSSL(init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING));
  return context;
}

// Never asks a terminal for a password.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

Result<RsaPublicKey> RsaPublicKey::from_components(ByteView modulus, ByteView exponent) {
  if (modulus.size() > kLargestModulusBits / 8 + 1 || exponent.size() > 8) {
    return bad_key("the RSA modulus or exponent is too large");
  }
  const BnPtr n(not_null(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr)));
  const BnPtr e(not_null(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr)));
  if (BN_num_bits(n.get()) < kSmallestModulusBits || BN_num_bits(n.get()) > kLargestModulusBits ||
      !BN_is_odd(n.get())) {
    return bad_key("an RSA modulus is odd and has 2048 to 8192 bits");
  }
  if (!BN_is_odd(e.get()) || BN_is_one(e.get())) {
    return bad_key("an RSA exponent is odd and at least 3");
  }
  const ErrorMark mark;
  const ParamBuilderPtr builder(not_null(OSSL_PARAM_BLD_new()));
  KH_OPENSSL(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()));
  KH_OPENSSL(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()));
  const ParamsPtr parameters(not_null(OSSL_PARAM_BLD_to_param(builder.get())));
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)));
  KH_OPENSSL(EVP_PKEY_fromdata_init(context.get()));
  EVP_PKEY* key = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return bad_key("not an RSA public key");
  }
  RsaPublicKey out;
  out.key_ = PkeyPtr(key);
  return out;
}

Bytes RsaPublicKey::modulus() const { return component(pkey(key_), OSSL_PKEY_PARAM_RSA_N); }
Bytes RsaPublicKey::exponent() const { return component(pkey(key_), OSSL_PKEY_PARAM_RSA_E); }

bool RsaPublicKey::verify_sha256(ByteView message, ByteView signature) const {
  if (!key_) return false;
  const ErrorMark mark;
  const PkeyCtxPtr context = pkcs1_sha256(pkey(key_), EVP_PKEY_verify_init);
  const Digest hash = sha256(message);
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), hash.data(),
                         hash.size()) == 1;
}

bool RsaPublicKey::verify_pss_sha256(ByteView message, ByteView signature) const {
  if (!key_) return false;
  const ErrorMark mark;
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey(key_), nullptr)));
  KH_OPENSSL(EVP_PKEY_verify_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_PSS_PADDING));
  KH_OPENSSL(EVP_PKEY_CTX_set_signature_md(context.get(), algorithms().sha256));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), algorithms().sha256));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST));
  const Digest hash = sha256(message);
  return EVP_PKEY_verify(context.get(), signature.data(), signature.size(), hash.data(),
                         hash.size()) == 1;
}

bool RsaPublicKey::verify_x931_sha256(ByteView message, ByteView signature) const {
  if (!key_) return false;
  const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(pkey(key_)));
  if (signature.size() != size) return false;
  const ErrorMark mark;
  const PkeyCtxPtr context = without_padding(pkey(key_), EVP_PKEY_encrypt_init);
  Bytes block(size);
  std::size_t written = size;
  if (EVP_PKEY_encrypt(context.get(), block.data(), &written, signature.data(), signature.size()) !=
      1) {
    return false;  // a number not below the modulus
  }
  return written == size && block == x931_block(sha256(message), size);
}

RsaPrivateKey RsaPrivateKey::generate_2048() {
  PkeyPtr key(not_null(EVP_RSA_gen(2048)));
  RsaPrivateKey out;
  out.public_ =
      std::move(RsaPublicKey::from_components(component(key.get(), OSSL_PKEY_PARAM_RSA_N),
                                              component(key.get(), OSSL_PKEY_PARAM_RSA_E)))
          .value();
  out.key_ = std::move(key);
  return out;
}

Result<RsaPrivateKey> RsaPrivateKey::from_pem(const SecretBytes& pem) {
  const ErrorMark mark;
  if (pem.empty() || pem.size() > INT_MAX) return bad_key("the PEM text is empty or too large");
  const BioPtr bio(not_null(BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size()))));
  PkeyPtr key(
      PEM_read_bio_PrivateKey_ex(bio.get(), nullptr, no_password, nullptr, nullptr, nullptr));
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return bad_key("not a PEM text with an unencrypted RSA private key (PKCS#8)");
  }
  RsaPrivateKey out;
  out.public_ = KH_TRY(RsaPublicKey::from_components(component(key.get(), OSSL_PKEY_PARAM_RSA_N),
                                                     component(key.get(), OSSL_PKEY_PARAM_RSA_E)));
  out.key_ = std::move(key);
  return out;
}

SecretBytes RsaPrivateKey::pem() const {
  const BioPtr bio(
      not_null(BIO_new(BIO_s_mem())));  // wipes its buffer when freed and when it grows
  KH_OPENSSL(
      PEM_write_bio_PKCS8PrivateKey(bio.get(), pkey(key_), nullptr, nullptr, 0, nullptr, nullptr));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  KH_ASSERT(size > 0);
  return SecretBytes::copy_of(std::string_view(text, static_cast<std::size_t>(size)));
}

Result<RsaPrivateKey> RsaPrivateKey::from_pkcs1_pem(const SecretBytes& pem) {
  const ErrorMark mark;
  const SecretBytes der = KH_TRY(from_pem_labelled(pem.expose(), {"PRIVATE KEY"}));
  const std::uint8_t* at = der.expose().data();
  const std::uint8_t* const end = at + der.size();
  PkeyPtr key(d2i_PrivateKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der.size())));
  if (!key || at != end) return bad_key("not a PKCS#1 RSA private key");
  const PkeyCtxPtr check(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)));
  RsaPrivateKey out;
  out.public_ = KH_TRY(RsaPublicKey::from_components(component(key.get(), OSSL_PKEY_PARAM_RSA_N),
                                                     component(key.get(), OSSL_PKEY_PARAM_RSA_E)));
  if (EVP_PKEY_pairwise_check(check.get()) != 1) return bad_key("an inconsistent RSA private key");
  out.key_ = std::move(key);
  return out;
}

SecretBytes RsaPrivateKey::pkcs1_pem() const {
  const int size = i2d_PrivateKey(pkey(key_), nullptr);
  KH_ASSERT(size > 0);
  SecretBytes der(static_cast<std::size_t>(size));
  std::uint8_t* at = der.expose_mutable().data();
  KH_ASSERT(i2d_PrivateKey(pkey(key_), &at) == size);
  return to_pem("PRIVATE KEY", der.expose());
}

Bytes RsaPrivateKey::sign_x931_sha256(ByteView message) const {
  const PkeyCtxPtr context = without_padding(pkey(key_), EVP_PKEY_sign_init);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(pkey(key_))));
  const Bytes block = x931_block(sha256(message), out.size());
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_sign(context.get(), out.data(), &size, block.data(), block.size()));
  KH_ASSERT(size == out.size());
  return out;
}

Bytes RsaPrivateKey::sign_sha256(ByteView message) const {
  const PkeyCtxPtr context = pkcs1_sha256(pkey(key_), EVP_PKEY_sign_init);
  const Digest hash = sha256(message);
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(pkey(key_))));
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_sign(context.get(), out.data(), &size, hash.data(), hash.size()));
  out.resize(size);
  return out;
}

}  // namespace keyhaven::crypto
