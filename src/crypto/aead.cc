// The forms others define: AES-256-GCM with the nonce in front, and AES key wrap. XAES is in
// xaes.cc.
#include "crypto/aead.h"

#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kSemiblock = 8;
constexpr std::size_t kLargestWrappedKey = std::size_t{1} << 20;

Error cannot_open() {
  return Error{Reason::DecryptFailed, "the sealed bytes do not authenticate under this key", {}};
}

Error bad_size(const char* what) { return Error{Reason::InvalidArgument, what, {}}; }

// Null for a size that is none of AES.
const EVP_CIPHER* wrap_cipher(std::size_t kek_size) {
  switch (kek_size) {
    case 16:
      return algorithms().aes128_wrap;
    case 24:
      return algorithms().aes192_wrap;
    case 32:
      return algorithms().aes256_wrap;
    default:
      return nullptr;
  }
}

CipherCtxPtr new_wrap_context() {
  CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  EVP_CIPHER_CTX_set_flags(context.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  return context;
}

}  // namespace

Bytes aes256_gcm_seal(const SecretBytes& key, ByteView plaintext, ByteView aad) {
  KH_ASSERT(key.size() == 32);
  Bytes out(gcm::kNonceSize + plaintext.size() + gcm::kTagSize);
  random_nonce(std::span(out).first(gcm::kNonceSize));
  const CipherCtxPtr context = gcm::new_encryption();
  gcm::seal(context.get(), key.expose().data(), out.data(), plaintext, aad,
            out.data() + gcm::kNonceSize);
  return out;
}

Result<SecretBytes> aes256_gcm_open(const SecretBytes& key, ByteView sealed, ByteView aad) {
  KH_ASSERT(key.size() == 32);
  if (sealed.size() < gcm::kNonceSize + gcm::kTagSize) return cannot_open();
  SecretBytes out(sealed.size() - gcm::kNonceSize - gcm::kTagSize);
  const CipherCtxPtr context = gcm::new_decryption();
  if (!gcm::open(context.get(), key.expose().data(), sealed.data(), sealed.subspan(gcm::kNonceSize),
                 aad, out.expose_mutable().data())) {
    return cannot_open();
  }
  return out;
}

Result<Bytes> aes_kw_wrap(const SecretBytes& kek, const SecretBytes& key) {
  const EVP_CIPHER* const cipher = wrap_cipher(kek.size());
  if (cipher == nullptr) return bad_size("a key-wrapping key has 16, 24 or 32 bytes");
  if (key.size() % kSemiblock != 0 || key.size() < 2 * kSemiblock ||
      key.size() > kLargestWrappedKey) {
    return bad_size("a key to wrap has a multiple of 8 bytes, at least 16");
  }
  const CipherCtxPtr context = new_wrap_context();
  KH_OPENSSL(EVP_EncryptInit_ex2(context.get(), cipher, kek.expose().data(), nullptr, nullptr));
  Bytes out(key.size() + kSemiblock);
  int written = 0;
  KH_OPENSSL(EVP_EncryptUpdate(context.get(), out.data(), &written, key.expose().data(),
                               static_cast<int>(key.size())));
  KH_ASSERT(static_cast<std::size_t>(written) == out.size());
  return out;
}

Result<SecretBytes> aes_kw_unwrap(const SecretBytes& kek, ByteView wrapped) {
  const EVP_CIPHER* const cipher = wrap_cipher(kek.size());
  if (cipher == nullptr) return bad_size("a key-wrapping key has 16, 24 or 32 bytes");
  if (wrapped.size() % kSemiblock != 0 || wrapped.size() < 3 * kSemiblock ||
      wrapped.size() > kLargestWrappedKey + kSemiblock) {
    return bad_size("a wrapped key has a multiple of 8 bytes, at least 24");
  }
  const ErrorMark mark;
  const CipherCtxPtr context = new_wrap_context();
  KH_OPENSSL(EVP_DecryptInit_ex2(context.get(), cipher, kek.expose().data(), nullptr, nullptr));
  SecretBytes out(wrapped.size());  // OpenSSL works in the whole buffer
  int written = 0;
  if (EVP_DecryptUpdate(context.get(), out.expose_mutable().data(), &written, wrapped.data(),
                        static_cast<int>(wrapped.size())) != 1 ||
      static_cast<std::size_t>(written) != wrapped.size() - kSemiblock) {
    return cannot_open();
  }
  out.shrink(wrapped.size() - kSemiblock);
  return out;
}

}  // namespace keyhaven::crypto
