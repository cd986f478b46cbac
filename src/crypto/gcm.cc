#include "crypto/gcm.h"

#include <climits>

#include "crypto/algorithms.h"

namespace keyhaven::crypto::gcm {

namespace {

int int_size(ByteView bytes) {
  KH_ASSERT(bytes.size() <= INT_MAX - kTagSize);  // the calls take an int
  return static_cast<int>(bytes.size());
}

}  // namespace

CipherCtxPtr new_encryption() {
  CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(
      EVP_EncryptInit_ex2(context.get(), algorithms().aes256_gcm, nullptr, nullptr, nullptr));
  return context;
}

CipherCtxPtr new_decryption() {
  CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(
      EVP_DecryptInit_ex2(context.get(), algorithms().aes256_gcm, nullptr, nullptr, nullptr));
  return context;
}

void seal(EVP_CIPHER_CTX* context, const std::uint8_t* key, const std::uint8_t* nonce,
          ByteView plaintext, ByteView aad, std::uint8_t* out) {
  int written = 0;
  KH_OPENSSL(EVP_EncryptInit_ex2(context, nullptr, key, nonce, nullptr));
  if (!aad.empty()) {
    KH_OPENSSL(EVP_EncryptUpdate(context, nullptr, &written, aad.data(), int_size(aad)));
  }
  if (!plaintext.empty()) {
    KH_OPENSSL(EVP_EncryptUpdate(context, out, &written, plaintext.data(), int_size(plaintext)));
    KH_ASSERT(written == int_size(plaintext));
  }
  KH_OPENSSL(EVP_EncryptFinal_ex(context, out + plaintext.size(), &written));
  KH_OPENSSL(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagSize, out + plaintext.size()));
}

bool open(EVP_CIPHER_CTX* context, const std::uint8_t* key, const std::uint8_t* nonce,
          ByteView ciphertext_and_tag, ByteView aad, std::uint8_t* out) {
  KH_ASSERT(ciphertext_and_tag.size() >= kTagSize);
  const ByteView ciphertext = ciphertext_and_tag.first(ciphertext_and_tag.size() - kTagSize);
  auto* const tag = const_cast<std::uint8_t*>(ciphertext_and_tag.last(kTagSize).data());
  const ErrorMark mark;
  int written = 0;
  KH_OPENSSL(EVP_DecryptInit_ex2(context, nullptr, key, nonce, nullptr));
  if (!aad.empty()) {
    KH_OPENSSL(EVP_DecryptUpdate(context, nullptr, &written, aad.data(), int_size(aad)));
  }
  if (!ciphertext.empty()) {
    KH_OPENSSL(EVP_DecryptUpdate(context, out, &written, ciphertext.data(), int_size(ciphertext)));
  }
  KH_OPENSSL(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagSize, tag));
  std::uint8_t none[kTagSize];  // GCM writes nothing here; the call wants an address
  return EVP_DecryptFinal_ex(context, none, &written) == 1;
}

}  // namespace keyhaven::crypto::gcm
