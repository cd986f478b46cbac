#include "unit/secure_import.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "crypto/aes_modes.h"
#include "crypto/random.h"
#include "crypto/rsa_oaep.h"
#include "crypto/secure_import_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::unit {
namespace {

constexpr std::size_t kGcmIv = 12;
constexpr std::size_t kCbcIv = 16;
constexpr OaepHash kHashes[] = {OaepHash::Sha1, OaepHash::Sha256};

crypto::OaepHash crypto_hash(OaepHash hash) {
  return hash == OaepHash::Sha1 ? crypto::OaepHash::Sha1 : crypto::OaepHash::Sha256;
}

// The token as its holder sees it.
struct Token {
  Bytes public_key;
  ImportNonce nonce{};
};

EncryptedMaterial encrypt(const Token& token, ByteView key, OaepHash hash, std::size_t iv_size) {
  Bytes iv(iv_size);
  crypto::random_nonce(iv);
  return {crypto::oaep_encrypt(token.public_key, key, crypto_hash(hash)),
          crypto::aes_encrypt(key, iv, token.nonce), iv, hash};
}

// One pair for all tests: generation is slow.
struct Pair {
  crypto::OaepPrivateKey key = crypto::OaepPrivateKey::generate(2048);
  Token token;
  SecretBytes content;
  Pair() {
    token.public_key = key.public_key();
    crypto::random_nonce(token.nonce);
    content = import_token_content(token.nonce, key.pkcs8());
  }
};
const Pair& pair() {
  static const Pair one;
  return one;
}

std::string outcome(const EncryptedMaterial& material) {
  const auto opened = open_encrypted_material(pair().content, material);
  return opened ? "ok" : std::string(name_of(opened.error().reason));
}

TEST(SecureImportTest, EveryHashCipherAndSizeGivesTheMaterial) {
  for (const OaepHash hash : kHashes) {
    for (const std::size_t iv : {kGcmIv, kCbcIv}) {
      for (const std::size_t size : {16, 24, 32}) {
        const SecretBytes key = crypto::random_secret(size);
        const auto opened =
            open_encrypted_material(pair().content, encrypt(pair().token, key.expose(), hash, iv));
        ASSERT_TRUE(opened) << opened.error().message;
        EXPECT_TRUE(*opened == key);
      }
    }
  }
}

TEST(SecureImportTest, AnotherSizeOfKeyIsTheFieldsMistake) {
  for (const std::size_t size : {0, 1, 15, 17, 31, 33, 64}) {
    EncryptedMaterial material = encrypt(pair().token, Bytes(32, 1), OaepHash::Sha256, kGcmIv);
    material.payload =
        crypto::oaep_encrypt(pair().token.public_key, Bytes(size, 1), crypto::OaepHash::Sha256);
    const auto opened = open_encrypted_material(pair().content, material);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, Reason::InvalidField) << size;
    EXPECT_EQ(opened.error().target, "payload");
  }
}

// Every way in which a request can be wrong, in all four combinations.
TEST(SecureImportTest, EachFailureHasItsReason) {
  using Change = std::function<void(EncryptedMaterial&, ByteView key)>;
  const auto flip = [](Bytes EncryptedMaterial::*field, int at) -> Change {
    return [=](EncryptedMaterial& m, ByteView) {
      Bytes& bytes = m.*field;
      bytes[at < 0 ? bytes.size() - static_cast<std::size_t>(-at) : static_cast<std::size_t>(at)] ^=
          1;
    };
  };
  const auto resize = [](Bytes EncryptedMaterial::*field, std::size_t size) -> Change {
    return [=](EncryptedMaterial& m, ByteView) { (m.*field).resize(size); };
  };
  const auto nonce = [](Bytes text) -> Change {
    return [=](EncryptedMaterial& m, ByteView key) {
      m.encrypted_nonce = crypto::aes_encrypt(key, m.iv, text);
    };
  };
  const auto payload = &EncryptedMaterial::payload;
  const auto sent_nonce = &EncryptedMaterial::encrypted_nonce;
  const auto iv = &EncryptedMaterial::iv;
  const Bytes longer_nonce(13, 5);
  const struct {
    const char* what;
    Change change;
    const char* gcm;
    const char* cbc;
  } rows[] = {
      {"nothing", [](EncryptedMaterial&, ByteView) {}, "ok", "ok"},
      {"payload, first byte", flip(payload, 0), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload, a middle byte", flip(payload, 128), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload, last byte", flip(payload, -1), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload absent", resize(payload, 0), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload short", resize(payload, 255), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload long", resize(payload, 257), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload too long", resize(payload, 513), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"payload in clear", [](EncryptedMaterial& m, ByteView key) { m.payload = to_bytes(key); },
       "IncorrectNonceIv", "IncorrectNonceIv"},
      {"the other hash",
       [](EncryptedMaterial& m, ByteView) {
         m.hash = m.hash == OaepHash::Sha1 ? OaepHash::Sha256 : OaepHash::Sha1;
       },
       "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce, first byte", flip(sent_nonce, 0), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce, last byte", flip(sent_nonce, -1), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce absent", resize(sent_nonce, 0), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce short", resize(sent_nonce, 15), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce too long", resize(sent_nonce, 65), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"nonce under another key",
       [](EncryptedMaterial& m, ByteView) {
         m.encrypted_nonce = crypto::aes_encrypt(Bytes(32, 8), m.iv, pair().token.nonce);
       },
       "IncorrectNonceIv", "IncorrectNonceIv"},
      {"another nonce", nonce(Bytes(12, 5)), "IncorrectNonce", "IncorrectNonce"},
      // CBC proves nothing: only what has the size of a nonce counts as decrypted.
      {"a longer nonce", nonce(longer_nonce), "IncorrectNonce", "IncorrectNonceIv"},
      {"an empty nonce", nonce({}), "IncorrectNonce", "IncorrectNonceIv"},
      {"iv, first byte", flip(iv, 0), "IncorrectNonceIv", "IncorrectNonce"},
      {"iv, last byte", flip(iv, -1), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"iv absent", resize(iv, 0), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"iv of 11 bytes", resize(iv, 11), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"iv of 13 bytes", resize(iv, 13), "IncorrectNonceIv", "IncorrectNonceIv"},
      {"iv of 17 bytes", resize(iv, 17), "IncorrectNonceIv", "IncorrectNonceIv"},
  };
  const SecretBytes key = crypto::random_secret(32);
  for (const auto& row : rows) {
    for (const OaepHash hash : kHashes) {
      EncryptedMaterial by_gcm = encrypt(pair().token, key.expose(), hash, kGcmIv);
      row.change(by_gcm, key.expose());
      EXPECT_EQ(outcome(by_gcm), row.gcm) << row.what;
      EncryptedMaterial by_cbc = encrypt(pair().token, key.expose(), hash, kCbcIv);
      row.change(by_cbc, key.expose());
      EXPECT_EQ(outcome(by_cbc), row.cbc) << row.what;
    }
  }
}

// Not even the text or the target tells a payload that does not decrypt from a nonce that does not.
TEST(SecureImportTest, PayloadAndNonceFailWithOneAnswer) {
  EncryptedMaterial bad_payload = encrypt(pair().token, Bytes(32, 1), OaepHash::Sha1, kCbcIv);
  EncryptedMaterial bad_nonce = bad_payload;
  bad_payload.payload[9] ^= 1;
  bad_nonce.encrypted_nonce[9] ^= 1;
  const Error a = open_encrypted_material(pair().content, bad_payload).error();
  const Error b = open_encrypted_material(pair().content, bad_nonce).error();
  EXPECT_EQ(a.reason, b.reason);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.target, b.target);
}

// A payload that does not decrypt is answered for a key of chance, whose CBC padding is right once
// in 256: that must not show.
TEST(SecureImportTest, ABadPayloadNeverLooksLikeAnotherNonce) {
  EncryptedMaterial material = encrypt(pair().token, Bytes(32, 1), OaepHash::Sha256, kCbcIv);
  material.payload[0] ^= 1;
  for (int i = 0; i < 300; ++i) ASSERT_EQ(outcome(material), "IncorrectNonceIv");
}

RC_GTEST_PROP(SecureImportPropertyTest, ArbitraryMaterialNeverOpens,
              (const Bytes& payload, const Bytes& nonce, const Bytes& iv)) {
  RC_ASSERT(outcome({payload, nonce, iv, OaepHash::Sha1}) == "IncorrectNonceIv");
}

TEST(SecureImportTest, ContentThatIsNoTokenDoesNotOpen) {
  const EncryptedMaterial material = encrypt(pair().token, Bytes(32, 1), OaepHash::Sha256, kGcmIv);
  for (const std::size_t size : {0, 11, 12, 13, 500}) {
    const auto opened = open_encrypted_material(
        SecretBytes::copy_of(pair().content.expose().first(size)), material);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().reason, Reason::DecryptFailed) << size;
  }
}

// With a master key: instance 1, and 2 with an equal one.
class ImportTokenTest : public testing::Test {
 protected:
  ImportTokenTest() {
    const std::vector<SecretBytes> parts = random_parts();
    deployment_.initialise(instance_, administrators_, parts);
    deployment_.initialise(twin_, administrators_, parts);
    unit_.set_import_key_bits(2048);
    made_ = unit_.create_import_token(token_).value();
  }
  EncryptedMaterial material(ByteView key) const {
    return encrypt({made_.public_key, made_.nonce}, key, OaepHash::Sha256, kGcmIv);
  }
  std::string import(const KeyBinding& binding, const KeyBinding& token, const KeyBlob& blob) {
    const auto sealed =
        unit_.import_encrypted_root_key(binding, token, blob, material(Bytes(32, 6)));
    return sealed ? "ok" : std::string(name_of(sealed.error().reason));
  }

  InstanceId instance_ = test_instance(1);
  InstanceId twin_ = test_instance(2);
  Administrators administrators_{2};
  TestDeployment deployment_;
  SoftUnit unit_ = deployment_.make_unit();
  KeyBinding binding_ = test_binding(instance_);
  KeyBinding token_ = test_binding(instance_, 7, 7);
  ImportTokenKey made_;
};

TEST_F(ImportTokenTest, AnImportedKeyIsTheKeyThatWasSent) {
  for (const std::size_t size : {16, 24, 32}) {
    const SecretBytes key = crypto::random_secret(size);
    const auto sealed = unit_.import_encrypted_root_key(binding_, token_, made_.private_key,
                                                        material(key.expose()));
    ASSERT_TRUE(sealed) << sealed.error().message;
    const SealedRootKey plain = unit_.import_root_key(binding_, key).value();
    EXPECT_EQ(sealed->commitment, plain.commitment);
    EXPECT_EQ(sealed->bits, size * 8);
    const SecretBytes dek = crypto::random_secret(32);
    const auto wrapped = unit_.wrap(binding_, sealed->blob, dek, {"a"}).value();
    const auto opened = unit_.unwrap(binding_, plain.blob, wrapped.wrapped_dek, {"a"}, nullptr);
    ASSERT_TRUE(opened);
    EXPECT_TRUE(opened->dek == dek);
  }
}

TEST_F(ImportTokenTest, APairHas4096BitsUnlessATestSaysOtherwise) {
  const auto full = create_import_token(deployment_.table(), token_).value();
  EXPECT_EQ(full.public_key.size(), 550u);
  EXPECT_NE(full.nonce, made_.nonce);
  const EncryptedMaterial sent =
      encrypt({full.public_key, full.nonce}, Bytes(16, 3), OaepHash::Sha1, kCbcIv);
  EXPECT_EQ(sent.payload.size(), kMaxEncryptedMaterialBytes);
  EXPECT_TRUE(unit_.import_encrypted_root_key(binding_, token_, full.private_key, sent));
}

TEST_F(ImportTokenTest, TheBlobOpensForItsTokenOnly) {
  const KeyBlob& blob = made_.private_key;
  EXPECT_EQ(import(binding_, token_, blob), "ok");
  EXPECT_EQ(import(test_binding(instance_, 2, 2), token_, blob), "ok");  // any key of the instance
  EXPECT_EQ(import(binding_, test_binding(instance_, 8, 7), blob), "DecryptFailed");
  EXPECT_EQ(import(binding_, test_binding(instance_, 7, 8), blob), "DecryptFailed");
  EXPECT_EQ(import(test_binding(twin_), test_binding(twin_, 7, 7), blob), "DecryptFailed");
  EXPECT_EQ(import(test_binding(twin_), token_, blob), "DecryptFailed");
  // Nothing else is a token's blob, and a token's blob is nothing else.
  const KeyBlob root = unit_.generate_root_key(token_).value().blob;
  const KeyBlob standard =
      unit_.create_standard_key(token_, SecretBytes::copy_of(Bytes(100, 1))).value();
  EXPECT_EQ(import(binding_, token_, root), "DecryptFailed");
  EXPECT_EQ(import(binding_, token_, standard), "DecryptFailed");
  EXPECT_EQ(import(binding_, token_, {}), "DecryptFailed");
  EXPECT_EQ(unit_.open_standard_key(token_, blob).error().reason, Reason::DecryptFailed);
  EXPECT_EQ(unit_.wrap(token_, blob, {}, {}).error().reason, Reason::DecryptFailed);
}

TEST_F(ImportTokenTest, EveryChangedByteOfTheBlobIsRefused) {
  for (std::size_t i = 0; i < made_.private_key.bytes.size(); i += i < 100 ? 1 : 37) {
    KeyBlob changed = made_.private_key;
    changed.bytes[i] ^= 1;
    const bool is_pattern = i >= 8 && i < 24;  // then it names another master key
    EXPECT_EQ(import(binding_, token_, changed),
              is_pattern ? "InstanceNotInitialized" : "DecryptFailed")
        << i;
  }
  KeyBlob changed = made_.private_key;
  changed.bytes.back() ^= 1;
  EXPECT_EQ(import(binding_, token_, changed), "DecryptFailed");
}

TEST_F(ImportTokenTest, AnInstanceWithoutAMasterKeyHasNoTokens) {
  const InstanceId fresh = test_instance(3);
  const auto made = unit_.create_import_token(test_binding(fresh, 7, 7));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::InstanceNotInitialized);
  EXPECT_EQ(import(test_binding(fresh), test_binding(fresh, 7, 7), made_.private_key),
            "InstanceNotInitialized");
}

}  // namespace
}  // namespace keyhaven::unit
