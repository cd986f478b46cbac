// Keys that a token lets out, on SoftHSM.
#include "token/softhsm_for_tests.h"

namespace keyhaven::token {
namespace {

class OwnerMaterial : public TokenFixture {
 protected:
  // Puts a secret key into the token as its owner would have, behind our client's back.
  void put(const std::string& label, const Bytes& value, bool sensitive, bool extractable,
           CK_KEY_TYPE type = CKK_AES) {
    const CK_FUNCTION_LIST& p11 = shim_.functions();
    CK_SLOT_ID slots[64];
    CK_ULONG count = 64;
    ASSERT_EQ(p11.C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; ++i) {
      CK_TOKEN_INFO info;
      ASSERT_EQ(p11.C_GetTokenInfo(slots[i], &info), CKR_OK);
      std::string name(reinterpret_cast<const char*>(info.label), sizeof info.label);
      name.erase(name.find_last_not_of(' ') + 1);
      if (name != label_) continue;
      CK_SESSION_HANDLE session = 0;
      ASSERT_EQ(p11.C_OpenSession(slots[i], CKF_SERIAL_SESSION | CKF_RW_SESSION, nullptr, nullptr,
                                  &session),
                CKR_OK);
      CK_OBJECT_CLASS object_class = CKO_SECRET_KEY;
      CK_BBOOL yes = CK_TRUE, is_sensitive = sensitive, is_extractable = extractable;
      Bytes bytes = value;
      std::string text = label;
      CK_ATTRIBUTE attributes[] = {{CKA_CLASS, &object_class, sizeof object_class},
                                   {CKA_KEY_TYPE, &type, sizeof type},
                                   {CKA_TOKEN, &yes, sizeof yes},
                                   {CKA_PRIVATE, &yes, sizeof yes},
                                   {CKA_SENSITIVE, &is_sensitive, sizeof is_sensitive},
                                   {CKA_EXTRACTABLE, &is_extractable, sizeof is_extractable},
                                   {CKA_LABEL, text.data(), text.size()},
                                   {CKA_VALUE, bytes.data(), bytes.size()}};
      CK_OBJECT_HANDLE handle = 0;
      ASSERT_EQ(p11.C_CreateObject(session, attributes, 8, &handle), CKR_OK);
      ASSERT_EQ(p11.C_CloseSession(session), CKR_OK);
      return;
    }
    FAIL() << "no such token";
  }
};

TEST_F(OwnerMaterial, ReadsWhatIsMadeToLeave) {
  Token token = open();
  for (const std::size_t size : {16, 24, 32}) {
    const std::string number = std::to_string(size);
    const Bytes value(size, static_cast<std::uint8_t>(size));
    put("open " + number, value, false, true);
    put("wrapped " + number, value, true, true);
    for (const char* kind : {"open ", "wrapped "}) {
      const auto out = token.take_out({kind + number, {}});
      ASSERT_TRUE(out) << kind << number << ": " << out.error().message;
      EXPECT_EQ(to_bytes(out->expose()), value);
    }
  }
  put("generic", Bytes(32, 7), false, true, CKK_GENERIC_SECRET);
  EXPECT_TRUE(token.take_out({"generic", {}}));
}

TEST_F(OwnerMaterial, RefusesWhatIsNotAndSaysWhy) {
  Token token = open();
  put("kept", Bytes(32, 1), true, false);
  put("long", Bytes(64, 1), false, true, CKK_GENERIC_SECRET);
  put("short", Bytes(8, 1), false, true, CKK_GENERIC_SECRET);
  put("twice", Bytes(32, 1), false, true);
  put("twice", Bytes(32, 2), false, true);
  const std::tuple<const char*, Reason, const char*> cases[] = {
      {"kept", Reason::Forbidden, "never leaves the token"},
      {"long", Reason::Conflict, "16, 24 or 32 bytes"},
      {"short", Reason::Conflict, "16, 24 or 32 bytes"},
      {"twice", Reason::Conflict, "several keys match"},
      {"nobody", Reason::NotFound, "no secret key"},
      {"", Reason::InvalidArgument, ""},
  };
  for (const auto& [label, reason, words] : cases) {
    const auto out = token.take_out({label, {}});
    ASSERT_FALSE(out) << label;
    EXPECT_EQ(out.error().reason, reason) << label << ": " << out.error().message;
    EXPECT_NE(out.error().message.find(words), std::string::npos) << out.error().message;
  }
}

}  // namespace
}  // namespace keyhaven::token
