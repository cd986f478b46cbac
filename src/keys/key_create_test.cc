// How keys come to be, and what their instance has to say about it.
#include <gtest/gtest.h>

#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

using KeyCreateTest = KeyServiceFixture;

TEST_F(KeyCreateTest, CreatesGeneratedAndImportedKeys) {
  const KeyRecordPtr generated = root_key();
  EXPECT_FALSE(generated->imported);
  EXPECT_EQ(generated->newest().bits, 256);
  EXPECT_EQ(generated->newest().id.uuid, generated->id.uuid);
  EXPECT_EQ(generated->revision, 1U);
  EXPECT_EQ(generated->created_by, "iam-ServiceId-1");
  for (const std::size_t bytes : {16U, 24U, 32U}) {
    const KeyRecordPtr imported = create(import_request(bytes)).value();
    EXPECT_TRUE(imported->imported);
    EXPECT_EQ(imported->newest().bits, bytes * 8);
  }
  for (const std::size_t bytes : {15U, 31U, 33U}) {
    EXPECT_EQ(create(import_request(bytes)).error().reason, Reason::InvalidField);
  }
  EXPECT_TRUE(create(import_request(7500, KeyKind::StandardKey)));
  EXPECT_FALSE(create(import_request(7501, KeyKind::StandardKey)));
  EXPECT_TRUE(create(request(KeyKind::StandardKey)));
}

TEST_F(KeyCreateTest, CreateCommitsItsEventWithTheKey) {
  Change change = a_change();
  const KeyRecordPtr key = service.create(request(), change).value();
  EXPECT_TRUE(change.recorded);
  const auto events = store.events();
  ASSERT_EQ(events.size(), 1U);
  const auto& details = events[0].details;
  EXPECT_EQ(details.at(0),
            (std::pair<std::string, std::string>("responseData.keyId", key->id.text())));
}

TEST_F(KeyCreateTest, AFailedCommitLeavesNothing) {
  store.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
  CreateRequest with_alias = request();
  with_alias.aliases = {"pay"};
  const KeyId id = with_alias.id;
  EXPECT_EQ(create(std::move(with_alias)).error().reason, Reason::StoreUnavailable);
  EXPECT_EQ(directory.find(instance, id), nullptr);
  EXPECT_EQ(directory.live_keys(instance), 0U);
  store.fail_with(std::nullopt);
  CreateRequest again = request();
  again.aliases = {"pay"};
  EXPECT_TRUE(create(std::move(again)));
}

TEST_F(KeyCreateTest, AFailingAliasCreatesNoKey) {
  CreateRequest first = request();
  first.aliases = {"pay"};
  ASSERT_TRUE(create(std::move(first)));
  CreateRequest second = request();
  second.aliases = {"free", "pay"};
  EXPECT_EQ(create(std::move(second)).error().reason, Reason::AliasNotUnique);
  EXPECT_EQ(directory.live_keys(instance), 1U);
  EXPECT_EQ(store.events().size(), 1U);
}

TEST_F(KeyCreateTest, CreateChecksRingAndExpiration) {
  CreateRequest lost = request();
  lost.key_ring = "nowhere";
  EXPECT_EQ(create(std::move(lost)).error().reason, Reason::KeyRingNotFound);
  CreateRequest expired = request();
  expired.expires = clock.now();
  EXPECT_EQ(create(std::move(expired)).error().target, "expirationDate");
  CreateRequest soon = request();
  soon.expires = clock.now().plus_seconds(1);
  EXPECT_TRUE(create(std::move(soon)));
}

TEST_F(KeyCreateTest, AnUninitialisedInstanceCreatesNothing) {
  CreateRequest lost = request();
  lost.instance = unit::test_instance(99);
  EXPECT_EQ(create(std::move(lost)).error().reason, Reason::InstanceNotInitialized);
  EXPECT_EQ(directory.live_keys(unit::test_instance(99)), 0U);
}

TEST_F(KeyCreateTest, WhoMayNotCreateLearnsThatBeforeAnyOtherRule) {
  settings.current.create_root_key = false;
  CreateRequest bad = request();
  bad.name = "x";
  bad.key_ring = "nowhere";
  EXPECT_EQ(create(std::move(bad)).error().reason, Reason::KeyCreateImportAccess);
  EXPECT_TRUE(create(request(KeyKind::StandardKey)));
  EXPECT_TRUE(create(import_request(32)));
  settings.current = {};
  settings.current.enforce_token = true;
  EXPECT_EQ(create(import_request(32)).error().reason, Reason::KeyCreateImportAccess);
  EXPECT_EQ(create(import_request(32, KeyKind::StandardKey)).error().reason,
            Reason::KeyCreateImportAccess);
  EXPECT_TRUE(create(request()));
}

TEST_F(KeyCreateTest, EncryptedMaterialGoesThroughTheImportToken) {
  CreateRequest import = request();
  import.material = encrypted_material();
  EXPECT_EQ(create(std::move(import)).error().reason, Reason::ImportTokenNotFound);
  EXPECT_EQ(directory.live_keys(instance), 0U);

  secure_import.opens = crypto::random_secret(24);
  settings.current.enforce_token = true;
  import = request();
  import.material = encrypted_material();
  const KeyRecordPtr key = create(std::move(import)).value();
  EXPECT_TRUE(key->imported);
  EXPECT_EQ(key->newest().bits, 192);

  CreateRequest standard = request(KeyKind::StandardKey);
  standard.material = encrypted_material();
  EXPECT_EQ(create(std::move(standard)).error().reason, Reason::KeyRootRequired);
}

// What a new key inherits from the policies of its instance.
TEST_F(KeyCreateTest, InheritsThePoliciesOfItsInstance) {
  settings.current.dual_auth_delete = true;
  settings.current.rotation_months = 3;
  const auto has = [](const KeyRecordPtr& key) {
    return std::pair(key->policies().rotation.has_value(), key->policies().dual_auth.has_value());
  };
  const KeyRecordPtr generated = root_key();
  EXPECT_EQ(has(generated), std::pair(true, true));
  EXPECT_EQ(has(create(import_request(32)).value()), std::pair(false, true));
  EXPECT_EQ(has(create(request(KeyKind::StandardKey)).value()), std::pair(false, true));

  const RotationPolicy& rotation = *generated->policies().rotation;
  EXPECT_TRUE(rotation.enabled);
  EXPECT_EQ(rotation.interval_months, 3);
  EXPECT_EQ(rotation.stamp.created_by, "iam-ServiceId-1");
  EXPECT_EQ(rotation.stamp.created, clock.now());
  EXPECT_NE(rotation.stamp.id, generated->policies().dual_auth->stamp.id);

  settings.current = {};
  EXPECT_EQ(has(root_key()), std::pair(false, false));
}

TEST_F(KeyCreateTest, OverridesTakeThePlaceOfInheritedPolicies) {
  settings.current.dual_auth_delete = true;
  settings.current.rotation_months = 3;
  const auto with = [&](PolicyOverrides overrides, CreateRequest out) {
    out.overrides = overrides;
    return create(std::move(out));
  };
  EXPECT_EQ(with({}, request()).value()->policies(), KeyPolicies());
  const KeyRecordPtr both =
      with({.rotation_months = 12, .rotation_enabled = false, .dual_auth = false}, request())
          .value();
  EXPECT_EQ(both->policies().rotation->interval_months, 12);
  EXPECT_FALSE(both->policies().rotation->enabled);
  EXPECT_FALSE(both->policies().dual_auth->enabled);
  EXPECT_TRUE(with({.dual_auth = true}, request(KeyKind::StandardKey))
                  .value()
                  ->policies()
                  .dual_auth->enabled);
  for (const std::int64_t months : {-1, 0, 13}) {
    const auto refused = with({.rotation_months = months}, request());
    ASSERT_FALSE(refused) << months;
    EXPECT_EQ(refused.error().reason, Reason::InvalidField);
    EXPECT_EQ(refused.error().target, "interval_month");
  }
  EXPECT_EQ(with({.rotation_months = 1}, request(KeyKind::StandardKey)).error().reason,
            Reason::KeyRootRequired);
  EXPECT_EQ(with({.rotation_months = 1}, import_request(32)).error().reason,
            Reason::KeyPayloadRequired);
}

TEST_F(KeyCreateTest, OverridesUnlockNothingThatTheInstanceForbids) {
  settings.current.enforce_token = true;
  CreateRequest import = import_request(32);
  import.overrides.emplace();
  EXPECT_EQ(create(std::move(import)).error().reason, Reason::KeyCreateImportAccess);
}

TEST_F(KeyCreateTest, TheLimitsAreThoseOfTheInstance) {
  settings.current.limits = {
      .keys = 2, .aliases = 3, .aliases_per_key = 2, .standard_key_bytes = 100};
  const auto refused = [&](CreateRequest what, Reason reason, std::string_view number) {
    const auto result = create(std::move(what));
    ASSERT_FALSE(result) << number;
    EXPECT_EQ(result.error().reason, reason);
    EXPECT_NE(result.error().message.find(number), std::string::npos) << result.error().message;
  };
  const auto with_aliases = [&](std::vector<std::string> aliases) {
    CreateRequest out = request();
    out.aliases = std::move(aliases);
    return out;
  };
  refused(import_request(101, KeyKind::StandardKey), Reason::InvalidField, "100");
  EXPECT_TRUE(create(import_request(100, KeyKind::StandardKey)));
  refused(with_aliases({"a1", "a2", "a3"}), Reason::AliasLimit, "at most 2");
  EXPECT_TRUE(create(with_aliases({"a1", "a2"})));
  refused(request(), Reason::KeyLimit, "2");
  settings.current.limits.keys = 3;
  refused(with_aliases({"a3", "a4"}), Reason::AliasLimit, "at most 3");
  EXPECT_TRUE(create(with_aliases({"a3"})));
}

}  // namespace
}  // namespace keyhaven::keys
