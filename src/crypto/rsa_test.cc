#include "crypto/rsa.h"

#include <gtest/gtest.h>

#include "crypto/handles.h"

namespace keyhaven::crypto {
namespace {

// One key for all tests: generation is slow.
const RsaPrivateKey& key() {
  static const RsaPrivateKey one = RsaPrivateKey::generate_2048();
  return one;
}

TEST(RsaTest, SignsAndVerifies) {
  const Bytes signature = key().sign_sha256(as_bytes("token"));
  EXPECT_EQ(signature.size(), 256u);
  EXPECT_TRUE(key().public_key().verify_sha256(as_bytes("token"), signature));
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("Token"), signature));
  Bytes changed = signature;
  changed[100] ^= 1;
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("token"), changed));
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("token"), ByteView(signature).first(255)));
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("token"), {}));
  EXPECT_FALSE(RsaPublicKey().verify_sha256(as_bytes("token"), signature));
  EXPECT_EQ(key().sign_sha256(as_bytes("token")), signature);  // PKCS#1 v1.5 is deterministic
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaTest, PublicKeySurvivesItsComponents) {
  const Bytes n = key().public_key().modulus();
  const Bytes e = key().public_key().exponent();
  EXPECT_EQ(n.size(), 256u);
  EXPECT_EQ(to_hex(e), "010001");
  const RsaPublicKey copy = RsaPublicKey::from_components(n, e).value();
  EXPECT_TRUE(copy.verify_sha256(as_bytes("t"), key().sign_sha256(as_bytes("t"))));
  Bytes padded = {0};
  append(padded, n);
  EXPECT_EQ(RsaPublicKey::from_components(padded, e).value().modulus(), n);
}

TEST(RsaTest, RefusesBadComponents) {
  const Bytes n = key().public_key().modulus();
  const Bytes e = {1, 0, 1};
  const auto refused = [](ByteView modulus, ByteView exponent) {
    const auto made = RsaPublicKey::from_components(modulus, exponent);
    return !made && made.error().reason == Reason::InvalidArgument;
  };
  EXPECT_TRUE(refused({}, e));
  EXPECT_TRUE(refused(n, {}));
  EXPECT_TRUE(refused(n, Bytes{0}));
  EXPECT_TRUE(refused(n, Bytes{1}));
  EXPECT_TRUE(refused(n, Bytes{4}));
  EXPECT_TRUE(refused(n, Bytes(9, 1)));
  EXPECT_TRUE(refused(ByteView(n).first(255), e));  // 2040 bits
  Bytes even = n;
  even.back() = static_cast<std::uint8_t>(even.back() & 0xFE);
  EXPECT_TRUE(refused(even, e));
  EXPECT_TRUE(refused(Bytes(2'000, 0xFF), e));
}

TEST(RsaTest, PrivateKeySurvivesPem) {
  const SecretBytes pem = key().pem();
  EXPECT_EQ(as_text(pem.expose()).substr(0, 28), "-----BEGIN PRIVATE KEY-----\n");
  const RsaPrivateKey again = std::move(RsaPrivateKey::from_pem(pem)).value();
  EXPECT_EQ(again.sign_sha256(as_bytes("x")), key().sign_sha256(as_bytes("x")));
}

TEST(RsaTest, ForeignPemIsRefused) {
  for (const char* text :
       {"", "no pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        // Must not ask the terminal for its password.
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"}) {
    EXPECT_EQ(RsaPrivateKey::from_pem(SecretBytes::copy_of(text)).error().reason,
              Reason::InvalidArgument);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
