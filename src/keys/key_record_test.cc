#include "keys/key_record.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <sstream>

namespace keyhaven::keys {
namespace {

Uuid uuid_of(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

// The worked example of docs/protocols/key-record.md.
KeyRecord example() {
  KeyRecord key;
  key.instance = InstanceId{uuid_of(0x11)};
  key.id = KeyId{uuid_of(0x22)};
  key.revision = 7;
  key.kind = KeyKind::RootKey;
  key.state = KeyState::Suspended;
  key.imported = true;
  key.name = "payroll";
  key.tags = {"hr"};
  key.aliases = {"pay"};
  key.created = Timestamp::from_seconds(1'767'323'045);  // 2026-01-02T03:04:05Z
  key.created_by = "iam-1";
  key.state_changed = Timestamp::from_seconds(1'767'323'105);
  KeyVersion version;
  version.id = VersionId{uuid_of(0x22)};
  version.created = key.created;
  version.bits = 128;
  version.commitment.fill(0x33);
  version.blob.bytes = {0xB1, 0x0B};
  key.versions = {version};
  return key;
}

TEST(KeyRecordTest, WorkedExampleOfTheDocumentHolds) {
  std::ifstream file(KH_SOURCE_DIR "/docs/protocols/key-record.md");
  ASSERT_TRUE(file) << "docs/protocols/key-record.md cannot be read";
  std::stringstream document;
  document << file.rdbuf();
  std::string text = document.str();
  // The example stands in lines "    hex  comment" after the heading.
  std::istringstream lines(text.substr(text.find("## Worked example")));
  std::string hex;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ")) hex += line.substr(4, line.find("  ", 4) - 4);
  }
  EXPECT_EQ(hex, to_hex(encode(example())));
}

rc::Gen<std::string> short_text() {
  return rc::gen::resize(40, rc::gen::container<std::string>(rc::gen::arbitrary<char>()));
}

Timestamp some_time() {
  return Timestamp::from_seconds(*rc::gen::inRange<std::int64_t>(1, 4'000'000'000));
}

PolicyStamp arbitrary_stamp() {
  return {uuid_of(*rc::gen::arbitrary<std::uint8_t>()), *short_text(), some_time(), *short_text(),
          some_time()};
}

KeyPolicies arbitrary_policies() {
  KeyPolicies out;
  if (*rc::gen::arbitrary<bool>()) {
    out.rotation = RotationPolicy{arbitrary_stamp(), *rc::gen::arbitrary<bool>(),
                                  *rc::gen::inRange<std::uint8_t>(1, 13)};
  }
  if (*rc::gen::arbitrary<bool>())
    out.dual_auth = DualAuthPolicy{arbitrary_stamp(), *rc::gen::arbitrary<bool>()};
  if (*rc::gen::arbitrary<bool>())
    out.authorization = DeletionAuthorization{*short_text(), some_time(), some_time()};
  if (*rc::gen::arbitrary<bool>()) {
    out.migration_intent = MigrationIntent{uuid_of(*rc::gen::arbitrary<std::uint8_t>()),
                                           *short_text(), *short_text(), some_time()};
  }
  if (*rc::gen::arbitrary<bool>()) out.synced = some_time();
  return out;
}

KeyRecord arbitrary_record() {
  KeyRecord key;
  key.instance = InstanceId{uuid_of(*rc::gen::arbitrary<std::uint8_t>())};
  key.id = KeyId{uuid_of(*rc::gen::arbitrary<std::uint8_t>())};
  key.revision = *rc::gen::arbitrary<std::uint64_t>();
  key.kind = *rc::gen::element(KeyKind::RootKey, KeyKind::StandardKey);
  key.state = *rc::gen::element(KeyState::PreActivation, KeyState::Active, KeyState::Suspended,
                                KeyState::Deactivated, KeyState::Destroyed);
  key.imported = *rc::gen::arbitrary<bool>();
  for (std::string* text : {&key.name, &key.description, &key.key_ring, &key.created_by,
                            &key.updated_by, &key.deleted_by}) {
    *text = *short_text();
  }
  for (Timestamp* time :
       {&key.created, &key.updated, &key.rotated, &key.expires, &key.state_changed, &key.deleted}) {
    time->us = *rc::gen::arbitrary<std::int64_t>();
  }
  key.tags = *rc::gen::resize(10, rc::gen::container<std::vector<std::string>>(short_text()));
  key.aliases = *rc::gen::resize(5, rc::gen::container<std::vector<std::string>>(short_text()));
  const int versions = key.kind == KeyKind::StandardKey ? 1 : *rc::gen::inRange(1, 5);
  for (int i = 0; i < versions; ++i) {
    KeyVersion version;
    version.id = VersionId{uuid_of(*rc::gen::arbitrary<std::uint8_t>())};
    version.created.us = *rc::gen::arbitrary<std::int64_t>();
    version.bits = *rc::gen::arbitrary<std::uint16_t>();
    version.commitment.fill(*rc::gen::arbitrary<std::uint8_t>());
    version.blob.bytes = *rc::gen::resize(100, rc::gen::arbitrary<Bytes>());
    key.versions.push_back(version);
  }
  key.set_policies(arbitrary_policies());
  return key;
}

TEST(KeyRecordTest, FormatOneIsReadAsARecordWithoutPolicies) {
  Bytes old = encode(example());
  old[2] = 1;
  old.pop_back();
  const auto decoded = decode_key_record(old);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->policies_or_null, nullptr);
  EXPECT_EQ(encode(decoded.value()), encode(example()));
  old.push_back(0);
  EXPECT_FALSE(decode_key_record(old));
}

RC_GTEST_PROP(KeyRecordProperty, DecodeOfEncodeIsTheSameRecord, ()) {
  const KeyRecord key = arbitrary_record();
  const Bytes bytes = encode(key);
  const auto decoded = decode_key_record(bytes);
  RC_ASSERT(decoded.has_value());
  RC_ASSERT(decoded->instance == key.instance);
  RC_ASSERT(decoded->name == key.name);
  RC_ASSERT(decoded->aliases == key.aliases);
  RC_ASSERT(decoded->versions.size() == key.versions.size());
  RC_ASSERT(decoded->newest().blob == key.newest().blob);
  // Canonical: all members are in the bytes, so equal bytes are equal records.
  RC_ASSERT(encode(*decoded) == bytes);
}

RC_GTEST_PROP(KeyRecordProperty, EveryTruncationIsRefused, ()) {
  const Bytes bytes = encode(arbitrary_record());
  const auto size = *rc::gen::inRange<std::size_t>(0, bytes.size());
  const auto decoded = decode_key_record(ByteView(bytes).first(size));
  RC_ASSERT(!decoded.has_value());
  RC_ASSERT(decoded.error().reason == Reason::Internal);
}

TEST(KeyRecordTest, ForeignHeadersAreRefused) {
  const Bytes good = encode(example());
  ASSERT_TRUE(decode_key_record(good));
  struct Change {
    std::size_t offset;
    std::uint8_t value;
  };
  for (const Change change : {Change{0, 'X'}, Change{2, 0}, Change{2, 3}, Change{3, 0},
                              Change{3, 3}, Change{4, 4}, Change{4, 6}, Change{5, 2}}) {
    Bytes bad = good;
    bad[change.offset] = change.value;
    EXPECT_FALSE(decode_key_record(bad))
        << "offset " << change.offset << " value " << int{change.value};
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_key_record(longer));
}

TEST(KeyRecordTest, FindPrefersTheNewestVersionOfEqualMaterial) {
  KeyRecord key = example();
  key.versions.push_back(key.versions[0]);
  key.versions[1].id = VersionId{uuid_of(0x44)};
  EXPECT_EQ(key.find(key.versions[0].commitment), &key.versions[1]);
  unit::Commitment other{};
  EXPECT_EQ(key.find(other), nullptr);
}

}  // namespace
}  // namespace keyhaven::keys
