// What a change of policies comes to; how it looks on the wire is tested in http/.
#include "keys/key_policies.h"

#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

class KeyPoliciesTest : public KeyServiceFixture {
 protected:
  static PolicyUpdate rotation(std::optional<std::int64_t> months,
                               std::optional<bool> enabled = std::nullopt) {
    PolicyUpdate update;
    update.rotation = PolicyUpdate::Rotation{enabled, months};
    return update;
  }
  static PolicyUpdate dual_auth(bool enabled) {
    PolicyUpdate update;
    update.dual_auth = enabled;
    return update;
  }
  std::string set(const KeyRecordPtr& key, const PolicyUpdate& update,
                  const std::string& actor = "iam-ServiceId-1") {
    return outcome([&](Change& change) { return service.set_policies(*now(key), update, change); },
                   actor);
  }
};

TEST_F(KeyPoliciesTest, IntervalsAreOneToTwelveMonths) {
  const KeyRecordPtr key = root_key();
  for (const std::int64_t months : {-1, 0, 13, 256, 257}) {
    const auto refused = updated_policies(*key, rotation(months), "A", clock.now());
    ASSERT_FALSE(refused) << months;
    EXPECT_EQ(refused.error().reason, Reason::InvalidField);
    EXPECT_EQ(refused.error().target, "interval_month");
  }
  for (const std::int64_t months : {1, 12}) {
    EXPECT_EQ(updated_policies(*key, rotation(months), "A", clock.now())->rotation->interval_months,
              months);
  }
}

TEST_F(KeyPoliciesTest, EnabledAloneKeepsTheStoredInterval) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(set(key, rotation(std::nullopt, true)), "InvalidField");
  EXPECT_EQ(set(key, rotation(5)), "ok");
  EXPECT_EQ(set(key, rotation(std::nullopt, false)), "ok");
  EXPECT_FALSE(now(key)->policies().rotation->enabled);
  EXPECT_EQ(now(key)->policies().rotation->interval_months, 5);
  EXPECT_EQ(set(key, rotation(6)), "ok");  // nothing said about enabled: on
  EXPECT_TRUE(now(key)->policies().rotation->enabled);
}

TEST_F(KeyPoliciesTest, APolicyKeepsWhoMadeItAndTellsWhoChangedIt) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(set(key, rotation(5), "A"), "ok");
  const PolicyStamp made = now(key)->policies().rotation->stamp;
  EXPECT_EQ(made.created, clock.now());
  EXPECT_EQ(made.updated, clock.now());
  clock.advance_seconds(60);
  EXPECT_EQ(set(key, rotation(5), "B"), "ok");
  const PolicyStamp changed = now(key)->policies().rotation->stamp;
  EXPECT_EQ(changed.id, made.id);
  EXPECT_EQ(changed.created_by, "A");
  EXPECT_EQ(changed.created, made.created);
  EXPECT_EQ(changed.updated_by, "B");
  EXPECT_EQ(changed.updated, clock.now());
  EXPECT_EQ(now(key)->updated, clock.now());
}

TEST_F(KeyPoliciesTest, OnlyGeneratedRootKeysRotateByThemselves) {
  EXPECT_EQ(set(create(request(KeyKind::StandardKey)).value(), rotation(1)), "KeyRootRequired");
  const KeyRecordPtr imported = create(import_request(32)).value();
  EXPECT_EQ(set(imported, rotation(1)), "KeyPayloadRequired");
  EXPECT_EQ(set(imported, rotation(1, false)), "KeyPayloadRequired");
  EXPECT_EQ(set(imported, dual_auth(true)), "ok");
}

TEST_F(KeyPoliciesTest, DualAuthorizationIsSwitchedOnForGood) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(set(key, dual_auth(false)), "ok");
  EXPECT_TRUE(now(key)->policies().dual_auth.has_value());
  EXPECT_EQ(set(key, dual_auth(true)), "ok");
  EXPECT_EQ(set(key, dual_auth(true)), "ok");
  PolicyUpdate both = rotation(1);
  both.dual_auth = false;
  EXPECT_EQ(set(key, both), "DualAuthPolicyEnabled");
  EXPECT_FALSE(now(key)->policies().rotation.has_value());  // all or nothing
  EXPECT_TRUE(now(key)->policies().dual_auth->enabled);
}

TEST_F(KeyPoliciesTest, WhatIsNotNamedStays) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(set(key, dual_auth(true)), "ok");
  const DualAuthPolicy stored = *now(key)->policies().dual_auth;
  EXPECT_EQ(set(key, rotation(1), "B"), "ok");
  EXPECT_EQ(*now(key)->policies().dual_auth, stored);
}

TEST_F(KeyPoliciesTest, PoliciesAreSetInEveryStateButDestroyed) {
  const KeyRecordPtr suspended = root_key();
  EXPECT_EQ(disable(suspended), "ok");
  EXPECT_EQ(set(suspended, rotation(1)), "ok");
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(10);
  const KeyRecordPtr expired = create(std::move(expiring)).value();
  clock.advance_seconds(10);
  EXPECT_EQ(set(expired, rotation(1)), "ok");
  const KeyRecordPtr deleted = root_key();
  EXPECT_EQ(destroy(deleted), "ok");
  EXPECT_EQ(set(deleted, rotation(1)), "KeyDeleted");
}

TEST_F(KeyPoliciesTest, AFailedCommitLeavesThePoliciesAsTheyWere) {
  const KeyRecordPtr key = root_key();
  store.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
  EXPECT_EQ(set(key, rotation(1)), "StoreUnavailable");
  EXPECT_EQ(now(key)->policies(), KeyPolicies());
}

TEST_F(KeyPoliciesTest, PoliciesSurviveARestart) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(set(key, rotation(3)), "ok");
  Directory fresh;
  KeyChanges fresh_changes(store, fresh, KeyTimes());
  KeyService again(
      {fresh_changes, soft_unit, secure_import, dependents, gate, fence, settings, clock});
  ASSERT_TRUE(again.load());
  EXPECT_EQ(fresh.find(instance, key->id)->policies(), now(key)->policies());
  clock.advance_seconds(90 * kDay + kDay);
  EXPECT_EQ(again.sweep(clock.now()).value(), 1U);
}

}  // namespace
}  // namespace keyhaven::keys
