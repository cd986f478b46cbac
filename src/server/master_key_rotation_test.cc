// Master key rotation with everything real but disk and processes, its frames signed by
// administrators. What docs/models/ shows of the rules is shown of the code here.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>

#include "instances/rotation_worker.h"
#include "server/rotation_for_tests.h"

namespace keyhaven::server {
namespace {

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

// The end of a rotation begins new seals of the stored records, and the worker makes them.
TEST_F(MasterKeyRotationTest, TheStoredRecordsGetNewSealsWhenItIsDone) {
  std::vector<std::string> calls;
  std::optional<Reason> refused;
  const auto note = [&](const char* call) -> Result<void> {
    calls.emplace_back(call);
    if (refused) return Error{*refused, "not now", {}};
    return {};
  };
  seals_.begin_renewal = [&](const InstanceId&) { return note("begin"); };
  seals_.renew = [&](const InstanceId&) { return note("renew"); };
  restart();
  initialise(3);
  load_and_commit_all(1);
  ASSERT_EQ(start(), "ok");
  work_until_done();
  ASSERT_EQ(text(finalize(0)), "ok");
  EXPECT_TRUE(calls.empty()) << "one unit has the old master key still";
  refused = Reason::UnitUnavailable;
  ASSERT_EQ(text(finalize(1)), "ok");
  EXPECT_EQ(phase(), RotationPhase::Resealed) << "no new key for seals, no end";
  refused = Reason::Conflict;  // the unit keeps no more keys: no reason to wait
  status();
  EXPECT_EQ(phase(), RotationPhase::None);
  calls.clear();
  refused = Reason::StoreUnavailable;
  EXPECT_EQ(process().rotations.work(instance_), Work::Waiting);
  EXPECT_FALSE(process().rotations.health());
  EXPECT_TRUE(process().rotations.is_renewing_seals(instance_));
  refused = std::nullopt;
  work_until_done();
  EXPECT_EQ(calls, (std::vector<std::string>{"renew", "renew"}));
  EXPECT_TRUE(process().rotations.health());
  EXPECT_FALSE(process().rotations.is_renewing_seals(instance_));
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
