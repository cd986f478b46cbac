// The algorithms of OpenSSL that we use, fetched once per process. EVP_sha256() and its like would
// mean an implicit fetch at each use: 200 ns, a lock and a shared reference count (dependencies.md
// section 6). Internal to crypto/.
#pragma once

#include <openssl/evp.h>
#include <openssl/kdf.h>

namespace keyhaven::crypto {

struct Algorithms {
  EVP_CIPHER* aes256_ecb;
  EVP_CIPHER* aes128_gcm;
  EVP_CIPHER* aes192_gcm;
  EVP_CIPHER* aes256_gcm;
  EVP_CIPHER* aes128_cbc;
  EVP_CIPHER* aes192_cbc;
  EVP_CIPHER* aes256_cbc;
  EVP_CIPHER* aes128_wrap;
  EVP_CIPHER* aes192_wrap;
  EVP_CIPHER* aes256_wrap;
  EVP_MD* sha1;
  EVP_MD* sha256;
  EVP_MD* sha512;
  EVP_MAC* hmac;
  EVP_KDF* hkdf;
  EVP_KDF* pbkdf2;
  EVP_KDF* x963;
};

// Thread-safe. Never freed: threads may still use it while the process ends.
const Algorithms& algorithms();

}  // namespace keyhaven::crypto
