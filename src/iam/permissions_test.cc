#include "iam/permissions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "iam/authority.h"

namespace keyhaven::iam {
namespace {

InstanceId instance(std::uint8_t number) {
  InstanceId out;
  out.uuid.bytes[15] = number;
  return out;
}
KeyId key(std::uint8_t number) {
  KeyId out;
  out.uuid.bytes[15] = number;
  return out;
}

const InstanceId kHere = instance(1);
const InstanceId kThere = instance(2);

Grant grant(RoleSet roles, std::optional<InstanceId> instance = {}, std::string ring = {},
            std::optional<KeyId> key = {}) {
  return {"grant", "iam-ServiceId-1", roles, instance, std::move(ring), key};
}
Caller caller(std::vector<Grant> grants) {
  Caller out;
  out.grants = std::move(grants);
  return out;
}
bool has(const Actions& actions, Action action) {
  return std::find(actions.begin(), actions.end(), action) != actions.end();
}

// The list says what Caller::may says, of every action that needs a role; and nothing of others.
void expect_as_may_says(const Caller& caller, const Scope& scope, const Actions& actions) {
  for (std::size_t index = 0; index < kActionCount; ++index) {
    const auto action = static_cast<Action>(index);
    const bool listed = has(actions, action);
    if (info(action).access == Access::Roles) {
      EXPECT_EQ(listed, caller.may(action, scope)) << info(action).event;
    } else {
      EXPECT_FALSE(listed) << info(action).event;
    }
  }
}

TEST(Permissions, OfEachRoleAreWhatCallerMaySays) {
  for (std::size_t index = 0; index < kRoleCount; ++index) {
    const RoleSet roles = bit(static_cast<Role>(index));
    const Caller everywhere = caller({grant(roles)});
    expect_as_may_says(everywhere, {}, actions_on(everywhere, {}));
    EXPECT_FALSE(actions_on(everywhere, {}).empty());
    const Caller here = caller({grant(roles, kHere)});
    EXPECT_EQ(actions_on(here, {.instance = &kHere}), actions_on(everywhere, {}));
    EXPECT_TRUE(actions_on(here, {.instance = &kThere}).empty());
    EXPECT_TRUE(actions_on(here, {}).empty());
    EXPECT_TRUE(parts_of(here, kHere).empty());
  }
  EXPECT_TRUE(actions_on(caller({}), {}).empty());
}

TEST(Permissions, WhatRolesDifferIn) {
  const struct {
    Role role;
    Action may;
    Action may_not;
  } kRows[] = {
      {Role::Reader, Action::SecretsWrap, Action::SecretsRead},
      {Role::ReaderPlus, Action::SecretsRead, Action::SecretsCreate},
      {Role::Writer, Action::SecretsCreate, Action::SecretsDelete},
      {Role::Manager, Action::SecretsDelete, Action::SecretsPurge},
      {Role::KeyPurge, Action::SecretsPurge, Action::SecretsList},
      {Role::Viewer, Action::InstancesRead, Action::InstancesUpdate},
      {Role::Operator, Action::InstancesRead, Action::InstancesUpdate},
      {Role::Editor, Action::InstancesCreate, Action::IdentityList},
      {Role::Administrator, Action::AuditSearch, Action::SecretsList},
  };
  for (const auto& row : kRows) {
    const Actions actions = actions_on(caller({grant(bit(row.role))}), {});
    EXPECT_TRUE(has(actions, row.may)) << name_of(row.role);
    EXPECT_FALSE(has(actions, row.may_not)) << name_of(row.role);
  }
}

TEST(Permissions, OfARingAreOfThatRingAndNotOfTheInstance) {
  const Caller one = caller({grant(bit(Role::Manager), kHere, "finance")});
  EXPECT_TRUE(actions_on(one, {.instance = &kHere}).empty());
  const auto parts = parts_of(one, kHere);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].places, (std::vector<Place>{{"finance", {}}}));
  EXPECT_TRUE(has(parts[0].actions, Action::SecretsDelete));
  expect_as_may_says(one, {.instance = &kHere, .key_ring = "finance"}, parts[0].actions);
  EXPECT_TRUE(parts_of(one, kThere).empty());
}

TEST(Permissions, OfARingOfEveryInstanceAreInEachOne) {
  const Caller one = caller({grant(bit(Role::Reader), {}, "finance")});
  EXPECT_EQ(parts_of(one, kHere).size(), 1U);
  EXPECT_EQ(parts_of(one, kThere).size(), 1U);
}

// A part says the whole of what may be done there: also by what the instance and the ring allow.
TEST(Permissions, OfAPlaceHoldWhatWiderGrantsAllow) {
  const KeyId a = key(7);
  const Caller one = caller({grant(bit(Role::Reader), kHere), grant(bit(Role::Writer), kHere, "r"),
                             grant(bit(Role::KeyPurge), kHere, "r", a)});
  const auto parts = parts_of(one, kHere);
  ASSERT_EQ(parts.size(), 2U);
  for (const Part& part : parts) {
    ASSERT_EQ(part.places.size(), 1U);
    const Place& place = part.places[0];
    expect_as_may_says(
        one,
        {.instance = &kHere, .key_ring = place.key_ring, .key = place.key ? &*place.key : nullptr},
        part.actions);
    EXPECT_TRUE(has(part.actions, Action::SecretsWrap));
    EXPECT_TRUE(has(part.actions, Action::SecretsCreate));
    EXPECT_EQ(has(part.actions, Action::SecretsPurge), place.key == a);
  }
}

TEST(Permissions, PlacesOfTheSameRolesAreOnePartAndEachIsThereOnce) {
  std::vector<Grant> grants;
  for (std::size_t index = 0; index < kMaxGrantsPerIdentity; ++index)
    grants.push_back(
        grant(bit(Role::Manager), kHere, {}, key(static_cast<std::uint8_t>(index / 2))));
  const auto parts = parts_of(caller(std::move(grants)), kHere);
  ASSERT_EQ(parts.size(), 1U);
  EXPECT_EQ(parts[0].places.size(), kMaxGrantsPerIdentity / 2);
}

TEST(Permissions, RequirementsAreTheTable) {
  std::size_t count = 0;
  for (const Requirement& one : requirements()) {
    for (const Action action : one.actions) {
      EXPECT_EQ(info(action).access, Access::Roles);
      EXPECT_EQ(info(action).roles, one.roles) << info(action).event;
      ++count;
    }
  }
  std::size_t expected = 0;
  for (std::size_t index = 0; index < kActionCount; ++index)
    expected += info(static_cast<Action>(index)).access == Access::Roles ? 1U : 0U;
  EXPECT_EQ(count, expected);
}

}  // namespace
}  // namespace keyhaven::iam
