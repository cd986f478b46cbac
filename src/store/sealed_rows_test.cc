#include "store/sealed_rows.h"

#include <gtest/gtest.h>

#include <set>

#include "crypto/hash.h"
#include "store/alias_check.h"
#include "store/test_samples.h"

namespace keyhaven::store {
namespace {

using instances::RecordFault;

InstanceId instance_of(std::uint8_t byte) {
  InstanceId out;
  out.uuid.bytes.fill(byte);
  return out;
}
const KeyId kKey{instance_of(0x22).uuid};
constexpr std::string_view kUuid = "12345678-9abc-4def-8123-456789abcdef";

TEST(SealedRowsTest, RowsAreNamedByTheirUuidWhereTheyHaveOne) {
  const auto id = [](const RowKey& key) { return to_hex(record_name(key)->id); };
  const std::string uuid_digits = "123456789abc4def8123456789abcdef";
  EXPECT_EQ(id(key_row(instance_of(0x11), kKey)), std::string(32, '2'));
  EXPECT_EQ(id(import_token_row(instance_of(0x11))), std::string(32, '1'));
  EXPECT_EQ(id(instance_row(instance_of(0x11))), std::string(32, '1'));
  EXPECT_EQ(id(identity_row("iam-ServiceId-" + std::string(kUuid))), uuid_digits);
  EXPECT_EQ(id(api_key_row("ApiKey-" + std::string(kUuid))), uuid_digits);
  EXPECT_EQ(id(grant_row(kUuid)), uuid_digits);
  EXPECT_EQ(record_name(grant_row(kUuid))->table, 8);
}

// Two rows never share a name, whatever they are called: what is no UUID in its one spelling is
// hashed, and the hash is no UUID.
TEST(SealedRowsTest, OtherRowsAreNamedByAHash) {
  const RowKey hashed[] = {
      ring_row(instance_of(0x11), "ring"),
      ring_row(instance_of(0x12), "ring"),
      registration_row(instance_of(0x11), kKey, "crn:1"),
      identity_row("IBMid-" + std::string(kUuid)),
      identity_row("iam-ServiceId-1"),
      identity_row("iam-ServiceId-12345678-9ABC-4DEF-8123-456789ABCDEF"),
      api_key_row(kUuid),
      grant_row("12345678-9abc-1def-8123-456789abcdef"),  // not version 4
      grant_row("grant-1"),
      setting_row("region"),
      setting_row(kUuid),
  };
  std::set<std::string> seen;
  for (const RowKey& key : hashed) {
    const auto name = record_name(key);
    ASSERT_TRUE(name);
    EXPECT_EQ(name->id[6] & 0xf0, 0xf0) << to_hex(name->id);
    EXPECT_TRUE(seen.insert(to_hex(name->id)).second);
  }
}

TEST(SealedRowsTest, ScopesAreInstancesOrTheDeployment) {
  EXPECT_EQ(record_scope(key_row(instance_of(0x11), kKey)), instance_of(0x11));
  EXPECT_EQ(record_scope(ring_row(instance_of(0x11), "r")), instance_of(0x11));
  EXPECT_EQ(record_scope(registration_row(instance_of(0x11), kKey, "c")), instance_of(0x11));
  EXPECT_EQ(record_scope(import_token_row(instance_of(0x11))), instance_of(0x11));
  EXPECT_EQ(record_scope(instance_row(instance_of(0x11))), InstanceId{});
  for (const RowKey& key : {identity_row("i"), api_key_row("k"), grant_row("g"), setting_row("s")})
    EXPECT_EQ(record_scope(key), InstanceId{});
  RowKey cut = key_row(instance_of(0x11), kKey);
  cut.columns[1].pop_back();
  EXPECT_EQ(record_scope(cut), std::nullopt);
  EXPECT_EQ(record_name(cut), std::nullopt);
}

// docs/protocols/stored-record.md has this example.
TEST(SealedRowsTest, TheDigestCoversTablePlaceAndRecord) {
  const RowKey ring = ring_row(instance_of(0x11), "payments");
  Bytes covered = to_bytes(as_bytes(std::string_view("keyhaven-stored-record-1\0key_rings\0", 35)));
  append(covered, from_hex("00000010" + std::string(32, '1')).value());
  append(covered, from_hex("000000087061796d656e7473").value());
  append(covered, from_hex("cafe").value());
  const Bytes record = {0xca, 0xfe};
  EXPECT_EQ(record_digest(ring, record), crypto::sha256(covered));
  EXPECT_EQ(to_hex(record_digest(ring, record)),
            "8ef25b460f3d4b084d283f98b515f3f8dfc62dc8dac665e574bd64eaccc3b053");

  std::set<Digest> seen{record_digest(ring, record)};
  const RowKey others[] = {ring_row(instance_of(0x12), "payments"),
                           ring_row(instance_of(0x11), "payment"),
                           key_row(instance_of(0x11), kKey),
                           {SealedTable::Registrations, ring.columns}};
  for (const RowKey& key : others) EXPECT_TRUE(seen.insert(record_digest(key, record)).second);
  EXPECT_TRUE(seen.insert(record_digest(ring, Bytes{0xca})).second);
  // What moves from the name to the value of a setting changes it too.
  EXPECT_NE(record_digest(setting_row("ab"), as_bytes("c")),
            record_digest(setting_row("a"), as_bytes("bc")));
}

TEST(SealedRowsTest, SealsAre28Bytes) {
  unit::RecordSeal seal{3, (std::uint64_t{1} << 48) - 1, {}};
  seal.tag.fill(0xab);
  const SealColumn column = encode(seal);
  EXPECT_EQ(to_hex(column), "000000030000ffffffffffffabababababababababababababababab");
  EXPECT_EQ(decode_seal(column), seal);
  EXPECT_EQ(decode_seal({}), std::nullopt);  // NULL
  EXPECT_EQ(decode_seal(ByteView(column).first(27)), std::nullopt);
  Bytes longer = to_bytes(column);
  longer.push_back(0);
  EXPECT_EQ(decode_seal(longer), std::nullopt);
  for (const unit::RecordSeal& impossible :
       {unit::RecordSeal{0, 1, {}}, unit::RecordSeal{0x10000, 1, {}}, unit::RecordSeal{1, 0, {}},
        unit::RecordSeal{1, std::uint64_t{1} << 48, {}}})
    EXPECT_EQ(decode_seal(encode(impossible)), std::nullopt);
}

TEST(SealedRowsTest, SuspectsHaveTheNamesThatPeopleKnow) {
  const auto key = describe(key_row(instance_of(0x11), kKey), RecordFault::Old);
  EXPECT_EQ(key.table, "keys");
  EXPECT_EQ(key.instance, instance_of(0x11));
  EXPECT_EQ(key.id, kKey.text());
  EXPECT_EQ(key.key, kKey);
  EXPECT_EQ(key.fault, RecordFault::Old);
  const auto ring = describe(ring_row(instance_of(0x11), "payments"), RecordFault::Forged);
  EXPECT_EQ(ring.id, "payments");
  EXPECT_EQ(ring.key, std::nullopt);
  const auto registration =
      describe(registration_row(instance_of(0x11), kKey, "crn:1"), RecordFault::Forged);
  EXPECT_EQ(registration.id, kKey.text() + " crn:1");
  EXPECT_EQ(registration.key, kKey);
  EXPECT_EQ(describe(grant_row("g"), RecordFault::Forged).id, "g");
  EXPECT_EQ(describe(grant_row("g"), RecordFault::Forged).instance, InstanceId{});
}

// Ids of forged rows are whatever somebody wrote: what is shown of them has a limit.
TEST(SealedRowsTest, LongIdsAreCut) {
  const auto grant = describe(grant_row(std::string(1 << 20, 'x')), RecordFault::Forged);
  EXPECT_EQ(grant.id, std::string(300, 'x') + "...");
  EXPECT_EQ(describe(grant_row(std::string(300, 'x')), RecordFault::Forged).id.size(), 300U);
  const StrayAlias alias{"", std::string(1000, 'a'), "", true};
  EXPECT_EQ(describe(alias).id.size(), 303U);
}

TEST(SealedRowsTest, MissingRowsAreNamedAsFarAsIsKnown) {
  const auto missing = [](const RowKey& key) {
    return describe({*record_scope(key), *record_name(key)});
  };
  EXPECT_EQ(missing(key_row(instance_of(0x11), kKey)).id, kKey.text());
  EXPECT_EQ(missing(key_row(instance_of(0x11), kKey)).key, kKey);
  EXPECT_EQ(missing(instance_row(instance_of(0x11))).id, instance_of(0x11).text());
  const std::string identity = "iam-ServiceId-" + std::string(kUuid);
  EXPECT_EQ(missing(identity_row(identity)).id, identity);
  EXPECT_EQ(missing(api_key_row("ApiKey-" + std::string(kUuid))).id,
            "ApiKey-" + std::string(kUuid));
  EXPECT_EQ(missing(grant_row(kUuid)).id, kUuid);
  EXPECT_EQ(missing(setting_row("account")).id, "account");
  const auto ring = missing(ring_row(instance_of(0x11), "payments"));
  EXPECT_EQ(ring.id, "#" + to_hex(record_name(ring_row(instance_of(0x11), "payments"))->id));
  EXPECT_EQ(ring.table, "key_rings");
  EXPECT_EQ(ring.fault, RecordFault::Missing);
  EXPECT_EQ(describe(unit::MissingRecord{{}, {77, {}}}).table, "table 77");  // of a newer version
}

}  // namespace
}  // namespace keyhaven::store
