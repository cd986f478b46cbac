// Which keys go, in which chunks.
#include "keys/transfer_export.h"

#include <algorithm>

#include "keys/transfer_for_tests.h"

namespace keyhaven::keys {
namespace {

class TransferExportTest : public TransferFixture {
 protected:
  // Puts a record into the store and the directory as it is.
  KeyRecordPtr put(KeyRecord key) {
    Change change = TransferSide::a_change();
    const KeyRecordPtr before = source.find(key.id);
    EXPECT_TRUE(before) << "of a key that is there";
    return source.server->changes.commit(std::move(key), change).value();
  }
  KeyRecordPtr deleted(Timestamp when) {
    KeyRecord key = *source.root_key();
    key.state = KeyState::Destroyed;
    key.deleted = when;
    return put(std::move(key));
  }
  static std::string reason_of(const LeftOutKey& key) {
    return std::string(name_of(key.why.reason));
  }
};

TEST_F(TransferExportTest, KeysGoInTheOrderOfTheirIdsAndEachOnce) {
  std::set<KeyId> made;
  for (int i = 0; i < 130; ++i) made.insert(source.root_key()->id);
  open_transfer();
  const TransferBundle bundle = export_all();
  std::vector<std::size_t> sizes;
  std::vector<KeyId> gone;
  for (const ExportedChunk& part : bundle.parts) {
    sizes.push_back(part.keys.size());
    for (const KeyRecordPtr& key : part.keys) gone.push_back(key->id);
    EXPECT_TRUE(part.left_out.empty());
  }
  EXPECT_EQ(sizes, (std::vector<std::size_t>{64, 64, 2}));
  EXPECT_EQ(gone, std::vector<KeyId>(made.begin(), made.end()));
}

TEST_F(TransferExportTest, AnExactlyFullChunkIsTheLast) {
  for (int i = 0; i < 64; ++i) source.root_key();
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->keys.size(), 64U);
  EXPECT_FALSE(part->next);
}

TEST_F(TransferExportTest, ChunksAreFilledBySizeToo) {
  for (int i = 0; i < 40; ++i) source.standard_key(crypto::random_secret(7000));
  open_transfer();
  const TransferBundle bundle = export_all();
  std::size_t keys = 0;
  for (const ExportedChunk& part : bundle.parts) {
    EXPECT_LE(part.chunk->bytes.size(), unit::kMaxTransferChunkBytes);
    keys += part.keys.size();
  }
  EXPECT_EQ(keys, 40U);
  EXPECT_EQ(bundle.parts.size(), 3U);
}

TEST_F(TransferExportTest, AnInstanceWithoutKeysHasNoChunk) {
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->chunk);
  EXPECT_FALSE(part->next);
}

TEST_F(TransferExportTest, EveryStateGoesAsLongAsTheKeyCanStillBeUsed) {
  for (const KeyState state :
       {KeyState::PreActivation, KeyState::Active, KeyState::Suspended, KeyState::Deactivated}) {
    KeyRecord key = *source.root_key();
    key.state = state;
    put(std::move(key));
  }
  const std::int64_t day = 86400;
  const KeyRecordPtr restorable = deleted(clock.now().plus_seconds(-30 * day));
  const KeyRecordPtr gone = deleted(clock.now().plus_seconds(-30 * day - 1));
  KeyRecord expired = *deleted(clock.now().plus_seconds(-1));
  expired.expires = clock.now();
  put(expired);
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->keys.size(), 5U);
  EXPECT_TRUE(
      std::ranges::any_of(part->keys, [&](const auto& key) { return key->id == restorable->id; }));
  std::map<KeyId, std::string> reasons;
  for (const LeftOutKey& key : part->left_out) reasons[key.id] = reason_of(key);
  EXPECT_EQ(reasons, (std::map<KeyId, std::string>{{gone->id, "KeyRestoreExpired"},
                                                   {expired.id, "KeyExpired"}}));
}

TEST_F(TransferExportTest, WhatIsTooLargeStaysBehind) {
  const KeyRecordPtr versions = source.root_key();
  KeyRecord many = *versions;
  many.versions.resize(unit::kMaxTransferVersionsPerChunk + 1, many.versions[0]);
  put(std::move(many));
  const KeyRecordPtr registered = source.root_key();
  KeyChange change;
  for (int i = 0; i < 100; ++i) {
    Registration one;
    one.instance = source.instance;
    one.key = registered->id;
    one.resource_crn = "crn:v1:bluemix:public:databases:eu-de:a/acc:one:x:" + std::to_string(i);
    one.metadata.assign(700, 'm');
    change.put_registrations.push_back(std::move(one));
  }
  source.server->registrations.publish(change);
  source.root_key();
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->keys.size(), 1U);
  ASSERT_EQ(part->left_out.size(), 2U);
  for (const LeftOutKey& key : part->left_out) {
    EXPECT_EQ(reason_of(key), "TooLarge");
    EXPECT_EQ(key.name, "payroll");
    EXPECT_NE(key.why.message.find("keyhaven migrate"), std::string::npos) << key.why.message;
  }
}

TEST_F(TransferExportTest, RecordsThatAreNotAuthenticAreNamed) {
  const KeyRecordPtr key = source.root_key();
  Quarantine& quarantine = source.directory().quarantine();
  KeyId low, high;
  low.uuid.bytes[15] = 1;
  high.uuid.bytes.fill(0xFF);
  quarantine.add_key(source.instance, high, "old");
  quarantine.add_key(source.instance, low, "missing");
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part);
  ASSERT_EQ(part->left_out.size(), 2U);
  EXPECT_EQ(part->left_out[0].id, low);
  EXPECT_EQ(part->left_out[1].id, high);
  EXPECT_EQ(reason_of(part->left_out[0]), "RecordNotAuthentic");
  // Each once: not again behind the cursor.
  EXPECT_EQ(export_chunk(0, low)->left_out.size(), 1U);
  EXPECT_EQ(export_chunk(0, high)->left_out.size(), 0U);
  quarantine.add_registration(source.instance);
  EXPECT_EQ(export_chunk(0).error().reason, Reason::RecordNotAuthentic);
}

TEST_F(TransferExportTest, WhatStaysBehindIsToldInBoundedAnswers) {
  std::set<KeyId> bad;
  while (bad.size() < TransferExport::kMaxLeftOut + 3) {
    const KeyId id{crypto::random_uuid()};
    source.directory().quarantine().add_key(source.instance, id, "old");
    bad.insert(id);
  }
  for (int i = 0; i < 3; ++i) source.root_key();
  open_transfer();
  const TransferBundle bundle = export_all();
  EXPECT_EQ(bundle.parts.size(), 2U);
  EXPECT_EQ(bundle.keys, 3U);
  std::vector<KeyId> told;
  for (const ExportedChunk& part : bundle.parts) {
    EXPECT_LE(part.left_out.size(), TransferExport::kMaxLeftOut);
    for (const LeftOutKey& key : part.left_out) told.push_back(key.id);
  }
  EXPECT_EQ(told, std::vector<KeyId>(bad.begin(), bad.end()));
}

TEST_F(TransferExportTest, AKeyThatDoesNotOpenStaysBehindAlone) {
  for (int i = 0; i < 3; ++i) source.root_key();
  KeyRecord damaged = *source.root_key();
  damaged.versions[0].blob.bytes.back() ^= 1;
  put(damaged);
  open_transfer();
  const auto part = export_chunk(0);
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(part->keys.size(), 3U);
  ASSERT_EQ(part->left_out.size(), 1U);
  EXPECT_EQ(part->left_out[0].id, damaged.id);
  EXPECT_EQ(reason_of(part->left_out[0]), "DecryptFailed");
}

TEST_F(TransferExportTest, OnlyAnOpenTransferTakesKeys) {
  source.transfer.close_transfer(source.instance, transfer).value();
  EXPECT_EQ(export_chunk(0).error().reason, Reason::TransferNotAllowed) << "without keys";
  source.root_key();
  EXPECT_EQ(export_chunk(0).error().reason, Reason::TransferNotAllowed);
  open_transfer();
  EXPECT_TRUE(export_chunk(0));
  source.gate.shut = true;
  EXPECT_EQ(export_chunk(0).error().reason, Reason::MasterKeyRotationInProgress);
  source.gate.shut = false;
  clock.advance_seconds(86400);
  EXPECT_EQ(export_chunk(0).error().reason, Reason::TransferNotAllowed) << "expired";
  EXPECT_EQ(source.gate.out(), 0);
}

}  // namespace
}  // namespace keyhaven::keys
