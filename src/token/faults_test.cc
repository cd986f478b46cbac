// What a token does to us: wrong PINs, lost sessions, failing and hanging calls, at every call of a
// scripted run.
#include <algorithm>
#include <thread>

#include "crypto/cmac.h"
#include "crypto/random.h"
#include "token/ckr.h"
#include "token/softhsm_for_tests.h"

namespace keyhaven::token {
namespace {

using namespace std::chrono_literals;

class FaultsTest : public TokenFixture {
 protected:
  void SetUp() override {
    TokenFixture::SetUp();
    logins_before_ = shim_.calls("C_Login");
  }
  unsigned long logins() const { return shim_.calls("C_Login") - logins_before_; }
  unsigned long logins_before_ = 0;
};

TEST_F(FaultsTest, AWrongPinIsTriedExactlyOnce) {
  const auto token = open("999999", options());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().reason, Reason::Unauthenticated);
  EXPECT_NE(token.error().message.find("CKR_PIN_INCORRECT"), std::string::npos);
  EXPECT_EQ(token.error().message.find("999999"), std::string::npos);
  EXPECT_EQ(logins(), 1U);
  ASSERT_EQ(alarms().size(), 1U);
  EXPECT_EQ(alarms().front().find("999999"), std::string::npos);
}

TEST_F(FaultsTest, ATokenAtItsLastTryOrLockedIsNotTriedAtAll) {
  const struct {
    const char* plan;
    std::string_view says;
  } cases[] = {{"flags 0x20000", "CKF_USER_PIN_FINAL_TRY"},
               {"flags 0x40000", "CKF_USER_PIN_LOCKED"}};
  for (const auto& each : cases) {
    shim_.plan(each.plan);
    const auto token = open(kPin, options());
    ASSERT_FALSE(token);
    EXPECT_EQ(token.error().reason, Reason::Unauthenticated);
    EXPECT_NE(token.error().message.find(each.says), std::string::npos) << token.error().message;
  }
  EXPECT_EQ(logins(), 0U);
}

TEST_F(FaultsTest, APinRefusedWhileHealingIsNeverTriedAgain) {
  Token token = open();
  EXPECT_EQ(logins(), 1U);
  shim_.plan("C_GenerateRandom 1 lose\nC_Login 1+ fail 0xa0");
  for (int i = 0; i < 20; ++i) {
    const auto random = token.random(8);
    ASSERT_FALSE(random);
    EXPECT_EQ(random.error().reason, Reason::UnitUnavailable);
    EXPECT_NE(random.error().message.find("CKR_PIN_INCORRECT"), std::string::npos);
    std::this_thread::sleep_for(3ms);  // longer than the longest pause
  }
  EXPECT_EQ(logins(), 2U);
  EXPECT_EQ(token.health().state, TokenState::PinRefused);
  // Only a new open, that is a person, tries again, even when the token would agree.
  shim_.plan("");
  EXPECT_FALSE(token.random(8));
  EXPECT_EQ(logins(), 2U);
  EXPECT_TRUE(open().random(8));
}

TEST_F(FaultsTest, AnUnclearLoginFailureIsTriedThreeTimesAtMost) {
  Token token = open();
  shim_.plan("C_GenerateRandom 1 lose\nC_Login 1+ fail 0x5");
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(token.random(8));
    std::this_thread::sleep_for(3ms);
  }
  EXPECT_EQ(logins(), 4U);
  EXPECT_EQ(token.health().state, TokenState::PinRefused);
}

TEST_F(FaultsTest, LostSessionsHealWithOneLogin) {
  Token token = open();
  ASSERT_TRUE(token.generate_aes_key({"k", {}}, AesUse::Mac));
  const SecretBytes before = token.aes_cmac({"k", {}}, as_bytes("x")).value();
  shim_.plan("C_SignInit 1 lose");
  const auto after = token.aes_cmac({"k", {}}, as_bytes("x"));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ(*after, before);
  EXPECT_EQ(shim_.fired(), 1U);
  EXPECT_EQ(logins(), 2U);
  EXPECT_EQ(alarms().size(), 2U);  // lost, answers again
  EXPECT_EQ(token.health().state, TokenState::Ready);
}

TEST_F(FaultsTest, OneClosedSessionNeedsNoLogin) {
  Token token = open();
  shim_.plan("C_GenerateRandom 1 fail 0xb3");
  EXPECT_TRUE(token.random(8));
  EXPECT_EQ(logins(), 1U);
}

TEST_F(FaultsTest, WhileTheTokenStaysAwayCallsAnswerAtOnceAndItIsTriedAfterPauses) {
  TokenOptions slow = options();
  slow.first_pause = 1h;
  slow.longest_pause = 1h;
  Token token = std::move(open(kPin, slow)).value();
  shim_.plan("* 1+ fail 0xe0");
  EXPECT_FALSE(token.random(8));
  const unsigned long calls = shim_.calls("C_GetSlotList");
  for (int i = 0; i < 10; ++i) {
    const auto random = token.random(8);
    ASSERT_FALSE(random);
    EXPECT_NE(random.error().message.find("CKR_TOKEN_NOT_PRESENT"), std::string::npos);
  }
  EXPECT_EQ(shim_.calls("C_GetSlotList"), calls);
  EXPECT_EQ(token.health().state, TokenState::Lost);
  shim_.plan("");  // so that the module can be finalised
}

TEST_F(FaultsTest, ATokenThatComesBackIsUsedAgain) {
  Token token = open();
  shim_.plan("* 1+ fail 0x30");
  EXPECT_FALSE(token.random(8));
  shim_.plan("");
  std::this_thread::sleep_for(3ms);  // the longest pause of these options
  EXPECT_TRUE(token.random(8));
  EXPECT_EQ(token.health().state, TokenState::Ready);
}

TEST_F(FaultsTest, AModuleThatWasFinalisedIsInitialisedAgain) {
  Token token = open();
  ASSERT_EQ(shim_.functions().C_Finalize(nullptr), CKR_OK);
  const auto random = token.random(8);
  EXPECT_TRUE(random) << random.error().message;
  EXPECT_EQ(logins(), 2U);
}

TEST_F(FaultsTest, AHangingCallAnswersAtItsDeadlineAndOthersGoOn) {
  TokenOptions quick = options();
  quick.call_deadline = 300ms;
  quick.sessions = 2;
  Token token = std::move(open(kPin, quick)).value();
  ASSERT_TRUE(token.generate_aes_key({"k", {}}, AesUse::Mac));
  shim_.plan("C_Sign 1 hang");
  const auto hung = token.aes_cmac({"k", {}}, as_bytes("x"));
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().reason, Reason::UnitUnavailable);
  EXPECT_NE(hung.error().message.find("300 ms"), std::string::npos);
  EXPECT_TRUE(token.random(8));
  EXPECT_EQ(token.health().state, TokenState::Ready);
  shim_.plan("");
  EXPECT_TRUE(token.aes_cmac({"k", {}}, as_bytes("x")));
}

TEST_F(FaultsTest, TooManyHangingCallsAreAHungTokenUntilOneReturns) {
  TokenOptions quick = options();
  quick.call_deadline = 100ms;
  quick.lost_threads = 2;
  Token token = std::move(open(kPin, quick)).value();
  shim_.plan("C_GenerateRandom 1+ hang");
  EXPECT_FALSE(token.random(8));
  EXPECT_FALSE(token.random(8));
  EXPECT_EQ(token.health().state, TokenState::Hung);
  const unsigned long calls = shim_.calls("C_GenerateRandom");
  const auto at_once = token.random(8);
  ASSERT_FALSE(at_once);
  EXPECT_NE(at_once.error().message.find("hang"), std::string::npos);
  EXPECT_EQ(shim_.calls("C_GenerateRandom"), calls);
  shim_.plan("");
  while (token.health().state == TokenState::Hung) std::this_thread::yield();
  EXPECT_TRUE(token.random(8));
}

TEST_F(FaultsTest, ACallerThatGaveUpFindsNoKeyMadeBehindItsBack) {
  TokenOptions quick = options();
  quick.call_deadline = 200ms;
  quick.sessions = 2;
  Token token = std::move(open(kPin, quick)).value();
  shim_.plan("C_FindObjectsInit 1 hang");
  EXPECT_FALSE(token.generate_aes_key({"k", {}}, AesUse::Mac));
  const unsigned long made = shim_.calls("C_GenerateKey");
  shim_.plan("");
  // The lost call goes on now, and stops before it changes anything.
  EXPECT_EQ(token.find_aes_key({"k", {}}, AesUse::Mac).error().reason, Reason::NotFound);
  EXPECT_EQ(shim_.calls("C_GenerateKey"), made);
}

TEST_F(FaultsTest, OpenWaitsForAHangingModuleNoLongerThanItsDeadline) {
  TokenOptions quick = options();
  quick.call_deadline = 100ms;
  shim_.plan("C_Login 1 hang");
  const auto token = open(kPin, quick);
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().reason, Reason::UnitUnavailable);
  shim_.plan("");
}

TEST_F(FaultsTest, ALostAnswerOfAChangeIsNotRepeated) {
  Token token = open();
  shim_.plan("C_GenerateKey 1 after 0x30");
  const auto made = token.generate_aes_key({"k", {}}, AesUse::Mac);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().reason, Reason::UnitUnavailable);
  shim_.plan("");
  EXPECT_TRUE(token.find_aes_key({"k", {}}, AesUse::Mac));  // it was made, once
  EXPECT_EQ(token.generate_aes_key({"k", {}}, AesUse::Mac).error().reason, Reason::AlreadyExists);
}

// Every call of a run fails once, in every way; then everything is as if nothing had happened.
class EveryCallFails : public FaultsTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // An answer is right, or it says that the token is away.
  template <class T, class F>
  static bool right_or_away(const Result<T>& answer, const F& is_right) {
    if (answer) {
      EXPECT_TRUE(is_right(*answer));
      return true;
    }
    EXPECT_EQ(answer.error().reason, Reason::UnitUnavailable) << answer.error().message;
    EXPECT_EQ(answer.error().message.find(kPin), std::string::npos);
    return false;
  }

  void prepare(Token& token) {
    ASSERT_TRUE(token.import_aes_key({"mac", {}}, AesUse::Mac, key_));
    ASSERT_TRUE(token.import_aes_key({"seal", {}}, AesUse::Seal, key_));
    admin_ = token.generate_signature_key({"admin", {}}).value();
    sealed_ = token.seal({"seal", {}}, secret_, as_bytes("aad")).value();
  }

  // The run. Returns whether the import succeeded.
  bool run(Token& token, const std::string& made) {
    right_or_away(token.aes_cmac({"mac", {}}, as_bytes("x")), [&](const SecretBytes& mac) {
      return mac == crypto::aes256_cmac(key_, as_bytes("x"));
    });
    right_or_away(token.unseal({"seal", {}}, sealed_, as_bytes("aad")),
                  [&](const SecretBytes& opened) { return opened == secret_; });
    sealed_in_run_.clear();
    right_or_away(token.seal({"seal", {}}, secret_, {}), [&](const Bytes& sealed) {
      sealed_in_run_ = sealed;
      return true;
    });
    right_or_away(token.sign_sha512({"admin", {}}, as_bytes("m")),
                  [&](const crypto::P521Signature& signature) {
                    return admin_.public_key.verify_sha512(as_bytes("m"), signature);
                  });
    right_or_away(token.signature_keys(),
                  [](const std::vector<SignatureKey>& keys) { return keys.size() == 1; });
    return right_or_away(token.import_aes_key({made, {}}, AesUse::Mac, key_),
                         [](const KeyName&) { return true; });
  }

  // With the fault gone everything answers, and what the run left behind is whole.
  void check_afterwards(Token& token, const std::string& made, bool imported) {
    const auto mac = token.aes_cmac({"mac", {}}, as_bytes("x"));
    ASSERT_TRUE(mac) << mac.error().message;
    if (!sealed_in_run_.empty()) {
      EXPECT_EQ(token.unseal({"seal", {}}, sealed_in_run_, {}).value(), secret_);
    }
    const auto there = token.aes_cmac({made, {}}, as_bytes("y"));
    if (there) {
      EXPECT_EQ(*there, crypto::aes256_cmac(key_, as_bytes("y")));
      EXPECT_TRUE(token.destroy_aes_key({made, {}}));
    } else {
      EXPECT_EQ(there.error().reason, Reason::NotFound) << there.error().message;
      EXPECT_FALSE(imported);
    }
  }

  const SecretBytes key_ = crypto::random_secret(kAesKeySize);
  const SecretBytes secret_ = SecretBytes::copy_of("plaintext");
  SignatureKey admin_;
  Bytes sealed_;
  Bytes sealed_in_run_;
};

TEST_P(EveryCallFails, NoWrongResultAndNoWrongLogin) {
  Token token = open();
  prepare(token);
  unsigned long n = 1;
  for (bool fired = true; fired; ++n) {
    SCOPED_TRACE("call " + std::to_string(n));
    ASSERT_LT(n, 500U);
    shim_.plan("* " + std::to_string(n) + " " + GetParam());
    const std::string made = "made" + std::to_string(n);
    const bool imported = run(token, made);
    fired = shim_.fired() > 0;
    shim_.plan("");
    std::this_thread::sleep_for(3ms);  // the longest pause of these options
    check_afterwards(token, made, imported);
    if (HasFailure()) return;
  }
  RecordProperty("calls", static_cast<int>(n));
  EXPECT_GT(n, 60U);
  EXPECT_LE(logins(), 1 + n);  // at most one for each fault
  EXPECT_EQ(token.health().state, TokenState::Ready);
}

INSTANTIATE_TEST_SUITE_P(Ways, EveryCallFails,
                         ::testing::Values("fail 0xb3",   // CKR_SESSION_HANDLE_INVALID
                                           "fail 0xb0",   // CKR_SESSION_CLOSED
                                           "fail 0x101",  // CKR_USER_NOT_LOGGED_IN
                                           "fail 0x32",   // CKR_DEVICE_REMOVED
                                           "fail 0x30",   // CKR_DEVICE_ERROR
                                           "fail 0xe0",   // CKR_TOKEN_NOT_PRESENT
                                           "fail 0x60",   // CKR_KEY_HANDLE_INVALID
                                           "fail 0x5",    // CKR_GENERAL_ERROR
                                           "fail 0x80000001", "after 0x30", "after 0xb0", "lose"),
                         [](const auto& way) {
                           std::string name = way.param;
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

TEST_F(FaultsTest, SeveralThreadsLoseTheTokenTogetherAndHealOnce) {
  TokenOptions wide = options();
  wide.sessions = 4;
  Token token = std::move(open(kPin, wide)).value();
  const SecretBytes key = crypto::random_secret(kAesKeySize);
  ASSERT_TRUE(token.import_aes_key({"mac", {}}, AesUse::Mac, key));
  const SecretBytes expected = crypto::aes256_cmac(key, as_bytes("x"));
  shim_.plan("C_Sign 100 lose\nC_Sign 200 lose\nC_Sign 300 lose");
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int j = 0; j < 150; ++j) {
        const auto mac = token.aes_cmac({"mac", {}}, as_bytes("x"));
        if (mac) {
          EXPECT_EQ(*mac, expected);
        } else {
          EXPECT_EQ(mac.error().reason, Reason::UnitUnavailable) << mac.error().message;
        }
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(shim_.fired(), 3U);
  EXPECT_LE(logins(), 1U + 3U);
  EXPECT_EQ(token.health().state, TokenState::Ready);
}

}  // namespace
}  // namespace keyhaven::token
