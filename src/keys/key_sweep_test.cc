// What time does to keys, step by step; key_sweep_years_test.cc runs it over years.
#include "keys/failing_unit_for_tests.h"
#include "keys/key_service_for_tests.h"

namespace keyhaven::keys {
namespace {

std::string detail(const audit::Event& event, const std::string& name) {
  for (const auto& [key, value] : event.details) {
    if (key == name) return value;
  }
  return "-";
}

class KeySweepTest : public KeyServiceFixture {
 protected:
  static constexpr std::int64_t kMonth = 30 * kDay;

  KeySweepTest() { settings.current.limits = {}; }

  static KeyTimes few_per_sweep() {
    KeyTimes times;
    times.rotations_per_sweep = 10;
    return times;
  }
  KeyRecordPtr rotating(std::int64_t months = 1, const InstanceId* where = nullptr) {
    CreateRequest what = request();
    if (where != nullptr) what.instance = *where;
    what.overrides = PolicyOverrides{.rotation_months = months};
    Change change = a_change();
    return swept.create(std::move(what), change).value();
  }
  KeyRecordPtr find(const KeyRecordPtr& key) {
    return swept_directory.find(key->instance, key->id);
  }
  std::size_t versions(const KeyRecordPtr& key) { return find(key)->versions.size(); }
  std::size_t sweep() { return swept.sweep(clock.now()).value(); }
  Error failing_sweep() { return swept.sweep(clock.now()).error(); }
  std::size_t events() { return store.events().size(); }

  // Beside the fixture's service: one with few rotations per sweep and a unit that can fail.
  FailingUnit unit{soft_unit};
  Directory swept_directory;
  KeyChanges swept_changes{store, swept_directory, few_per_sweep()};
  KeyService swept{{swept_changes, unit, secure_import, dependents, gate, fence, settings, clock}};
};

TEST_F(KeySweepTest, APolicyRotatesOnceWithinItsWindow) {
  const KeyRecordPtr key = rotating(2);
  clock.advance_seconds(2 * kMonth - 1);
  EXPECT_EQ(sweep(), 0U);
  clock.advance_seconds(1 + kDay);
  EXPECT_EQ(sweep(), 1U);
  EXPECT_EQ(sweep(), 0U);
  const KeyRecordPtr rotated = find(key);
  EXPECT_EQ(rotated->versions.size(), 2U);
  EXPECT_EQ(rotated->rotated, clock.now());
  EXPECT_EQ(rotated->updated_by, "keyhaven");
  EXPECT_EQ(rotated->expires, key->expires);
  EXPECT_EQ(rotated->policies(), key->policies());
  // The next one counts from this one.
  clock.advance_seconds(2 * kMonth - 1);
  EXPECT_EQ(sweep(), 0U);
  clock.advance_seconds(1 + kDay);
  EXPECT_EQ(sweep(), 1U);
}

TEST_F(KeySweepTest, ARotationIsRecordedToldAndFenced) {
  const KeyRecordPtr key = rotating();
  clock.advance_seconds(kMonth + kDay);
  const int fenced = fence.calls;
  const std::size_t before = events();
  EXPECT_EQ(sweep(), 1U);
  ASSERT_EQ(events(), before + 1);
  const audit::Event event = store.events().back();
  EXPECT_EQ(event.action, "hs-crypto.secrets.rotate");
  EXPECT_EQ(event.severity, "warning");
  EXPECT_EQ(event.outcome, audit::Outcome::Success);
  EXPECT_EQ(event.initiator_name, "Keyhaven");
  EXPECT_EQ(event.target_id, key->id.text());
  EXPECT_EQ(detail(event, "responseData.keyId"), key->id.text());
  EXPECT_EQ(detail(event, "responseData.keyVersionId"), find(key)->newest().id.text());
  EXPECT_EQ(dependents.published, std::vector{LifecycleKind::Rotate});
  EXPECT_EQ(fence.calls, fenced + 1);
}

TEST_F(KeySweepTest, AfterMissedMonthsAKeyRotatesOnce) {
  const KeyRecordPtr key = rotating();
  clock.advance_seconds(11 * kMonth);
  EXPECT_EQ(sweep(), 1U);
  EXPECT_EQ(sweep(), 0U);
  clock.advance_seconds(kMonth - 1);
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(versions(key), 2U);
}

TEST_F(KeySweepTest, TheHourlyRuleIsForCallersOnly) {
  KeyTimes minutes;
  minutes.rotation_month_seconds = 60;
  minutes.rotation_window_seconds = 0;
  KeyChanges short_changes(store, directory, minutes);
  KeyService short_months(
      {short_changes, soft_unit, secure_import, dependents, gate, fence, settings, clock});
  CreateRequest what = request();
  what.overrides = PolicyOverrides{.rotation_months = 1};
  Change change = a_change();
  const KeyRecordPtr key = short_months.create(std::move(what), change).value();
  for (int i = 0; i < 3; ++i) {
    clock.advance_seconds(60);
    EXPECT_EQ(short_months.sweep(clock.now()).value(), 1U);
  }
  EXPECT_EQ(now(key)->versions.size(), 4U);
  EXPECT_EQ(rotate(now(key)), "KeyRotationNotPermitted");
}

TEST_F(KeySweepTest, ManyOverdueKeysAreSpreadOverSweepsLongestDueFirst) {
  std::vector<KeyRecordPtr> keys;
  for (int i = 0; i < 25; ++i) {
    keys.push_back(rotating());
    clock.advance_seconds(2 * kDay);  // more than the window, so they are due in this order
  }
  clock.advance_seconds(3 * kMonth);
  std::size_t done = 0;
  for (const std::size_t rotated : {10U, 10U, 5U, 0U}) {
    EXPECT_EQ(sweep(), rotated);
    done += rotated;
    for (std::size_t i = 0; i < keys.size(); ++i)
      EXPECT_EQ(versions(keys[i]), i < done ? 2U : 1U) << i << " after " << done;
  }
}

TEST_F(KeySweepTest, WhileTheUnitIsDownOneTryPerSweepAndNoEvents) {
  std::vector<KeyRecordPtr> keys;
  for (int i = 0; i < 5; ++i) keys.push_back(rotating());
  CreateRequest expiring = request();
  expiring.expires = clock.now().plus_seconds(kMonth);
  Change change = a_change();
  const KeyRecordPtr other = swept.create(std::move(expiring), change).value();
  clock.advance_seconds(kMonth + kDay);
  unit.fail_with(Error{Reason::UnitUnavailable, "the unit does not answer", ""});
  unit.asked = 0;
  const std::size_t before = events();
  for (int i = 1; i <= 4; ++i) {
    EXPECT_EQ(failing_sweep().reason, Reason::UnitUnavailable);
    EXPECT_EQ(unit.asked, i);
  }
  // What needs no unit goes on.
  EXPECT_EQ(find(other)->state, KeyState::Deactivated);
  EXPECT_EQ(events(), before + 1);
  unit.fail_with(std::nullopt);
  EXPECT_EQ(sweep(), 5U);
  for (const KeyRecordPtr& key : keys) EXPECT_EQ(versions(key), 2U);
  EXPECT_EQ(events(), before + 1 + 5);
}

TEST_F(KeySweepTest, AnInstanceThatFailsDoesNotKeepOthersFromTheirTurn) {
  const InstanceId other = unit::test_instance(2);
  std::vector<KeyRecordPtr> failing;
  for (int i = 0; i < 30; ++i) failing.push_back(rotating(1, &other));
  const KeyRecordPtr healthy = rotating();
  clock.advance_seconds(kMonth + kDay);
  unit.fail_with(Error{Reason::InstanceNotInitialized, "the instance has no master key", ""},
                 other);
  unit.asked = 0;
  EXPECT_EQ(failing_sweep().reason, Reason::InstanceNotInitialized);
  EXPECT_EQ(versions(healthy), 2U);
  EXPECT_EQ(unit.asked, 2);
  unit.fail_with(std::nullopt);
  EXPECT_EQ(sweep() + sweep() + sweep(), 30U);
}

TEST_F(KeySweepTest, AKeyThatCannotBeStoredIsTriedAgain) {
  const KeyRecordPtr key = rotating();
  clock.advance_seconds(kMonth + kDay);
  store.fail_with(Error{Reason::StoreUnavailable, "disk full", ""});
  EXPECT_EQ(failing_sweep().reason, Reason::StoreUnavailable);
  EXPECT_EQ(versions(key), 1U);
  EXPECT_TRUE(dependents.published.empty());
  store.fail_with(std::nullopt);
  EXPECT_EQ(sweep(), 1U);
}

TEST_F(KeySweepTest, ARotationThatCannotBeFencedHasHappenedAndIsNotRepeated) {
  const KeyRecordPtr key = rotating();
  clock.advance_seconds(kMonth + kDay);
  fence.refuse = true;
  EXPECT_EQ(failing_sweep().reason, Reason::UnitUnavailable);
  fence.refuse = false;
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(versions(key), 2U);
}

TEST_F(KeySweepTest, OfTwoNodesOneRotates) {
  const KeyRecordPtr key = rotating();
  ASSERT_TRUE(service.load());  // the other node
  clock.advance_seconds(kMonth + kDay);
  const std::size_t before = events();
  EXPECT_EQ(sweep(), 1U);
  EXPECT_EQ(service.sweep(clock.now()).error().reason, Reason::Conflict);
  EXPECT_EQ(events(), before + 1);
  EXPECT_EQ(versions(key), 2U);
}

TEST_F(KeySweepTest, ASuspendedKeyRotatesWhenItIsActiveAgain) {
  const KeyRecordPtr key = rotating();
  Change change = a_change();
  ASSERT_TRUE(swept.disable(*key, change));
  clock.advance_seconds(5 * kMonth);
  EXPECT_EQ(sweep(), 0U);
  ASSERT_TRUE(swept.enable(*find(key), change));
  EXPECT_EQ(sweep(), 1U);
}

TEST_F(KeySweepTest, AnExpiredKeyDoesNotRotate) {
  CreateRequest what = request();
  what.overrides = PolicyOverrides{.rotation_months = 1};
  what.expires = clock.now().plus_seconds(kMonth);
  Change change = a_change();
  const KeyRecordPtr key = swept.create(std::move(what), change).value();
  clock.advance_seconds(2 * kMonth);
  EXPECT_EQ(sweep(), 1U);
  EXPECT_EQ(sweep(), 0U);
  EXPECT_EQ(find(key)->state, KeyState::Deactivated);
  EXPECT_EQ(versions(key), 1U);
}

TEST_F(KeySweepTest, ALapsedAuthorizationGoesWithItsEvent) {
  CreateRequest what = request();
  what.overrides = PolicyOverrides{.dual_auth = true};
  Change change = a_change();
  const KeyRecordPtr key = swept.create(std::move(what), change).value();
  Change first = a_change("A");
  ASSERT_TRUE(swept.set_for_deletion(*key, first));
  const Timestamp lapses = find(key)->policies().authorization->lapses;
  clock.advance_seconds(7 * kDay - 1);
  EXPECT_EQ(sweep(), 0U);
  clock.advance_seconds(1);
  EXPECT_EQ(sweep(), 1U);
  EXPECT_FALSE(find(key)->policies().authorization.has_value());
  EXPECT_TRUE(find(key)->policies().dual_auth->enabled);  // the policy itself never lapses
  const audit::Event event = store.events().back();
  EXPECT_EQ(event.action, "hs-crypto.secrets.unsetkeyfordeletion");
  EXPECT_EQ(event.initiator_name, "Keyhaven");
  EXPECT_EQ(detail(event, "responseData.initialValue.authID"), "A");
  EXPECT_EQ(detail(event, "responseData.initialValue.authExpiration"), format_rfc3339(lapses));
  EXPECT_EQ(sweep(), 0U);
}

}  // namespace
}  // namespace keyhaven::keys
