// Keys in use over their life, aliases, rings, loading, and what several callers do at once.
#include "keys/key_service.h"

#include <gtest/gtest.h>

#include <thread>

#include "keys/key_service_for_tests.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::keys {
namespace {

using KeyServiceTest = KeyServiceFixture;

TEST_F(KeyServiceTest, WrapsAndUnwrapsOverRotations) {
  const KeyRecordPtr key = root_key();
  const SecretBytes dek = crypto::random_secret(32);
  const Bytes old = wrap(key, dek, {"tenant"});
  ASSERT_EQ(rotate(key), "ok");
  const Bytes current = wrap(key, dek, {"tenant"});
  const auto from_old = unwrap(key, old, {"tenant"}).value();
  EXPECT_TRUE(from_old.dek == dek);
  ASSERT_FALSE(from_old.rewrapped.empty());
  EXPECT_EQ(unit::commitment_of(from_old.rewrapped).value(), now(key)->newest().commitment);
  EXPECT_TRUE(unwrap(key, from_old.rewrapped, {"tenant"}).value().dek == dek);
  const auto from_current = unwrap(key, current, {"tenant"}).value();
  EXPECT_TRUE(from_current.dek == dek);
  EXPECT_TRUE(from_current.rewrapped.empty());
  EXPECT_EQ(unwrap(key, old, {"other"}).error().reason, Reason::CiphertextInvalid);
  EXPECT_EQ(unwrap(key, Bytes(10)).error().reason, Reason::NotACiphertext);
}

TEST_F(KeyServiceTest, AForeignKeyDoesNotUnwrapAndEqualMaterialDoes) {
  CreateRequest first = import_request(32);
  CreateRequest second = request();
  second.material.clear = first.material.clear.clone();
  const KeyRecordPtr a = create(std::move(first)).value();
  const KeyRecordPtr b = create(std::move(second)).value();
  const KeyRecordPtr foreign = root_key();
  const SecretBytes dek = crypto::random_secret(32);
  const Bytes wrapped = wrap(a, dek);
  EXPECT_TRUE(unwrap(b, wrapped).value().dek == dek);
  EXPECT_EQ(unwrap(foreign, wrapped).error().reason, Reason::CiphertextInvalid);
}

TEST_F(KeyServiceTest, ExpiryIsJudgedAtOnceAndWrittenByTheSweep) {
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(100);
  const KeyRecordPtr key = create(std::move(expiring)).value();
  const Bytes wrapped = wrap(key, crypto::random_secret(32));
  clock.advance_seconds(99);
  EXPECT_TRUE(decide_wrap(now(key), clock.now()));
  EXPECT_EQ(service.sweep(clock.now()).value(), 0U);
  clock.advance_seconds(1);
  EXPECT_EQ(decide_wrap(now(key), clock.now()).error().reason, Reason::KeyActionInvalidState);
  EXPECT_TRUE(unwrap(key, wrapped));
  EXPECT_EQ(disable(key), "KeyActionInvalidState");
  EXPECT_EQ(service.sweep(clock.now()).value(), 1U);
  EXPECT_EQ(now(key)->state, KeyState::Deactivated);
  EXPECT_EQ(store.events().back().action, "hs-crypto.secrets.expire");
  EXPECT_EQ(service.sweep(clock.now()).value(), 0U);
  EXPECT_EQ(rotate(key), "ok");  // allowed, and it stays deactivated
  EXPECT_EQ(now(key)->state, KeyState::Deactivated);
}

TEST_F(KeyServiceTest, ADisabledKeyThatExpiresIsDeactivatedWhenEnabled) {
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(100);
  const KeyRecordPtr key = create(std::move(expiring)).value();
  const Bytes wrapped = wrap(key, crypto::random_secret(32));
  ASSERT_EQ(disable(key), "ok");
  clock.advance_seconds(200);
  EXPECT_EQ(service.sweep(clock.now()).value(), 0U);
  EXPECT_EQ(unwrap(key, wrapped).error().reason, Reason::KeyActionInvalidState);
  EXPECT_EQ(enable(key), "ok");
  EXPECT_TRUE(unwrap(key, wrapped));
  EXPECT_FALSE(decide_wrap(now(key), clock.now()));
  EXPECT_EQ(service.sweep(clock.now()).value(), 1U);
}

TEST_F(KeyServiceTest, SweepPurgesAfterNinetyDaysAndRetriesAfterAFailure) {
  const KeyRecordPtr key = root_key();
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(90 * kDay - 1);
  EXPECT_EQ(service.sweep(clock.now()).value(), 0U);
  clock.advance_seconds(1);
  store.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
  EXPECT_FALSE(service.sweep(clock.now()));
  EXPECT_NE(now(key), nullptr);
  store.fail_with(std::nullopt);
  EXPECT_EQ(service.sweep(clock.now()).value(), 1U);
  EXPECT_EQ(now(key), nullptr);
}

TEST_F(KeyServiceTest, AliasesComeAndGo) {
  const KeyRecordPtr key = root_key();
  const auto add = [&](const std::string& alias) {
    return outcome([&](Change& change) { return service.add_alias(*key, alias, change); });
  };
  const auto remove = [&](const std::string& alias) {
    return outcome([&](Change& change) { return service.remove_alias(*key, alias, change); });
  };
  for (const auto alias : {"a1", "a2", "a3", "a4", "a5"}) EXPECT_EQ(add(alias), "ok");
  EXPECT_EQ(add("a6"), "AliasLimit");
  EXPECT_EQ(add("a1"), "AliasNotUnique");
  EXPECT_EQ(add("wrap"), "InvalidField");
  EXPECT_EQ(remove("a9"), "AliasNotFound");
  EXPECT_EQ(remove("a1"), "ok");
  EXPECT_EQ(add("a6"), "ok");
  EXPECT_EQ(now(key)->aliases, (std::vector<std::string>{"a2", "a3", "a4", "a5", "a6"}));
  ASSERT_EQ(destroy(key), "ok");
  EXPECT_EQ(add("a7"), "KeyDeleted");
  EXPECT_EQ(remove("a2"), "ok");
}

TEST_F(KeyServiceTest, RingsHoldKeysAndProtectThem) {
  const auto make = [&](const std::string& id) {
    return outcome([&](Change& change) { return service.create_ring(instance, id, change); });
  };
  const auto remove = [&](const std::string& id, Force force) {
    return outcome(
        [&](Change& change) { return service.remove_ring(instance, id, force, change); });
  };
  const auto move = [&](const KeyRecordPtr& key, const std::string& ring) {
    Change change = a_change();
    auto result = service.change_ring(*now(key), ring, change);
    return result ? "ok" : std::string(name_of(result.error().reason));
  };
  EXPECT_EQ(make("default"), "KeyRingReserved");
  EXPECT_EQ(make("x"), "InvalidField");
  EXPECT_EQ(make("finance"), "ok");
  EXPECT_EQ(make("finance"), "KeyRingExists");
  EXPECT_EQ(make("r3"), "ok");
  EXPECT_EQ(make("r4"), "ok");
  EXPECT_EQ(make("r5"), "KeyRingLimit");

  const KeyRecordPtr key = root_key();
  EXPECT_EQ(move(key, "nowhere"), "KeyRingNotFound");
  EXPECT_EQ(move(key, "default"), "ok");  // no change
  EXPECT_EQ(move(key, "finance"), "ok");
  EXPECT_EQ(remove("finance", Force::No), "KeyRingNotEmpty");
  EXPECT_EQ(remove("finance", Force::Yes), "KeyRingNotEmpty");
  ASSERT_EQ(destroy(now(key)), "ok");
  EXPECT_EQ(remove("finance", Force::No), "KeyRingNotEmpty");
  EXPECT_EQ(remove("finance", Force::Yes), "ok");
  EXPECT_EQ(now(key)->key_ring, "default");
  EXPECT_EQ(remove("finance", Force::Yes), "KeyRingNotFound");
  EXPECT_EQ(remove("default", Force::Yes), "KeyRingReserved");
  EXPECT_EQ(directory.ring_size(instance, "default"), 1U);
}

TEST_F(KeyServiceTest, AKeyThatMovedMeanwhileIsNotChangedUnderOldRights) {
  const KeyRecordPtr seen = root_key();
  Change change = a_change();
  ASSERT_TRUE(service.create_ring(instance, "finance", change));
  ASSERT_TRUE(service.change_ring(*seen, "finance", change));
  EXPECT_EQ(destroy(seen), "Conflict");
  EXPECT_EQ(now(seen)->state, KeyState::Active);
}

TEST_F(KeyServiceTest, LoadsWhatWasStored) {
  Change change = a_change();
  ASSERT_TRUE(service.create_ring(instance, "finance", change));
  CreateRequest named = request();
  named.aliases = {"pay"};
  named.key_ring = "finance";
  named.expires = clock.now().plus_seconds(50);
  const KeyRecordPtr key = create(std::move(named)).value();
  const Bytes wrapped = wrap(key, crypto::random_secret(32));

  Directory fresh;
  KeyChanges fresh_changes(store, fresh, KeyTimes());
  KeyService again(
      {fresh_changes, soft_unit, secure_import, dependents, gate, fence, settings, clock});
  ASSERT_TRUE(again.load());
  const KeyRecordPtr loaded = fresh.resolve(instance, "pay", "finance");
  ASSERT_NE(loaded, nullptr);
  EXPECT_EQ(encode(*loaded), encode(*key));
  EXPECT_EQ(fresh.ring_size(instance, "finance"), 1U);
  clock.advance_seconds(50);
  EXPECT_EQ(again.sweep(clock.now()).value(), 1U);
}

TEST_F(KeyServiceTest, InstanceWithLiveKeysCannotGo) {
  EXPECT_TRUE(service.require_no_live_keys(instance));
  const KeyRecordPtr key = root_key();
  EXPECT_EQ(service.require_no_live_keys(instance).error().reason, Reason::InstanceNotEmpty);
  ASSERT_EQ(destroy(key), "ok");
  EXPECT_TRUE(service.require_no_live_keys(instance));
}

TEST_F(KeyServiceTest, StandardPayloadIsReadUntilDestroyed) {
  CreateRequest import = import_request(20, KeyKind::StandardKey);
  const SecretBytes payload = import.material.clear.clone();
  const KeyRecordPtr key = create(std::move(import)).value();
  const VersionRef read = decide_read(key);
  ASSERT_NE(read.version, nullptr);
  EXPECT_TRUE(soft_unit.open_standard_key(read.binding(), read.blob()).value() == payload);
  EXPECT_EQ(decide_read(root_key()).version, nullptr);
  ASSERT_EQ(destroy(key), "ok");
  EXPECT_EQ(decide_read(now(key)).version, nullptr);
}

TEST_F(KeyServiceTest, ConcurrentChangesOfOneKeyHappenOnce) {
  const KeyRecordPtr key = root_key();
  settings.current.rotation_interval_seconds = 3600;
  std::atomic<int> rotated{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Change change = a_change();
      if (service.rotate(*key, SecretBytes(), change)) ++rotated;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(rotated, 1);
  EXPECT_EQ(now(key)->versions.size(), 2U);
}

}  // namespace
}  // namespace keyhaven::keys
