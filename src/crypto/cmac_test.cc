#include "crypto/cmac.h"

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

#include "crypto/handles.h"
#include "crypto/random.h"

namespace keyhaven::crypto {
namespace {

// NIST SP 800-38B appendix D.3, and the block of FIPS 197 appendix C.3.
TEST(CmacTest, ComputesTheExamplesOfTheStandard) {
  const SecretBytes key =
      secret_from_hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4").value();
  const Bytes message = from_hex(
                            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
                            .value();
  const struct {
    std::size_t size;
    std::string_view mac;
  } rows[] = {{0, "028962f61b7bf89efc6b551f4667d983"},
              {16, "28a7023f452e8f82bd4bf28d8c37c35c"},
              {40, "aaf3d8f1de5640c232f5b169b9c911e6"},
              {64, "e1992190549f6ed5696a2c056c315410"}};
  for (const auto& row : rows) {
    EXPECT_EQ(to_hex(aes256_cmac(key, ByteView(message).first(row.size)).expose()), row.mac);
  }
  const SecretBytes fips =
      secret_from_hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").value();
  const Bytes block = from_hex("00112233445566778899aabbccddeeff").value();
  EXPECT_EQ(to_hex(aes256_block(fips, block).expose()), "8ea2b7ca516745bfeafc49904b496089");
}

// OpenSSL's own counter-mode KDF.
SecretBytes reference_kdf(const SecretBytes& key, std::string_view label, ByteView context,
                          std::size_t size) {
  EVP_KDF* const kdf = not_null(EVP_KDF_fetch(nullptr, "KBKDF", nullptr));
  const KdfCtxPtr handle(not_null(EVP_KDF_CTX_new(kdf)));
  EVP_KDF_free(kdf);
  char mac[] = "CMAC";
  char cipher[] = "AES-256-CBC";
  char mode[] = "counter";
  const auto octets = [](const char* name, std::span<const std::uint8_t> bytes) {
    return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(bytes.data()),
                                             bytes.size());
  };
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, cipher, 0),
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
      octets(OSSL_KDF_PARAM_KEY, key.expose()),
      octets(OSSL_KDF_PARAM_SALT, as_bytes(label)),
      octets(OSSL_KDF_PARAM_INFO, context),
      OSSL_PARAM_construct_end()};
  SecretBytes out(size);
  KH_OPENSSL(EVP_KDF_derive(handle.get(), out.expose_mutable().data(), out.size(), parameters));
  return out;
}

TEST(CmacTest, DerivesWhatOpenSslDerives) {
  const SecretBytes key = random_secret(32);
  const Bytes context(16, 0xc7);
  for (const std::size_t size : {1U, 16U, 31U, 32U, 33U, 64U}) {
    EXPECT_EQ(kdf_counter_cmac(key, "keyhaven", context, size),
              reference_kdf(key, "keyhaven", context, size))
        << size;
  }
  EXPECT_FALSE(kdf_counter_cmac(key, "a", context, 32) == kdf_counter_cmac(key, "b", context, 32));
  EXPECT_EQ(kdf_counter_inputs("x", context, 33).size(), 3U);
}

}  // namespace
}  // namespace keyhaven::crypto
