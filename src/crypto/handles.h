// Owners of OpenSSL handles, and how results of OpenSSL calls are checked. Internal to crypto/.
#pragma once

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/result.h"

namespace keyhaven::crypto {

template <auto free_function>
struct Deleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    free_function(handle);
  }
};

inline void free_bio(BIO* bio) noexcept { BIO_free(bio); }

using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, Deleter<EVP_CIPHER_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using MacCtxPtr = std::unique_ptr<EVP_MAC_CTX, Deleter<EVP_MAC_CTX_free>>;
using KdfCtxPtr = std::unique_ptr<EVP_KDF_CTX, Deleter<EVP_KDF_CTX_free>>;
using BnPtr = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<free_bio>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using X509NamePtr = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;
using X509ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;

// Removes what the scope added to the thread's error queue: a refusal that is a value must not
// surface later as a phantom TLS error.
class ErrorMark {
 public:
  ErrorMark() noexcept { ERR_set_mark(); }
  ErrorMark(const ErrorMark&) = delete;
  ErrorMark& operator=(const ErrorMark&) = delete;
  ~ErrorMark() { ERR_pop_to_mark(); }
};

// Yields a handle that is not null; OpenSSL without memory or without its own algorithms cannot go
// on.
template <class T>
T* not_null(T* handle) noexcept {
  if (handle == nullptr) [[unlikely]] {
    fatal(__FILE__, __LINE__, "OpenSSL gave no handle (out of memory, or an algorithm is missing)");
  }
  return handle;
}

}  // namespace keyhaven::crypto

// For calls that cannot fail with valid arguments: success is exactly 1, anything else stops the
// process.
#define KH_OPENSSL(call) \
  ((call) == 1 ? static_cast<void>(0) : ::keyhaven::fatal(__FILE__, __LINE__, "OpenSSL: " #call))
