// The record of a key in transfer: its encoding, and what it may say.
#include "keys/transfer_record.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <sstream>

namespace keyhaven::keys {
namespace {

Uuid uuid_of(std::uint8_t byte) {
  Uuid uuid;
  uuid.bytes.fill(byte);
  return uuid;
}

// The worked example of docs/protocols/transfer-record.md.
TransferRecord example() {
  TransferRecord out;
  KeyRecord& key = out.key;
  key.instance = InstanceId{uuid_of(0x11)};
  key.id = KeyId{uuid_of(0x22)};
  key.name = "payroll";
  key.aliases = {"pay"};
  key.created = Timestamp::from_seconds(1'767'323'045);  // 2026-01-02T03:04:05Z
  key.created_by = "iam-1";
  key.state_changed = key.created;
  KeyVersion version;
  version.id = VersionId{uuid_of(0x22)};
  version.created = key.created;
  version.commitment.fill(0x33);
  key.versions = {version};
  Registration registration;
  registration.instance = key.instance;
  registration.key = key.id;
  registration.resource_crn = "crn:v1:bluemix:public:databases:eu-de:a/acc:one:bucket:a";
  registration.version = version.id;
  registration.prevent_key_deletion = true;
  registration.created_by = registration.updated_by = "iam-2";
  registration.created = registration.updated = key.created;
  out.registrations = {registration};
  return out;
}

// Of the key and its second, 128-bit version.
TransferRecord rotated() {
  TransferRecord out = example();
  KeyVersion second;
  second.id = VersionId{uuid_of(0x44)};
  second.created = out.key.created;
  second.bits = 128;
  second.commitment.fill(0x55);
  out.key.versions.push_back(second);
  return out;
}

unit::TransferKey opened(const KeyRecord& key) {
  unit::TransferKey out;
  out.purpose =
      key.kind == KeyKind::RootKey ? unit::BlobPurpose::RootKey : unit::BlobPurpose::StandardKey;
  out.key = key.id;
  for (const KeyVersion& version : key.versions)
    out.versions.push_back({version.id, {{1, 2, 3}}, version.commitment, version.bits});
  return out;
}

std::string reason_of(const Result<void>& result) {
  return result ? "ok" : std::string(name_of(result.error().reason));
}

TEST(TransferRecordTest, WorkedExampleOfTheDocumentHolds) {
  std::ifstream file(KH_SOURCE_DIR "/docs/protocols/transfer-record.md");
  ASSERT_TRUE(file) << "docs/protocols/transfer-record.md cannot be read";
  std::stringstream document;
  document << file.rdbuf();
  const std::string text = document.str();
  std::istringstream lines(text.substr(text.find("## Worked example")));
  std::string hex;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("    ")) hex += line.substr(4, line.find("  ", 4) - 4);
  }
  EXPECT_EQ(hex, to_hex(encode(example())));
}

TEST(TransferRecordTest, LeavesOutBlobsAndRevisionAndNothingElse) {
  TransferRecord record = rotated();
  record.key.revision = 7;
  for (KeyVersion& version : record.key.versions) version.blob.bytes = {0xB1, 0x0B};
  KeyPolicies policies;
  policies.rotation = RotationPolicy{};
  policies.migration_intent = MigrationIntent{uuid_of(1), "crn:x", "iam-3", {5}};
  record.key.set_policies(policies);
  const auto decoded = decode_transfer_record(encode(record));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->registrations, record.registrations);
  EXPECT_EQ(decoded->key.policies(), policies);
  record.key.revision = 0;
  for (KeyVersion& version : record.key.versions) version.blob.bytes.clear();
  EXPECT_EQ(encode(decoded->key), encode(record.key));
}

TEST(TransferRecordTest, NoDamageIsTakenForARecord) {
  const Bytes good = encode(rotated());
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(decode_transfer_record(ByteView(good).first(size))) << size;
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_FALSE(decode_transfer_record(longer));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    Bytes damaged = good;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    const auto decoded = decode_transfer_record(damaged);
    EXPECT_TRUE(!decoded || encode(*decoded) == damaged) << bit;
  }
}

// What only another encoder would write.
TEST(TransferRecordTest, HasOneEncoding) {
  TransferRecord record = example();
  const auto with_key = [&](const Bytes& key) {
    Bytes out = {'T', 'R', 1, 0, 0, 0, 0};
    out[5] = static_cast<std::uint8_t>(key.size() >> 8);
    out[6] = static_cast<std::uint8_t>(key.size());
    append(out, key);
    append(out, Bytes{0, 0});
    return out;
  };
  EXPECT_TRUE(decode_transfer_record(with_key(encode(record.key))));
  KeyRecord revised = record.key;
  revised.revision = 1;
  EXPECT_FALSE(decode_transfer_record(with_key(encode(revised))));
  KeyRecord full = record.key;
  full.versions[0].blob.bytes = {1};
  EXPECT_FALSE(decode_transfer_record(with_key(encode(full))));
  Bytes old = encode(record.key);
  old[2] = 1;
  old.pop_back();
  ASSERT_TRUE(decode_key_record(old)) << "format 1 is read elsewhere";
  EXPECT_FALSE(decode_transfer_record(with_key(old)));
}

TEST(TransferRecordTest, RefusesRegistrationsOfOtherKeys) {
  TransferRecord record = example();
  record.registrations[0].key = KeyId{uuid_of(9)};
  EXPECT_FALSE(decode_transfer_record(encode(record)));
  record = example();
  record.registrations[0].instance = InstanceId{uuid_of(9)};
  EXPECT_FALSE(decode_transfer_record(encode(record)));
}

TEST(TransferRecordTest, RefusesMoreThanARecordHolds) {
  TransferRecord record = example();
  Registration& large = record.registrations[0];
  large.metadata.assign(4096, 'm');
  record.registrations.assign(16, large);
  EXPECT_GT(encode(record).size(), unit::kMaxTransferRecordBytes);
  EXPECT_FALSE(decode_transfer_record(encode(record)));
}

using Edit = std::function<void(TransferRecord&)>;

void with_policies(TransferRecord& record, const std::function<void(KeyPolicies&)>& edit) {
  KeyPolicies policies = record.key.policies();
  edit(policies);
  record.key.set_policies(std::move(policies));
}

TEST(TransferRulesTest, EveryRuleHasItsRefusal) {
  constexpr std::int64_t kLatest = 253'402'300'799'000'000;
  const struct {
    const char* what;
    Edit edit;
    const char* expected;
  } cases[] = {
      {"as it is", [](auto&) {}, "ok"},
      {"short name", [](auto& r) { r.key.name = "a"; }, "InvalidField"},
      {"name no UTF-8", [](auto& r) { r.key.name = "ab\xff"; }, "InvalidField"},
      {"description", [](auto& r) { r.key.description = "x"; }, "InvalidField"},
      {"tag", [](auto& r) { r.key.tags = {"a:b"}; }, "InvalidField"},
      {"alias", [](auto& r) { r.key.aliases = {"a b"}; }, "InvalidField"},
      {"alias twice",
       [](auto& r) {
         r.key.aliases = {"aa", "aa"};
       },
       "InvalidField"},
      {"two aliases",
       [](auto& r) {
         r.key.aliases = {"aa", "bb"};
       },
       "ok"},
      {"three aliases",
       [](auto& r) {
         r.key.aliases = {"aa", "bb", "cc"};
       },
       "AliasLimit"},
      {"ring", [](auto& r) { r.key.key_ring = "a b"; }, "InvalidField"},
      {"no ring", [](auto& r) { r.key.key_ring.clear(); }, "InvalidField"},
      {"creator", [](auto& r) { r.key.created_by = "\xc0"; }, "InvalidField"},
      {"not created", [](auto& r) { r.key.created = {}; }, "InvalidField"},
      {"before 1970", [](auto& r) { r.key.expires = {-1}; }, "InvalidField"},
      {"in 9999", [](auto& r) { r.key.expires = {kLatest}; }, "ok"},
      {"after 9999", [](auto& r) { r.key.expires = {kLatest + 1}; }, "InvalidField"},
      {"deleted, active", [](auto& r) { r.key.deleted = {1}; }, "InvalidField"},
      {"destroyed, not deleted", [](auto& r) { r.key.state = KeyState::Destroyed; },
       "InvalidField"},
      {"destroyed", [](auto& r) { r.key.state = KeyState::Destroyed, r.key.deleted = {1}; }, "ok"},
      {"rotation", [](auto& r) { with_policies(r, [](auto& p) { p.rotation.emplace(); }); }, "ok"},
      {"rotation of imported",
       [](auto& r) {
         r.key.imported = true;
         with_policies(r, [](auto& p) { p.rotation.emplace(); });
       },
       "InvalidField"},
      {"policy's date",
       [](auto& r) {
         with_policies(r, [](auto& p) { p.dual_auth.emplace().stamp.updated = {-5}; });
       },
       "InvalidField"},
      {"authorization's date",
       [](auto& r) {
         with_policies(r, [](auto& p) { p.authorization = {"iam", {1}, {INT64_MAX}}; });
       },
       "InvalidField"},
      {"intent's date",
       [](auto& r) {
         with_policies(r, [](auto& p) { p.migration_intent = {uuid_of(1), "crn", "iam", {-1}}; });
       },
       "InvalidField"},
      {"sync", [](auto& r) { with_policies(r, [](auto& p) { p.synced = {-1}; }); }, "InvalidField"},
      {"resource", [](auto& r) { r.registrations[0].resource_crn = "crn:*"; }, "InvalidField"},
      {"resource twice", [](auto& r) { r.registrations.push_back(r.registrations[0]); },
       "InvalidField"},
      {"metadata", [](auto& r) { r.registrations[0].metadata.assign(1025, 'm'); }, "InvalidField"},
      {"text of a registration", [](auto& r) { r.registrations[0].description = "\xff"; },
       "InvalidField"},
      {"date of a registration", [](auto& r) { r.registrations[0].updated = {-1}; },
       "InvalidField"},
      {"three registrations", [](auto& r) { r.registrations.resize(3); }, "RegistrationLimit"},
      {"standard key with registrations", [](auto& r) { r.key.kind = KeyKind::StandardKey; },
       "InvalidField"},
      {"standard key with an intent",
       [](auto& r) {
         r.registrations.clear();
         r.key.kind = KeyKind::StandardKey;
         with_policies(r, [](auto& p) { p.migration_intent = {uuid_of(1), "crn", "iam", {1}}; });
       },
       "InvalidField"},
      {"standard key with rotation",
       [](auto& r) {
         r.registrations.clear();
         r.key.kind = KeyKind::StandardKey;
         with_policies(r, [](auto& p) { p.rotation.emplace(); });
       },
       "InvalidField"},
  };
  Limits limits;
  limits.aliases_per_key = 2;
  limits.registrations_per_key = 2;
  for (const auto& each : cases) {
    TransferRecord record = example();
    each.edit(record);
    EXPECT_EQ(reason_of(check_transfer_record(record, limits)), each.expected) << each.what;
  }
}

TEST(TransferRulesTest, VersionsAreThoseThatTheUnitOpened) {
  using Change = std::function<void(KeyRecord&, unit::TransferKey&)>;
  const struct {
    const char* what;
    Change change;
    const char* expected;
  } cases[] = {
      {"as they are", [](auto&, auto&) {}, "ok"},
      {"other key", [](auto&, auto& o) { o.key = KeyId{uuid_of(9)}; }, "InvalidField"},
      {"other kind", [](auto&, auto& o) { o.purpose = unit::BlobPurpose::StandardKey; },
       "InvalidField"},
      {"one more", [](auto&, auto& o) { o.versions.push_back(o.versions[0]); }, "InvalidField"},
      {"one less", [](auto&, auto& o) { o.versions.pop_back(); }, "InvalidField"},
      {"other order", [](auto&, auto& o) { std::swap(o.versions[0], o.versions[1]); },
       "InvalidField"},
      {"other material", [](auto&, auto& o) { o.versions[1].commitment[0] ^= 1; }, "InvalidField"},
      {"other size", [](auto&, auto& o) { o.versions[1].bits = 256; }, "InvalidField"},
      {"first not of the key",
       [](auto& k, auto& o) { o.versions[0].id = k.versions[0].id = VersionId{uuid_of(9)}; },
       "InvalidField"},
      {"twice", [](auto& k, auto& o) { o.versions[1].id = k.versions[1].id = k.versions[0].id; },
       "InvalidField"},
      {"date", [](auto& k, auto&) { k.versions[1].created = {-1}; }, "InvalidField"},
      {"standard",
       [](auto& k, auto& o) {
         k.kind = KeyKind::StandardKey;
         k.versions.resize(1);
         k.versions[0].commitment = {};
         o = opened(k);
       },
       "ok"},
      {"standard with commitment",
       [](auto& k, auto& o) {
         k.kind = KeyKind::StandardKey;
         k.versions.resize(1);
         o = opened(k);
       },
       "InvalidField"},
  };
  for (const auto& each : cases) {
    KeyRecord key = rotated().key;
    unit::TransferKey from_unit = opened(key);
    each.change(key, from_unit);
    EXPECT_EQ(reason_of(check_transfer_versions(key, from_unit)), each.expected) << each.what;
  }
}

}  // namespace
}  // namespace keyhaven::keys
