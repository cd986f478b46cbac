// The key service with the real software unit and a store in memory.
#include "keys/key_service.h"

#include <gtest/gtest.h>

#include <thread>

#include "keys/key_use.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "unit/ceremony_for_tests.h"
#include "unit/wrapped_dek.h"

namespace keyhaven::keys {
namespace {

// One ceremony for all tests: instances 1 and 2 are initialised, each with its own master key.
unit::TestDeployment& deployment() {
  static auto* made = [] {
    auto* fresh = new unit::TestDeployment;  // lives as long as the process
    const unit::Administrators administrators(2);
    fresh->initialise(unit::test_instance(1), administrators, unit::random_parts());
    fresh->initialise(unit::test_instance(2), administrators, unit::random_parts());
    return fresh;
  }();
  return *made;
}

class RecordingFence final : public Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>& drop) override {
    if (refuse) return Error{Reason::UnitUnavailable, "the unit does not answer", ""};
    ++calls;
    dropped = drop.size();
    return {};
  }
  int calls = 0;
  std::size_t dropped = 0;
  bool refuse = false;
};

class KeyServiceTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kDay = 86400;

  CreateRequest request(KeyKind kind = KeyKind::RootKey) {
    CreateRequest out;
    out.instance = instance;
    out.id = KeyId{crypto::random_uuid()};
    out.kind = kind;
    out.name = "payroll";
    return out;
  }
  CreateRequest import_request(std::size_t bytes, KeyKind kind = KeyKind::RootKey) {
    CreateRequest out = request(kind);
    out.material.clear = crypto::random_secret(bytes);
    return out;
  }
  Result<KeyRecordPtr> create(CreateRequest what) {
    Change change = a_change();
    return service.create(std::move(what), change);
  }
  KeyRecordPtr root_key() { return create(request()).value(); }
  Change a_change() {
    Change change;
    change.actor = "iam-ServiceId-1";
    change.event.action = "test";
    return change;
  }
  // Runs `operation` with a fresh change and returns its reason, or "ok".
  template <class Operation>
  std::string outcome(Operation operation) {
    Change change = a_change();
    auto result = operation(change);
    EXPECT_TRUE(change.recorded == result.has_value() || fence.refuse);
    return result ? "ok" : std::string(name_of(result.error().reason));
  }
  std::string disable(const KeyRecordPtr& key) {
    return outcome([&](Change& change) { return service.disable(*key, change); });
  }
  std::string enable(const KeyRecordPtr& key) {
    return outcome([&](Change& change) { return service.enable(*key, change); });
  }
  std::string destroy(const KeyRecordPtr& key) {
    return outcome([&](Change& change) { return service.destroy(*key, Force::No, change); });
  }
  std::string restore(const KeyRecordPtr& key, const Material& material = {}) {
    return outcome([&](Change& change) { return service.restore(*key, material, change); });
  }
  std::string purge(const KeyRecordPtr& key) {
    return outcome([&](Change& change) { return service.purge(*key, change); });
  }
  std::string rotate(const KeyRecordPtr& key, const Material& material = {}) {
    return outcome([&](Change& change) { return service.rotate(*key, material, change); });
  }
  KeyRecordPtr now(const KeyRecordPtr& key) { return directory.find(instance, key->id); }

  Bytes wrap(const KeyRecordPtr& key, const SecretBytes& dek, const unit::AadList& aad = {}) {
    const VersionRef with = decide_wrap(now(key), clock.now()).value();
    return soft_unit.wrap(with.binding(), with.blob(), dek, aad).value().wrapped_dek;
  }
  Result<unit::UnwrapResult> unwrap(const KeyRecordPtr& key, const Bytes& wrapped,
                                    const unit::AadList& aad = {}) {
    const UnwrapPlan plan = KH_TRY(decide_unwrap(now(key), wrapped, clock.now()));
    const unit::CryptoUnit::Newest newest{plan.newest.binding(), &plan.newest.blob()};
    return soft_unit.unwrap(plan.with.binding(), plan.with.blob(), wrapped, aad,
                            plan.rewraps() ? &newest : nullptr);
  }

  const InstanceId instance = unit::test_instance(1);
  ManualClock clock{Timestamp::from_seconds(1'767'323'045)};
  unit::SoftUnit soft_unit = deployment().make_unit();
  MemoryKeyStore store;
  Directory directory;
  KeyChanges changes{store, directory, KeyTimes()};
  NoImportToken no_import_token;
  FixedDependents dependents;
  RecordingFence fence;
  FixedRules settings = few();
  KeyService service{{changes, soft_unit, no_import_token, dependents, fence, settings, clock}};

 private:
  static FixedRules few() {
    FixedRules out;
    out.current.limits = {.keys = 20, .rings = 4, .aliases = 8};
    return out;
  }
};

TEST_F(KeyServiceTest, CreatesGeneratedAndImportedKeys) {
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

TEST_F(KeyServiceTest, CreateCommitsItsEventWithTheKey) {
  Change change = a_change();
  const KeyRecordPtr key = service.create(request(), change).value();
  EXPECT_TRUE(change.recorded);
  const auto events = store.events();
  ASSERT_EQ(events.size(), 1U);
  const auto& details = events[0].details;
  EXPECT_EQ(details.at(0),
            (std::pair<std::string, std::string>("responseData.keyId", key->id.text())));
}

TEST_F(KeyServiceTest, AFailedCommitLeavesNothing) {
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

TEST_F(KeyServiceTest, AFailingAliasCreatesNoKey) {
  CreateRequest first = request();
  first.aliases = {"pay"};
  ASSERT_TRUE(create(std::move(first)));
  CreateRequest second = request();
  second.aliases = {"free", "pay"};
  EXPECT_EQ(create(std::move(second)).error().reason, Reason::AliasNotUnique);
  EXPECT_EQ(directory.live_keys(instance), 1U);
  EXPECT_EQ(store.events().size(), 1U);
}

TEST_F(KeyServiceTest, CreateChecksRingAndExpiration) {
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

TEST_F(KeyServiceTest, AnUninitialisedInstanceCreatesNothing) {
  CreateRequest lost = request();
  lost.instance = unit::test_instance(99);
  EXPECT_EQ(create(std::move(lost)).error().reason, Reason::InstanceNotInitialized);
  EXPECT_EQ(directory.live_keys(unit::test_instance(99)), 0U);
}

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

TEST_F(KeyServiceTest, RotationRules) {
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

TEST_F(KeyServiceTest, DisableTakesEffectThroughTheFence) {
  const KeyRecordPtr key = root_key();
  ASSERT_EQ(rotate(key), "ok");
  const int before = fence.calls;
  EXPECT_EQ(disable(key), "ok");
  EXPECT_EQ(fence.calls, before + 1);
  EXPECT_EQ(fence.dropped, 2U);  // every version's opened copy
  EXPECT_EQ(decide_wrap(now(key), clock.now()).error().reason, Reason::KeyActionInvalidState);
  EXPECT_EQ(disable(key), "KeyActionInvalidState");
}

TEST_F(KeyServiceTest, ADisableThatCannotBeFencedIsNotAcknowledged) {
  const KeyRecordPtr key = root_key();
  fence.refuse = true;
  Change change = a_change();
  const auto result = service.disable(*key, change);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().reason, Reason::UnitUnavailable);
  EXPECT_TRUE(change.recorded);  // it did happen, and its event with it
  EXPECT_EQ(now(key)->state, KeyState::Suspended);
}

TEST_F(KeyServiceTest, EnableWaitsThirtySeconds) {
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

TEST_F(KeyServiceTest, DeleteRestoreAndTheirClocks) {
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

TEST_F(KeyServiceTest, RestoreChecksGivenMaterial) {
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

TEST_F(KeyServiceTest, RestoreOfAnExpiredKeyIsRefused) {
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(100);
  const KeyRecordPtr key = create(std::move(expiring)).value();
  ASSERT_EQ(destroy(key), "ok");
  clock.advance_seconds(100);
  EXPECT_EQ(restore(key), "KeyExpired");
}

TEST_F(KeyServiceTest, PurgeAfterFourHoursLeavesNothing) {
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
  KeyService again({fresh_changes, soft_unit, no_import_token, dependents, fence, settings, clock});
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
