// An instance whose administrators work through the server's rules, with everything real but disk
// and processes: the units, the keys and their changes. For the tests of master key rotation.
#pragma once

#include <gtest/gtest.h>

#include <atomic>

#include "instances/administered_action.h"
#include "instances/master_key_rotation.h"
#include "instances/memory_instance_store.h"
#include "keys/key_service.h"
#include "keys/key_use.h"
#include "keys/memory_import_token_store.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "server/stored_keys.h"
#include "unit/ceremony_for_tests.h"
#include "unit/forwarding_unit_for_tests.h"

namespace keyhaven::server {
using instances::Loss;
using instances::MasterKeyRotations;
using instances::RotationPhase;
using instances::RotationStatus;
using unit::UnitStatus;
using unit::UnitType;
using Work = MasterKeyRotations::Work;

class NoWaitFence final : public keys::Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>&) override { return {}; }
};

// The real unit, whose answers to frames may get lost, and which may not answer at all.
class LossyUnit final : public unit::ForwardingUnit {
 public:
  using ForwardingUnit::ForwardingUnit;
  enum class Fault : std::uint8_t { None, Away, FrameNotDone, FrameDoneAndAway };
  std::atomic<Fault> fault = Fault::None;

  Result<std::string> administer(const InstanceId& i, const UnitId& u,
                                 const std::string& r) override {
    const bool query = instances::administered_action(r).action == iam::Action::TkeQuery;
    const bool answers = fault == Fault::None || (query && fault != Fault::Away);
    if (answers) return real_.administer(i, u, r);
    if (fault == Fault::FrameDoneAndAway) {
      (void)real_.administer(i, u, r);
      fault = Fault::Away;
    }
    return away();
  }
  Result<std::vector<UnitStatus>> list_units(const InstanceId& i) override {
    if (fault == Fault::Away) return away();
    return real_.list_units(i);
  }
  Result<unit::KeyBlob> reseal(unit::BlobPurpose p, const unit::KeyBinding& b,
                               const unit::KeyBlob& k, const unit::BlobPattern& t) override {
    if (fault == Fault::Away) return away();
    return real_.reseal(p, b, k, t);
  }

 private:
  static Error away() { return {Reason::UnitUnavailable, "no crypto unit answers", {}}; }
};

// All that a crash of the server takes away.
class Process {
 public:
  struct World {
    instances::MemoryInstanceStore& instance_store;
    keys::MemoryKeyStore& key_store;
    keys::MemoryImportTokenStore& token_store;
    unit::CryptoUnit& unit;
    const Clock& clock;
    MasterKeyRotations::RecordSeals seals = {};
  };
  explicit Process(const World& world)
      : instances(instances::InstanceService::load(
                      options(), world.instance_store, world.unit,
                      [this](const InstanceId& id) { return directory.live_keys(id); }, world.clock)
                      .value()),
        changes(world.key_store, directory, keys::KeyTimes()),
        tokens({world.token_store, world.unit, world.unit, gate, world.clock}),
        keys({changes, world.unit, tokens, dependents, gate, fence, settings, world.clock}),
        resealer({changes, tokens, world.unit, world.clock}),
        stored(directory, tokens, resealer),
        rotations({*instances, world.unit, unit_gate, stored,
                   [this]() -> Result<void> {
                     ++barriers;
                     return {};
                   },
                   world.clock, world.seals}) {
    gate.rotations = &rotations;
    settings.current.limits.keys = 1'000'000;
    EXPECT_TRUE(keys.load());
    EXPECT_TRUE(tokens.load());
  }
  class Gate final : public keys::SealGate {
   public:
    Result<Pass> pass(const InstanceId& id) override { return rotations->pass(id); }
    MasterKeyRotations* rotations = nullptr;
  };
  static instances::InstanceOptions options() {
    instances::InstanceOptions out;
    out.account = "0123456789abcdef0123456789abcdef";
    out.public_url = "https://localhost:8443";
    return out;
  }

  keys::Directory directory;
  std::unique_ptr<instances::InstanceService> instances;
  instances::UnitGate unit_gate;
  Gate gate;
  NoWaitFence fence;
  keys::FixedDependents dependents;
  keys::FixedRules settings;
  keys::KeyChanges changes;
  keys::ImportTokens tokens;
  keys::KeyService keys;
  keys::Resealer resealer;
  StoredKeys stored;
  std::atomic<int> barriers = 0;
  MasterKeyRotations rotations;
};

class MasterKeyRotationTest : public testing::Test {
 protected:
  MasterKeyRotationTest() {
    soft_unit_.set_import_key_bits(2048);
    restart();
    instances::InstanceSpec spec;
    spec.name = "rotated";
    spec.created_by = "IBMid-1";
    spec.recovery_units = 1;  // the third unit
    instance_ = process().instances->create(spec, {}).value()->id;
  }

  Process& process() { return *process_; }
  void restart() {
    process_.reset();
    process_.emplace(Process::World{instance_store_, key_store_, token_store_, unit_,
                                    deployment_.clock(), seals_});
  }

  // --- The administrators, all of whose frames go through the server's rules ---

  std::vector<UnitStatus> units() { return deployment_.table().list_units(instance_).value(); }
  tke::UnitSession session(std::size_t number, Loss loss = Loss::Refuse) {
    const UnitStatus status = units().at(number);
    const auto transport = [this, id = status.id, loss](const std::string& frame) {
      auto answer = process().rotations.administer(instance_, id, frame, loss);
      refusal_ = answer ? std::nullopt : std::optional(answer.error().reason);
      return answer;
    };
    return tke::UnitSession::open(transport, unit::TestDeployment::target(status),
                                  deployment_.root())
        .value();
  }
  static std::string text(const Result<void>& result) {
    return result ? "ok" : std::string(keyhaven::name_of(result.error().reason));
  }
  void enroll(std::size_t number) {
    auto with = session(number);
    unit::TestDeployment::enroll(with, administrators_).value();
  }
  // The key `number` into the new register.
  Result<void> load(std::size_t unit_number, std::size_t key) {
    auto with = session(unit_number);
    while (parts_.size() <= key) parts_.push_back(unit::random_parts());
    const auto importer = KH_TRY(with.generate_importer(administrators_.some({0})));
    std::vector<tke::SignedKeyPart> signed_parts;
    for (std::size_t i = 0; i < parts_[key].size(); ++i)
      signed_parts.push_back({&parts_[key][i], administrators_.some({i})});
    KH_TRY(with.import_key_parts(importer, signed_parts));
    return {};
  }
  Result<void> commit(std::size_t unit_number) {
    return session(unit_number)
        .commit_pending(units().at(unit_number).pending_pattern, administrators_.all());
  }
  Result<void> finalize(std::size_t unit_number) {
    return session(unit_number)
        .finalize_pending(units().at(unit_number).pending_pattern, administrators_.some({1}));
  }
  Result<void> zeroize(std::size_t unit_number, Loss loss = Loss::Refuse) {
    return session(unit_number, loss).zeroize(administrators_.all());
  }
  void load_and_commit_all(std::size_t key) {
    for (std::size_t i = 0; i < units().size(); ++i) {
      load(i, key).value();
      commit(i).value();
    }
  }
  // All units with key 0, and some keys.
  void initialise(int keys = 3) {
    for (std::size_t i = 0; i < units().size(); ++i) enroll(i);
    load_and_commit_all(0);
    for (std::size_t i = 0; i < units().size(); ++i) finalize(i).value();
    for (int i = 0; i < keys; ++i) create().value();
  }

  // --- Callers ---

  keys::Change a_change() {
    keys::Change change;
    change.actor = "iam-ServiceId-1";
    change.event.action = "test";
    change.event.initiator_id = change.actor;
    return change;
  }
  Result<keys::KeyRecordPtr> create() {
    keys::CreateRequest request;
    request.instance = instance_;
    request.id = KeyId{crypto::random_uuid()};
    request.kind = keys::KeyKind::RootKey;
    request.name = "payroll";
    keys::Change change = a_change();
    auto key = process().keys.create(std::move(request), change);
    if (key) {
      const keys::VersionRef with = keys::decide_wrap(*key, deployment_.clock().now()).value();
      wrapped_[(*key)->id] =
          soft_unit_.wrap(with.binding(), with.blob(), dek_, {}).value().wrapped_dek;
    }
    return key;
  }
  // The number of keys whose DEK from their creation does not unwrap.
  std::size_t unreadable() {
    std::size_t out = 0;
    for (const auto& [id, wrapped] : wrapped_) {
      const keys::KeyRecordPtr key = process().directory.find(instance_, id);
      if (!key) continue;  // purged
      const keys::KeyVersion& version = key->versions.front();
      const auto opened =
          soft_unit_.unwrap({instance_, id, version.id}, version.blob, wrapped, {}, nullptr);
      if (!opened || !(opened->dek == dek_)) ++out;
    }
    return out;
  }

  std::string start() {
    bool recorded = false;
    return outcome(process().rotations.start(instance_, a_change().event, recorded));
  }
  std::string abandon() {
    bool recorded = false;
    return outcome(process().rotations.abandon(instance_, a_change().event, recorded));
  }
  static std::string outcome(const Result<RotationStatus>& status) {
    return status ? "ok" : std::string(keyhaven::name_of(status.error().reason));
  }
  RotationPhase phase() { return process().instances->find(instance_)->rotation.phase; }
  void work_until_done() {
    for (int i = 0; i < 1000; ++i) {
      if (process().rotations.work(instance_) == Work::None) return;
    }
    FAIL() << "the work does not end";
  }
  RotationStatus status() { return process().rotations.status(instance_).value(); }

  static const unit::Administrators& shared_administrators() {
    static const auto* made = new unit::Administrators(2);
    return *made;
  }

  const unit::Administrators& administrators_ = shared_administrators();
  unit::TestDeployment deployment_;
  unit::SoftUnit soft_unit_ = deployment_.make_unit();
  LossyUnit unit_{soft_unit_};
  instances::MemoryInstanceStore instance_store_;
  keys::MemoryKeyStore key_store_;
  keys::MemoryImportTokenStore token_store_;
  MasterKeyRotations::RecordSeals seals_;  // of the next restart
  std::vector<std::vector<SecretBytes>> parts_;
  SecretBytes dek_ = crypto::random_secret(32);
  std::map<KeyId, Bytes> wrapped_;
  std::optional<Reason> refusal_;
  InstanceId instance_;
  std::optional<Process> process_;
};

}  // namespace keyhaven::server
