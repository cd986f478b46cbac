#include "crypto/secure_import.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "crypto/aes_modes.h"
#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {
namespace {

constexpr std::size_t kMaxPemBytes = 8192;
constexpr std::size_t kMaxNonceBytes = 64;

Error bad(const char* what) { return Error{Reason::InvalidArgument, what, {}}; }

Result<PkeyPtr> read_public_key(std::string_view pem) {
  const ErrorMark mark;
  if (pem.empty() || pem.size() > kMaxPemBytes) return bad("the import token has no public key");
  const BioPtr bio(not_null(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))));
  PkeyPtr key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) < 2048 ||
      EVP_PKEY_get_bits(key.get()) > 4096) {
    return bad("the import token's public key is not an RSA key of 2048 to 4096 bits in PEM");
  }
  return key;
}

Bytes oaep(EVP_PKEY* key, const SecretBytes& material, OaepHash hash) {
  const EVP_MD* digest = hash == OaepHash::Sha1 ? algorithms().sha1 : algorithms().sha256;
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr)));
  KH_OPENSSL(EVP_PKEY_encrypt_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest));
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key)));
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_encrypt(context.get(), out.data(), &size, material.expose().data(),
                              material.size()));
  out.resize(size);
  return out;
}

const EVP_CIPHER* cipher_of(std::size_t key_size, NonceCipher cipher) {
  const Algorithms& a = algorithms();
  const bool is_gcm = cipher == NonceCipher::Gcm;
  if (key_size == 16) return is_gcm ? a.aes128_gcm : a.aes128_cbc;
  if (key_size == 24) return is_gcm ? a.aes192_gcm : a.aes192_cbc;
  return is_gcm ? a.aes256_gcm : a.aes256_cbc;
}

Bytes encrypt_nonce(const SecretBytes& key, NonceCipher cipher, ByteView iv, ByteView nonce) {
  const CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(EVP_EncryptInit_ex2(context.get(), cipher_of(key.size(), cipher), key.expose().data(),
                                 iv.data(), nullptr));
  Bytes out(nonce.size() + 2 * kAesBlockSize);
  int body = 0;
  int rest = 0;
  KH_OPENSSL(EVP_EncryptUpdate(context.get(), out.data(), &body, nonce.data(),
                               static_cast<int>(nonce.size())));
  KH_OPENSSL(EVP_EncryptFinal_ex(context.get(), out.data() + body, &rest));
  auto size = static_cast<std::size_t>(body + rest);
  if (cipher == NonceCipher::Gcm) {
    KH_OPENSSL(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, gcm::kTagSize,
                                   out.data() + size));
    size += gcm::kTagSize;
  }
  out.resize(size);
  return out;
}

}  // namespace

Result<SealedMaterial> seal_for_import(std::string_view public_key_pem, ByteView nonce,
                                       const SecretBytes& material, OaepHash hash,
                                       NonceCipher cipher) {
  KH_ASSERT(material.size() == 16 || material.size() == 24 || material.size() == 32);
  if (nonce.empty() || nonce.size() > kMaxNonceBytes)
    return bad("the import token's nonce must have 1 to 64 bytes");
  const PkeyPtr key = KH_TRY(read_public_key(public_key_pem));
  SealedMaterial out;
  out.payload = oaep(key.get(), material, hash);
  out.iv.resize(cipher == NonceCipher::Gcm ? kGcmIvSize : kAesBlockSize);
  random_nonce(out.iv);
  out.encrypted_nonce = encrypt_nonce(material, cipher, out.iv, nonce);
  return out;
}

}  // namespace keyhaven::crypto
