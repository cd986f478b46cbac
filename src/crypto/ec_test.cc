#include "crypto/ec.h"

#include <gtest/gtest.h>

#include "crypto/handles.h"
#include "crypto/p521_encoding.h"

namespace keyhaven::crypto {
namespace {

Bytes hex(std::string_view text) { return from_hex(text).value(); }

// RFC 5903 section 8.3: the 521-bit group.
constexpr char kI[] =
    "0037ADE9319A89F4DABDB3EF411AACCCA5123C61ACAB57B5393DCE47608172A0"
    "95AA85A30FE1C2952C6771D937BA9777F5957B2639BAB072462F68C27A57382D4A52";
constexpr char kGix[] =
    "0015417E84DBF28C0AD3C278713349DC7DF153C897A1891BD98BAB4357C9ECBE"
    "E1E3BF42E00B8E380AEAE57C2D107564941885942AF5A7F4601723C4195D176CED3E";
constexpr char kGiy[] =
    "017CAE20B6641D2EEB695786D8C946146239D099E18E1D5A514C739D7CB4A10A"
    "D8A788015AC405D7799DC75E7B7D5B6CF2261A6A7F1507438BF01BEB6CA3926F9582";
constexpr char kR[] =
    "0145BA99A847AF43793FDD0E872E7CDFA16BE30FDC780F97BCCC3F078380201E"
    "9C677D600B343757A3BDBF2A3163E4C2F869CCA7458AA4A4EFFC311F5CB151685EB9";
constexpr char kGrx[] =
    "00D0B3975AC4B799F5BEA16D5E13E9AF971D5E9B984C9F39728B5E5739735A21"
    "9B97C356436ADC6E95BB0352F6BE64A6C2912D4EF2D0433CED2B6171640012D9460F";
constexpr char kGry[] =
    "015C68226383956E3BD066E797B623C27CE0EAC2F551A10C2C724D9852077B87"
    "220B6536C5C408A1D2AEBB8E86D678AE49CB57091F4732296579AB44FCD17F0FC56A";
constexpr char kGirx[] =
    "01144C7D79AE6956BC8EDB8E7C787C4521CB086FA64407F97894E5E6B2D79B04"
    "D1427E73CA4BAA240A34786859810C06B3C715A3A8CC3151F2BEE417996D19F3DDEA";

P521PrivateKey private_key(std::string_view scalar, std::string_view x, std::string_view y) {
  const Bytes point = hex("04" + std::string(x) + std::string(y));
  P521Point fixed;
  std::copy(point.begin(), point.end(), fixed.begin());
  return std::move(P521PrivateKey::from_sec1_der(p521_sec1(hex(scalar), fixed).expose())).value();
}

TEST(P521Test, EcdhVectorOfRfc5903) {
  const P521PrivateKey initiator = private_key(kI, kGix, kGiy);
  const P521PrivateKey responder = private_key(kR, kGrx, kGry);
  const SecretBytes expected = secret_from_hex(kGirx).value();
  EXPECT_TRUE(initiator.ecdh(responder.public_key()).value() == expected);
  EXPECT_TRUE(responder.ecdh(initiator.public_key()).value() == expected);
}

TEST(P521Test, EcdhRefusesAnEmptyKey) {
  EXPECT_EQ(P521PrivateKey::generate().ecdh(P521PublicKey()).error().reason,
            Reason::InvalidArgument);
}

TEST(P521Test, PointsOffTheCurveAreRefused) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const P521Point& good = key.public_key().point();
  EXPECT_TRUE(P521PublicKey::from_point(good));
  Bytes changed = to_bytes(good);
  changed.back() ^= 1;
  EXPECT_EQ(P521PublicKey::from_point(changed).error().reason, Reason::InvalidArgument);
  changed = to_bytes(good);
  changed[0] = 0x06;  // hybrid form
  EXPECT_FALSE(P521PublicKey::from_point(changed));
  EXPECT_FALSE(P521PublicKey::from_point(ByteView(good).first(132)));
  EXPECT_FALSE(P521PublicKey::from_point({}));
  EXPECT_FALSE(P521PublicKey::from_point(Bytes{0}));  // the point at infinity
  changed.assign(133, 0xff);                          // coordinates above the prime
  changed[0] = 0x04;
  EXPECT_FALSE(P521PublicKey::from_point(changed));
  changed.assign(133, 0);
  changed[0] = 0x04;
  EXPECT_FALSE(P521PublicKey::from_point(changed));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(P521Test, SpkiIsTheFormOfOpenSsl) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const Bytes spki = key.public_key().spki();
  EXPECT_EQ(spki.size(), 158u);
  const std::uint8_t* at = spki.data();
  const PkeyPtr parsed(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(at, spki.data() + spki.size());
  EXPECT_EQ(P521PublicKey::from_spki(spki).value().point(), key.public_key().point());
  for (const std::size_t i : {0u, 5u, 23u, 25u, 40u, 157u}) {
    Bytes changed = spki;
    changed[i] ^= 1;
    EXPECT_FALSE(P521PublicKey::from_spki(changed)) << i;
  }
  EXPECT_FALSE(P521PublicKey::from_spki(ByteView(spki).first(157)));
}

TEST(P521Test, SignaturesVerifyAndChangesDoNot) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const P521PublicKey& open = key.public_key();
  const P521Signature signature = key.sign_sha512(as_bytes("command"));
  EXPECT_TRUE(open.verify_sha512(as_bytes("command"), signature));
  EXPECT_FALSE(open.verify_sha512(as_bytes("Command"), signature));
  P521Signature changed = signature;
  changed.s[65] ^= 1;
  EXPECT_FALSE(open.verify_sha512(as_bytes("command"), changed));
  std::swap(changed.r, changed.s);
  EXPECT_FALSE(open.verify_sha512(as_bytes("command"), changed));
  EXPECT_FALSE(open.verify_sha512(as_bytes("command"), P521Signature{}));
  EXPECT_FALSE(
      P521PrivateKey::generate().public_key().verify_sha512(as_bytes("command"), signature));
  EXPECT_FALSE(P521PublicKey().verify_sha512(as_bytes("command"), signature));
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(P521Test, OnlyTheDerFormOfASignatureIsAccepted) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const P521PublicKey& open = key.public_key();
  const Bytes der = key.sign_sha512_der(as_bytes("m"));
  EXPECT_TRUE(open.verify_sha512_der(as_bytes("m"), der));
  Bytes trailing = der;
  trailing.push_back(0);
  EXPECT_FALSE(open.verify_sha512_der(as_bytes("m"), trailing));
  // SEQUENCE with a length in three bytes where two suffice: BER, not DER.
  ASSERT_EQ(der[1], 0x81);
  Bytes ber = {0x30, 0x82, 0x00};
  append(ber, ByteView(der).subspan(2));
  EXPECT_FALSE(open.verify_sha512_der(as_bytes("m"), ber));
  EXPECT_FALSE(open.verify_sha512_der(as_bytes("m"), {}));
  EXPECT_FALSE(open.verify_sha512_der(as_bytes("m"), Bytes(1'000, 0x30)));
}

TEST(P521Test, PrivateKeysSurviveDerAndBothPemLabels) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const SecretBytes der = key.sec1_der();
  EXPECT_EQ(der.size(), 223u);
  EXPECT_TRUE(P521PrivateKey::from_sec1_der(der.expose()).value().sec1_der() == der);
  const SecretBytes pem = key.pem_labelled_private_key();
  EXPECT_EQ(as_text(pem.expose()).substr(0, 28), "-----BEGIN PRIVATE KEY-----\n");
  EXPECT_TRUE(P521PrivateKey::from_pem(pem.expose()).value().sec1_der() == der);
  const SecretBytes other = to_pem("EC PRIVATE KEY", der.expose());
  EXPECT_TRUE(P521PrivateKey::from_pem(other.expose()).value().sec1_der() == der);
  std::string windows;
  for (const char c : as_text(pem.expose()))
    windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  EXPECT_TRUE(P521PrivateKey::from_pem(as_bytes(windows)).value().sec1_der() == der);
}

TEST(P521Test, OpenSslReadsAndWritesTheSameSec1) {
  const P521PrivateKey key = P521PrivateKey::generate();
  const SecretBytes der = key.sec1_der();
  const std::uint8_t* at = der.expose().data();
  const PkeyPtr parsed(d2i_PrivateKey(EVP_PKEY_EC, nullptr, &at, static_cast<long>(der.size())));
  ASSERT_TRUE(parsed);
  unsigned char* out = nullptr;
  const int size = i2d_PrivateKey(parsed.get(), &out);
  ASSERT_GT(size, 0);
  EXPECT_EQ(to_hex({out, static_cast<std::size_t>(size)}), to_hex(der.expose()));
  OPENSSL_clear_free(out, static_cast<std::size_t>(size));
}

TEST(P521Test, ForeignPrivateKeysAreRefused) {
  const auto refused = [](ByteView der) {
    const auto parsed = P521PrivateKey::from_sec1_der(der);
    return !parsed && parsed.error().reason == Reason::InvalidArgument;
  };
  const P521PrivateKey key = P521PrivateKey::generate();
  const SecretBytes der = key.sec1_der();
  const Bytes good = to_bytes(der.expose());
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(ByteView(good).first(222)));
  Bytes changed = good;
  changed.push_back(0);
  EXPECT_TRUE(refused(changed));  // trailing byte
  changed = good;
  changed[20] ^= 1;  // a scalar that does not belong to the point
  EXPECT_TRUE(refused(changed));
  changed = good;
  std::fill(changed.begin() + 8, changed.begin() + 74, 0);  // the scalar 0
  EXPECT_TRUE(refused(changed));
  // A key of P-256.
  const PkeyPtr other(not_null(EVP_EC_gen("P-256")));
  unsigned char* out = nullptr;
  const int size = i2d_PrivateKey(other.get(), &out);
  EXPECT_TRUE(refused({out, static_cast<std::size_t>(size)}));
  OPENSSL_clear_free(out, static_cast<std::size_t>(size));
  for (const char* text : {"", "-----BEGIN PRIVATE KEY-----\n",
                           "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                           "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n",
                           "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"}) {
    EXPECT_EQ(P521PrivateKey::from_pem(as_bytes(text)).error().reason, Reason::InvalidArgument);
  }
  EXPECT_EQ(ERR_peek_error(), 0u);
}

// RFC 8032 section 7.1, tests 1 to 3.
struct Ed25519Vector {
  const char* seed;
  const char* public_key;
  const char* message;
  const char* signature;
};

TEST(Ed25519Test, VectorsOfRfc8032) {
  constexpr Ed25519Vector kVectors[] = {
      {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
       "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
       "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf"
       "9b46b"
       "d25bf5f0595bbe24655141438e7a100b"},
      {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
       "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
       "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f"
       "11d8c"
       "387b2eaeb4302aeeb00d291612bb0c00"},
      {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
       "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
       "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
       "dc659"
       "4a7c15e9716ed28dc027beceea1ec40a"},
  };
  for (const Ed25519Vector& v : kVectors) {
    const Ed25519PrivateKey key =
        std::move(Ed25519PrivateKey::from_seed(secret_from_hex(v.seed).value())).value();
    EXPECT_EQ(to_hex(key.public_key()), v.public_key);
    EXPECT_EQ(to_hex(key.sign(hex(v.message))), v.signature);
    EXPECT_TRUE(ed25519_verify(hex(v.public_key), hex(v.message), hex(v.signature)));
  }
}

TEST(Ed25519Test, RefusesChangesAndSizes) {
  const Ed25519PrivateKey key = Ed25519PrivateKey::generate();
  const auto signature = key.sign(as_bytes("checkpoint"));
  EXPECT_TRUE(ed25519_verify(key.public_key(), as_bytes("checkpoint"), signature));
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto changed = signature;
    changed[i] ^= 1;
    EXPECT_FALSE(ed25519_verify(key.public_key(), as_bytes("checkpoint"), changed)) << i;
  }
  EXPECT_FALSE(ed25519_verify(key.public_key(), as_bytes("checkpoin"), signature));
  EXPECT_FALSE(
      ed25519_verify(key.public_key(), as_bytes("checkpoint"), ByteView(signature).first(63)));
  EXPECT_FALSE(
      ed25519_verify(ByteView(key.public_key()).first(31), as_bytes("checkpoint"), signature));
  EXPECT_EQ(Ed25519PrivateKey::from_seed(SecretBytes(31)).error().reason, Reason::InvalidArgument);
  const auto again = Ed25519PrivateKey::from_seed(key.seed());
  EXPECT_EQ(again.value().public_key(), key.public_key());
  EXPECT_EQ(ERR_peek_error(), 0u);
}

}  // namespace
}  // namespace keyhaven::crypto
