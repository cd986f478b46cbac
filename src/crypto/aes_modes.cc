#include "crypto/aes_modes.h"

#include <climits>

#include "crypto/algorithms.h"
#include "crypto/gcm.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

struct Ciphers {
  const EVP_CIPHER* gcm;
  const EVP_CIPHER* cbc;
};

Ciphers ciphers_for(std::size_t key_size) {
  switch (key_size) {
    case 16:
      return {algorithms().aes128_gcm, algorithms().aes128_cbc};
    case 24:
      return {algorithms().aes192_gcm, algorithms().aes192_cbc};
    case 32:
      return {algorithms().aes256_gcm, algorithms().aes256_cbc};
    default:
      fatal(__FILE__, __LINE__, "an AES key has 16, 24 or 32 bytes");
  }
}

Error not_opened() { return Error{Reason::DecryptFailed, "the message does not decrypt", {}}; }

// Whole blocks, the padding still in place.
SecretBytes cbc_blocks(const SecretBytes& key, ByteView iv, ByteView ciphertext) {
  const Ciphers ciphers = ciphers_for(key.size());
  KH_ASSERT(iv.size() == kAesBlockSize);
  KH_ASSERT(ciphertext.size() <= INT_MAX);
  const CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(
      EVP_DecryptInit_ex2(context.get(), ciphers.cbc, key.expose().data(), iv.data(), nullptr));
  KH_OPENSSL(EVP_CIPHER_CTX_set_padding(context.get(), 0));
  SecretBytes out(ciphertext.size());
  int written = 0;
  KH_OPENSSL(EVP_DecryptUpdate(context.get(), out.expose_mutable().data(), &written,
                               ciphertext.data(), static_cast<int>(ciphertext.size())));
  KH_ASSERT(written == static_cast<int>(ciphertext.size()));
  return out;
}

// 1 when a < b, else 0; both below 2^31.
std::uint32_t is_less(std::uint32_t a, std::uint32_t b) { return (a - b) >> 31; }

// Bytes of PKCS#7 padding at the end of whole blocks; 0 when it is none. The last block is read
// the same way whatever it holds.
std::size_t padding_size(ByteView blocks) {
  const ByteView last = blocks.last(kAesBlockSize);
  const std::uint32_t size = last[kAesBlockSize - 1];
  std::uint32_t wrong = is_less(size, 1) | is_less(kAesBlockSize, size);
  for (std::uint32_t i = 0; i < kAesBlockSize; ++i) {
    const std::uint32_t is_padding = is_less(i, size);
    const std::uint32_t differs = last[kAesBlockSize - 1 - i] ^ size;
    wrong |= (0U - is_padding) & differs;
  }
  const std::uint32_t is_right = is_less(wrong, 1);
  return size * is_right;
}

}  // namespace

Result<SecretBytes> aes_gcm_decrypt(const SecretBytes& key, ByteView iv,
                                    ByteView ciphertext_and_tag) {
  const Ciphers ciphers = ciphers_for(key.size());
  KH_ASSERT(iv.size() == kGcmIvSize);
  if (ciphertext_and_tag.size() < gcm::kTagSize) return not_opened();
  const CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(EVP_DecryptInit_ex2(context.get(), ciphers.gcm, nullptr, nullptr, nullptr));
  SecretBytes out(ciphertext_and_tag.size() - gcm::kTagSize);
  if (!gcm::open(context.get(), key.expose().data(), iv.data(), ciphertext_and_tag, {},
                 out.expose_mutable().data())) {
    return not_opened();
  }
  return out;
}

Result<SecretBytes> aes_cbc_decrypt(const SecretBytes& key, ByteView iv, ByteView ciphertext) {
  if (ciphertext.empty() || ciphertext.size() % kAesBlockSize != 0) return not_opened();
  SecretBytes blocks = cbc_blocks(key, iv, ciphertext);
  const std::size_t padding = padding_size(blocks.expose());
  if (padding == 0) return not_opened();
  blocks.shrink(blocks.size() - padding);
  return blocks;
}

}  // namespace keyhaven::crypto
