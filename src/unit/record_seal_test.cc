#include "unit/record_seal.h"

#include <gtest/gtest.h>

#include "unit/record_journal.h"

namespace keyhaven::unit {
namespace {

template <class T>
T filled(std::uint8_t value) {
  T out;
  out.fill(value);
  return out;
}

RecordScope scope() {
  RecordScope out;
  out.uuid.bytes.fill(0x11);
  return out;
}

// docs/protocols/record-seal.md, "Worked example"; computed there by an independent implementation.
TEST(RecordSealTest, WorkedExample) {
  const SecretBytes key = SecretBytes::copy_of(Bytes(32, 0x4B));
  const RecordName name{2, filled<std::array<std::uint8_t, 16>>(0x33)};
  EXPECT_EQ(to_hex(record_tag(key, scope(), name, 3, 4, filled<Digest>(0x44))),
            "ca5c79d9531ee0105066faca892763bb");
  DifferenceDigest digest(scope());
  digest.add({name, static_cast<std::uint8_t>(RecordVerdict::Old), pack_seal(3, 4)});
  digest.add({{2, filled<std::array<std::uint8_t, 16>>(0x55)}, kMissingVerdict, 0});
  EXPECT_EQ(to_hex(digest.finish()),
            "fa10fb2570d10c3ab81147ac2dd9d4ebcc1bc88b6e4c60a865610010ee7711a5");
}

TEST(RecordSealTest, EveryPartOfTheInputCounts) {
  const SecretBytes key(32);
  const RecordName name{1, {}};
  const auto tag = record_tag(key, scope(), name, 1, 1, {});
  EXPECT_NE(record_tag(SecretBytes::copy_of(Bytes(32, 1)), scope(), name, 1, 1, {}), tag);
  EXPECT_NE(record_tag(key, RecordScope{}, name, 1, 1, {}), tag);
  EXPECT_NE(record_tag(key, scope(), {2, {}}, 1, 1, {}), tag);
  EXPECT_NE(record_tag(key, scope(), {1, filled<std::array<std::uint8_t, 16>>(1)}, 1, 1, {}), tag);
  EXPECT_NE(record_tag(key, scope(), name, 2, 1, {}), tag);
  EXPECT_NE(record_tag(key, scope(), name, 1, 2, {}), tag);
  EXPECT_NE(record_tag(key, scope(), name, 1, 1, filled<Digest>(1)), tag);
}

// More records than one block of the chain.
TEST(RecordSealTest, TheDifferenceOfManyRecordsDependsOnEach) {
  const auto digest = [](std::uint32_t changed) {
    DifferenceDigest out(scope());
    for (std::uint32_t i = 0; i < 3000; ++i) {
      RecordName name{1, {}};
      name.id[14] = static_cast<std::uint8_t>(i >> 8);
      name.id[15] = static_cast<std::uint8_t>(i);
      out.add({name, 3, pack_seal(1, i == changed ? 7 : 8)});
    }
    return out.finish();
  };
  const Digest good = digest(9999);
  EXPECT_EQ(digest(9999), good);
  for (const std::uint32_t i : {0u, 1023u, 1024u, 2999u}) EXPECT_NE(digest(i), good) << i;
}

TEST(RecordJournalTest, EntriesAreReadAsTheyWereWritten) {
  const RecordName name{7, filled<std::array<std::uint8_t, 16>>(9)};
  const RecordEntry entries[] = {
      SealedEntry{5, {{scope(), name, pack_seal(2, 3)}, {scope(), name, 0}}},
      SettledEntry{5, true},
      SettledEntry{6, false},
      ScopeEntry{1024, scope(), kMaxSequence},
      RecordsEntry{{{{3, name}, pack_seal(kMaxRecordEpoch, kMaxSequence)}}},
      MarkEntry{8, 9},
  };
  for (const RecordEntry& entry : entries) {
    const Bytes bytes = encode(entry);
    const auto decoded = decode_record_entry(bytes);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(decoded->index(), entry.index());
    EXPECT_EQ(encode(*decoded), bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size)
      EXPECT_FALSE(decode_record_entry(ByteView(bytes).first(size))) << size;
    Bytes longer = bytes;
    longer.push_back(0);
    EXPECT_FALSE(decode_record_entry(longer));
  }
  EXPECT_FALSE(decode_record_entry(Bytes{0}));
  EXPECT_FALSE(decode_record_entry(Bytes{6}));
  EXPECT_FALSE(decode_record_entry(encode(RecordsEntry{{{{3, name}, 0}}})));  // no seal
  EXPECT_FALSE(decode_record_entry(encode(ScopeEntry{1, scope(), 0})));
}

}  // namespace
}  // namespace keyhaven::unit
