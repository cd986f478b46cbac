// The sender's side of a secure import, for tests: what a customer's own tools do with an import
// token (key-management-api.md 8).
#pragma once

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/bytes.h"
#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"
#include "crypto/rsa_oaep.h"

namespace keyhaven::crypto {

// RSAES-OAEP with an empty label and MGF1 over the same hash.
inline Bytes oaep_encrypt(ByteView spki, ByteView message, OaepHash hash) {
  const std::uint8_t* at = spki.data();
  const PkeyPtr key(not_null(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size()))));
  const EVP_MD* digest = hash == OaepHash::Sha1 ? algorithms().sha1 : algorithms().sha256;
  const PkeyCtxPtr context(not_null(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr)));
  KH_OPENSSL(EVP_PKEY_encrypt_init(context.get()));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), digest));
  KH_OPENSSL(EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), digest));
  Bytes out(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())));
  std::size_t size = out.size();
  KH_OPENSSL(EVP_PKEY_encrypt(context.get(), out.data(), &size, message.data(), message.size()));
  out.resize(size);
  return out;
}

// With an iv of 12 bytes AES-GCM without AAD (ciphertext ‖ tag), with one of 16 bytes AES-CBC with
// PKCS#7 padding. Any other size of key or iv is a mistake of the test.
inline Bytes aes_encrypt(ByteView key, ByteView iv, ByteView message) {
  const bool is_gcm = iv.size() == gcm::kNonceSize;
  KH_ASSERT(is_gcm || iv.size() == 16);
  const Algorithms& a = algorithms();
  const EVP_CIPHER* cipher = nullptr;
  if (key.size() == 16) cipher = is_gcm ? a.aes128_gcm : a.aes128_cbc;
  if (key.size() == 24) cipher = is_gcm ? a.aes192_gcm : a.aes192_cbc;
  if (key.size() == 32) cipher = is_gcm ? a.aes256_gcm : a.aes256_cbc;
  const CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(EVP_EncryptInit_ex2(context.get(), not_null(cipher), key.data(), iv.data(), nullptr));
  Bytes out(message.size() + 2 * 16);
  int body = 0;
  int rest = 0;
  if (!message.empty()) {
    KH_OPENSSL(EVP_EncryptUpdate(context.get(), out.data(), &body, message.data(),
                                 static_cast<int>(message.size())));
  }
  KH_OPENSSL(EVP_EncryptFinal_ex(context.get(), out.data() + body, &rest));
  std::size_t size = static_cast<std::size_t>(body + rest);
  if (is_gcm) {
    KH_OPENSSL(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, gcm::kTagSize,
                                   out.data() + size));
    size += gcm::kTagSize;
  }
  out.resize(size);
  return out;
}

}  // namespace keyhaven::crypto
