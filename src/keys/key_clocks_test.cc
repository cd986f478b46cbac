#include "keys/key_clocks.h"

#include <gtest/gtest.h>

#include <set>

namespace keyhaven::keys {
namespace {

constexpr std::int64_t kDay = 86400;
const Timestamp kStart = Timestamp::from_seconds(1'767'323'045);

KeyRecord a_key() {
  KeyRecord key;
  key.id = KeyId{Uuid::parse("00000000-0000-4000-8000-000000000001").value()};
  key.created = kStart;
  return key;
}

KeyRecord rotating(std::uint8_t months, bool enabled = true) {
  KeyRecord key = a_key();
  KeyPolicies policies;
  policies.rotation = RotationPolicy{.stamp = {}, .enabled = enabled, .interval_months = months};
  key.set_policies(std::move(policies));
  return key;
}

KeyRecord authorized(Timestamp lapses) {
  KeyRecord key = a_key();
  KeyPolicies policies;
  policies.authorization = DeletionAuthorization{"A", kStart, lapses};
  key.set_policies(std::move(policies));
  return key;
}

KeyId id_with(std::uint32_t first) {
  KeyId id = a_key().id;
  for (std::size_t i = 0; i < 4; ++i)
    id.uuid.bytes[i] = static_cast<std::uint8_t>(first >> (24 - 8 * i));
  return id;
}

TEST(KeyClocksTest, RotationIsDueWholeMonthsAfterCreationOrTheLastRotation) {
  const KeyTimes times;
  for (const std::uint8_t months : {std::uint8_t{1}, std::uint8_t{12}}) {
    KeyRecord key = rotating(months);
    EXPECT_EQ(rotation_due(key, times), kStart.plus_seconds(months * 30 * kDay));
    key.rotated = kStart.plus_seconds(5);
    EXPECT_EQ(rotation_due(key, times), kStart.plus_seconds(months * 30 * kDay + 5));
  }
}

TEST(KeyClocksTest, TheWindowIsDealtOutExceptItsLastHour) {
  const KeyTimes times;
  KeyRecord key = rotating(1);
  const Timestamp due = kStart.plus_seconds(30 * kDay);
  const struct {
    std::uint32_t random;
    std::int64_t share;
  } kCases[] = {{0, 0}, {1, 1}, {82'799, 82'799}, {82'800, 0}, {0xffffffff, 4294967295 % 82'800}};
  for (const auto& row : kCases) {
    key.id = id_with(row.random);
    EXPECT_EQ(rotation_due(key, times), due.plus_seconds(row.share)) << row.random;
  }
  KeyTimes no_window;
  no_window.rotation_window_seconds = 0;
  EXPECT_EQ(rotation_due(key, no_window), due);
}

TEST(KeyClocksTest, OnlyActiveGeneratedRootKeysWithAnEnabledPolicyRotate) {
  const KeyTimes times;
  EXPECT_FALSE(rotation_due(a_key(), times).is_set());
  EXPECT_FALSE(rotation_due(rotating(1, false), times).is_set());
  KeyRecord key = rotating(1);
  key.imported = true;
  EXPECT_FALSE(rotation_due(key, times).is_set());
  key = rotating(1);
  key.kind = KeyKind::StandardKey;
  EXPECT_FALSE(rotation_due(key, times).is_set());
  for (const KeyState state :
       {KeyState::PreActivation, KeyState::Suspended, KeyState::Deactivated, KeyState::Destroyed}) {
    key = rotating(1);
    key.state = state;
    EXPECT_FALSE(rotation_due(key, times).is_set()) << static_cast<int>(state);
  }
}

TEST(KeyClocksTest, EachStepIsDueFromItsMomentOn) {
  const KeyTimes times;
  KeyRecord expiring = a_key();
  expiring.expires = kStart.plus_seconds(100);
  KeyRecord deleted = a_key();
  deleted.state = KeyState::Destroyed;
  deleted.deleted = kStart;
  const struct {
    KeyRecord key;
    std::int64_t seconds;
    TimedStep step;
  } kCases[] = {
      {expiring, 100, TimedStep::Expire},
      {deleted, 90 * kDay, TimedStep::Purge},
      {authorized(kStart.plus_seconds(7 * kDay)), 7 * kDay, TimedStep::LapseAuthorization},
      {rotating(2), 60 * kDay, TimedStep::Rotate},
  };
  for (const auto& row : kCases) {
    const Timestamp moment = kStart.plus_seconds(row.seconds);
    EXPECT_EQ(next_due(row.key, times), moment);
    EXPECT_EQ(due_step(row.key, times, Timestamp{moment.us - 1}), TimedStep::None);
    EXPECT_EQ(due_step(row.key, times, moment), row.step);
    EXPECT_EQ(due_step(row.key, times, moment.plus_seconds(1000 * kDay)), row.step);
  }
  EXPECT_FALSE(next_due(a_key(), times).is_set());
  EXPECT_EQ(due_step(a_key(), times, kStart.plus_seconds(1000 * kDay)), TimedStep::None);
}

TEST(KeyClocksTest, WhatIsFinalComesBeforeWhatIsNot) {
  const KeyTimes times;
  const Timestamp late = kStart.plus_seconds(1000 * kDay);
  KeyRecord key = rotating(1);
  KeyPolicies policies = key.policies();
  policies.authorization = DeletionAuthorization{"A", kStart, kStart.plus_seconds(kDay)};
  key.set_policies(policies);
  EXPECT_EQ(due_step(key, times, late), TimedStep::LapseAuthorization);
  key.expires = kStart.plus_seconds(2 * kDay);
  EXPECT_EQ(due_step(key, times, late), TimedStep::Expire);
  EXPECT_EQ(next_due(key, times), kStart.plus_seconds(kDay));
  // A suspended key does not expire (key_state.h), but its authorization lapses.
  key.state = KeyState::Suspended;
  EXPECT_EQ(due_step(key, times, late), TimedStep::LapseAuthorization);
  key.state = KeyState::Destroyed;
  key.deleted = late;
  EXPECT_EQ(due_step(key, times, late), TimedStep::None);
  EXPECT_EQ(next_due(key, times), late.plus_seconds(90 * kDay));
}

// The sweep looks at a key when next_due says so: both must always agree.
TEST(KeyClocksTest, NextDueIsWhenAStepBecomesDue) {
  KeyTimes times;
  times.rotation_month_seconds = 3;
  times.rotation_window_seconds = 2;
  times.purge_due_seconds = 5;
  int with_step = 0;
  for (unsigned bits = 0; bits < 5 * 2 * 2 * 2 * 3; ++bits) {
    static constexpr KeyState kStates[] = {KeyState::PreActivation, KeyState::Active,
                                           KeyState::Suspended, KeyState::Deactivated,
                                           KeyState::Destroyed};
    KeyRecord key = a_key();
    key.state = kStates[bits % 5];
    if (key.state == KeyState::Destroyed) key.deleted = kStart;
    KeyPolicies policies;
    if (bits / 5 % 2 != 0) policies.rotation = RotationPolicy{};
    if (bits / 10 % 2 != 0)
      policies.authorization = DeletionAuthorization{"A", kStart, kStart.plus_seconds(4)};
    if (bits / 20 % 2 != 0) key.imported = true;
    if (bits / 40 != 0) key.expires = kStart.plus_seconds(bits / 40 == 1 ? 2 : 6);
    key.set_policies(std::move(policies));
    const Timestamp due = next_due(key, times);
    for (std::int64_t second = 0; second < 10; ++second) {
      const Timestamp now = kStart.plus_seconds(second);
      const bool has_step = due_step(key, times, now) != TimedStep::None;
      EXPECT_EQ(has_step, due.is_set() && due <= now) << bits << " at " << second;
      with_step += has_step ? 1 : 0;
    }
  }
  EXPECT_GT(with_step, 100);
}

TEST(KeyClocksTest, KeysMadeTogetherAreSpread) {
  const KeyTimes times;
  KeyRecord key = rotating(1);
  std::set<Timestamp> moments;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    key.id = id_with(i * 2654435761U);  // multiplicative hashing spreads like random ids
    moments.insert(rotation_due(key, times));
  }
  EXPECT_GT(moments.size(), 950U);
}

}  // namespace
}  // namespace keyhaven::keys
