#include "tke/key_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/file.h"
#include "crypto/random.h"

namespace keyhaven::tke {
namespace {

using crypto::P521PrivateKey;

SecretBytes password(std::string_view text = "correct horse") { return SecretBytes::copy_of(text); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(SignatureKeyFileTest, RoundTrip) {
  const auto key = P521PrivateKey::generate();
  const std::string text = encode_signature_key(key, "Alice", password()).value();
  const auto info = inspect_signature_key(text).value();
  EXPECT_EQ(info.name, "Alice");
  EXPECT_EQ(info.ski, ski_of(key.public_key().point()));
  const auto opened = decode_signature_key(text, password()).value();
  EXPECT_EQ(opened.public_key().point(), key.public_key().point());
}

// Written with Python (hashlib, cryptography) as the notes describe it, without a name, as the
// official client's files.
TEST(SignatureKeyFileTest, AFileOfAnotherImplementationOpens) {
  const std::string text =
      R"({"enckey": "78377b525757b494427f8901655c99e28b2a8f75a1ddac0a31effe7c845b1fa3aa2bef621e06b79af42512fc46286743107a78f84a0336cad46bea01350c63f5c276f08484b49b9629e3e281de698dea5de02216b6ad7f7d44fc95dd00e52b4f0ee493dd3f199863e02e5473d718f4a6d8222efb74655b87dbc730a1b0af5b3fa2998277396ea37aeb1f649b9230235da534b72f8f52ebac1c50e4e206663345168b8670caacb98b6d5ac12c5e0e21b135e8409b2d885b5f855d4dc14a4b5a7db3cd43870abfb8dc848cdcad2206f399cfd4e947b402e972e265de301d12108cf2618cd0d550212019a75f60e11381b381daf36d0b0b2c986c2cfc090a38e78d61d3530d3be491e8a0ffbcb0e33656969d77a0f73607ad36a42497244e8ebb46a071894ca2b71b9fae6809cc844c85dbab0d05ebfb320e08b4c53ea5b1648a3bf24cac9d5dd1462559a2bb268aedf38892898a7702a4b328c6d188291815c84b2df43fd0d7a0cd525c26494a0e341140e7d36f8faf1168f62a6e410e4d355a246c0d63", "seaSalt": "63479ad69a090b258277ec8fba6f99419a2ffb248981510657c944ccd1148e97", "ski": "795f1239094c3dfb2ab7bdbdb2ad6791408e6af1b65b9d81dec1522b70b869d6", "keyType": "p521ec"})";
  EXPECT_EQ(inspect_signature_key(text)->name, "");
  const auto key = decode_signature_key(text, password("foreign password"));
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_EQ(inspect_signature_key(text)->ski, ski_of(key->public_key().point()));
}

TEST(SignatureKeyFileTest, WrongPasswordIsDecryptFailed) {
  const std::string text =
      encode_signature_key(P521PrivateKey::generate(), "Alice", password()).value();
  const auto opened = decode_signature_key(text, password("wrong horse"));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().reason, Reason::DecryptFailed);
}

TEST(SignatureKeyFileTest, AKeyOfAnotherIdentifierIsRefused) {
  const auto key = P521PrivateKey::generate();
  const std::string text = encode_signature_key(key, "Alice", password()).value();
  const std::string ski = to_hex(ski_of(key.public_key().point()));
  std::string other = ski;
  other[0] = other[0] == '0' ? '1' : '0';
  EXPECT_EQ(decode_signature_key(replaced(text, ski, other), password()).error().reason,
            Reason::InvalidArgument);
}

TEST(SignatureKeyFileTest, RefusesWhatIsNoSuchFile) {
  const std::string good =
      encode_signature_key(P521PrivateKey::generate(), "Alice", password()).value();
  const std::string kCases[] = {
      "",
      "[]",
      "{",
      R"({"keyType":"p521ec","ski":5})",
      R"({"keyType":"p521ec"})",
      replaced(good, "p521ec", ""),
      replaced(good, "p521ec", "keyhaven-key-share"),
      replaced(good, "\"ski\":\"", "\"ski\":\"zz"),
      std::string(kMaxKeyFileBytes + 1, ' '),
      encode_key_part(SecretBytes(32), "part", password()).value(),
  };
  for (const std::string& text : kCases) {
    EXPECT_FALSE(inspect_signature_key(text).has_value()) << text.substr(0, 60);
    EXPECT_FALSE(decode_signature_key(text, password()).has_value()) << text.substr(0, 60);
  }
}

// As old installations have them: another keyType, PKCS#1 in the sealed PEM.
std::string rsa_key_file(const crypto::RsaPrivateKey& key) {
  StringFields fields = {{"keyType", "rsa2048"}, {"ski", to_hex(ski_of(key.public_key()))}};
  EXPECT_TRUE(
      seal_fields(fields, key.pkcs1_pem(), password(), PasswordKey::Pbkdf2With4096Rounds, {}));
  return write_string_fields(fields).value();
}

TEST(SignatureKeyFileTest, AnRsaKeyOfAnOldInstallationSigns) {
  const auto key = crypto::RsaPrivateKey::generate_2048();
  const std::string text = rsa_key_file(key);
  EXPECT_EQ(inspect_signature_key(text)->type, SignatureKeyType::Rsa);
  const auto signer = open_signature_key(text, password());
  ASSERT_TRUE(signer.has_value()) << signer.error().message;
  EXPECT_EQ((*signer)->ski(), ski_of(key.public_key()));
  const Bytes message = {1, 2, 3};
  EXPECT_TRUE((*signer)->key().verify(message, SignatureAlgorithm::RsaX931Sha256,
                                      (*signer)->sign(message).value()));
  EXPECT_EQ(open_signature_key(text, password("wrong horse")).error().reason,
            Reason::DecryptFailed);
  EXPECT_EQ(decode_signature_key(text, password()).error().reason, Reason::NotSupported);
  const auto other = crypto::RsaPrivateKey::generate_2048();
  const std::string swapped =
      replaced(text, to_hex(ski_of(key.public_key())), to_hex(ski_of(other.public_key())));
  EXPECT_EQ(open_signature_key(swapped, password()).error().reason, Reason::InvalidArgument);
}

TEST(SignatureKeyFileTest, ATypeThatIsNotTheKeysIsRefused) {
  const std::string good =
      encode_signature_key(P521PrivateKey::generate(), "Alice", password()).value();
  EXPECT_EQ(inspect_signature_key(good)->type, SignatureKeyType::P521);
  EXPECT_TRUE(open_signature_key(good, password()).has_value());
  const std::string rsa = replaced(good, "p521ec", "rsa2048");
  EXPECT_EQ(open_signature_key(rsa, password()).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(decode_rsa_signature_key(good, password()).error().reason, Reason::NotSupported);
}

TEST(SignatureKeyFileTest, NamesAndPasswordsHaveLimits) {
  const auto key = P521PrivateKey::generate();
  EXPECT_FALSE(encode_signature_key(key, "", password()).has_value());
  EXPECT_FALSE(encode_signature_key(key, std::string(31, 'x'), password()).has_value());
  EXPECT_FALSE(encode_signature_key(key, "\xFF\xFE", password()).has_value());
  EXPECT_FALSE(encode_signature_key(key, "Alice", password("short")).has_value());
  EXPECT_TRUE(encode_signature_key(key, "Alice", password("sixsix")).has_value());
}

TEST(KeyPartFileTest, RoundTrip) {
  const SecretBytes part = crypto::random_secret(32);
  const std::string text = encode_key_part(part, "first half", password()).value();
  const auto info = inspect_key_part(text).value();
  EXPECT_EQ(info.description, "first half");
  EXPECT_EQ(info.pattern, key_part_hash(part));
  EXPECT_TRUE(decode_key_part(text, password()).value() == part);
  EXPECT_EQ(text.find(to_hex(part.expose())), std::string::npos);
}

TEST(KeyPartFileTest, Refusals) {
  const std::string text = encode_key_part(crypto::random_secret(32), "", password()).value();
  EXPECT_EQ(decode_key_part(text, password("wrong horse")).error().reason, Reason::DecryptFailed);
  EXPECT_FALSE(encode_key_part(SecretBytes(31), "", password()).has_value());
  EXPECT_FALSE(encode_key_part(SecretBytes(32), std::string(129, 'x'), password()).has_value());
  EXPECT_FALSE(encode_key_part(SecretBytes(32), "", password("short")).has_value());
  EXPECT_FALSE(
      inspect_key_part(encode_signature_key(P521PrivateKey::generate(), "A", password()).value())
          .has_value());
}

RC_GTEST_PROP(KeyFileTest, ReadersAreTotal, (const std::string& text)) {
  RC_ASSERT(!decode_signature_key(text, password()).has_value());
  RC_ASSERT(!decode_key_part(text, password()).has_value());
}

// docs/protocols/key-files.md.
TEST(KeyFileTest, TheDocumentsExamplesOpen) {
  const std::string directory = std::string(KH_SOURCE_DIR) + "/docs/protocols/";
  const Bytes page = read_file(directory + "key-files.md", 1 << 16).value();
  const Bytes key_file = read_file(directory + "examples/example.sigkey", kMaxKeyFileBytes).value();
  const Bytes part_file =
      read_file(directory + "examples/example.mkpart", kMaxKeyFileBytes).value();
  const SecretBytes password = SecretBytes::copy_of(std::string_view("example password"));

  const auto key = decode_signature_key(as_text(key_file), password);
  ASSERT_TRUE(key.has_value()) << key.error().message;
  EXPECT_NE(as_text(page).find(to_hex(ski_of(key->public_key().point()))), std::string_view::npos);

  const auto part = decode_key_part(as_text(part_file), password);
  ASSERT_TRUE(part.has_value()) << part.error().message;
  EXPECT_NE(as_text(page).find(pattern_text(verification_pattern(*part))), std::string_view::npos);
}

}  // namespace
}  // namespace keyhaven::tke
