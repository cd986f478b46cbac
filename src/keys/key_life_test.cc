// The life of a key after its creation, with its clocks.
#include <gtest/gtest.h>

#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

using KeyLifeTest = KeyServiceFixture;

TEST_F(KeyLifeTest, RotationRules) {
  const KeyRecordPtr generated = root_key();
  EXPECT_EQ(rotate(generated), "ok");  // right after creation
  clock.advance_seconds(3599);
  EXPECT_EQ(rotate(generated), "KeyRotationNotPermitted");
  clock.advance_seconds(1);
  EXPECT_EQ(rotate(generated), "ok");
  settings.current.rotation_interval_seconds = 0;
  EXPECT_EQ(rotate(generated), "ok");
  EXPECT_EQ(now(generated)->versions.size(), 4U);
  EXPECT_EQ(rotate(generated, crypto::random_secret(32)), "InvalidQueryParam");

  const KeyRecordPtr imported = create(import_request(16)).value();
  EXPECT_EQ(rotate(imported), "KeyPayloadRequired");
  EXPECT_EQ(rotate(imported, crypto::random_secret(31)), "InvalidField");
  EXPECT_EQ(rotate(imported, crypto::random_secret(24)), "ok");
  EXPECT_EQ(now(imported)->newest().bits, 192);
  EXPECT_TRUE(now(imported)->imported);

  const KeyRecordPtr standard = create(request(KeyKind::StandardKey)).value();
  EXPECT_EQ(rotate(standard), "KeyRootRequired");
}

TEST_F(KeyLifeTest, DisableTakesEffectThroughTheFence) {
  const KeyRecordPtr key = root_key();
  ASSERT_EQ(rotate(key), "ok");
  const int before = fence.calls;
  EXPECT_EQ(disable(key), "ok");
  EXPECT_EQ(fence.calls, before + 1);
  EXPECT_EQ(fence.dropped, 2U);  // every version's opened copy
  EXPECT_EQ(decide_wrap(now(key), clock.now()).error().reason, Reason::KeyActionInvalidState);
  EXPECT_EQ(disable(key), "KeyActionInvalidState");
}

TEST_F(KeyLifeTest, ADisableThatCannotBeFencedIsNotAcknowledged) {
  const KeyRecordPtr key = root_key();
  fence.refuse = true;
  Change change = a_change();
  const auto result = service.disable(*key, change);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::UnitUnavailable);
  EXPECT_TRUE(change.recorded);  // it did happen, and its event with it
  EXPECT_EQ(now(key)->state, KeyState::Suspended);
}

TEST_F(KeyLifeTest, NothingIsDeletedWhileARegistrationIsMissing) {
  const KeyRecordPtr key = root_key();
  directory.quarantine().add_registration(InstanceId{crypto::random_uuid()});
  directory.quarantine().add_registration(key->instance);
  EXPECT_EQ(destroy(key), "RecordNotAuthentic");
  EXPECT_EQ(now(key)->state, KeyState::Active);
}

TEST(QuarantineTest, NamesKeysPerInstance) {
  Quarantine quarantine;
  const InstanceId instance{crypto::random_uuid()};
  const InstanceId other{crypto::random_uuid()};
  const KeyId key{crypto::random_uuid()};
  EXPECT_TRUE(quarantine.check_key(instance, key));
  quarantine.add_key(instance, key, "old");
  quarantine.add_key(instance, key, "old");
  quarantine.set_unsettled(instance, 7);
  const auto refused = quarantine.check_key(instance, key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::RecordNotAuthentic);
  EXPECT_NE(refused.error().message.find("(old)"), std::string::npos);
  EXPECT_EQ(quarantine.keys(instance), 1U);
  EXPECT_EQ(quarantine.unsettled(instance), 7U);
  EXPECT_TRUE(quarantine.check_key(other, key));
  EXPECT_EQ(quarantine.unsettled(other), 0U);
  EXPECT_TRUE(quarantine.check_registrations(instance));
}

TEST_F(KeyLifeTest, EnableWaitsThirtySeconds) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(enable(key), "KeyActionInvalidState");
  ASSERT_EQ(disable(key), "ok");
  clock.advance_seconds(29);
  EXPECT_EQ(enable(key), "RequestTooEarly");
  clock.advance_seconds(1);
  EXPECT_EQ(enable(key), "ok");
  EXPECT_EQ(enable(key), "KeyActionInvalidState");
  EXPECT_EQ(disable(create(request(KeyKind::StandardKey)).value()), "KeyRootRequired");
}

TEST_F(KeyLifeTest, DeleteRestoreAndTheirClocks) {
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(restore(key), "KeyActionInvalidState");
  const Bytes wrapped = wrap(key, crypto::random_secret(32));
  ASSERT_EQ(destroy(key), "ok");
  EXPECT_EQ(fence.dropped, 1U);
  EXPECT_EQ(destroy(key), "KeyDeleted");
  EXPECT_EQ(unwrap(key, wrapped).error().reason, Reason::KeyDeleted);
  EXPECT_EQ(now(key)->deleted_by, "iam-ServiceId-1");
  clock.advance_seconds(29);
  EXPECT_EQ(restore(key), "RequestTooEarly");
  clock.advance_seconds(30 * kDay - 29);
  EXPECT_EQ(restore(key), "ok");
  EXPECT_TRUE(unwrap(key, wrapped));
  EXPECT_FALSE(now(key)->deleted.is_set());
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(30 * kDay + 1);
  EXPECT_EQ(restore(key), "KeyRestoreExpired");
}

TEST_F(KeyLifeTest, RestoreChecksGivenMaterial) {
  CreateRequest import = import_request(32);
  const SecretBytes material = import.material.clear.clone();
  const KeyRecordPtr key = create(std::move(import)).value();
  const KeyRecordPtr standard = create(import_request(100, KeyKind::StandardKey)).value();
  ASSERT_EQ(destroy(key), "ok");
  ASSERT_EQ(destroy(standard), "ok");
  clock.advance_seconds(30);
  EXPECT_EQ(restore(key, crypto::random_secret(32)), "InvalidField");
  EXPECT_EQ(restore(key, crypto::random_secret(31)), "InvalidField");
  EXPECT_EQ(restore(standard, crypto::random_secret(100)), "InvalidField");
  EXPECT_EQ(restore(key, material.clone()), "ok");
}

TEST_F(KeyLifeTest, RestoreOfAnExpiredKeyIsRefused) {
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(100);
  const KeyRecordPtr key = create(std::move(expiring)).value();
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(100);
  EXPECT_EQ(restore(key), "KeyExpired");
}

TEST_F(KeyLifeTest, PurgeAfterFourHoursLeavesNothing) {
  CreateRequest named = request();
  named.aliases = {"pay"};
  const KeyRecordPtr key = create(std::move(named)).value();
  EXPECT_EQ(purge(key), "KeyActionInvalidState");
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(4 * 3600 - 1);
  Change change = a_change();
  const auto early = service.purge(*key, change);
  EXPECT_NE(early.error().message.find("4h0m0s"), std::string::npos);
  clock.advance_seconds(1);
  EXPECT_EQ(purge(key), "ok");
  EXPECT_EQ(now(key), nullptr);
  EXPECT_EQ(directory.resolve(instance, "pay", ""), nullptr);
  EXPECT_EQ(purge(key), "KeyNotFound");
}

TEST_F(KeyLifeTest, AnEnforcedTokenHoldsForRotationAndRestoreToo) {
  CreateRequest import = import_request(32);
  const SecretBytes material = import.material.clear.clone();
  const KeyRecordPtr key = create(std::move(import)).value();
  settings.current.enforce_token = true;
  EXPECT_EQ(rotate(key, material.clone()), "KeyCreateImportAccess");
  EXPECT_EQ(rotate(key, encrypted_material()), "ImportTokenNotFound");
  secure_import.opens = crypto::random_secret(16);
  EXPECT_EQ(rotate(key, encrypted_material()), "ok");
  EXPECT_EQ(now(key)->newest().bits, 128);
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(30);
  EXPECT_EQ(restore(key, material.clone()), "KeyCreateImportAccess");
  secure_import.opens = crypto::random_secret(16);
  EXPECT_EQ(restore(key, encrypted_material()), "InvalidField");  // other material
  EXPECT_EQ(restore(key), "ok");                                  // brings none
}

TEST_F(KeyLifeTest, RestoreWithEncryptedMaterialOfTheKey) {
  secure_import.opens = crypto::random_secret(32);
  CreateRequest import = request();
  import.material = encrypted_material();
  const KeyRecordPtr key = create(std::move(import)).value();
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(30);
  EXPECT_EQ(restore(key, encrypted_material()), "ok");
  const KeyRecordPtr standard = create(request(KeyKind::StandardKey)).value();
  ASSERT_EQ(destroy(standard), "ok");
  clock.advance_seconds(30);
  EXPECT_EQ(restore(standard, encrypted_material()), "KeyRootRequired");
}

TEST_F(KeyLifeTest, RegistrationsBlockADeletion) {
  const KeyRecordPtr key = root_key();
  dependents.current = {.registrations = 2, .prevent_deletion = true};
  EXPECT_EQ(destroy(key), "DeletionPrevented");
  EXPECT_EQ(destroy(key, Force::Yes), "DeletionPrevented");
  dependents.current.prevent_deletion = false;
  EXPECT_EQ(destroy(key), "ProtectedResource");
  EXPECT_EQ(destroy(key, Force::Yes), "ok");
}

TEST_F(KeyLifeTest, EachStepTellsThoseWhoDependOnTheKey) {
  using enum LifecycleKind;
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(disable(key), "ok");
  clock.advance_seconds(30);
  EXPECT_EQ(enable(key), "ok");
  EXPECT_EQ(rotate(key), "ok");
  EXPECT_EQ(destroy(key), "ok");
  EXPECT_EQ(destroy(key), "KeyDeleted");  // nothing happened, nobody is told
  clock.advance_seconds(30);
  EXPECT_EQ(restore(key), "ok");
  const std::vector<LifecycleKind> steps = {Disable, Enable, Rotate, Delete, Restore};
  EXPECT_EQ(dependents.noted, steps);
  EXPECT_EQ(dependents.published, steps);
  std::size_t stored = 0;
  ASSERT_TRUE(store.load_events([&](const LifecycleEvent&) { ++stored; }));
  EXPECT_EQ(stored, steps.size());

  ASSERT_EQ(destroy(key), "ok");
  store.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
  clock.advance_seconds(30);
  EXPECT_EQ(restore(key), "StoreUnavailable");
  EXPECT_EQ(dependents.published.size(), steps.size() + 1);  // the deletion, not the restore
  store.fail_with(std::nullopt);
  clock.advance_seconds(4 * 3600);
  EXPECT_EQ(dependents.forgotten, 0);
  EXPECT_EQ(purge(key), "ok");
  EXPECT_EQ(dependents.forgotten, 1);
}

}  // namespace
}  // namespace keyhaven::keys
