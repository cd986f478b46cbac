#include "server/instance_rules.h"

#include <gtest/gtest.h>

namespace keyhaven::server {
namespace {

using instances::KeyCreateImportAccess;
using instances::PolicyType;

TEST(InstanceRulesTest, AFreshInstanceHasTheDefaults) {
  const keys::InstanceRules rules = rules_of({});
  const keys::InstanceRules defaults;
  EXPECT_EQ(rules.limits.keys, defaults.limits.keys);
  EXPECT_EQ(rules.limits.rings, defaults.limits.rings);
  EXPECT_EQ(rules.limits.aliases, defaults.limits.aliases);
  EXPECT_EQ(rules.limits.aliases_per_key, defaults.limits.aliases_per_key);
  EXPECT_EQ(rules.limits.registrations_per_key, defaults.limits.registrations_per_key);
  EXPECT_EQ(rules.limits.standard_key_bytes, defaults.limits.standard_key_bytes);
  EXPECT_EQ(rules.rotation_interval_seconds, defaults.rotation_interval_seconds);
  EXPECT_TRUE(rules.create_root_key && rules.create_standard_key && rules.import_root_key &&
              rules.import_standard_key);
  EXPECT_FALSE(rules.enforce_token);
  EXPECT_FALSE(rules.dual_auth_delete);
  EXPECT_EQ(rules.rotation_months, 0U);
}

TEST(InstanceRulesTest, EveryPolicyAndLimitArrives) {
  instances::InstanceRecord record;
  record.rotation_interval_seconds = 60;
  record.limits = {.keys = 1,
                   .key_rings = 2,
                   .aliases = 3,
                   .aliases_per_key = 4,
                   .registrations_per_key = 5,
                   .standard_key_bytes = 6};
  record.policies.set({PolicyType::DualAuthDelete, true, {}}, "a", {});
  record.policies.set({PolicyType::Rotation, true, instances::RotationInterval{7}}, "a", {});
  const keys::InstanceRules rules = rules_of(record);
  EXPECT_EQ(rules.limits.keys, 1U);
  EXPECT_EQ(rules.limits.rings, 2U);
  EXPECT_EQ(rules.limits.aliases, 3U);
  EXPECT_EQ(rules.limits.aliases_per_key, 4U);
  EXPECT_EQ(rules.limits.registrations_per_key, 5U);
  EXPECT_EQ(rules.limits.standard_key_bytes, 6U);
  EXPECT_EQ(rules.rotation_interval_seconds, 60);
  EXPECT_TRUE(rules.dual_auth_delete);
  EXPECT_EQ(rules.rotation_months, 7U);
}

TEST(InstanceRulesTest, EachRightToCreateAndImportIsItsOwn) {
  constexpr bool KeyCreateImportAccess::*kRights[] = {
      &KeyCreateImportAccess::create_root_key, &KeyCreateImportAccess::create_standard_key,
      &KeyCreateImportAccess::import_root_key, &KeyCreateImportAccess::import_standard_key,
      &KeyCreateImportAccess::enforce_token};
  constexpr bool keys::InstanceRules::*kRules[] = {
      &keys::InstanceRules::create_root_key, &keys::InstanceRules::create_standard_key,
      &keys::InstanceRules::import_root_key, &keys::InstanceRules::import_standard_key,
      &keys::InstanceRules::enforce_token};
  for (std::size_t changed = 0; changed < std::size(kRights); ++changed) {
    KeyCreateImportAccess access;
    access.*kRights[changed] = !(access.*kRights[changed]);
    instances::InstanceRecord record;
    record.policies.set({PolicyType::KeyCreateImportAccess, true, access}, "a", {});
    const keys::InstanceRules rules = rules_of(record);
    const keys::InstanceRules defaults;
    for (std::size_t i = 0; i < std::size(kRules); ++i)
      EXPECT_EQ(rules.*kRules[i] != defaults.*kRules[i], i == changed) << i;
  }
}

}  // namespace
}  // namespace keyhaven::server
