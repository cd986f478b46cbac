// The key service with the real software unit and a store in memory, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "crypto/random.h"
#include "keys/key_service.h"
#include "keys/key_use.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::keys {

// One ceremony for all tests: instances 1 and 2 are initialised, each with its own master key.
inline unit::TestDeployment& deployment() {
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

// An import token whose holder encrypted `opens`; with nothing in it, there is no token.
class FixedImport final : public SecureImport {
 public:
  explicit FixedImport(unit::CryptoUnit& unit) : unit_(unit) {}
  Result<unit::SealedRootKey> import(const unit::KeyBinding& binding,
                                     const unit::EncryptedMaterial&) override {
    if (opens.empty()) {
      return Error{Reason::ImportTokenNotFound, "the instance has no import token", ""};
    }
    return unit_.import_root_key(binding, opens);
  }
  SecretBytes opens;

 private:
  unit::CryptoUnit& unit_;
};

inline Material encrypted_material() {
  Material material;
  material.encrypted = unit::EncryptedMaterial{Bytes(512), Bytes(28), Bytes(12)};
  return material;
}

class KeyServiceFixture : public ::testing::Test {
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
  Change a_change(std::string actor = "iam-ServiceId-1") {
    Change change;
    change.actor = std::move(actor);
    change.event.action = "test";
    return change;
  }
  // Runs `operation` with a fresh change and returns its reason, or "ok".
  template <class Operation>
  std::string outcome(Operation operation, std::string actor = "iam-ServiceId-1") {
    Change change = a_change(std::move(actor));
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
  std::string destroy(const KeyRecordPtr& key, Force force = Force::No,
                      const std::string& actor = "iam-ServiceId-1") {
    return outcome([&](Change& change) { return service.destroy(*key, force, change); }, actor);
  }
  std::string set_for_deletion(const KeyRecordPtr& key, const std::string& actor) {
    return outcome([&](Change& change) { return service.set_for_deletion(*key, change); }, actor);
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
  FixedImport secure_import{soft_unit};
  FixedDependents dependents;
  TestGate gate;
  RecordingFence fence;
  FixedRules settings = few();
  KeyService service{{changes, soft_unit, secure_import, dependents, gate, fence, settings, clock}};

 private:
  static FixedRules few() {
    FixedRules out;
    out.current.limits = {.keys = 20, .rings = 4, .aliases = 8};
    return out;
  }
};

}  // namespace keyhaven::keys
