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

InstanceRecord any_record() {
  InstanceRecord record;
  record.id = any_id();
  record.revision = *rc::gen::arbitrary<std::uint64_t>();
  for (std::string* text : {&record.name, &record.plan, &record.region, &record.resource_group,
                            &record.allowed_network, &record.created_by}) {
    *text = *rc::gen::arbitrary<std::string>();
  }
  record.units = *rc::gen::arbitrary<std::uint32_t>();
  record.rotation_interval_seconds = *rc::gen::arbitrary<std::int64_t>();
  record.state = *rc::gen::element(InstanceState::Active, InstanceState::Removed);
  record.created.us = *rc::gen::arbitrary<std::int64_t>();
  record.updated.us = *rc::gen::arbitrary<std::int64_t>();
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
  if (decoded) RC_ASSERT(encode(*decoded) == bytes);
}

// docs/protocols/instance-record.md shows these bytes.
TEST(InstanceRecordTest, TheWorkedExampleHolds) {
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
  EXPECT_EQ(to_hex(encode(record)),
            "01"
            "00112233445546778899aabbccddeeff"
            "0000000000000003"
            "0000000462657461"
            "0000000462657461"
            "000000056c6f63616c"
            "0000000764656661756c74"
            "00000002"
            "000000127075626c69632d616e642d70726976617465"
            "0000000000000e10"
            "01"
            "0000000000000001"
            "0000000749424d69642d31"
            "0000000000000002");
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
