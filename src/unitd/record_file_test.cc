// The journal's file: frames, damage, torn ends; and what a start makes of it.
#include "unitd/record_file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "unit/record_journal.h"
#include "unit/record_store_for_tests.h"
#include "unitd/records.h"
#include "unitd/sealing_for_tests.h"

namespace keyhaven::unitd {
namespace {

using unit::digest_for_tests;
using unit::name_for_tests;
using unit::RecordChange;
using unit::RecordSink;
using Durability = RecordSink::Durability;

Bytes entry_of(std::uint64_t number) { return unit::encode(unit::SettledEntry{number, true}); }

RecordSink::Entries entries_of(std::vector<Bytes> list) {
  return [list, at = std::size_t{0}]() mutable -> std::optional<Bytes> {
    if (at == list.size()) return std::nullopt;
    return list[at++];
  };
}

class RecordFileTest : public testing::Test {
 protected:
  RecordFileTest() {
    std::string path = testing::TempDir() + "keyhaven-records-XXXXXX";
    directory_ = ::mkdtemp(path.data());
  }
  ~RecordFileTest() override { std::filesystem::remove_all(directory_); }

  SecretBytes key() const { return SecretBytes::copy_of(Bytes(32, 0x4B)); }
  std::string path() const { return directory_ + "/records"; }
  Bytes content() const { return read_file(path(), 1 << 24).value(); }
  void set_content(ByteView bytes) {
    std::ofstream out(path(), std::ios::binary | std::ios::trunc);
    out << as_text(bytes);
  }
  // A snapshot of two entries, then three, of which the last two were never made durable.
  void make() {
    RecordFile file(directory_, key());
    ASSERT_TRUE(file.replace(entries_of({entry_of(1), entry_of(2)})));
    ASSERT_TRUE(file.append(entry_of(3), Durability::Power));
    ASSERT_TRUE(file.append(entry_of(4), Durability::Process));
    ASSERT_TRUE(file.append(entry_of(5), Durability::Process));
  }
  Result<RecordFile::Tail> load(std::vector<Bytes>* out = nullptr) {
    RecordFile file(directory_, key());
    return file.load([&](ByteView entry) -> Result<void> {
      if (out != nullptr) out->push_back(to_bytes(entry));
      return {};
    });
  }
  // Where each frame begins, and the end.
  std::vector<std::size_t> offsets() const {
    std::vector<std::size_t> out;
    const Bytes all = content();
    const std::size_t frame = kRecordFrameHeaderSize + entry_of(1).size() + 40;
    for (std::size_t at = kRecordFileHeaderSize; at <= all.size(); at += frame) out.push_back(at);
    EXPECT_EQ(out.back(), all.size());
    return out;
  }

  std::string directory_;
};

TEST_F(RecordFileTest, WhatWasWrittenIsReadInItsOrder) {
  make();
  std::vector<Bytes> entries;
  ASSERT_EQ(*load(&entries), RecordFile::Tail::Whole);
  ASSERT_EQ(entries.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(entries[i], entry_of(i + 1));
  RecordFile file(directory_, key());
  ASSERT_TRUE(file.load([](ByteView) -> Result<void> { return {}; }));
  ASSERT_TRUE(file.append(entry_of(6), Durability::Power));
  entries.clear();
  ASSERT_EQ(*load(&entries), RecordFile::Tail::Whole);
  EXPECT_EQ(entries.size(), 6u);
}

TEST_F(RecordFileTest, ATornEndIsCutOffAndDamageBeforeItRefusesTheStart) {
  make();
  const Bytes good = content();
  const std::vector<std::size_t> at = offsets();
  for (std::size_t size = kRecordFileHeaderSize; size < good.size(); ++size) {
    set_content(ByteView(good).first(size));
    std::vector<Bytes> entries;
    const auto tail = load(&entries);
    const bool is_boundary = std::find(at.begin(), at.end(), size) != at.end();
    if (size < at[1]) {
      EXPECT_EQ(tail.has_value(), size == at[0]) << size;  // nothing yet: the table refuses that
      continue;
    }
    ASSERT_TRUE(tail) << size;
    EXPECT_EQ(*tail, is_boundary ? RecordFile::Tail::Whole : RecordFile::Tail::Torn) << size;
    EXPECT_EQ(content().size(), *(std::upper_bound(at.begin(), at.end(), size) - 1)) << size;
  }
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes damaged = good;
    damaged[i] ^= 0x20;
    set_content(damaged);
    const auto tail = load();
    // The third frame's durability is told by the fourth; the last two were never durable.
    const bool was_durable = i < at[3];
    EXPECT_EQ(tail.has_value(), !was_durable) << i;
    if (tail) {
      EXPECT_EQ(*tail, RecordFile::Tail::Torn) << i;
    } else {
      EXPECT_EQ(content(), damaged) << "nothing is destroyed";
    }
  }
}

TEST_F(RecordFileTest, FramesCannotBeMovedRepeatedOrTakenFromAnotherGeneration) {
  make();
  const Bytes good = content();
  const std::vector<std::size_t> at = offsets();
  const auto frame = [&](std::size_t i) {
    return ByteView(good).subspan(at[i], at[i + 1] - at[i]);
  };
  const auto build = [&](std::initializer_list<std::size_t> order) {
    Bytes out(good.begin(), good.begin() + kRecordFileHeaderSize);
    for (const std::size_t i : order) append(out, frame(i));
    set_content(out);
    return load();
  };
  EXPECT_FALSE(build({1, 0, 2, 3, 4}));
  EXPECT_FALSE(build({0, 2, 3, 4}));
  EXPECT_FALSE(build({0, 0, 1, 2, 3}));
  EXPECT_TRUE(build({0, 1, 2, 3, 4}));
  {
    RecordFile file(directory_, key());
    ASSERT_TRUE(file.replace(entries_of({entry_of(1), entry_of(2)})));
  }
  const Bytes second = content();
  Bytes mixed(second.begin(), second.begin() + kRecordFileHeaderSize);
  append(mixed, ByteView(good).subspan(kRecordFileHeaderSize));
  set_content(mixed);
  EXPECT_FALSE(load());
  RecordFile other(directory_, SecretBytes(32));
  set_content(good);
  EXPECT_FALSE(other.load([](ByteView) -> Result<void> { return {}; }));
}

TEST_F(RecordFileTest, AnotherFormatNoJournalAndNoFileAreTold) {
  EXPECT_EQ(load().error().reason, Reason::NotFound);
  set_content(Bytes(100));
  EXPECT_EQ(load().error().reason, Reason::InvalidArgument);
  make();
  Bytes other = content();
  other[5] = 2;
  set_content(other);
  EXPECT_NE(load().error().message.find("another version"), std::string::npos);
}

TEST_F(RecordFileTest, IsOversizedBeyondFourMebibytesAndTwiceTheLiveSize) {
  RecordFile file(directory_, key());
  ASSERT_TRUE(file.replace(entries_of({entry_of(1)})));
  const Bytes large(100'000);
  for (int i = 0; i < 41; ++i) ASSERT_TRUE(file.append(large, Durability::Process));
  EXPECT_FALSE(file.is_oversized(0));
  ASSERT_TRUE(file.append(large, Durability::Process));
  EXPECT_TRUE(file.is_oversized(0));
  EXPECT_FALSE(file.is_oversized(2'200'000));
  ASSERT_TRUE(file.replace(entries_of({entry_of(1)})));
  EXPECT_FALSE(file.is_oversized(0));
}

// docs/protocols/record-seal.md, "Worked example"; computed there by an independent implementation.
TEST(RecordFrameTest, WorkedExample) {
  Bytes header = to_bytes(as_bytes("KHRJ"));
  append(header, Bytes{0, 1, 0, 0});
  append(header, Bytes(16, 0x1D));
  const Bytes frame = seal_record_frame_with_nonce_for_example(
      SecretBytes::copy_of(Bytes(32, 0x4B)), header, 2, 1, entry_of(7), Bytes(24, 0xA5));
  EXPECT_EQ(to_hex(frame),
            "4b4852460000000000000002000000000000000100000032"
            "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
            "55c2770e35f8792cf9fe015070989945e282f86f3f5dcc731d4b");
}

// --- What a start makes of it ---

class RecordsTest : public RecordFileTest {
 protected:
  RecordsTest() : keys_(unit::DomainTable::create(sink_).value()) {
    options_.state_directory = directory_;
  }

  Result<Records> open() {
    return open_records(*keys_, options_, [this](const std::string& line) { told_ = line; });
  }
  void write(unit::RecordTable& table, const std::vector<RecordChange>& changes) {
    const auto seals = table.seal_records(++group_, changes).value();
    store_.apply(changes, seals);
    table.settle_records(group_, true).value();
  }
  static RecordChange put(std::uint32_t number, std::string_view content) {
    return {unit::scope_for_tests(0), name_for_tests(number), digest_for_tests(content)};
  }
  bool is_clean(const Records& records) { return store_.check(*records.table)->is_clean(); }
  // A guarded store with two records.
  void fill() {
    const auto records = open().value();
    write(*records.table, {put(1, "a"), put(2, "b")});
    records.table->begin_guarding().value();
  }

  unit::MemorySink sink_;
  std::unique_ptr<unit::DomainTable> keys_;
  RecordOptions options_;
  unit::RecordStoreForTests store_;
  std::uint64_t group_ = 0;
  std::string told_;
};

TEST_F(RecordsTest, AStartFindsWhatTheLastOneLeft) {
  fill();
  for (int i = 0; i < 3; ++i) {
    const auto records = open();
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_EQ(records->note, "");
    EXPECT_TRUE(records->table->record_status()->guarding);
    EXPECT_TRUE(is_clean(*records));
    write(*records->table, {put(1, std::to_string(i))});
    EXPECT_TRUE(is_clean(*records));
  }
}

TEST_F(RecordsTest, ALostJournalRefusesTheStartAndCanBeBegunAnew) {
  fill();
  std::filesystem::remove(path());
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("unit.lost_records"), std::string::npos);
  options_.begin_anew = true;
  {
    const auto records = open();
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_NE(records->note, "");
    const auto checked = store_.check(*records->table).value();
    ASSERT_EQ(checked.result.differences.size(), 1u);
    EXPECT_EQ(checked.result.differences[0].returned, 2u);
    options_.accept = checked.result.differences[0].difference;
  }
  {
    const auto again = open();  // the option is still there, and does nothing any more
    ASSERT_TRUE(again);
    EXPECT_NE(again->note.find("take unit.lost_records out"), std::string::npos);
    EXPECT_TRUE(store_.check(*again->table)->result.differences.at(0).accepted);
    EXPECT_NE(told_, "");
    EXPECT_TRUE(is_clean(*again));
  }
  options_ = {};
  options_.state_directory = directory_;
  EXPECT_TRUE(is_clean(open().value()));
}

TEST_F(RecordsTest, ADamagedJournalIsPutAside) {
  fill();
  Bytes damaged = content();
  damaged[kRecordFileHeaderSize + 30] ^= 1;
  set_content(damaged);
  EXPECT_FALSE(open());
  EXPECT_EQ(content(), damaged);
  options_.begin_anew = true;
  ASSERT_TRUE(open());
  EXPECT_EQ(read_file(path() + ".unusable", 1 << 20).value(), damaged);
}

TEST_F(RecordsTest, AJournalOrStateFromBeforeTheLastStartIsTold) {
  fill();
  ASSERT_TRUE(open());
  const Bytes old_journal = content();
  const SecretBytes old_state = sink_.last.clone();
  ASSERT_TRUE(open());
  const Bytes journal = content();
  const SecretBytes state = sink_.last.clone();
  set_content(old_journal);
  EXPECT_NE(open().error().message.find("old copy"), std::string::npos);
  set_content(journal);
  ASSERT_TRUE(open());
  const Bytes newest = content();
  keys_ = unit::DomainTable::restore(old_state, sink_).value();
  options_.state_counter = 7;
  EXPECT_NE(open().error().message.find("unit.accept_state_counter = 7"), std::string::npos);
  EXPECT_EQ(content(), newest);
  options_.accepted_state = 7;
  {
    const auto records = open();
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_TRUE(is_clean(*records));
  }
  options_.accepted_state = 0;
  EXPECT_TRUE(open());  // it is the newest one from now on
}

TEST_F(RecordsTest, AJournalThatNobodyReliedOnIsBegunAgainByItself) {
  {
    const auto records = open().value();
    write(*records.table, {put(1, "a")});
  }
  std::filesystem::remove(path());
  const auto records = open();
  ASSERT_TRUE(records) << records.error().message;
  EXPECT_EQ(keys_->record_keys().losses, 1);
  EXPECT_EQ(store_.check(*records->table)->verdicts.begin()->second, unit::RecordVerdict::Returned);
}

TEST_F(RecordsTest, AFullDiskAtTheStartIsSaidAndServedOn) {
  fill();
  sink_.failing = true;
  for (int i = 0; i < 3; ++i) {
    const auto records = open();
    ASSERT_TRUE(records) << records.error().message;
    EXPECT_NE(records->note.find("not noted"), std::string::npos);
    EXPECT_TRUE(is_clean(*records));
  }
  sink_.failing = false;
  EXPECT_EQ(open()->note, "");
}

TEST_F(RecordsTest, AMillionBytesOfChangesAreCompacted) {
  fill();
  const auto records = open().value();
  std::vector<RecordChange> changes;
  for (std::uint32_t i = 0; i < 2000; ++i) changes.push_back(put(i, "x"));
  std::uintmax_t largest = 0;
  for (int i = 0; i < 60; ++i) {
    write(*records.table, changes);
    largest = std::max(largest, std::filesystem::file_size(path()));
  }
  EXPECT_LT(largest, 4'500'000u);
  EXPECT_TRUE(is_clean(records));
  EXPECT_TRUE(is_clean(open().value()));
}

}  // namespace
}  // namespace keyhaven::unitd
