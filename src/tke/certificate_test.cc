#include "tke/certificate.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "crypto/hash.h"
#include "tke/oa_certificate.h"

namespace keyhaven::tke {
namespace {

using crypto::P521PrivateKey;

const LocalSigner& signer() {
  static const LocalSigner made(P521PrivateKey::generate());
  return made;
}

TEST(AdministratorCertificateTest, LayoutIsThatOfTheNotes) {
  const Bytes certificate = make_administrator_certificate("Alice", signer()).value();
  EXPECT_GE(certificate.size(), 566u);
  EXPECT_LE(certificate.size(), 568u);
  const ByteView tbs = ByteView(certificate).subspan(4, 409);
  EXPECT_EQ(to_hex(tbs.first(4)), "30820195");
  const std::string padded = "Alice" + std::string(25, ' ');
  EXPECT_EQ(as_text(tbs.subspan(66, 30)), padded);
  EXPECT_EQ(as_text(tbs.subspan(174, 30)), padded);
  EXPECT_EQ(tbs[228], 0);
  const auto& point = signer().public_key().point();
  EXPECT_TRUE(std::equal(point.begin(), point.end(), tbs.begin() + 229));
  EXPECT_EQ(to_hex(tbs.subspan(377, 32)), to_hex(signer().ski()));
}

TEST(AdministratorCertificateTest, ParsesToNameKeyAndIdentifier) {
  const Bytes der = make_administrator_certificate("Zoë O'Neil", signer()).value();
  const auto parsed = parse_administrator_certificate(der);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->name, "Zoë O'Neil");
  EXPECT_EQ(parsed->ski, signer().ski());
  EXPECT_EQ(parsed->key.p521()->point(), signer().public_key().point());
  EXPECT_EQ(parsed->der, der);
}

TEST(AdministratorCertificateTest, NamesHaveOneToThirtyBytes) {
  EXPECT_TRUE(make_administrator_certificate(std::string(30, 'x'), signer()).has_value());
  for (const std::string& name :
       {std::string(), std::string(31, 'x'), std::string("a\nb"), std::string("a ")}) {
    const auto made = make_administrator_certificate(name, signer());
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().reason, Reason::InvalidField);
  }
}

TEST(AdministratorCertificateTest, AForeignIdentifierIsRefused) {
  Bytes der = make_administrator_certificate("Alice", signer()).value();
  der[4 + 377] ^= 1;
  EXPECT_FALSE(parse_administrator_certificate(der).has_value());
}

TEST(AdministratorCertificateTest, EveryTruncationAndTrailingByteIsRefused) {
  Bytes der = make_administrator_certificate("Alice", signer()).value();
  for (std::size_t size = 0; size < der.size(); ++size) {
    EXPECT_FALSE(parse_administrator_certificate(ByteView(der).first(size)).has_value()) << size;
  }
  der.push_back(0);
  EXPECT_FALSE(parse_administrator_certificate(der).has_value());
  EXPECT_FALSE(parse_administrator_certificate(Bytes(kMaxCertificateBytes + 1, 0x30)).has_value());
}

// --- RSA-2048 keys of older installations ---

const RsaSigner& rsa_signer() {
  static const RsaSigner made(crypto::RsaPrivateKey::generate_2048());
  return made;
}

TEST(RsaAdministratorTest, TheCertificateHasTheSameStructure) {
  const Bytes der = make_administrator_certificate("Old key", rsa_signer()).value();
  const auto parsed = parse_administrator_certificate(der);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->name, "Old key");
  EXPECT_EQ(parsed->key.algorithm(), SignatureAlgorithm::RsaX931Sha256);
  EXPECT_EQ(parsed->key.p521(), nullptr);
  EXPECT_EQ(parsed->ski, rsa_signer().ski());
  // The identifier by hand: SHA-256 over SEQUENCE { n, e }, which the certificate holds too.
  const Bytes spki = rsa_signer().key().spki();
  const Bytes head = from_hex("30820122300d06092a864886f70d01010105000382010f00").value();
  ASSERT_EQ(spki.size(), head.size() + 270);
  EXPECT_TRUE(std::equal(head.begin(), head.end(), spki.begin()));
  EXPECT_EQ(crypto::sha256(ByteView(spki).subspan(head.size())), parsed->ski);
  // A wrong self-signature, as the SDK makes it: over nothing.
  Bytes unsigned_der = der;
  unsigned_der.back() ^= 1;
  EXPECT_TRUE(parse_administrator_certificate(unsigned_der).has_value());
}

TEST(RsaAdministratorTest, OtherSizesAndExponentsAreRefused) {
  const Bytes spki = rsa_signer().key().spki();
  const auto refused = [&](auto edit) {
    Bytes changed = spki;
    edit(changed);
    EXPECT_FALSE(AdministratorKey::from_spki(changed).has_value());
  };
  ASSERT_TRUE(AdministratorKey::from_spki(spki).has_value());
  refused([](Bytes& b) { b.back() = 3; });         // exponent 65539
  refused([](Bytes& b) { b[33] &= 0x7F; });        // 2047 bits
  refused([](Bytes& b) { b[32] = 1; });            // 2049 bits
  refused([](Bytes& b) { b[b.size() - 6] = 0; });  // an even modulus
  refused([](Bytes& b) { b.pop_back(); });
  refused([](Bytes& b) { b.push_back(0); });
}

TEST(RsaAdministratorTest, BothKindsSignTheSameBlock) {
  const Bytes block = {1, 2, 3};
  const Bytes der = sign_block(block, {&rsa_signer(), &signer()}).value();
  const auto infos = parse_signer_infos(der);
  ASSERT_TRUE(infos.has_value());
  ASSERT_EQ(infos->size(), 2u);
  const SignerInfo& old = (*infos)[0];
  EXPECT_EQ(old.algorithm, SignatureAlgorithm::RsaX931Sha256);
  EXPECT_EQ(old.signature.size(), 256u);
  EXPECT_EQ((*infos)[1].algorithm, SignatureAlgorithm::EcdsaSha512);
  EXPECT_TRUE(rsa_signer().key().verify(block, old.algorithm, old.signature));
  EXPECT_FALSE(rsa_signer().key().verify(block, SignatureAlgorithm::EcdsaSha512, old.signature));
  EXPECT_FALSE(signer().key().verify(block, old.algorithm, old.signature));
  EXPECT_FALSE(AdministratorKey().verify(block, SignatureAlgorithm::EcdsaSha512, {}));
  // Algorithms of the two kinds do not mix, and an RSA signature has one size.
  EXPECT_EQ(to_hex(ByteView(der).subspan(4 + 3 + 34, 30)),
            "300d06096086480165030402010500300d06092a864886f70d0101010500");
  Bytes mixed = der;
  mixed[4 + 3 + 34 + 12] = 3;  // sha512
  EXPECT_FALSE(parse_signer_infos(mixed).has_value());
  SignerInfo shorter = old;
  shorter.signature.pop_back();
  EXPECT_FALSE(parse_signer_infos(encode(shorter)).has_value());
}

RC_GTEST_PROP(AdministratorCertificateTest, DamagedCertificatesNeverBreakTheParser, ()) {
  static const Bytes good = make_administrator_certificate("Alice", signer()).value();
  Bytes der = good;
  for (int i = 0; i < 3; ++i) {
    der[*rc::gen::inRange<std::size_t>(0, der.size())] = *rc::gen::arbitrary<std::uint8_t>();
  }
  const auto parsed = parse_administrator_certificate(der);
  if (parsed) RC_ASSERT(parsed->ski == parsed->key.ski());
}

TEST(SignerInfoTest, SeveralSignaturesRoundTripAndVerify) {
  const LocalSigner second(P521PrivateKey::generate());
  const Bytes block = {1, 2, 3};
  const Bytes der = sign_block(block, {&signer(), &second}).value();
  const auto infos = parse_signer_infos(der);
  ASSERT_TRUE(infos.has_value());
  ASSERT_EQ(infos->size(), 2u);
  EXPECT_EQ((*infos)[0].ski, signer().ski());
  EXPECT_EQ((*infos)[1].ski, second.ski());
  EXPECT_TRUE(second.public_key().verify_sha512_der(block, (*infos)[1].signature));
  EXPECT_FALSE(second.public_key().verify_sha512_der(block, (*infos)[0].signature));
}

TEST(SignerInfoTest, LayoutIsThatOfTheNotes) {
  SignerInfo info;
  info.ski.fill(0xAA);
  info.signature = {0x30, 0x00};
  EXPECT_EQ(to_hex(encode(info)),
            "3046020103"
            "8020" +
                std::string(64, 'a') +
                "300d06096086480165030402030500"
                "300c06082a8648ce3d0403040500"
                "04023000");
}

TEST(SignerInfoTest, MoreThanTheLimitIsRefused) {
  const Signers many(kMaxSigners + 1, &signer());
  EXPECT_EQ(sign_block(Bytes{1}, many).error().reason, Reason::TooLarge);
  Bytes der;
  for (std::size_t i = 0; i <= kMaxSigners; ++i) append(der, encode(SignerInfo{{}, {1}}));
  EXPECT_EQ(parse_signer_infos(der).error().reason, Reason::TooLarge);
}

class OaChainTest : public testing::Test {
 protected:
  P521PrivateKey root_key_ = P521PrivateKey::generate();
  P521PrivateKey module_key_ = P521PrivateKey::generate();
  AttestationRoot root_ = AttestationRoot::of(root_key_.public_key());
  Bytes certificate_ = make_oa_certificate(module_key_.public_key(), "KHTEST01", root_key_);
};

TEST_F(OaChainTest, LayoutIsThatOfTheNotes) {
  EXPECT_EQ(certificate_.size(), 584u);
  EXPECT_EQ(to_hex(ByteView(certificate_).first(32)),
            "45000005"
            "00000248"
            "00000004"
            "000000ad"
            "00000000"
            "0000009e"
            "000000cf"
            "00000000");
  EXPECT_EQ(to_hex(ByteView(certificate_).subspan(40 + 87, 32)),
            to_hex(ski_of(module_key_.public_key().point())));
  EXPECT_EQ(to_hex(ByteView(certificate_).subspan(40 + 121, 32)), to_hex(root_.ski));
}

TEST_F(OaChainTest, AChainToThePinnedRootVerifies) {
  const auto key = verify_chain({certificate_}, root_);
  ASSERT_TRUE(key.has_value());
  EXPECT_EQ(key->point(), module_key_.public_key().point());
  EXPECT_EQ(parse_oa_certificate(certificate_)->serial_number, "KHTEST01");
}

TEST_F(OaChainTest, AnIntermediateIsFollowed) {
  const P521PrivateKey middle = P521PrivateKey::generate();
  const Bytes leaf = make_oa_certificate(module_key_.public_key(), "KHTEST01", middle);
  const Bytes issuer = make_oa_certificate(middle.public_key(), "", root_key_);
  EXPECT_TRUE(verify_chain({leaf, issuer}, root_).has_value());
  EXPECT_FALSE(verify_chain({leaf}, root_).has_value());
  EXPECT_FALSE(verify_chain({issuer, leaf}, root_).has_value());
}

TEST_F(OaChainTest, AnotherRootIsRefused) {
  const auto other = AttestationRoot::of(P521PrivateKey::generate().public_key());
  const auto key = verify_chain({certificate_}, other);
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().reason, Reason::Forbidden);
  // Claiming the root's identifier does not help without its key.
  AttestationRoot mixed = other;
  mixed.ski = root_.ski;
  EXPECT_FALSE(verify_chain({certificate_}, mixed).has_value());
}

TEST_F(OaChainTest, SelfSignedEmptyAndEndlessChainsAreRefused) {
  const Bytes self_signed = make_oa_certificate(root_key_.public_key(), "", root_key_);
  EXPECT_FALSE(verify_chain({self_signed}, root_).has_value());
  EXPECT_FALSE(verify_chain({}, root_).has_value());
  EXPECT_FALSE(
      verify_chain(std::vector<Bytes>(kMaxOaChainLength + 1, certificate_), root_).has_value());
}

TEST_F(OaChainTest, EverySignedByteCounts) {
  for (std::size_t i = 0; i < certificate_.size() - 1;
       ++i) {  // the last byte is padding after the signature
    Bytes changed = certificate_;
    changed[i] ^= 0x01;
    const bool unsigned_gap = i >= 376 && !(i >= 376 + 8 && i < 376 + 40) &&
                              !(i >= 376 + 73 && i < 376 + 139) &&
                              !(i >= 376 + 141 && i < 376 + 207);
    EXPECT_EQ(verify_chain({changed}, root_).has_value(), unsigned_gap) << i;
  }
}

TEST_F(OaChainTest, RootTextRoundTrips) {
  const auto parsed = AttestationRoot::parse("# pinned\n\n" + root_.text());
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->ski, root_.ski);
  EXPECT_EQ(parsed->key.point(), root_.key.point());
  std::string wrong = root_.text();
  wrong[5] = wrong[5] == '0' ? '1' : '0';
  for (const std::string& text :
       {std::string(), wrong, root_.text() + root_.text(), root_.text().substr(70),
        root_.text() + "Z: 00\n", std::string(5000, 'X')}) {
    EXPECT_FALSE(AttestationRoot::parse(text).has_value()) << text.substr(0, 40);
  }
}

RC_GTEST_PROP(OaCertificateTest, ParserIsTotal, (Bytes bytes)) {
  (void)parse_oa_certificate(bytes);
  bytes.insert(bytes.begin(), 0x45);
  (void)parse_oa_certificate(bytes);
}

}  // namespace
}  // namespace keyhaven::tke
