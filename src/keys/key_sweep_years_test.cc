// Five years of the lives of 200 keys in a second or two, against an independent model: random
// policies, expirations, deletions and authorizations; sweeps at random intervals with long
// downtimes between them; crashes just before and just after a commit; failures of store, unit and
// fence. The model knows the rules of the API (a month is 30 days, a window of 24 hours ...) and
// not how the sweep arranges its work.
#include <functional>
#include <map>
#include <random>

#include "keys/failing_unit_for_tests.h"
#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;

// Thrown where the process dies; the service that was at work is thrown away.
struct Crash {};

// A store on which the process dies just before or just after its next commit.
class CrashingStore final : public KeyStore {
 public:
  enum class When { Never, Before, After } crash = When::Never;
  MemoryKeyStore inner;
  std::size_t committed = 0;  // each with its one event

  Result<void> load_keys(const std::function<void(KeyRecord)>& sink) override {
    return inner.load_keys(sink);
  }
  Result<void> load_rings(const std::function<void(KeyRing)>& sink) override {
    return inner.load_rings(sink);
  }
  Result<void> load_registrations(const std::function<void(Registration)>& sink) override {
    return inner.load_registrations(sink);
  }
  Result<void> load_events(const std::function<void(LifecycleEvent)>& sink) override {
    return inner.load_events(sink);
  }
  Result<std::vector<std::uint64_t>> commit(const KeyChange& change,
                                            const audit::Event& event) override {
    const When when = std::exchange(crash, When::Never);
    if (when == When::Before) throw Crash();
    auto result = inner.commit(change, event);
    committed += result ? 1 : 0;
    if (when == When::After) throw Crash();
    return result;
  }
};

// What the test itself knows of a key.
struct Model {
  bool generated_root = true;
  bool undisturbed = false;  // no caller ever touches it
  int state = 1;             // as the API numbers it; 0: purged
  Timestamp counts_from;     // creation or last rotation
  std::int64_t months = 0;   // 0: no enabled rotation policy
  Timestamp expires;
  Timestamp deleted;
  Timestamp authorization_lapses;
  std::size_t rotations = 0;

  bool live() const { return state != 0 && state != 5; }
  bool expiry_due(Timestamp t) const { return state == 1 && expires.is_set() && expires <= t; }
  bool lapse_due(Timestamp t) const {
    return live() && authorization_lapses.is_set() && authorization_lapses <= t;
  }
  bool purge_due(Timestamp t) const { return state == 5 && deleted.plus_seconds(90 * kDay) <= t; }
  // From when on it may rotate, and by when it must have.
  bool rotation_allowed(Timestamp t) const {
    return state == 1 && months > 0 && !expiry_due(t) &&
           counts_from.plus_seconds(months * 30 * kDay) <= t;
  }
  bool rotation_overdue(Timestamp t) const {
    return rotation_allowed(t) && counts_from.plus_seconds((months * 30 + 1) * kDay) <= t;
  }
};

class KeySweepYearsTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kKeys = 200;

  // The process: all that a crash takes away.
  struct Process {
    explicit Process(KeySweepYearsTest& test)
        : changes(test.store_, directory, KeyTimes()),
          service({changes, test.unit_, test.import_, test.dependents_, test.gate_, test.fence_,
                   test.settings_, test.clock_}) {
      EXPECT_TRUE(service.load());
    }
    Directory directory;
    KeyChanges changes;
    KeyService service;
  };
  void restart() {
    process_.reset();
    process_ = std::make_unique<Process>(*this);
    ++restarts_;
  }

  std::int64_t random(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(engine_);
  }
  bool chance(int percent) { return random(1, 100) <= percent; }
  KeyRecordPtr find(const KeyId& id) { return process_->directory.find(instance_, id); }

  // --- What callers do ---

  void create() {
    Uuid uuid;
    for (auto& byte : uuid.bytes) byte = static_cast<std::uint8_t>(random(0, 255));
    Model model;
    model.undisturbed = models_.size() % 6 == 0;
    const std::int64_t kind = model.undisturbed ? 0 : random(0, 9);
    CreateRequest what;
    what.instance = instance_;
    what.id = KeyId{uuid};
    what.name = "simulated";
    what.kind = kind == 9 ? KeyKind::StandardKey : KeyKind::RootKey;
    if (kind == 8) what.material.clear = SecretBytes(32);
    model.generated_root = kind < 8;
    if (model.undisturbed || (model.generated_root && chance(60))) {
      model.months = random(1, 12);
      what.overrides = PolicyOverrides{.rotation_months = model.months};
    }
    if (!model.undisturbed && chance(25)) {
      model.expires = clock_.now().plus_seconds(random(1, 5 * 365 * kDay));
      what.expires = model.expires;
    }
    model.counts_from = clock_.now();
    Change change = change_by("A");
    ASSERT_TRUE(process_->service.create(std::move(what), change));
    models_[KeyId{uuid}] = model;
  }

  static Change change_by(std::string actor) {
    Change change;
    change.actor = std::move(actor);
    change.event.action = "called";
    return change;
  }

  // One random call on a random key; the model follows when it succeeds.
  void act() {
    auto entry = models_.begin();
    std::advance(entry, random(0, static_cast<std::int64_t>(models_.size()) - 1));
    Model& model = entry->second;
    const KeyRecordPtr key = find(entry->first);
    if (model.undisturbed || !key) return;
    KeyService& service = process_->service;
    Change change = change_by(chance(50) ? "A" : "B");
    const Timestamp now = clock_.now();
    switch (random(0, 9)) {
      case 0:
      case 1:
      case 2: {
        PolicyUpdate update;
        update.rotation = PolicyUpdate::Rotation{chance(80), random(1, 12)};
        if (service.set_policies(*key, update, change))
          model.months = *update.rotation->enabled ? *update.rotation->interval_months : 0;
        break;
      }
      case 3: {
        PolicyUpdate update;
        update.dual_auth = true;
        (void)service.set_policies(*key, update, change);
        break;
      }
      case 4:
        if (service.set_for_deletion(*key, change))
          model.authorization_lapses = now.plus_seconds(7 * kDay);
        break;
      case 5:
        if (chance(15) && service.destroy(*key, Force::No, change)) {
          model.state = 5;
          model.deleted = now;
          model.authorization_lapses = {};
        }
        break;
      case 6:
        if (service.restore(*key, Material(), change)) model.state = 1;
        break;
      case 7:
        if (service.rotate(*key, Material(), change)) {
          model.counts_from = now;
          ++model.rotations;
        }
        break;
      case 8:
        if (chance(30) && service.disable(*key, change)) model.state = 2;
        break;
      default:
        if (service.enable(*key, change)) model.state = 1;
        break;
    }
  }

  // --- What time does ---

  // Sweeps until nothing is left to do. False when something failed or crashed on the way.
  bool sweep() {
    try {
      while (true) {
        const auto swept = process_->service.sweep(clock_.now());
        if (!swept) return false;
        if (swept.value() == 0) return true;
      }
    } catch (const Crash&) {
      restart();
      return false;
    }
  }

  void break_something() {
    switch (random(0, 4)) {
      case 0:
        store_.crash = CrashingStore::When::Before;
        break;
      case 1:
        store_.crash = CrashingStore::When::After;
        break;
      case 2:
        store_.inner.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
        break;
      case 3:
        unit_.fail_with(Error{Reason::UnitUnavailable, "the unit does not answer", ""});
        break;
      default:
        fence_.refuse = true;
        break;
    }
  }
  void repair() {
    store_.crash = CrashingStore::When::Never;
    store_.inner.fail_with(std::nullopt);
    unit_.fail_with(std::nullopt);
    fence_.refuse = false;
  }

  // What `before` must look like at `now`, given how often the model says it changed; the material
  // of a new version is taken from `after`.
  KeyRecord expected(const KeyRecord& before, const KeyRecord& after, Model& model, Timestamp now,
                     std::size_t& changes) {
    KeyRecord out = before;
    const std::size_t changes_before = changes;
    if (after.state != before.state) {
      EXPECT_TRUE(model.expiry_due(now));
      model.state = 3;
      ++expired_;
      out.state = KeyState::Deactivated;
      out.state_changed = now;
      ++changes;
    }
    if (before.policies().authorization && !after.policies().authorization) {
      EXPECT_TRUE(model.lapse_due(now));
      model.authorization_lapses = {};
      ++lapsed_;
      KeyPolicies policies = before.policies();
      policies.authorization.reset();
      out.set_policies(std::move(policies));
      ++changes;
    }
    if (after.versions.size() != before.versions.size()) {
      EXPECT_EQ(after.versions.size(), before.versions.size() + 1);
      EXPECT_TRUE(model.rotation_allowed(now)) << "rotated too early";
      EXPECT_TRUE(model.generated_root);
      model.counts_from = now;
      ++model.rotations;
      ++rotated_;
      out.versions.push_back(after.newest());
      out.rotated = now;
      ++changes;
    }
    if (changes != changes_before) {
      out.updated = now;
      out.updated_by = "keyhaven";
    }
    out.revision += changes - changes_before;
    return out;
  }

  // Compares all keys with what they were; with `clean`, nothing may be left undone. Returns how
  // many changes there were.
  std::size_t check(const std::map<KeyId, KeyRecordPtr>& before, bool clean) {
    const Timestamp now = clock_.now();
    std::size_t changes = 0;
    for (auto& [id, model] : models_) {
      const KeyRecordPtr was = before.at(id);
      const KeyRecordPtr is = find(id);
      if (was && !is) {
        EXPECT_TRUE(model.purge_due(now)) << "purged too early";
        model.state = 0;
        ++purged_;
        ++changes;
      } else if (was != is) {
        EXPECT_TRUE(was && is) << "a purged key came back";
        if (!was || !is) continue;
        const KeyRecord wanted = expected(*was, *is, model, now, changes);
        EXPECT_EQ(encode(wanted), encode(*is));
      }
      if (!clean) continue;
      EXPECT_FALSE(model.purge_due(now));
      EXPECT_FALSE(model.expiry_due(now));
      EXPECT_FALSE(model.lapse_due(now));
      EXPECT_FALSE(model.rotation_overdue(now));
    }
    return changes;
  }

  std::map<KeyId, KeyRecordPtr> snapshot() {
    std::map<KeyId, KeyRecordPtr> out;
    for (const auto& [id, model] : models_) out[id] = find(id);
    return out;
  }

  // Returns whether all that was due is done.
  bool sweep_and_check(int percent_broken) {
    ++sweeps_;
    const auto before = snapshot();
    const std::size_t committed_before = store_.committed;
    const bool broken = chance(percent_broken);
    if (broken) break_something();
    const bool clean = sweep();
    repair();
    if (!clean && chance(30)) restart();
    const std::size_t changes = check(before, clean);
    EXPECT_TRUE(clean || broken);
    // One event for each change, none for a failure.
    EXPECT_EQ(store_.committed - committed_before, changes);
    return clean;
  }

  // After the last clean sweep: an undisturbed key rotated as often as its months allow, each time
  // late by at most its window and the longest time without a good sweep.
  void check_counts(Timestamp start, std::int64_t longest_gap) {
    for (const auto& [id, model] : models_) {
      if (!model.undisturbed) continue;
      const std::int64_t age = clock_.now().seconds() - start.seconds();
      const std::int64_t interval = model.months * 30 * kDay;
      EXPECT_LE(model.rotations, static_cast<std::size_t>(age / interval));
      EXPECT_GE(model.rotations, static_cast<std::size_t>(age / (interval + kDay + longest_gap)));
      EXPECT_EQ(find(id)->versions.size(), model.rotations + 1);
    }
  }

  // Printed by gtest; --gtest_random_seed=N repeats a run.
  std::mt19937_64 engine_{
      static_cast<std::uint64_t>(::testing::UnitTest::GetInstance()->random_seed())};
  const InstanceId instance_ = unit::test_instance(1);
  ManualClock clock_{Timestamp::from_seconds(1'767'323'045)};
  unit::SoftUnit soft_unit_ = deployment().make_unit();
  FailingUnit unit_{soft_unit_};
  CrashingStore store_;
  FixedImport import_{soft_unit_};
  FixedDependents dependents_;
  TestGate gate_;
  RecordingFence fence_;
  FixedRules settings_;
  std::map<KeyId, Model> models_;
  int restarts_ = 0;
  int sweeps_ = 0;
  int purged_ = 0, expired_ = 0, lapsed_ = 0, rotated_ = 0;
  std::unique_ptr<Process> process_ = std::make_unique<Process>(*this);
};

TEST_F(KeySweepYearsTest, EachKeyChangesWhenItIsDueAndOnlyOnce) {
  SCOPED_TRACE("repeat with --gtest_random_seed=" +
               std::to_string(::testing::UnitTest::GetInstance()->random_seed()));
  for (std::size_t i = 0; i < kKeys; ++i) create();
  const Timestamp start = clock_.now();
  const Timestamp end = start.plus_seconds(5 * 365 * kDay);
  std::int64_t longest_gap = 0;
  Timestamp last_good = start;
  bool done = false;
  while (!done && !HasFailure()) {
    // Now and then the server is down for days or weeks.
    const std::int64_t pause = chance(99) ? random(kHour / 2, 12 * kHour) : random(1, 40) * kDay;
    clock_.advance_seconds(pause);
    if (chance(30)) act();
    const bool last = clock_.now() >= end;
    if (!sweep_and_check(last ? 0 : 10)) continue;
    longest_gap = std::max(longest_gap, clock_.now().seconds() - last_good.seconds());
    last_good = clock_.now();
    done = last;
  }
  check_counts(start, longest_gap);
  // The run has seen all of it. The lowest of 500 runs had 2,877 sweeps, and 19 restarts.
  EXPECT_GT(sweeps_, 2000);
  EXPECT_GT(restarts_, 5);
  EXPECT_GT(purged_, 0);
  EXPECT_GT(expired_, 0);
  EXPECT_GT(lapsed_, 0);
  EXPECT_GT(rotated_, 1000);
}

}  // namespace
}  // namespace keyhaven::keys
