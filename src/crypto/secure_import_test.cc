#include "crypto/secure_import.h"

#include <gtest/gtest.h>

#include "crypto/aes_modes.h"

namespace keyhaven::crypto {
namespace {

std::string pem_of(const OaepPrivateKey& key) {
  std::string text = to_base64(key.public_key());
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
  return out + "-----END PUBLIC KEY-----\n";
}

TEST(SecureImport, TheReceiverOpensMaterialAndNonce) {
  const OaepPrivateKey token = OaepPrivateKey::generate(2048);
  const Bytes nonce(12, 0x17);
  for (const std::size_t size : {16, 24, 32}) {
    for (const OaepHash hash : {OaepHash::Sha1, OaepHash::Sha256}) {
      for (const NonceCipher cipher : {NonceCipher::Gcm, NonceCipher::Cbc}) {
        const SecretBytes material = SecretBytes::copy_of(Bytes(size, 0x42));
        const auto sealed = seal_for_import(pem_of(token), nonce, material, hash, cipher);
        ASSERT_TRUE(sealed) << sealed.error().message;
        const auto opened = token.decrypt(sealed->payload, hash);
        ASSERT_TRUE(opened);
        EXPECT_TRUE(*opened == material);
        const auto back = cipher == NonceCipher::Gcm
                              ? aes_gcm_decrypt(material, sealed->iv, sealed->encrypted_nonce)
                              : aes_cbc_decrypt(material, sealed->iv, sealed->encrypted_nonce);
        ASSERT_TRUE(back);
        EXPECT_EQ(to_bytes(back->expose()), nonce);
      }
    }
  }
}

TEST(SecureImport, RefusesWhatIsNoImportToken) {
  const SecretBytes material = SecretBytes::copy_of(Bytes(32, 1));
  const Bytes nonce(12, 1);
  const auto seal = [&](std::string_view pem, ByteView with) {
    return seal_for_import(pem, with, material, OaepHash::Sha256, NonceCipher::Gcm);
  };
  EXPECT_FALSE(seal("", nonce));
  EXPECT_FALSE(seal("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", nonce));
  EXPECT_FALSE(seal(std::string(9000, 'A'), nonce));
  const std::string good = pem_of(OaepPrivateKey::generate(2048));
  EXPECT_TRUE(seal(good, nonce));
  EXPECT_FALSE(seal(good, {}));
  EXPECT_FALSE(seal(good, Bytes(65, 1)));
}

}  // namespace
}  // namespace keyhaven::crypto
