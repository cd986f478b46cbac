// Master key rotation with everything real but disk and processes: the units, the keys and their
// changes, frames signed by administrators. What docs/models/ shows of the rules is shown of the
// code here.
#include "instances/master_key_rotation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "instances/administered_action.h"
#include "instances/memory_instance_store.h"
#include "instances/rotation_worker.h"
#include "keys/key_service.h"
#include "keys/key_use.h"
#include "keys/memory_import_token_store.h"
#include "keys/memory_key_store.h"
#include "keys/surroundings_for_tests.h"
#include "server/stored_keys.h"
#include "unit/ceremony_for_tests.h"

namespace keyhaven::server {
namespace {

using instances::Loss;
using instances::MasterKeyRotations;
using instances::RotationPhase;
using instances::RotationStatus;
using unit::UnitStatus;
using unit::UnitType;
using Work = MasterKeyRotations::Work;

class NoFence final : public keys::Fence {
 public:
  Result<void> fence(const std::vector<unit::KeyBlob>&) override { return {}; }
};

// The real unit, whose answers to frames may get lost, and which may not answer at all.
class LossyUnit final : public unit::CryptoUnit {
 public:
  explicit LossyUnit(unit::CryptoUnit& real) : real_(real) {}
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
  // --- All else as it is ---
  Result<std::vector<UnitStatus>> create_units(const InstanceId& i, const std::string& r,
                                               unit::UnitCounts n) override {
    return real_.create_units(i, r, n);
  }
  Result<std::vector<UnitStatus>> resize_units(const InstanceId& i, unit::UnitCounts n) override {
    return real_.resize_units(i, n);
  }
  Result<void> remove_units(const InstanceId& i) override { return real_.remove_units(i); }
  Result<Bytes> attestation_root() override { return real_.attestation_root(); }
  Result<unit::SealingStatus> sealing() override { return real_.sealing(); }
  Result<unit::SealingStatus> change_sealing(const unit::SealingChange& c) override {
    return real_.change_sealing(c);
  }
  Result<unit::SealedRootKey> generate_root_key(const unit::KeyBinding& b) override {
    return real_.generate_root_key(b);
  }
  Result<unit::SealedRootKey> import_root_key(const unit::KeyBinding& b,
                                              const SecretBytes& m) override {
    return real_.import_root_key(b, m);
  }
  Result<unit::ImportTokenKey> create_import_token(const unit::KeyBinding& t) override {
    return real_.create_import_token(t);
  }
  Result<unit::SealedRootKey> import_encrypted_root_key(const unit::KeyBinding& b,
                                                        const unit::KeyBinding& t,
                                                        const unit::KeyBlob& k,
                                                        const unit::EncryptedMaterial& m) override {
    return real_.import_encrypted_root_key(b, t, k, m);
  }
  Result<unit::KeyBlob> create_standard_key(const unit::KeyBinding& b,
                                            const SecretBytes& p) override {
    return real_.create_standard_key(b, p);
  }
  Result<SecretBytes> open_standard_key(const unit::KeyBinding& b,
                                        const unit::KeyBlob& k) override {
    return real_.open_standard_key(b, k);
  }
  Result<unit::WrapResult> wrap(const unit::KeyBinding& b, const unit::KeyBlob& k,
                                const SecretBytes& d, const unit::AadList& a) override {
    return real_.wrap(b, k, d, a);
  }
  Result<unit::UnwrapResult> unwrap(const unit::KeyBinding& b, const unit::KeyBlob& k, ByteView w,
                                    const unit::AadList& a, const Newest* n) override {
    return real_.unwrap(b, k, w, a, n);
  }
  Result<Bytes> rewrap(const unit::KeyBinding& b, const unit::KeyBlob& k, ByteView w,
                       const unit::AadList& a, const Newest& n) override {
    return real_.rewrap(b, k, w, a, n);
  }
  Result<void> drop(const std::vector<unit::KeyBlob>& blobs) override { return real_.drop(blobs); }

 private:
  static Error away() { return {Reason::UnitUnavailable, "no crypto unit answers", {}}; }
  unit::CryptoUnit& real_;
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
                   world.clock}) {
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
  NoFence fence;
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
    process_.emplace(
        Process::World{instance_store_, key_store_, token_store_, unit_, deployment_.clock()});
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
  std::vector<std::vector<SecretBytes>> parts_;
  SecretBytes dek_ = crypto::random_secret(32);
  std::map<KeyId, Bytes> wrapped_;
  std::optional<Reason> refusal_;
  InstanceId instance_;
  std::optional<Process> process_;
};

TEST_F(MasterKeyRotationTest, FromTheFirstKeyToTheSecond) {
  initialise(300);
  EXPECT_EQ(start(), "MasterKeyRotationState");  // no new key
  load_and_commit_all(1);
  EXPECT_EQ(text(finalize(0)), "MasterKeyStillNeeded");
  EXPECT_TRUE(create());  // nothing has begun
  ASSERT_EQ(start(), "ok");
  EXPECT_EQ(phase(), RotationPhase::Resealing);
  EXPECT_EQ(create().error().reason, Reason::MasterKeyRotationInProgress);
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(text(finalize(0)), "MasterKeyStillNeeded");
  EXPECT_EQ(process().rotations.work(instance_), Work::More);
  const RotationStatus half = status();
  EXPECT_EQ(half.stored.keys, 301u);
  EXPECT_EQ(half.keys_left(), 301u - 128u);
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(text(finalize(0)), "MasterKeyStillNeeded");
  EXPECT_EQ(process().barriers, 0);
  work_until_done();
  EXPECT_EQ(process().barriers, 1);
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  EXPECT_EQ(status().message, "KMS CRK rewrap successful, waiting on cryptounit-mk-setimm");
  EXPECT_EQ(create().error().reason, Reason::MasterKeyRotationInProgress);
  ASSERT_EQ(text(finalize(0)), "ok");
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  EXPECT_EQ(abandon(), "MasterKeyRotationState");
  ASSERT_EQ(text(finalize(1)), "ok");
  EXPECT_EQ(phase(), RotationPhase::None);
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_TRUE(create());
  const RotationStatus after = status();
  ASSERT_EQ(after.stored.rows.size(), 1u);
  EXPECT_EQ(after.stored.rows[0].master_key, after.rotation.to);
  // Each step left its event, those of nobody too.
  std::vector<std::string> actions;
  for (const audit::Event& event : instance_store_.events()) actions.push_back(event.action);
  const std::vector<std::string> steps{"test", "hs-crypto.tke-master-key-rotation.rewrapped",
                                       "hs-crypto.tke-master-key-rotation.finish"};
  EXPECT_EQ(std::vector(actions.end() - 3, actions.end()), steps);
}

TEST_F(MasterKeyRotationTest, ARestartInAnyPhaseGoesOn) {
  initialise(200);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  restart();
  EXPECT_EQ(phase(), RotationPhase::Resealing);
  EXPECT_EQ(create().error().reason, Reason::MasterKeyRotationInProgress);
  process().rotations.work(instance_);
  restart();
  EXPECT_EQ(status().keys_left(), 72u);
  work_until_done();
  restart();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  ASSERT_EQ(text(finalize(0)), "ok");
  restart();
  EXPECT_EQ(unreadable(), 0u);
  ASSERT_EQ(text(finalize(1)), "ok");
  restart();
  EXPECT_EQ(phase(), RotationPhase::None);
  EXPECT_EQ(unreadable(), 0u);
}

// The answer to the last set immediate never comes, and the server ends with it.
TEST_F(MasterKeyRotationTest, TheEndIsFoundOutWhenTheStateIsRead) {
  initialise();
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  work_until_done();
  ASSERT_EQ(text(finalize(0)), "ok");
  auto with = session(1);
  unit_.fault = LossyUnit::Fault::FrameDoneAndAway;
  (void)with.finalize_pending(units().at(1).pending_pattern, administrators_.some({1}));
  unit_.fault = LossyUnit::Fault::None;
  restart();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  EXPECT_EQ(status().rotation.phase, RotationPhase::None);
  EXPECT_EQ(phase(), RotationPhase::None);
}

TEST_F(MasterKeyRotationTest, AnAbandonedRotationGoesBack) {
  initialise(200);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  process().rotations.work(instance_);
  ASSERT_EQ(abandon(), "ok");
  EXPECT_EQ(phase(), RotationPhase::Reverting);
  EXPECT_EQ(start(), "MasterKeyRotationState");
  EXPECT_EQ(text(session(0).clear_pending(administrators_.some({0}))), "MasterKeyStillNeeded");
  EXPECT_EQ(text(finalize(0)), "MasterKeyStillNeeded");
  restart();
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::None);
  EXPECT_EQ(status().stored.rows.at(0).master_key, status().rotation.from);
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(abandon(), "ok");  // nothing left to abandon
  ASSERT_EQ(text(session(0).clear_pending(administrators_.some({0}))), "ok");
  EXPECT_TRUE(create());
  // From Resealed too.
  load(0, 1).value();
  commit(0).value();
  ASSERT_EQ(start(), "ok");
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  ASSERT_EQ(abandon(), "ok");
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::None);
  EXPECT_EQ(unreadable(), 0u);
}

TEST_F(MasterKeyRotationTest, TwoStartsAtOnceAreOneRotation) {
  initialise();
  load_and_commit_all(1);
  std::atomic<int> recorded{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      bool mine = false;
      EXPECT_TRUE(process().rotations.start(instance_, a_change().event, mine));
      if (mine) ++recorded;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(recorded, 1);
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
}

TEST_F(MasterKeyRotationTest, AFullDiskOrAnAbsentUnitIsShownAndWaitedFor) {
  initialise();
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  key_store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", ""});
  EXPECT_EQ(process().rotations.work(instance_), Work::Waiting);
  EXPECT_EQ(status().waiting_for, "the disk is full");
  EXPECT_FALSE(process().rotations.health());
  key_store_.fail_with(std::nullopt);
  unit_.fault = LossyUnit::Fault::Away;
  EXPECT_EQ(process().rotations.work(instance_), Work::Waiting);
  const RotationStatus away = status();
  EXPECT_EQ(away.waiting_for, "no crypto unit answers");
  EXPECT_TRUE(away.units.empty());
  EXPECT_EQ(away.rotation.phase, RotationPhase::Resealing);
  unit_.fault = LossyUnit::Fault::None;
  instance_store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full again", ""});
  Work work = Work::More;
  for (int i = 0; i < 10 && work == Work::More; ++i) work = process().rotations.work(instance_);
  EXPECT_EQ(work, Work::Waiting);
  EXPECT_EQ(status().waiting_for, "the disk is full again");
  instance_store_.fail_with(std::nullopt);
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  EXPECT_TRUE(process().rotations.health());
  EXPECT_EQ(unreadable(), 0u);
}

TEST_F(MasterKeyRotationTest, ABlobThatDoesNotOpenStopsTheSwitchAndIsNamedUntilItIsPurged) {
  initialise(20);
  const keys::KeyRecordPtr bad = create().value();
  keys::KeyRecord damaged = *bad;
  damaged.versions[0].blob.bytes.back() ^= 1;
  keys::Change change = a_change();
  ASSERT_TRUE(process().changes.commit(std::move(damaged), change));
  wrapped_.erase(bad->id);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  Work work = Work::More;
  for (int i = 0; i < 10 && work == Work::More; ++i) work = process().rotations.work(instance_);
  EXPECT_EQ(work, Work::Waiting);
  const RotationStatus stopped = status();
  EXPECT_EQ(stopped.rotation.phase, RotationPhase::Resealing);
  ASSERT_EQ(stopped.unopened.size(), 1u);
  EXPECT_EQ(stopped.unopened[0].key, bad->id);
  EXPECT_EQ(stopped.keys_left(), 1u);
  EXPECT_EQ(text(finalize(0)), "MasterKeyStillNeeded");
  keys::Change destroy = a_change();
  ASSERT_TRUE(process().keys.destroy(*bad, keys::Force::No, destroy));
  deployment_.clock().advance_seconds(5 * 3600);
  keys::Change purge = a_change();
  ASSERT_TRUE(process().keys.purge(*bad, purge));
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  EXPECT_EQ(unreadable(), 0u);
}

TEST_F(MasterKeyRotationTest, NobodyPassesUntilItIsKnownWhatBecameOfAFrame) {
  initialise(0);
  load_and_commit_all(1);
  auto with = session(0);
  unit_.fault = LossyUnit::Fault::FrameNotDone;
  (void)with.finalize_pending(units().at(0).pending_pattern, administrators_.some({1}));
  unit_.fault = LossyUnit::Fault::Away;
  EXPECT_EQ(create().error().reason, Reason::UnitUnavailable);
  unit_.fault = LossyUnit::Fault::None;
  EXPECT_TRUE(create());
}

TEST_F(MasterKeyRotationTest, OfAllUnitsTheLastStaysUnlessTheLossIsAccepted) {
  initialise();
  EXPECT_EQ(text(zeroize(0)), "ok");
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(text(zeroize(1)), "MasterKeyStillNeeded");
  EXPECT_EQ(text(session(1).clear_current(administrators_.some({0}))), "MasterKeyStillNeeded");
  EXPECT_EQ(unreadable(), 0u);
  EXPECT_EQ(text(zeroize(1, Loss::Accept)), "ok");
  EXPECT_EQ(unreadable(), 3u);
  // Another master key is refused while keys of the first are stored; the first brings them back.
  enroll(1);
  load(1, 7).value();
  commit(1).value();
  EXPECT_EQ(text(finalize(1)), "MasterKeyStillNeeded");
  ASSERT_EQ(text(session(1).clear_pending(administrators_.some({0}))), "ok");
  load(1, 0).value();
  commit(1).value();
  ASSERT_EQ(text(finalize(1)), "ok");
  EXPECT_EQ(unreadable(), 0u);
}

TEST_F(MasterKeyRotationTest, ARotationWhoseUnitsWereAllLostGoesOnWithBothKeysLoadedAgain) {
  initialise(200);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  process().rotations.work(instance_);
  for (const std::size_t number : {0u, 1u}) ASSERT_EQ(text(zeroize(number, Loss::Accept)), "ok");
  EXPECT_EQ(process().rotations.work(instance_), Work::Waiting);
  enroll(1);
  load(1, 0).value();
  commit(1).value();
  ASSERT_EQ(text(finalize(1)), "ok");
  load(1, 1).value();
  commit(1).value();
  EXPECT_EQ(unreadable(), 0u);
  work_until_done();
  EXPECT_EQ(phase(), RotationPhase::Resealed);
  ASSERT_EQ(text(finalize(1)), "ok");
  EXPECT_EQ(phase(), RotationPhase::None);
  EXPECT_EQ(unreadable(), 0u);
}

// --- The worker ---

TEST_F(MasterKeyRotationTest, TheWorkerFinishesWhatItFindsAndWhatItIsToldOf) {
  initialise(300);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  restart();
  const instances::RotationWorker::Pace pace{std::chrono::milliseconds(1),
                                             std::chrono::milliseconds(20), 0.1};
  const auto await = [&](RotationPhase wanted) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (phase() != wanted && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return phase() == wanted;
  };
  instances::RotationWorker worker(*process().instances, process().rotations, pace);
  EXPECT_TRUE(await(RotationPhase::Resealed));
  ASSERT_EQ(abandon(), "ok");
  EXPECT_TRUE(await(RotationPhase::None));
  key_store_.fail_with(Error{Reason::StoreUnavailable, "the disk is full", ""});
  ASSERT_EQ(start(), "ok");
  while (status().waiting_for.empty()) std::this_thread::yield();
  key_store_.fail_with(std::nullopt);
  EXPECT_TRUE(await(RotationPhase::Resealed));
  worker.stop();
  EXPECT_EQ(unreadable(), 0u);
}

// Keys are made and rotated by many while rotations come and go and units switch.
TEST_F(MasterKeyRotationTest, CreatorsAndRotationsAtOnceLoseNothing) {
  initialise(5);
  instances::RotationWorker worker(*process().instances, process().rotations,
                                   {std::chrono::milliseconds(1), std::chrono::milliseconds(5), 0});
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::vector<keys::KeyRecordPtr> made;
  std::vector<std::thread> creators;
  for (int t = 0; t < 3; ++t) {
    creators.emplace_back([&] {
      while (!stop) {
        keys::CreateRequest request;
        request.instance = instance_;
        request.id = KeyId{crypto::random_uuid()};
        request.kind = keys::KeyKind::StandardKey;
        request.name = "made meanwhile";
        keys::Change change = a_change();
        auto key = process().keys.create(std::move(request), change);
        if (!key) {
          EXPECT_EQ(key.error().reason, Reason::MasterKeyRotationInProgress);
          std::this_thread::yield();
          continue;
        }
        const std::lock_guard lock(mutex);
        made.push_back(*key);
      }
    });
  }
  for (std::size_t round = 1; round <= 6; ++round) {
    load_and_commit_all(round);
    ASSERT_EQ(start(), "ok");
    while (status().rotation.phase == RotationPhase::Resealing) std::this_thread::yield();
    for (const std::size_t number : {0u, 2u, 1u}) ASSERT_EQ(text(finalize(number)), "ok");
    EXPECT_EQ(phase(), RotationPhase::None);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  stop = true;
  for (auto& creator : creators) creator.join();
  worker.stop();
  EXPECT_GT(made.size(), 0u);
  for (const keys::KeyRecordPtr& key : made) {
    const keys::KeyRecordPtr now = process().directory.find(instance_, key->id);
    ASSERT_NE(now, nullptr);
    EXPECT_TRUE(process().keys.payload_of(*now));
  }
  EXPECT_EQ(unreadable(), 0u);
}

// --- Any order at all ---

// The tool, callers, the worker and crashes in random order: no stored key ever becomes unreadable,
// as long as nobody accepts the loss (the model's invariants I1 to I8 of the code itself).
TEST_F(MasterKeyRotationTest, NoOrderOfStepsMakesAKeyUnreadable) {
  initialise(2);
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 chance(seed);
  const auto pick = [&](std::size_t below) { return chance() % below; };
  int rotations = 0;
  for (int step = 0; step < 1500; ++step) {
    const std::size_t number = pick(units().size());
    const RotationPhase before = phase();
    switch (pick(14)) {
      case 0:
        (void)create();
        break;
      case 1:
      case 2:
        if (units()[number].imprint) enroll(number);
        // Mostly the same one for a while, so that all units get it now and then.
        (void)load(number, pick(4) == 0 ? pick(3) : static_cast<std::size_t>(step) / 150 % 3);
        break;
      case 3:
      case 4:
        if (!units()[number].imprint) (void)commit(number);
        break;
      case 5:
      case 6:
        if (!units()[number].imprint) (void)finalize(number);
        break;
      case 7:
        if (!units()[number].imprint)
          (void)session(number).clear_current(administrators_.some({0}));
        break;
      case 8:
        if (!units()[number].imprint && pick(3) == 0)
          (void)session(number).clear_pending(administrators_.some({0}));
        break;
      case 9:
        if (pick(8) == 0) (void)zeroize(number);
        break;
      case 10:
        (void)start();
        break;
      case 11:
        if (pick(10) == 0) (void)abandon();
        break;
      case 12:
        (void)process().rotations.work(instance_);
        break;
      default:
        if (pick(6) == 0) restart();
    }
    if (before == RotationPhase::Resealed && phase() == RotationPhase::None) ++rotations;
    ASSERT_EQ(unreadable(), 0u) << "after step " << step;
  }
  EXPECT_GT(rotations, 0);
}

}  // namespace
}  // namespace keyhaven::server
