#include "crypto/rsa.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "crypto/handles.h"
#include "crypto/hash.h"

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

// Signed by OpenSSL directly: we only verify.
Bytes sign_pss(int salt_size) {
  const SecretBytes pem = key().pem();
  const BioPtr bio(BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size())));
  const PkeyPtr pkey(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const MdCtxPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;
  EXPECT_EQ(EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, pkey.get()), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING), 1);
  EXPECT_EQ(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt_size), 1);
  Bytes out(256);
  std::size_t size = out.size();
  const ByteView message = as_bytes("token");
  EXPECT_EQ(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()), 1);
  return out;
}

TEST(RsaTest, PssSignaturesHaveASaltOfTheHashsLength) {
  const Bytes signature = sign_pss(32);
  EXPECT_TRUE(key().public_key().verify_pss_sha256(as_bytes("token"), signature));
  EXPECT_FALSE(key().public_key().verify_pss_sha256(as_bytes("Token"), signature));
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("token"), signature));
  EXPECT_FALSE(key().public_key().verify_pss_sha256(as_bytes("token"), sign_pss(20)));
  EXPECT_FALSE(key().public_key().verify_pss_sha256(as_bytes("token"),
                                                    key().sign_sha256(as_bytes("token"))));
  EXPECT_FALSE(key().public_key().verify_pss_sha256(as_bytes("token"), {}));
  EXPECT_FALSE(RsaPublicKey().verify_pss_sha256(as_bytes("token"), signature));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaTest, X931SignaturesAreTheBlockUnderThePlainOperation) {
  const Bytes signature = key().sign_x931_sha256(as_bytes("block"));
  EXPECT_EQ(signature.size(), 256u);
  EXPECT_TRUE(key().public_key().verify_x931_sha256(as_bytes("block"), signature));
  EXPECT_FALSE(key().public_key().verify_x931_sha256(as_bytes("Block"), signature));
  EXPECT_FALSE(key().public_key().verify_sha256(as_bytes("block"), signature));
  EXPECT_FALSE(key().public_key().verify_x931_sha256(as_bytes("block"),
                                                     key().sign_sha256(as_bytes("block"))));
  for (std::size_t at : {std::size_t{0}, std::size_t{128}, std::size_t{255}}) {
    Bytes changed = signature;
    changed[at] ^= 1;
    EXPECT_FALSE(key().public_key().verify_x931_sha256(as_bytes("block"), changed)) << at;
  }
  Bytes longer = {0};
  append(longer, signature);
  for (const Bytes& other : {Bytes{}, Bytes(256, 0), Bytes(256, 0xFF), longer,
                             Bytes(signature.begin() + 1, signature.end())}) {
    EXPECT_FALSE(key().public_key().verify_x931_sha256(as_bytes("block"), other));
  }
  EXPECT_FALSE(RsaPublicKey().verify_x931_sha256(as_bytes("block"), signature));

  // The block itself, by an independent computation: signature ^ e mod n.
  const auto number = [](const Bytes& bytes) {
    return BnPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  };
  const std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>> context(BN_CTX_new());
  const BnPtr power(BN_new());
  ASSERT_EQ(
      BN_mod_exp(power.get(), number(signature).get(), number(key().public_key().exponent()).get(),
                 number(key().public_key().modulus()).get(), context.get()),
      1);
  Bytes block(256);
  ASSERT_EQ(BN_bn2binpad(power.get(), block.data(), 256), 256);
  const Digest hash = sha256(as_bytes("block"));
  EXPECT_EQ(block[0], 0x6B);
  EXPECT_TRUE(std::all_of(block.begin() + 1, block.begin() + 221,
                          [](std::uint8_t byte) { return byte == 0xBB; }));
  EXPECT_EQ(block[221], 0xBA);
  EXPECT_TRUE(std::equal(hash.begin(), hash.end(), block.begin() + 222));
  EXPECT_EQ(block[254], 0x34);
  EXPECT_EQ(block[255], 0xCC);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(RsaTest, Pkcs1PemRoundTrip) {
  const SecretBytes pem = key().pkcs1_pem();
  EXPECT_TRUE(as_text(pem.expose()).starts_with("-----BEGIN PRIVATE KEY-----\n"));
  const auto read = RsaPrivateKey::from_pkcs1_pem(pem);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->public_key().modulus(), key().public_key().modulus());
  EXPECT_TRUE(RsaPrivateKey::from_pkcs1_pem(key().pem()).has_value());
  EXPECT_FALSE(RsaPrivateKey::from_pkcs1_pem({}).has_value());
  SecretBytes damaged = pem.clone();
  for (std::size_t at : {std::size_t{60}, std::size_t{700}, std::size_t{1200}}) {
    damaged.expose_mutable()[at] = damaged.expose()[at] == 'A' ? 'B' : 'A';
  }
  EXPECT_FALSE(RsaPrivateKey::from_pkcs1_pem(damaged).has_value());
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
