#include "tke/key_part.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/random.h"
#include "tke/document_for_tests.h"

namespace keyhaven::tke {
namespace {

using crypto::P521PrivateKey;

TEST(KeyPartTest, VerificationPatternOfTheZeroKey) {
  EXPECT_EQ(pattern_text(verification_pattern(SecretBytes(32))),
            "1a7dfdeaffeedac489287e85be5e9c049a2ff6470f55cf30260f5539"
            "00000000");
}

TEST(KeyPartTest, PatternsAreComparedOverTwentyEightBytes) {
  VerificationPattern a{}, b{};
  b[28] = 1;  // old modules do not zero the last four
  EXPECT_TRUE(same_pattern(a, b));
  b[27] = 1;
  EXPECT_FALSE(same_pattern(a, b));
}

TEST(KeyPartTest, PartsCombineByExclusiveOr) {
  SecretBytes a(32), b(32);
  a.expose_mutable()[0] = 0x0F;
  b.expose_mutable()[0] = 0xFF;
  b.expose_mutable()[31] = 1;
  const SecretBytes key = combine_key_parts({&a, &b}).value();
  EXPECT_EQ(key.expose()[0], 0xF0);
  EXPECT_EQ(key.expose()[31], 1);
  const SecretBytes short_part(31);
  EXPECT_FALSE(combine_key_parts({}).has_value());
  EXPECT_FALSE(combine_key_parts({&a, &short_part}).has_value());
  EXPECT_FALSE(
      combine_key_parts(std::vector<const SecretBytes*>(kMaxKeyParts + 1, &a)).has_value());
}

TEST(KeyPartTest, WorkedExampleOfTheDocument) {
  const DocumentExample example(KH_SOURCE_DIR, "tke.md");
  const auto importer =
      P521PrivateKey::from_sec1_der(example.bytes("importer-private-key")).value();
  const auto ephemeral =
      P521PrivateKey::from_sec1_der(example.bytes("ephemeral-private-key")).value();
  const SecretBytes part = SecretBytes::copy_of(example.bytes("part"));
  EXPECT_EQ(pattern_text(key_part_hash(part)), to_hex(example.bytes("part-hash")));
  const Bytes sealed =
      seal_key_part_for_vectors(part, importer.public_key(), ephemeral, example.bytes("ukm"))
          .value();
  EXPECT_EQ(to_hex(sealed), to_hex(example.bytes("recipient-info")));
  EXPECT_TRUE(open_key_part(example.bytes("recipient-info"), importer).value() == part);
}

TEST(KeyPartTest, SealedPartOpensOnlyWithItsImporter) {
  const auto importer = P521PrivateKey::generate();
  const SecretBytes part = crypto::random_secret(32);
  const Bytes sealed = seal_key_part(part, importer.public_key()).value();
  ASSERT_EQ(sealed.size(), kRecipientInfoSize);
  EXPECT_TRUE(open_key_part(sealed, importer).value() == part);
  EXPECT_FALSE(open_key_part(sealed, P521PrivateKey::generate()).has_value());
  EXPECT_NE(sealed, seal_key_part(part, importer.public_key()).value());
  EXPECT_FALSE(seal_key_part(SecretBytes(16), importer.public_key()).has_value());
}

TEST(KeyPartTest, TheOtherFormOfTheImporterIdentifierIsAccepted) {
  const auto importer = P521PrivateKey::generate();
  Bytes sealed = seal_key_part(crypto::random_secret(32), importer.public_key()).value();
  const Ski full = ski_of(importer.public_key().point());
  std::copy(full.begin(), full.end(), sealed.begin() + 239);
  EXPECT_TRUE(open_key_part(sealed, importer).has_value());
}

TEST(KeyPartTest, EveryBitFlipAndTruncationIsRefused) {
  const auto importer = P521PrivateKey::generate();
  const Bytes sealed = seal_key_part(crypto::random_secret(32), importer.public_key()).value();
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 0x01;
    EXPECT_FALSE(open_key_part(changed, importer).has_value()) << i;
    EXPECT_FALSE(open_key_part(ByteView(sealed).first(i), importer).has_value()) << i;
  }
}

RC_GTEST_PROP(KeyPartTest, OpeningArbitraryBytesIsRefused, (const Bytes& bytes)) {
  static const auto importer = P521PrivateKey::generate();
  RC_ASSERT(!open_key_part(bytes, importer).has_value());
}

}  // namespace
}  // namespace keyhaven::tke
