#include "crypto/cmac.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>

#include "crypto/algorithms.h"
#include "crypto/handles.h"

namespace keyhaven::crypto {

namespace {

constexpr std::size_t kKeySize = 32;
constexpr std::size_t kBlockSize = 16;

EVP_MAC* cmac() {
  static EVP_MAC* const fetched = not_null(EVP_MAC_fetch(nullptr, "CMAC", nullptr));
  return fetched;
}

void append_u32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

}  // namespace

SecretBytes aes256_cmac(const SecretBytes& key, ByteView data) {
  KH_ASSERT(key.size() == kKeySize);
  static char cipher[] = "AES-256-CBC";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
      OSSL_PARAM_construct_end()};
  const MacCtxPtr context(not_null(EVP_MAC_CTX_new(cmac())));
  KH_OPENSSL(EVP_MAC_init(context.get(), key.expose().data(), key.size(), parameters));
  KH_OPENSSL(EVP_MAC_update(context.get(), data.data(), data.size()));
  SecretBytes out(kCmacSize);
  std::size_t size = 0;
  KH_OPENSSL(EVP_MAC_final(context.get(), out.expose_mutable().data(), &size, out.size()));
  KH_ASSERT(size == kCmacSize);
  return out;
}

SecretBytes aes256_block(const SecretBytes& key, std::span<const std::uint8_t> block) {
  KH_ASSERT(key.size() == kKeySize && block.size() == kBlockSize);
  const CipherCtxPtr context(not_null(EVP_CIPHER_CTX_new()));
  KH_OPENSSL(EVP_EncryptInit_ex2(context.get(), algorithms().aes256_ecb, key.expose().data(),
                                 nullptr, nullptr));
  KH_OPENSSL(EVP_CIPHER_CTX_set_padding(context.get(), 0));
  SecretBytes out(kBlockSize);
  int size = 0;
  KH_OPENSSL(EVP_EncryptUpdate(context.get(), out.expose_mutable().data(), &size, block.data(),
                               static_cast<int>(block.size())));
  KH_ASSERT(size == static_cast<int>(kBlockSize));
  return out;
}

SecretBytes kdf_counter_cmac(const SecretBytes& key, std::string_view label, ByteView context,
                             std::size_t size) {
  SecretBytes out(size);
  std::size_t at = 0;
  for (const Bytes& input : kdf_counter_inputs(label, context, size)) {
    const SecretBytes block = aes256_cmac(key, input);
    const std::size_t taken = std::min(block.size(), size - at);
    std::copy_n(block.expose().begin(), taken, out.expose_mutable().begin() + at);
    at += taken;
  }
  return out;
}

std::vector<Bytes> kdf_counter_inputs(std::string_view label, ByteView context, std::size_t size) {
  const std::size_t blocks = (size + kCmacSize - 1) / kCmacSize;
  KH_ASSERT(blocks > 0 && blocks < 256);
  std::vector<Bytes> inputs;
  for (std::uint32_t i = 1; i <= blocks; ++i) {
    Bytes& input = inputs.emplace_back();
    append_u32(input, i);
    append(input, as_bytes(label));
    input.push_back(0);
    append(input, context);
    append_u32(input, static_cast<std::uint32_t>(size * 8));
  }
  return inputs;
}

}  // namespace keyhaven::crypto
