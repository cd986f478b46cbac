// Deleting a key that needs two authorizations (key-management-api.md 7).
#include <gtest/gtest.h>

#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

std::string message_of(const Result<KeyRecordPtr>& result) {
  return result ? "" : result.error().message;
}

class DualAuthTest : public KeyServiceFixture {
 protected:
  static constexpr std::int64_t kWeek = 7 * kDay;
  KeyRecordPtr guarded(KeyKind kind = KeyKind::RootKey) {
    CreateRequest out = request(kind);
    out.overrides.emplace().dual_auth = true;
    return create(std::move(out)).value();
  }
  std::string unset_for_deletion(const KeyRecordPtr& key, const std::string& actor) {
    Change change = a_change(actor);
    const auto result = service.unset_for_deletion(*key, change);
    return result ? (change.recorded ? "ok" : "nothing to do")
                  : std::string(name_of(result.error().reason));
  }
  // The refusal of a deletion by `actor`.
  std::string refusal(const KeyRecordPtr& key, const std::string& actor) {
    Change change = a_change(actor);
    const auto result = service.destroy(*key, Force::Yes, change);
    EXPECT_FALSE(result);
    EXPECT_FALSE(change.recorded);
    EXPECT_EQ(result ? Reason::Internal : result.error().reason, Reason::AuthorizationsNotMet);
    return message_of(result);
  }
  std::string detail(const std::string& name) {
    const auto events = store.events();
    for (const auto& [key, value] : events.back().details) {
      if (key == name) return value;
    }
    return "";
  }
};

TEST_F(DualAuthTest, DeletingTakesTwo) {
  for (const KeyKind kind : {KeyKind::RootKey, KeyKind::StandardKey}) {
    const KeyRecordPtr key = guarded(kind);
    EXPECT_NE(refusal(key, "alice").find("1 prior authorization is missing"), std::string::npos);
    EXPECT_EQ(set_for_deletion(key, "alice"), "ok");
    EXPECT_EQ(now(key)->state, KeyState::Active);
    EXPECT_NE(refusal(key, "alice").find("another user must delete it"), std::string::npos);
    EXPECT_EQ(destroy(key, Force::No, "bob"), "ok");
    EXPECT_FALSE(now(key)->policies().authorization);
    EXPECT_TRUE(needs_dual_auth(*now(key)));
  }
}

TEST_F(DualAuthTest, AnAuthorizationLapsesAfterSevenDays) {
  const KeyRecordPtr key = guarded();
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  clock.advance_seconds(kWeek - 1);
  EXPECT_NE(pending_authorization(*now(key), clock.now()), nullptr);
  clock.advance_seconds(1);
  EXPECT_EQ(pending_authorization(*now(key), clock.now()), nullptr);
  EXPECT_NE(refusal(key, "bob").find("lapsed"), std::string::npos);
  EXPECT_EQ(set_for_deletion(key, "alice"), "ok");
  clock.advance_seconds(kWeek - 1);
  EXPECT_EQ(destroy(key, Force::No, "bob"), "ok");
}

TEST_F(DualAuthTest, ASecondSettingTakesThePlaceOfTheFirst) {
  const KeyRecordPtr key = guarded();
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  clock.advance_seconds(kDay);
  ASSERT_EQ(set_for_deletion(key, "bob"), "ok");
  EXPECT_EQ(now(key)->policies().authorization->by, "bob");
  EXPECT_EQ(now(key)->policies().authorization->lapses, clock.now().plus_seconds(kWeek));
  refusal(key, "bob");
  EXPECT_EQ(destroy(key, Force::No, "alice"), "ok");
}

TEST_F(DualAuthTest, UnsettingTakesTheAuthorizationBack) {
  const KeyRecordPtr key = guarded();
  EXPECT_EQ(unset_for_deletion(key, "alice"), "nothing to do");
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  EXPECT_EQ(unset_for_deletion(key, "bob"), "ok");
  refusal(key, "bob");
}

TEST_F(DualAuthTest, TheEventTellsWhoAuthorizedAndUntilWhen) {
  const KeyRecordPtr key = guarded();
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  const std::string lapses = format_rfc3339(clock.now().plus_seconds(kWeek));
  EXPECT_EQ(detail("responseData.newValue.authID"), "alice");
  EXPECT_EQ(detail("responseData.newValue.authExpiration"), lapses);
  EXPECT_EQ(detail("responseData.initialValue.authID"), "");
  ASSERT_EQ(unset_for_deletion(key, "bob"), "ok");
  EXPECT_EQ(detail("responseData.initialValue.authID"), "alice");
  EXPECT_EQ(detail("responseData.initialValue.authExpiration"), lapses);
  EXPECT_EQ(detail("responseData.newValue.authID"), "");
}

TEST_F(DualAuthTest, OnlyActiveKeysWithThePolicyAreSetForDeletion) {
  const KeyRecordPtr plain = root_key();
  EXPECT_EQ(set_for_deletion(plain, "alice"), "NotDualAuth");
  EXPECT_EQ(unset_for_deletion(plain, "alice"), "NotDualAuth");
  CreateRequest off = request();
  off.overrides.emplace().dual_auth = false;
  EXPECT_EQ(set_for_deletion(create(std::move(off)).value(), "alice"), "NotDualAuth");

  const KeyRecordPtr key = guarded();
  ASSERT_EQ(disable(key), "ok");
  EXPECT_EQ(set_for_deletion(key, "alice"), "KeyActionInvalidState");
  EXPECT_EQ(unset_for_deletion(key, "alice"), "KeyActionInvalidState");
  clock.advance_seconds(30);
  ASSERT_EQ(enable(key), "ok");
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  ASSERT_EQ(disable(key), "ok");
  EXPECT_EQ(destroy(key, Force::No, "bob"), "ok");  // a disabled key stays authorized
  EXPECT_EQ(set_for_deletion(key, "alice"), "KeyDeleted");
}

TEST_F(DualAuthTest, ARestoredKeyNeedsBothAuthorizationsAgain) {
  const KeyRecordPtr key = guarded();
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  ASSERT_EQ(destroy(key, Force::No, "bob"), "ok");
  clock.advance_seconds(30);
  ASSERT_EQ(restore(key), "ok");
  refusal(key, "bob");
}

TEST_F(DualAuthTest, RegistrationsAreAskedOnlyOfTheAuthorized) {
  const KeyRecordPtr key = guarded();
  dependents.current.registrations = 1;
  EXPECT_EQ(destroy(key, Force::No, "bob"), "AuthorizationsNotMet");
  ASSERT_EQ(set_for_deletion(key, "alice"), "ok");
  EXPECT_EQ(destroy(key, Force::No, "bob"), "ProtectedResource");
  EXPECT_EQ(destroy(key, Force::Yes, "bob"), "ok");
}

}  // namespace
}  // namespace keyhaven::keys
