#include "server/found_records.h"

#include <gtest/gtest.h>

#include "crypto/random.h"

namespace keyhaven::server {
namespace {

using instances::RecordFault;

class FoundRecordsTest : public testing::Test {
 protected:
  void add(const std::string& table, RecordFault fault, std::optional<KeyId> key = std::nullopt) {
    found_.suspects.push_back({table, instance_, "id", key, fault});
    ++found_.faults;
  }
  const InstanceId instance_{crypto::random_uuid()};
  const KeyId key_{crypto::random_uuid()};
  instances::RecordCheck found_;
  keys::Quarantine quarantine_;
};

TEST_F(FoundRecordsTest, NothingFoundKeepsNothingFromUse) {
  found_.records = 5;
  EXPECT_TRUE(records_in_use(found_));
  quarantine(quarantine_, found_);
  EXPECT_TRUE(quarantine_.check_key(instance_, key_));
  EXPECT_EQ(quarantine_.unsettled(instance_), 0U);
}

TEST_F(FoundRecordsTest, SuspectKeysAreRefusedAndMissingRecordsCounted) {
  add("keys", RecordFault::Missing, key_);
  unit::ScopeDifference difference;
  difference.scope = instance_;
  difference.missing = 1;
  found_.differences = {difference};
  quarantine(quarantine_, found_);
  const auto refused = quarantine_.check_key(instance_, key_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("missing"), std::string::npos);
  EXPECT_EQ(quarantine_.unsettled(instance_), 1U);
  EXPECT_TRUE(quarantine_.check_registrations(instance_));
}

// What the unit sealed is there, but not in use: a master key must not be given up.
TEST_F(FoundRecordsTest, ADamagedKeyThatTheUnitDoesNotMissCounts) {
  add("keys", RecordFault::Damaged, key_);
  quarantine(quarantine_, found_);
  EXPECT_EQ(quarantine_.unsettled(instance_), 1U);
}

TEST_F(FoundRecordsTest, ASuspectRegistrationForbidsDeletion) {
  add("registrations", RecordFault::Forged, key_);
  quarantine(quarantine_, found_);
  EXPECT_FALSE(quarantine_.check_registrations(instance_));
  EXPECT_TRUE(quarantine_.check_key(instance_, key_)) << "the key itself is in use";
}

TEST_F(FoundRecordsTest, AStrayAliasKeepsNothingFromUse) {
  add("aliases", RecordFault::StrayAlias, key_);
  quarantine(quarantine_, found_);
  EXPECT_TRUE(quarantine_.check_key(instance_, key_));
  EXPECT_TRUE(records_in_use(found_));
}

TEST_F(FoundRecordsTest, HealthAndEventCountEachFault) {
  add("keys", RecordFault::Old, key_);
  add("keys", RecordFault::Old, key_);
  add("grants", RecordFault::Forged);
  found_.records = 9;
  found_.faults += 4;  // beyond those that are named
  const auto health = records_in_use(found_);
  ASSERT_FALSE(health);
  EXPECT_NE(health.error().message.find("7 stored records"), std::string::npos)
      << health.error().message;
  EXPECT_NE(health.error().message.find("old 2"), std::string::npos);
  std::string json;
  audit::append_json(json, suspect_event(found_, Timestamp::from_seconds(1)));
  for (const char* part : {"\"old\":\"2\"", "\"forged\":\"1\"", "\"unnamed\":\"4\"", "critical"})
    EXPECT_NE(json.find(part), std::string::npos) << part << " is not in " << json;
}

}  // namespace
}  // namespace keyhaven::server
