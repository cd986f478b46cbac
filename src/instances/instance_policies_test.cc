#include "instances/instance_policies.h"

#include <gtest/gtest.h>

#include "instances/instance_limits.h"

namespace keyhaven::instances {
namespace {

IpNetwork network(std::string_view text) { return IpNetwork::parse(text).value(); }

TEST(IpNetworkTest, NetworksAreReadAndWrittenBack) {
  const struct {
    std::string_view given;
    std::string_view shown;
  } kCases[] = {
      {"192.0.2.0/24", "192.0.2.0/24"},
      {"0.0.0.0/0", "0.0.0.0/0"},
      {"192.0.2.129/32", "192.0.2.129/32"},
      {"192.0.2.128/25", "192.0.2.128/25"},
      {"::/0", "::/0"},
      {"2001:DB8:0:0::/64", "2001:db8::/64"},
      {"::1/128", "::1/128"},
      {"::ffff:192.0.2.0/120", "192.0.2.0/24"},  // IPv4 in the clothes of IPv6
      {"::ffff:0:0/96", "0.0.0.0/0"},
  };
  for (const auto& test : kCases) {
    const auto parsed = IpNetwork::parse(test.given);
    ASSERT_TRUE(parsed) << test.given << ": " << parsed.error().message;
    EXPECT_EQ(parsed->text(), test.shown) << test.given;
  }
}

TEST(IpNetworkTest, OtherTextsAreRefusedWithTheRemedy) {
  const struct {
    std::string text;
    std::string_view remedy;
  } kCases[] = {
      {"", "write it as 192.0.2.0/24"},
      {"nowhere", "write it as 192.0.2.0/24"},
      {"192.0.2/24", "write it as 192.0.2.0/24"},
      {"192.0.2.256/32", "write it as 192.0.2.0/24"},
      {" 192.0.2.0/24", "write it as 192.0.2.0/24"},
      {"fe80::1%eth0/128", "write it as 192.0.2.0/24"},
      {"192.0.2.1", "write \"192.0.2.1/32\""},
      {"2001:db8::1", "write \"2001:db8::1/128\""},
      {"192.0.2.0/33", "number from 0 to 32"},
      {"::/129", "number from 0 to 128"},
      {"192.0.2.0/", "number from 0 to 32"},
      {"192.0.2.0/-1", "number from 0 to 32"},
      {"192.0.2.0/+24", "number from 0 to 32"},
      {"192.0.2.0/024", "number from 0 to 32"},
      {"192.0.2.0/24/24", "number from 0 to 32"},
      {"192.0.2.0/24 ", "number from 0 to 32"},
      {"192.0.2.1/24", "write \"192.0.2.0/24\" for the network or \"192.0.2.1/32\""},
      {"2001:db8::1/64", "write \"2001:db8::/64\" for the network or \"2001:db8::1/128\""},
      {std::string("192.0.2.0\0/24", 13), "write it as 192.0.2.0/24"},
      {std::string(100'000, '1'), "write it as 192.0.2.0/24"},
  };
  for (const auto& test : kCases) {
    const auto parsed = IpNetwork::parse(test.text);
    ASSERT_FALSE(parsed) << test.text;
    EXPECT_EQ(parsed.error().reason, Reason::InvalidField);
    EXPECT_EQ(parsed.error().target, "allowed_ip");
    EXPECT_NE(parsed.error().message.find(test.remedy), std::string::npos)
        << parsed.error().message;
    EXPECT_LT(parsed.error().message.size(), 300U);
  }
}

TEST(IpNetworkTest, ContainsWhatLiesInside) {
  const struct {
    std::string_view network;
    std::string_view address;
    bool inside;
  } kCases[] = {
      {"192.0.2.0/24", "192.0.2.0", true},
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.0/24", "192.0.1.255", false},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.5/32", "192.0.2.5", true},
      {"192.0.2.5/32", "192.0.2.4", false},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "::1", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false},
      {"::/0", "::ffff:192.0.2.1", false},
      {"192.0.2.0/24", "::ffff:192.0.2.1", true},
      {"192.0.2.0/24", "::ffff:c000:201", true},
      {"2001:db8::/33", "2001:db8:7fff::1", true},
      {"2001:db8::/33", "2001:db8:8000::1", false},
      {"fe80::/10", "fe80::1%eth0", true},
  };
  for (const auto& test : kCases) {
    const auto address = IpAddress::parse(test.address);
    ASSERT_TRUE(address) << test.address;
    EXPECT_EQ(network(test.network).contains(*address), test.inside)
        << test.network << " " << test.address;
  }
}

TEST(InstancePoliciesTest, NamesAreReadBackAndTheHistoricOneIsKnown) {
  for (std::uint8_t value = 1; value <= kPolicyTypeCount; ++value) {
    const auto type = static_cast<PolicyType>(value);
    EXPECT_EQ(policy_type_of(name_of(type)), type);
  }
  EXPECT_EQ(policy_type_of("ipWhitelist"), PolicyType::AllowedIp);
  for (const std::string_view other : {"", "allowedip", "metric", "rotation "})
    EXPECT_FALSE(policy_type_of(other)) << other;
}

TEST(InstancePoliciesTest, EveryTypeTakesItsOwnAttributesOnly) {
  const PolicyAttributes kAttributes[] = {std::monostate(), AllowedIp{network("192.0.2.0/24")},
                                          AllowedNetwork::PrivateOnly, KeyCreateImportAccess(),
                                          RotationInterval{12}};
  // Index into kAttributes of what an enabled policy needs, by type.
  constexpr std::size_t kOwn[] = {1, 2, 0, 3, 0, 4};
  for (std::uint8_t value = 1; value <= kPolicyTypeCount; ++value) {
    for (std::size_t given = 0; given < std::size(kAttributes); ++given) {
      for (const bool enabled : {false, true}) {
        const PolicyUpdate update{static_cast<PolicyType>(value), enabled, kAttributes[given]};
        const bool right = given == (enabled ? kOwn[value - 1] : 0);
        const auto checked = check(update, 1000);
        EXPECT_EQ(static_cast<bool>(checked), right) << name_of(update.type) << enabled << given;
        if (!checked) {
          EXPECT_EQ(checked.error().reason, Reason::InvalidField);
        }
      }
    }
  }
}

TEST(InstancePoliciesTest, NetworksAndMonthsHaveTheirLimits) {
  const auto of = [](std::size_t count) {
    return PolicyUpdate{PolicyType::AllowedIp, true, AllowedIp(count, network("192.0.2.0/24"))};
  };
  EXPECT_FALSE(check(of(0), 1000));
  EXPECT_TRUE(check(of(1), 1000));
  EXPECT_TRUE(check(of(1000), 1000));
  EXPECT_FALSE(check(of(1001), 1000));
  EXPECT_FALSE(check(of(4), 3));
  for (const std::uint8_t months : std::initializer_list<std::uint8_t>{0, 1, 12, 13}) {
    const PolicyUpdate update{PolicyType::Rotation, true, RotationInterval{months}};
    EXPECT_EQ(static_cast<bool>(check(update, 1000)), months >= 1 && months <= 12) << +months;
  }
}

TEST(InstancePoliciesTest, StampsKeepWhoCameFirstAndWhoCameLast) {
  InstancePolicies policies;
  EXPECT_EQ(policies.find(PolicyType::Metrics), nullptr);
  policies.set({PolicyType::Rotation, true, RotationInterval{3}}, "first", {1});
  policies.set({PolicyType::Metrics, true, {}}, "other", {2});
  policies.set({PolicyType::Rotation, false, {}}, "second", {3});
  const InstancePolicy& rotation = *policies.find(PolicyType::Rotation);
  EXPECT_EQ(rotation.created.us, 1);
  EXPECT_EQ(rotation.created_by, "first");
  EXPECT_EQ(rotation.updated.us, 3);
  EXPECT_EQ(rotation.updated_by, "second");
  ASSERT_EQ(policies.all().size(), 2U);
  EXPECT_EQ(policies.all()[0].type, PolicyType::Metrics);  // in the order of types
  EXPECT_EQ(policies.all()[1].type, PolicyType::Rotation);
}

TEST(InstancePoliciesTest, DisabledPoliciesAreNotInForce) {
  InstancePolicies policies;
  const auto expect_defaults = [&] {
    EXPECT_EQ(policies.allowed_network(), AllowedNetwork::PublicAndPrivate);
    EXPECT_EQ(policies.allowed_ip(), nullptr);
    EXPECT_TRUE(policies.allows_address("203.0.113.1"));
    EXPECT_EQ(policies.key_create_import_access(), KeyCreateImportAccess());
    EXPECT_EQ(policies.rotation_months(), 0U);
    EXPECT_FALSE(policies.is_enabled(PolicyType::DualAuthDelete));
    EXPECT_FALSE(policies.is_enabled(PolicyType::Metrics));
  };
  expect_defaults();
  policies.set({PolicyType::AllowedIp, true, AllowedIp{network("192.0.2.0/24")}}, "a", {});
  policies.set({PolicyType::AllowedNetwork, true, AllowedNetwork::PrivateOnly}, "a", {});
  policies.set({PolicyType::DualAuthDelete, true, {}}, "a", {});
  policies.set({PolicyType::KeyCreateImportAccess, true,
                KeyCreateImportAccess{false, true, true, true, true}},
               "a", {});
  policies.set({PolicyType::Metrics, true, {}}, "a", {});
  policies.set({PolicyType::Rotation, true, RotationInterval{7}}, "a", {});
  EXPECT_EQ(policies.allowed_network(), AllowedNetwork::PrivateOnly);
  EXPECT_TRUE(policies.allows_address("192.0.2.9"));
  EXPECT_TRUE(policies.allows_address("::ffff:192.0.2.9"));
  EXPECT_FALSE(policies.allows_address("192.0.3.9"));
  EXPECT_FALSE(policies.allows_address("not an address"));
  EXPECT_FALSE(policies.key_create_import_access().create_root_key);
  EXPECT_TRUE(policies.key_create_import_access().enforce_token);
  EXPECT_EQ(policies.rotation_months(), 7U);
  EXPECT_TRUE(policies.is_enabled(PolicyType::DualAuthDelete));
  EXPECT_TRUE(policies.is_enabled(PolicyType::Metrics));
  for (std::uint8_t type = 1; type <= kPolicyTypeCount; ++type)
    policies.set({static_cast<PolicyType>(type), false, {}}, "a", {});
  EXPECT_EQ(policies.all().size(), kPolicyTypeCount);
  expect_defaults();
}

TEST(InstanceLimitsTest, EveryLimitHasARangeWithItsDefaultInside) {
  const InstanceLimits defaults;
  for (const LimitRow& row : limit_rows()) {
    EXPECT_GE(defaults.*row.field, row.least) << row.name;
    EXPECT_LE(defaults.*row.field, row.most) << row.name;
    const auto signed_of = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
    EXPECT_EQ(limit_change(row.name, signed_of(row.least))->value, row.least) << row.name;
    EXPECT_EQ(limit_change(row.name, signed_of(row.most))->value, row.most) << row.name;
    for (const std::int64_t wrong : {signed_of(row.least) - 1, signed_of(row.most) + 1,
                                     std::numeric_limits<std::int64_t>::min()}) {
      const auto change = limit_change(row.name, wrong);
      ASSERT_FALSE(change) << row.name << " " << wrong;
      EXPECT_EQ(change.error().target, "limits." + std::string(row.name));
      EXPECT_NE(change.error().message.find(std::to_string(row.most)), std::string::npos);
    }
    EXPECT_FALSE(limit_change(row.name, std::nullopt)->value);
  }
  const auto unknown = limit_change("Keys", 1);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().reason, Reason::InvalidField);
  EXPECT_NE(unknown.error().message.find("keys, key_rings"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::instances
