#include "crypto/algorithms.h"

#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

EVP_CIPHER* cipher(const char* name) { return not_null(EVP_CIPHER_fetch(nullptr, name, nullptr)); }
EVP_MD* digest(const char* name) { return not_null(EVP_MD_fetch(nullptr, name, nullptr)); }
EVP_KDF* kdf(const char* name) { return not_null(EVP_KDF_fetch(nullptr, name, nullptr)); }

}  // namespace

const Algorithms& algorithms() {
  static const Algorithms table{
      .aes256_ecb = cipher("AES-256-ECB"),
      .aes128_gcm = cipher("AES-128-GCM"),
      .aes192_gcm = cipher("AES-192-GCM"),
      .aes256_gcm = cipher("AES-256-GCM"),
      .aes128_cbc = cipher("AES-128-CBC"),
      .aes192_cbc = cipher("AES-192-CBC"),
      .aes256_cbc = cipher("AES-256-CBC"),
      .aes128_wrap = cipher("AES-128-WRAP"),
      .aes192_wrap = cipher("AES-192-WRAP"),
      .aes256_wrap = cipher("AES-256-WRAP"),
      .sha1 = digest("SHA1"),
      .sha256 = digest("SHA256"),
      .sha512 = digest("SHA512"),
      .hmac = not_null(EVP_MAC_fetch(nullptr, "HMAC", nullptr)),
      .hkdf = kdf("HKDF"),
      .pbkdf2 = kdf("PBKDF2"),
      .x963 = kdf("X963KDF"),
  };
  return table;
}

}  // namespace keyhaven::crypto
