#include "crypto/rsa_oaep.h"

#include <gtest/gtest.h>

#include "crypto/rsa.h"
#include "crypto/secure_import_for_tests.h"

namespace keyhaven::crypto {
namespace {

// One key for all tests: generation is slow.
const OaepPrivateKey& key() {
  static const OaepPrivateKey one = OaepPrivateKey::generate(2048);
  return one;
}

TEST(RsaOaepTest, DecryptsWhatWasEncryptedWithTheSameHashOnly) {
  const Bytes spki = key().public_key();
  EXPECT_EQ(spki.size(), 294u);
  for (const OaepHash hash : {OaepHash::Sha1, OaepHash::Sha256}) {
    // Up to the modulus less two hashes and two bytes.
    for (const std::size_t size : {0, 1, 16, 32, hash == OaepHash::Sha1 ? 214 : 190}) {
      const Bytes message(size, 0x5c);
      const Bytes sent = oaep_encrypt(spki, message, hash);
      const auto opened = key().decrypt(sent, hash);
      ASSERT_TRUE(opened) << size;
      EXPECT_EQ(to_bytes(opened->expose()), message);
      const OaepHash other = hash == OaepHash::Sha1 ? OaepHash::Sha256 : OaepHash::Sha1;
      EXPECT_FALSE(key().decrypt(sent, other));
    }
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaOaepTest, WhateverIsWrongGivesNothing) {
  const Bytes sent = oaep_encrypt(key().public_key(), Bytes(32, 1), OaepHash::Sha256);
  for (const std::size_t at : {std::size_t{0}, sent.size() / 2, sent.size() - 1}) {
    Bytes changed = sent;
    changed[at] ^= 1;
    EXPECT_FALSE(key().decrypt(changed, OaepHash::Sha256));
  }
  EXPECT_FALSE(key().decrypt({}, OaepHash::Sha256));
  EXPECT_FALSE(key().decrypt(ByteView(sent).first(255), OaepHash::Sha256));
  Bytes longer = {0};
  append(longer, sent);
  EXPECT_FALSE(key().decrypt(longer, OaepHash::Sha256));
  EXPECT_FALSE(key().decrypt(Bytes(256, 0), OaepHash::Sha256));
  EXPECT_FALSE(key().decrypt(Bytes(256, 0xff), OaepHash::Sha256));  // above the modulus
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaOaepTest, ThePrivateKeySurvivesItsEncoding) {
  const SecretBytes der = key().pkcs8();
  const auto again = OaepPrivateKey::from_pkcs8(der);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->pkcs8() == der);
  EXPECT_EQ(again->public_key(), key().public_key());
  const Bytes sent = oaep_encrypt(key().public_key(), Bytes(16, 2), OaepHash::Sha1);
  EXPECT_TRUE(again->decrypt(sent, OaepHash::Sha1));
}

TEST(RsaOaepTest, OtherEncodingsAreRefused) {
  const auto der = to_bytes(key().pkcs8().expose());
  const auto refused = [](ByteView bytes) {
    const auto read = OaepPrivateKey::from_pkcs8(SecretBytes::copy_of(bytes));
    return !read && read.error().reason == Reason::InvalidArgument;
  };
  EXPECT_TRUE(refused({}));
  for (const std::size_t size : {std::size_t{1}, std::size_t{30}, der.size() - 1}) {
    EXPECT_TRUE(refused(ByteView(der).first(size))) << size;
  }
  Bytes longer = der;
  longer.push_back(0);
  EXPECT_TRUE(refused(longer));
  EXPECT_TRUE(refused(key().public_key()));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
