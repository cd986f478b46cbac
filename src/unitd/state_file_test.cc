#include "unitd/state_file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "unitd/sealing_file.h"
#include "unitd/sealing_for_tests.h"
#include "unitd/state_format1.h"

namespace keyhaven::unitd {
namespace {

SecretBytes example_key() {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return SecretBytes::copy_of(key);
}

SecretBytes text(std::string_view value) { return SecretBytes::copy_of(value); }

StateHeader example_header() {
  StateHeader header;
  header.method = SealingMethod::KeyFile;
  header.counter = 7;
  header.age = 0;
  header.key.wrapped = Bytes(88, 0x5a);
  return header;
}

// docs/protocols/unit-state-file.md, "Worked example"; computed there by an independent
// implementation.
TEST(StateFormatTest, WorkedExample) {
  const Bytes nonce(24, 0xa5);
  const Bytes file = seal_state_with_nonce_for_example(example_key(), example_header(),
                                                       text("example state"), nonce);
  EXPECT_EQ(to_hex(file),
            "4b48535300020001000000000000000700000000000000000000000000000058"
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"
            "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a6c0ff2485ccd93d4"
            "eaece2f08f44d757b02a583c2d5244bb5797b828ce6bf82ea5a5a5a5a5a5a5a5"
            "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a526253c59f6c05e213c93f638239dab5d"
            "0be9bcafef583d55b33b357521");
  const auto parsed = parse_header(file);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.counter, 7U);
  const auto state = open_state(example_key(), *parsed, file);
  ASSERT_TRUE(state);
  EXPECT_TRUE(*state == text("example state"));
}

// The same document, format 1.
constexpr std::string_view kFormat1Example =
    "4b485353000100010000000000000007"
    "7a5963158e5432a0f7f3ded099b17394"
    "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
    "86fc7efe9c0a94e161004480e9cbf153ddb488c36a2d832b40edeca774";

TEST(StateFormatTest, WorkedExampleOfFormat1) {
  const Bytes file = from_hex(kFormat1Example).value();
  ASSERT_TRUE(is_format1(file));
  const auto opened = open_format1(example_key(), file);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->counter, 7U);
  EXPECT_TRUE(opened->state == text("example state"));
  const auto wrong = open_format1(SecretBytes(32), file);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("another sealing key"), std::string::npos);
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(open_format1(example_key(), damaged)) << i;
    EXPECT_FALSE(open_format1(example_key(), ByteView(file).first(i))) << i;
  }
}

TEST(StateFormatTest, EveryFlippedBitAndEveryCutIsRefused) {
  const Bytes file = seal_state(example_key(), example_header(), text("state"));
  const auto opens = [](ByteView bytes) {
    const auto parsed = parse_header(bytes);
    return parsed && open_state(example_key(), *parsed, bytes);
  };
  ASSERT_TRUE(opens(file));
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(opens(damaged)) << i;
    EXPECT_FALSE(opens(ByteView(file).first(i))) << i;
  }
}

// Who changes the header and makes its checksum right is caught by the AEAD.
TEST(StateFormatTest, TheHeaderIsAuthenticated) {
  const Bytes file = seal_state(example_key(), example_header(), text("state"));
  const std::size_t size = parse_header(file)->size;
  StateHeader older = example_header();
  older.counter = 6;
  Bytes forged = encode_header(older);
  append(forged, ByteView(file).subspan(size));
  const auto parsed = parse_header(forged);
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(open_state(example_key(), *parsed, forged));
}

TEST(StateFormatTest, LengthsInTheHeaderAreLimited) {
  StateHeader header = example_header();
  header.key.parameters = Bytes(kMaxSealingParameters);
  header.key.wrapped = Bytes(kMaxWrappedKey);
  Bytes largest = encode_header(header);
  EXPECT_TRUE(parse_header(largest));
  EXPECT_EQ(largest.size(), kMostHeaderBytes);
  largest[24] = 0x7f;  // length of the parameters
  const auto refused = parse_header(largest);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::InvalidArgument);
}

class StateFileTest : public SealingFixture {
 protected:
  Result<std::unique_ptr<StateFile>> open() {
    sealings_.emplace(base_ + "/unit/sealing.key", nullptr);
    return StateFile::open({base_ + "/unit", SealingMethod::KeyFile, "", 0}, *sealings_);
  }
  std::optional<UnitSealings> sealings_;
};

TEST_F(StateFileTest, FirstStartMakesAKeyAndNoState) {
  auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_FALSE((*file)->take_state());
  struct stat info {};
  ASSERT_EQ(::stat((base_ + "/unit/sealing.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(info.st_size, 32);
}

TEST_F(StateFileTest, WhatWasSavedIsThereAgainAndCounted) {
  {
    auto file = open();
    ASSERT_TRUE(file);
    ASSERT_TRUE((*file)->save(text("one")));
    ASSERT_TRUE((*file)->save(text("two")));
  }
  auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ((*file)->status().saves, 2U);
  const auto state = (*file)->take_state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(*state == text("two"));
  EXPECT_FALSE((*file)->take_state()) << "given once";
}

TEST_F(StateFileTest, AFileOfFormat1IsOpenedAndWrittenAnew) {
  ASSERT_TRUE(make_directory(base_ + "/unit", 0700));
  ASSERT_TRUE(write_file_atomic(base_ + "/unit/state", from_hex(kFormat1Example).value(), 0600));
  const auto missing = open();
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("is missing"), std::string::npos);
  ASSERT_TRUE(write_file_atomic(key_file(), example_key().expose(), 0600));
  for (int i = 0; i < 2; ++i) {
    auto file = open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ((*file)->status().saves, 8U);
    EXPECT_TRUE(*(*file)->take_state() == text("example state"));
    EXPECT_EQ(content(state_path())[5], 2) << "format";
  }
}

TEST_F(StateFileTest, TheStateIsNotReadableInTheFile) {
  auto file = open();
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->save(text("very secret state")));
  EXPECT_EQ(as_text(content(state_path())).find("very secret"), std::string_view::npos);
}

TEST_F(StateFileTest, ASecondHolderIsRefused) {
  auto first = open();
  ASSERT_TRUE(first);
  UnitSealings others(key_file(), nullptr);
  const auto second = StateFile::open({base_ + "/unit", SealingMethod::KeyFile, "", 0}, others);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
}

// A file-size limit stands for a full disk: the write fails half-way.
class FullDisk {
 public:
  FullDisk() : previous_(std::signal(SIGXFSZ, SIG_IGN)) {
    EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &limit_), 0);
    const rlimit small = {16, limit_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  }
  ~FullDisk() {
    EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &limit_), 0);
    std::signal(SIGXFSZ, previous_);
  }

 private:
  void (*previous_)(int);
  rlimit limit_{};
};

TEST_F(StateFileTest, ASaveThatFailsKeepsTheOldState) {
  auto file = open();
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->save(text("old")));
  {
    const FullDisk full;
    EXPECT_FALSE((*file)->save(text("new")));
  }
  EXPECT_EQ((*file)->status().saves, 1U);
  ASSERT_TRUE((*file)->save(text("newer"))) << "the next one works";
  file->reset();
  auto again = open();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ((*again)->status().saves, 2U);
  EXPECT_TRUE(*(*again)->take_state() == text("newer"));
}

TEST_F(StateFileTest, AChangeOnAFullDiskIsRefusedAndNothingOfItStays) {
  auto unit = start();
  ASSERT_TRUE(unit);
  {
    const FullDisk full;
    EXPECT_FALSE(change(*unit, SealingMethod::SystemdCredential, "key"));
  }
  EXPECT_EQ(unit->file->status().method, SealingMethod::KeyFile);
  ASSERT_TRUE(unit->table->save());
  *unit = Unit();
  unit = start();
  EXPECT_TRUE(unit) << unit.error().message;
}

TEST_F(StateFileTest, KeysOfOtherSizesAndOpenOnesAreRefused) {
  ASSERT_TRUE(make_directory(base_ + "/unit", 0700));
  ASSERT_TRUE(write_file_atomic(key_file(), Bytes(31), 0600));
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("31 bytes, expected 32"), std::string::npos);
  ASSERT_TRUE(write_file_atomic(key_file(), Bytes(32), 0640));
  const auto open_to_others = open();
  ASSERT_FALSE(open_to_others);
  EXPECT_NE(open_to_others.error().message.find("chmod 600"), std::string::npos);
}

TEST_F(StateFileTest, MethodsThatNeedTheHelperSayWhatToConfigure) {
  auto file = open();
  ASSERT_TRUE(file);
  const auto refused = (*file)->change({SealingMethod::Tpm2, ""}, [] { return Result<void>(); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::NotSupported);
  EXPECT_NE(refused.error().message.find("unit.tpm2_tcti"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::unitd
