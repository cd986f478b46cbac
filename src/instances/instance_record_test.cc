#include "instances/instance_record.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "instances/crn.h"

namespace keyhaven::instances {
namespace {

InstanceId any_id() {
  InstanceId id;
  for (std::uint8_t& byte : id.uuid.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return id;
}

IpNetwork any_network() {
  IpNetwork network;
  network.address.family = *rc::gen::element(IpFamily::V4, IpFamily::V6);
  network.prefix_bits = *rc::gen::inRange<std::uint8_t>(
      0, static_cast<std::uint8_t>(bits_of(network.address.family) + 1));
  for (unsigned bit = 0; bit < network.prefix_bits; ++bit) {
    if (*rc::gen::arbitrary<bool>())
      network.address.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80 >> bit % 8);
  }
  return network;
}

PolicyAttributes any_attributes(PolicyType type) {
  switch (type) {
    case PolicyType::AllowedIp: {
      AllowedIp networks;
      const int count = *rc::gen::inRange(1, 4);
      for (int i = 0; i < count; ++i) networks.push_back(any_network());
      return networks;
    }
    case PolicyType::AllowedNetwork:
      return *rc::gen::element(AllowedNetwork::PublicAndPrivate, AllowedNetwork::PrivateOnly);
    case PolicyType::KeyCreateImportAccess:
      return KeyCreateImportAccess{*rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(),
                                   *rc::gen::arbitrary<bool>(), *rc::gen::arbitrary<bool>(),
                                   *rc::gen::arbitrary<bool>()};
    case PolicyType::Rotation:
      return RotationInterval{*rc::gen::inRange<std::uint8_t>(1, 13)};
    case PolicyType::DualAuthDelete:
    case PolicyType::Metrics:
      return std::monostate();
  }
  fatal(__FILE__, __LINE__, "unknown PolicyType");
}

void add_policies_and_limits(InstanceRecord& record) {
  for (int type = 1; type <= static_cast<int>(kPolicyTypeCount); ++type) {
    if (*rc::gen::arbitrary<bool>()) continue;
    PolicyUpdate update{static_cast<PolicyType>(type), *rc::gen::arbitrary<bool>(), {}};
    if (update.enabled) update.attributes = any_attributes(update.type);
    record.policies.set(std::move(update), *rc::gen::arbitrary<std::string>(),
                        {*rc::gen::arbitrary<std::int64_t>()});
  }
  record.own_limits = *rc::gen::inRange<LimitSet>(0, 1U << kLimitCount);
  for (std::size_t i = 0; i < kLimitCount; ++i) {
    if ((record.own_limits >> i & 1) != 0)
      record.limits.*limit_rows()[i].field = *rc::gen::arbitrary<std::uint64_t>();
  }
}

InstanceRecord any_record() {
  InstanceRecord record;
  record.id = any_id();
  record.revision = *rc::gen::arbitrary<std::uint64_t>();
  for (std::string* text :
       {&record.name, &record.plan, &record.region, &record.resource_group, &record.created_by}) {
    *text = *rc::gen::arbitrary<std::string>();
  }
  record.units = {*rc::gen::arbitrary<std::uint32_t>(), *rc::gen::arbitrary<std::uint32_t>(),
                  *rc::gen::arbitrary<std::uint32_t>()};
  record.rotation.phase = *rc::gen::element(RotationPhase::None, RotationPhase::Resealing,
                                            RotationPhase::Resealed, RotationPhase::Reverting);
  record.rotation.from.fill(*rc::gen::arbitrary<std::uint8_t>());
  record.rotation.to.fill(*rc::gen::arbitrary<std::uint8_t>());
  record.rotation.started_by = *rc::gen::arbitrary<std::string>();
  record.rotation.started.us = *rc::gen::arbitrary<std::int64_t>();
  record.rotation_interval_seconds = *rc::gen::arbitrary<std::int64_t>();
  record.state = *rc::gen::element(InstanceState::Active, InstanceState::Removed);
  record.created.us = *rc::gen::arbitrary<std::int64_t>();
  record.updated.us = *rc::gen::arbitrary<std::int64_t>();
  add_policies_and_limits(record);
  return record;
}

RC_GTEST_PROP(InstanceRecordProperty, DecodeUndoesEncode, ()) {
  const InstanceRecord record = any_record();
  RC_ASSERT(decode_instance_record(encode(record)).value() == record);
}

RC_GTEST_PROP(InstanceRecordProperty, EveryTruncationAndAdditionIsRefused, ()) {
  Bytes bytes = encode(any_record());
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());
  RC_ASSERT(!decode_instance_record(ByteView(bytes).first(size)));
  bytes.push_back(0);
  RC_ASSERT(!decode_instance_record(bytes));
}

RC_GTEST_PROP(InstanceRecordProperty, WhatDecodesIsCanonical, ()) {
  Bytes bytes = encode(any_record());
  bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] ^= *rc::gen::inRange<std::uint8_t>(1, 255);
  const auto decoded = decode_instance_record(bytes);
  if (decoded && bytes[0] == 3) RC_ASSERT(encode(*decoded) == bytes);
}

InstanceRecord example() {
  InstanceRecord record;
  record.id = InstanceId::parse("00112233-4455-4677-8899-aabbccddeeff").value();
  record.revision = 3;
  record.name = "beta";
  record.plan = "beta";
  record.region = "local";
  record.resource_group = "default";
  record.created = {1};
  record.created_by = "IBMid-1";
  record.updated = {2};
  return record;
}

// Both formats begin and go on like this; format 1 has the network between the halves.
constexpr std::string_view kFirstHalf =
    "00112233445546778899aabbccddeeff"
    "0000000000000003"
    "0000000462657461"
    "0000000462657461"
    "000000056c6f63616c"
    "0000000764656661756c74"
    "00000002";
constexpr std::string_view kNoOtherUnits = "0000000000000000";
constexpr std::string_view kNoRotation =
    "00"
    "00000000000000000000000000000000"
    "00000000000000000000000000000000"
    "00000000"
    "0000000000000000";
constexpr std::string_view kSecondHalf =
    "0000000000000e10"
    "01"
    "0000000000000001"
    "0000000749424d69642d31"
    "0000000000000002";

std::string hex(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

// docs/protocols/instance-record.md shows these bytes.
TEST(InstanceRecordTest, TheWorkedExampleHolds) {
  InstanceRecord record = example();
  record.policies.set({PolicyType::AllowedIp, true,
                       AllowedIp{IpNetwork::parse("192.0.2.0/24").value(),
                                 IpNetwork::parse("2001:db8::/32").value()}},
                      "IBMid-1", {4});
  record.policies.set({PolicyType::DualAuthDelete, false, {}}, "IBMid-1", {4});
  record.policies.set({PolicyType::Rotation, true, RotationInterval{3}}, "IBMid-1", {4});
  record.policies.set({PolicyType::Rotation, true, RotationInterval{6}}, "IBMid-2", {5});
  record.own_limits = 1;
  record.limits.keys = 1'000'000;
  EXPECT_EQ(to_hex(encode(record)), hex({"03", kFirstHalf, kNoOtherUnits, kSecondHalf, "03",
                                         "01"
                                         "01"
                                         "0000000000000004"
                                         "0000000749424d69642d31"
                                         "0000000000000004"
                                         "0000000749424d69642d31"
                                         "0002"
                                         "0418"
                                         "c0000200"
                                         "0620"
                                         "20010db8000000000000000000000000",
                                         "03"
                                         "00"
                                         "0000000000000004"
                                         "0000000749424d69642d31"
                                         "0000000000000004"
                                         "0000000749424d69642d31",
                                         "06"
                                         "01"
                                         "0000000000000004"
                                         "0000000749424d69642d31"
                                         "0000000000000005"
                                         "0000000749424d69642d32"
                                         "06",
                                         "0001"
                                         "00000000000f4240",
                                         kNoRotation}));
}

TEST(InstanceRecordTest, Format2DecodesToARecordWithOperationalUnitsOnly) {
  const auto bytes = from_hex(hex({"02", kFirstHalf, kSecondHalf, "00", "0000"})).value();
  EXPECT_EQ(decode_instance_record(bytes).value(), example());
}

TEST(InstanceRecordTest, Format1DecodesToARecordWithoutPoliciesAndLimits) {
  constexpr std::string_view kBoth = "000000127075626c69632d616e642d70726976617465";
  const auto bytes = from_hex(hex({"01", kFirstHalf, kBoth, kSecondHalf})).value();
  EXPECT_EQ(decode_instance_record(bytes).value(), example());
}

TEST(InstanceRecordTest, PrivateOnlyOfFormat1BecomesThePolicy) {
  constexpr std::string_view kPrivate = "0000000c707269766174652d6f6e6c79";
  const auto bytes = from_hex(hex({"01", kFirstHalf, kPrivate, kSecondHalf})).value();
  InstanceRecord expected = example();
  expected.policies.set({PolicyType::AllowedNetwork, true, AllowedNetwork::PrivateOnly}, "IBMid-1",
                        {1});
  EXPECT_EQ(decode_instance_record(bytes).value(), expected);
}

TEST(InstanceRecordTest, WhatNobodyWritesIsDamage) {
  const std::string head = hex({kFirstHalf, kSecondHalf});
  const std::string stamps = hex(
      {"0000000000000004", "0000000749424d69642d31", "0000000000000004", "0000000749424d69642d31"});
  const struct {
    std::string_view what;
    std::string bytes;
  } kCases[] = {
      {"an unknown format", "04" + head + "000000"},
      {"an unknown phase", hex({"03", kFirstHalf, kNoOtherUnits, kSecondHalf, "00", "0000", "04",
                                kNoRotation.substr(2)})},
      {"an unknown network of format 1", hex({"01", kFirstHalf, "0000000161", kSecondHalf})},
      {"seven policies", "02" + head + "07"},
      {"an unknown type", "02" + head + "010700" + stamps + "0000"},
      {"types out of order", "02" + head + "020500" + stamps + "0300" + stamps + "0000"},
      {"a type twice", "02" + head + "020300" + stamps + "0300" + stamps + "0000"},
      {"enabled is neither 0 nor 1", "02" + head + "010302" + stamps + "0000"},
      {"no networks", "02" + head + "010101" + stamps + "0000" + "0000"},
      {"an unknown family", "02" + head + "010101" + stamps + "00010518c0000200" + "0000"},
      {"a prefix of 33 bits", "02" + head + "010101" + stamps + "00010421c0000200" + "0000"},
      {"bits beyond the prefix", "02" + head + "010101" + stamps + "00010418c0000201" + "0000"},
      {"an unknown network", "02" + head + "010201" + stamps + "03" + "0000"},
      {"a sixth right", "02" + head + "010401" + stamps + "20" + "0000"},
      {"thirteen months", "02" + head + "010601" + stamps + "0d" + "0000"},
      {"an eleventh limit", "02" + head + "00" + "0400"},
  };
  for (const auto& test : kCases)
    EXPECT_FALSE(decode_instance_record(from_hex(test.bytes).value())) << test.what;
  EXPECT_TRUE(decode_instance_record(from_hex("02" + head + "00" + "0000").value()));
}

constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";
constexpr std::string_view kGuid = "00112233-4455-4677-8899-aabbccddeeff";

TEST(CrnTest, InstancesAndKeysHaveTheVendorsForm) {
  const InstanceId id = InstanceId::parse(kGuid).value();
  EXPECT_EQ(instance_crn("us-south", kAccount, id),
            "crn:v1:bluemix:public:hs-crypto:us-south:a/0123456789abcdef0123456789abcdef:"
            "00112233-4455-4677-8899-aabbccddeeff::");
  EXPECT_EQ(key_crn("us-south", kAccount, id, KeyId{id.uuid}),
            "crn:v1:bluemix:public:hs-crypto:us-south:a/0123456789abcdef0123456789abcdef:"
            "00112233-4455-4677-8899-aabbccddeeff:key:00112233-4455-4677-8899-aabbccddeeff");
}

TEST(CrnTest, ItsFieldsAreReadBack) {
  const Crn crn =
      parse_crn("crn:v1:bluemix:public:hs-crypto:eu-de:a/acc:guid:endpoint:host:443").value();
  EXPECT_EQ(crn.service, "hs-crypto");
  EXPECT_EQ(crn.region, "eu-de");
  EXPECT_EQ(crn.account, "acc");
  EXPECT_EQ(crn.instance, "guid");
  EXPECT_EQ(crn.resource_type, "endpoint");
  EXPECT_EQ(crn.resource, "host:443");
}

TEST(CrnTest, OtherTextsAreRefused) {
  for (const std::string& text :
       {std::string(), std::string("crn"), std::string(9, ':'),
        std::string("crn:v1:bluemix:public:hs-crypto:r:a/x:y:"),
        std::string("crn:v2:bluemix:public:hs-crypto:r:a/x:y::"),
        std::string("crn:v1:bluemix:public:hs-crypto:r:x:y::"),
        // The vendor's own sample drops the cloud name; it is not copied.
        std::string("crn:v1:public:hs-crypto:r:a/x:y:::"),
        "crn:v1:bluemix:public:hs-crypto:r:a/x:y::" + std::string(512, 'z')}) {
    EXPECT_FALSE(parse_crn(text)) << text;
  }
}

TEST(CrnTest, AnInstanceIsNamedByGuidOrItsOwnCrn) {
  const InstanceId id = InstanceId::parse(kGuid).value();
  EXPECT_EQ(instance_named_by(kGuid, kAccount).value(), id);
  EXPECT_EQ(instance_named_by(instance_crn("anywhere", kAccount, id), kAccount).value(), id);
  const std::string other_account = instance_crn("r", "other", id);
  const std::string of_a_key = key_crn("r", kAccount, id, KeyId{id.uuid});
  std::string other_service = instance_crn("r", kAccount, id);
  other_service.replace(other_service.find("hs-crypto"), 9, "kms");
  for (const std::string& text :
       {other_account, of_a_key, other_service, std::string("x"), std::string()}) {
    EXPECT_EQ(instance_named_by(text, kAccount).error().reason, Reason::InstanceNotFound) << text;
  }
}

}  // namespace
}  // namespace keyhaven::instances
