#include "token/token.h"

#include "crypto/aes_modes.h"
#include "crypto/cmac.h"
#include "crypto/random.h"
#include "token/module.h"
#include "token/softhsm_for_tests.h"

namespace keyhaven::token {
namespace {

class TokenTest : public TokenFixture {
 protected:
  // An object that others made, behind the Token's back.
  void create_raw_aes(const Token& token, const std::string& label, bool extractable,
                      std::size_t size, bool may_encrypt) {
    ASSERT_EQ(token.health().state, TokenState::Ready);  // logged in, so we are too
    const CK_FUNCTION_LIST& f = shim_.functions();
    CK_ULONG count = 64;
    std::vector<CK_SLOT_ID> slots(count);
    ASSERT_EQ(f.C_GetSlotList(CK_TRUE, slots.data(), &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info{};
      ASSERT_EQ(f.C_GetTokenInfo(slots[i], &info), CKR_OK);
      if (field_text(info.label) != label_) continue;
      CK_SESSION_HANDLE session = 0;
      ASSERT_EQ(f.C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                &session),
                CKR_OK);
      CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
      CK_KEY_TYPE type = CKK_AES;
      CK_BBOOL yes = CK_TRUE;
      CK_BBOOL no = CK_FALSE;
      Bytes value(size, 7);
      CK_ATTRIBUTE attributes[] = {
          {CKA_CLASS, &object_class, sizeof object_class},
          {CKA_KEY_TYPE, &type, sizeof type},
          {CKA_TOKEN, &yes, 1},
          {CKA_PRIVATE, &yes, 1},
          {CKA_SENSITIVE, &yes, 1},
          {CKA_EXTRACTABLE, extractable ? &yes : &no, 1},
          {CKA_ENCRYPT, may_encrypt ? &yes : &no, 1},
          {CKA_SIGN, &no, 1},
          {CKA_LABEL, const_cast<char*>(label.data()), label.size()},
          {CKA_VALUE, value.data(), value.size()},
      };
      CK_OBJECT_HANDLE object = 0;
      ASSERT_EQ(f.C_CreateObject(session, attributes, std::size(attributes), &object), CKR_OK);
      ASSERT_EQ(f.C_CloseSession(session), CKR_OK);
    }
  }
};

TEST_F(TokenTest, OpensByLabelAndBySerialAndSaysWhatItIs) {
  std::string serial;
  {
    const Token token = open();
    EXPECT_EQ(token.facts().label, label_);
    EXPECT_EQ(token.facts().manufacturer, "SoftHSM project");
    EXPECT_FALSE(token.facts().library.empty());
    EXPECT_EQ(token.health().state, TokenState::Ready);
    serial = token.facts().serial;
  }
  const auto by_serial =
      Token::open({KH_TOKEN_SHIM, {}, serial}, SecretBytes::copy_of(kPin), options());
  ASSERT_TRUE(by_serial) << by_serial.error().message;
  EXPECT_EQ(by_serial->facts().label, label_);
  const auto mismatch =
      Token::open({KH_TOKEN_SHIM, label_, "0000"}, SecretBytes::copy_of(kPin), options());
  ASSERT_FALSE(mismatch);
  EXPECT_EQ(mismatch.error().reason, Reason::NotFound);
}

TEST_F(TokenTest, RefusesWhatIsNoTokenBeforeAnyLogin) {
  struct Case {
    TokenChoice choice;
    Reason reason;
    std::string_view says;
  };
  const std::string libc = "/usr/lib/x86_64-linux-gnu/libz.so.1";
  const Case cases[] = {
      {{"libsofthsm2.so", label_, {}}, Reason::InvalidArgument, "not absolute"},
      {{"/nowhere/libp11.so", label_, {}}, Reason::InvalidArgument, "cannot open"},
      {{libc, label_, {}}, Reason::InvalidArgument, "C_GetFunctionList"},
      {{KH_TOKEN_SHIM, "no such token", {}}, Reason::NotFound, label_},
      {{KH_TOKEN_SHIM, {}, {}}, Reason::InvalidArgument, "label or its serial"},
  };
  const unsigned long before = shim_.calls("C_Login");
  for (const Case& each : cases) {
    const auto token = Token::open(each.choice, SecretBytes::copy_of(kPin), options());
    ASSERT_FALSE(token) << each.says;
    EXPECT_EQ(token.error().reason, each.reason) << token.error().message;
    EXPECT_NE(token.error().message.find(each.says), std::string::npos) << token.error().message;
  }
  EXPECT_EQ(shim_.calls("C_Login"), before);
}

TEST_F(TokenTest, TwoTokensOfOneLabelAreToldApartBySerial) {
  SoftHsmDirectory::get().make_token(label_);
  const auto token = open(kPin, options());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().reason, Reason::Conflict);
  EXPECT_NE(token.error().message.find("serial"), std::string::npos);
}

TEST_F(TokenTest, AMissingMechanismIsNamedBeforeAnyLogin) {
  const struct {
    const char* plan;
    std::string_view says;
  } cases[] = {{"hide 0x1087", "CKM_AES_GCM"},
               {"hide 0x108a", "CKM_AES_CMAC"},
               {"hide 0x1081", "CKM_AES_ECB"},
               {"hide 0x1041", "CKM_ECDSA"}};
  const unsigned long before = shim_.calls("C_Login");
  for (const auto& each : cases) {
    shim_.plan(each.plan);
    const auto token = open(kPin, options());
    ASSERT_FALSE(token) << each.says;
    EXPECT_EQ(token.error().reason, Reason::NotSupported);
    EXPECT_NE(token.error().message.find(each.says), std::string::npos) << token.error().message;
  }
  EXPECT_EQ(shim_.calls("C_Login"), before);
  shim_.plan("hide 0x1087");
  TokenOptions modest = options();
  modest.needs = {.aes_cmac = true};
  EXPECT_TRUE(open(kPin, modest));
}

TEST_F(TokenTest, OptionsHaveLimits) {
  const auto refused = [&](auto change) {
    TokenOptions bad = options();
    change(bad);
    const auto token = open(kPin, bad);
    return !token && token.error().reason == Reason::InvalidArgument;
  };
  EXPECT_TRUE(refused([](TokenOptions& o) { o.sessions = 0; }));
  EXPECT_TRUE(refused([](TokenOptions& o) { o.sessions = 65; }));
  EXPECT_TRUE(refused([](TokenOptions& o) { o.lost_threads = 0; }));
  EXPECT_TRUE(refused([](TokenOptions& o) { o.call_deadline = std::chrono::milliseconds(9); }));
  EXPECT_TRUE(refused([](TokenOptions& o) { o.call_deadline = std::chrono::minutes(11); }));
  EXPECT_TRUE(refused([](TokenOptions& o) { o.first_pause = std::chrono::seconds(9); }));
}

TEST_F(TokenTest, ImportedKeysComputeWhatTheirBytesDo) {
  Token token = open();
  const SecretBytes key = crypto::random_secret(kAesKeySize);
  const auto mac = token.import_aes_key({"mac", {}}, AesUse::Mac, key);
  ASSERT_TRUE(mac) << mac.error().message;
  EXPECT_EQ(mac->label, "mac");
  EXPECT_EQ(mac->id.size(), 16U);
  for (const std::size_t size : {0U, 1U, 16U, 17U, 1000U}) {
    const Bytes data(size, 0x5a);
    const auto tag = token.aes_cmac(*mac, data);
    ASSERT_TRUE(tag) << tag.error().message;
    EXPECT_EQ(*tag, crypto::aes256_cmac(key, data)) << size;
  }
  ASSERT_TRUE(token.import_aes_key({"block", {1, 2}}, AesUse::Block, key));
  const Bytes block(16, 9);
  EXPECT_EQ(token.aes_ecb_block({{}, {1, 2}}, block).value(), crypto::aes256_block(key, block));
  EXPECT_FALSE(token.aes_ecb_block({{}, {1, 2}}, Bytes(15)));

  ASSERT_TRUE(token.import_aes_key({"seal", {}}, AesUse::Seal, key));
  const auto sealed = token.seal({"seal", {}}, SecretBytes::copy_of("secret"), {});
  ASSERT_TRUE(sealed) << sealed.error().message;
  const ByteView view(*sealed);
  EXPECT_EQ(view.size(), 6 + kSealOverhead);
  const auto opened = crypto::aes_gcm_decrypt(key, view.first(12), view.subspan(12));
  ASSERT_TRUE(opened);
  EXPECT_EQ(*opened, SecretBytes::copy_of("secret"));
}

TEST_F(TokenTest, WhereCreateObjectIsForbiddenTheKeyIsUnwrapped) {
  Token token = open();
  const SecretBytes key = crypto::random_secret(kAesKeySize);
  for (const CK_RV rv : {CKR_TEMPLATE_INCONSISTENT, CKR_ATTRIBUTE_VALUE_INVALID,
                         CKR_ACTION_PROHIBITED, CKR_FUNCTION_NOT_SUPPORTED}) {
    shim_.plan("C_CreateObject 1 fail " + std::to_string(rv));
    const auto name = token.import_aes_key({"key" + std::to_string(rv), {}}, AesUse::Mac, key);
    ASSERT_TRUE(name) << name.error().message;
    EXPECT_EQ(shim_.fired(), 1U);
    EXPECT_EQ(token.aes_cmac(*name, as_bytes("x")).value(),
              crypto::aes256_cmac(key, as_bytes("x")));
  }
}

TEST_F(TokenTest, SealedBytesOpenOnlyUnalteredWithTheirAad) {
  Token token = open();
  ASSERT_TRUE(token.generate_aes_key({"k", {}}, AesUse::Seal));
  ASSERT_TRUE(token.generate_aes_key({"other", {}}, AesUse::Seal));
  for (const std::size_t size : {0U, 1U, 32U, 7000U}) {
    SecretBytes plaintext = crypto::random_secret(size);
    const Bytes aad(20, 3);
    const Bytes sealed = token.seal({"k", {}}, plaintext, aad).value();
    const auto opened = token.unseal({"k", {}}, sealed, aad);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, plaintext);
    for (const std::size_t at : {std::size_t{0}, std::size_t{12}, sealed.size() - 1}) {
      Bytes altered = sealed;
      altered[at] ^= 1;
      const auto refused = token.unseal({"k", {}}, altered, aad);
      ASSERT_FALSE(refused);
      EXPECT_EQ(refused.error().reason, Reason::DecryptFailed) << refused.error().message;
    }
    EXPECT_EQ(token.unseal({"k", {}}, sealed, Bytes(20, 4)).error().reason, Reason::DecryptFailed);
    EXPECT_EQ(token.unseal({"other", {}}, sealed, aad).error().reason, Reason::DecryptFailed);
  }
  EXPECT_EQ(token.unseal({"k", {}}, Bytes(27), {}).error().reason, Reason::DecryptFailed);
  EXPECT_EQ(token.seal({"k", {}}, SecretBytes(kLargestInput + 1), {}).error().reason,
            Reason::InvalidArgument);
  // A refusal is no loss of the token.
  EXPECT_EQ(token.health().state, TokenState::Ready);
  EXPECT_TRUE(alarms().empty());
}

TEST_F(TokenTest, NamesAreUniqueAndFoundWhole) {
  Token token = open();
  const KeyName name = token.generate_aes_key({"a", {1}}, AesUse::Mac).value();
  EXPECT_EQ(token.find_aes_key({{}, {1}}, AesUse::Mac)->label, "a");
  EXPECT_EQ(token.find_aes_key({"a", {}}, AesUse::Mac)->id, Bytes{1});
  EXPECT_EQ(token.find_aes_key({"a", {2}}, AesUse::Mac).error().reason, Reason::NotFound);
  EXPECT_EQ(token.find_aes_key({"b", {}}, AesUse::Mac).error().reason, Reason::NotFound);
  EXPECT_EQ(token.find_aes_key({{}, {}}, AesUse::Mac).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(token.find_aes_key({std::string(65, 'x'), {}}, AesUse::Mac).error().reason,
            Reason::InvalidArgument);
  for (const KeyName& taken : {KeyName{"a", {2}}, KeyName{"b", {1}}}) {
    EXPECT_EQ(token.generate_aes_key(taken, AesUse::Mac).error().reason, Reason::AlreadyExists);
    EXPECT_EQ(token.import_aes_key(taken, AesUse::Mac, SecretBytes(32)).error().reason,
              Reason::AlreadyExists);
  }
  EXPECT_TRUE(token.destroy_aes_key({"a", {}}));
  EXPECT_EQ(token.destroy_aes_key({"a", {}}).error().reason, Reason::NotFound);
  EXPECT_EQ(token.aes_cmac(name, {}).error().reason, Reason::NotFound);
}

TEST_F(TokenTest, KeysThatCouldLeaveOrServeAnotherUseAreRefused) {
  Token token = open();
  create_raw_aes(token, "extractable", true, 32, true);
  create_raw_aes(token, "short", false, 16, true);
  create_raw_aes(token, "idle", false, 32, false);
  create_raw_aes(token, "twice", false, 32, true);
  create_raw_aes(token, "twice", false, 32, true);
  const struct {
    const char* label;
    AesUse use;
    std::string_view says;
  } cases[] = {{"extractable", AesUse::Seal, "CKA_EXTRACTABLE"},
               {"short", AesUse::Seal, "16 bytes"},
               {"idle", AesUse::Seal, "CKA_ENCRYPT"},
               {"idle", AesUse::Mac, "CKA_SIGN"},
               {"twice", AesUse::Seal, "several"}};
  for (const auto& each : cases) {
    const auto found = token.find_aes_key({each.label, {}}, each.use);
    ASSERT_FALSE(found) << each.label;
    EXPECT_EQ(found.error().reason, Reason::Conflict);
    EXPECT_NE(found.error().message.find(each.says), std::string::npos) << found.error().message;
  }
}

TEST_F(TokenTest, SignatureKeysSignForTheirPublicKey) {
  Token token = open();
  EXPECT_TRUE(token.signature_keys()->empty());
  const SignatureKey key = token.generate_signature_key({"admin", {}}).value();
  EXPECT_EQ(token.generate_signature_key({"admin", {}}).error().reason, Reason::AlreadyExists);
  const SignatureKey other = token.generate_signature_key({"admin 2", {}}).value();
  EXPECT_NE(key.public_key.point(), other.public_key.point());
  const auto all = token.signature_keys().value();
  ASSERT_EQ(all.size(), 2U);
  const auto found = token.find_signature_key({"admin", {}});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->public_key.point(), key.public_key.point());
  EXPECT_EQ(found->name.id, key.name.id);

  const auto signature = token.sign_sha512({{}, key.name.id}, as_bytes("message"));
  ASSERT_TRUE(signature) << signature.error().message;
  EXPECT_TRUE(key.public_key.verify_sha512_der(as_bytes("message"), signature->der()));
  EXPECT_FALSE(other.public_key.verify_sha512(as_bytes("message"), *signature));

  EXPECT_EQ(token.sign_sha512({"nobody", {}}, {}).error().reason, Reason::NotFound);
  EXPECT_TRUE(token.destroy_signature_key({"admin", {}}));
  EXPECT_EQ(token.signature_keys()->size(), 1U);
  EXPECT_EQ(token.destroy_signature_key({"admin", {}}).error().reason, Reason::NotFound);
}

TEST_F(TokenTest, RandomBytesComeInTheSizeAskedFor) {
  Token token = open();
  const SecretBytes a = token.random(32).value();
  EXPECT_EQ(a.size(), 32U);
  EXPECT_FALSE(a == token.random(32).value());
  EXPECT_EQ(token.random(0).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(token.random(kLargestRandom + 1).error().reason, Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::token
