#include "crypto/rsa_oaep.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <climits>

#include "crypto/algorithms.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

constexpr int kSmallestModulusBits = 2048;
constexpr int kLargestModulusBits = 4096;

using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Deleter<PKCS8_PRIV_KEY_INFO_free>>;

EVP_PKEY* pkey(const std::shared_ptr<void>& key) noexcept {
  return static_cast<EVP_PKEY*>(key.get());
}

}  // namespace

OaepPrivateKey OaepPrivateKey::generate(int bits) {
  KH_ASSERT(bits >= kSmallestModulusBits && bits <= kLargestModulusBits);
  PkeyPtr key(not_null(EVP_RSA_gen(static_cast<unsigned int>(bits))));
  return OaepPrivateKey(std::shared_ptr<void>(std::move(key)));
}

Result<OaepPrivateKey> OaepPrivateKey::from_pkcs8(const SecretBytes& der) {
  const ErrorMark mark;
  const std::uint8_t* at = der.expose().data();
  KH_ASSERT(der.size() <= LONG_MAX);
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  PkeyPtr key(info ? EVP_PKCS82PKEY(info.get()) : nullptr);
  const bool whole = at == der.expose().data() + der.size();
  if (!key || !whole || EVP_PKEY_is_a(key.get(), "RSA") != 1 ||
      EVP_PKEY_get_bits(key.get()) < kSmallestModulusBits ||
      EVP_PKEY_get_bits(key.get()) > kLargestModulusBits) {
    return Error{
        Reason::InvalidArgument, "not an RSA private key of 2048 to 4096 bits (PKCS#8)", {}};
  }
  return OaepPrivateKey(std::shared_ptr<void>(std::move(key)));
}

SecretBytes OaepPrivateKey::pkcs8() const {
  const Pkcs8Ptr info(not_null(EVP_PKEY2PKCS8(pkey(key_))));  // wiped when freed
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), nullptr);
  KH_ASSERT(size > 0);
  SecretBytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.expose_mutable().data();
  KH_ASSERT(i2d_PKCS8_PRIV_KEY_INFO(info.get(), &at) == size);
  return out;
}

Bytes OaepPrivateKey::public_key() const {
  const int size = i2d_PUBKEY(pkey(key_), nullptr);
  KH_ASSERT(size > 0);
  Bytes out(static_cast<std::size_t>(size));
  std::uint8_t* at = out.data();
  KH_ASSERT(i2d_PUBKEY(pkey(key_), &at) == size);
  return out;
}

std::optional<SecretBytes> OaepPrivateKey::decrypt(ByteView ciphertext, OaepHash hash) const {
  const auto size = static_cast<std::size_t>(EVP_PKEY_get_size(pkey(key_)));
  if (ciphertext.size() != size) return std::nullopt;  // its length is no secret
  const EVP_MD* digest = hash == OaepHash::Sha1 ? algorithms().sha1 : algorithms().sha256;
  const ErrorMark mark;
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey(key_), nullptr)));
  KH_OPENSSL(EVP_PKEY_decrypt_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest));
  SecretBytes message(size);
  std::size_t length = size;
  const int opened = EVP_PKEY_decrypt(context.get(), message.expose_mutable().data(), &length,
                                      ciphertext.data(), ciphertext.size());
  if (opened != 1) return std::nullopt;
  message.shrink(length);
  return message;
}

}  // namespace keyhaven::crypto
