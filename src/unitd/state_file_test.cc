#include "unitd/state_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

namespace keyhaven::unitd {
namespace {

SecretBytes example_key() {
  Bytes key(32);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint8_t>(i);
  return SecretBytes::copy_of(key);
}

SecretBytes text(std::string_view value) { return SecretBytes::copy_of(value); }

// docs/protocols/unit-state-file.md, "Worked example"; computed there by an independent
// implementation.
TEST(StateFormatTest, WorkedExample) {
  const Bytes nonce(24, 0xa5);
  const Bytes file =
      seal_state_with_nonce_for_example(example_key(), 7, text("example state"), nonce);
  EXPECT_EQ(to_hex(file),
            "4b485353000100010000000000000007"
            "7a5963158e5432a0f7f3ded099b17394"
            "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
            "86fc7efe9c0a94e161004480e9cbf153ddb488c36a2d832b40edeca774");
  auto opened = open_state(example_key(), file);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->counter, 7U);
  EXPECT_TRUE(opened->state == text("example state"));
}

TEST(StateFormatTest, EveryFlippedBitAndEveryCutIsRefused) {
  const Bytes file = seal_state(example_key(), 1, text("state"));
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes damaged = file;
    damaged[i] ^= 0x10;
    EXPECT_FALSE(open_state(example_key(), damaged)) << i;
    EXPECT_FALSE(open_state(example_key(), ByteView(file).first(i))) << i;
  }
}

TEST(StateFormatTest, AWrongKeyIsToldFromDamage) {
  const Bytes file = seal_state(example_key(), 1, text("state"));
  const auto wrong = open_state(SecretBytes(32), file);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().reason, Reason::DecryptFailed);
  EXPECT_NE(wrong.error().message.find("another sealing key"), std::string::npos);
  const auto cut = open_state(example_key(), ByteView(file).first(file.size() - 1));
  ASSERT_FALSE(cut);
  EXPECT_NE(cut.error().message.find("damaged"), std::string::npos);
}

class StateFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "kh-state-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    base_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(base_); }
  Result<StateFile> open() { return StateFile::open(base_ + "/unit", base_ + "/unit/sealing.key"); }
  std::string base_;
};

TEST_F(StateFileTest, FirstStartMakesAKeyAndNoState) {
  auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_FALSE(file->take_state());
  struct stat info {};
  ASSERT_EQ(::stat((base_ + "/unit/sealing.key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  EXPECT_EQ(info.st_size, 32);
}

TEST_F(StateFileTest, WhatWasSavedIsThereAgainAndCounted) {
  {
    auto file = open();
    ASSERT_TRUE(file);
    ASSERT_TRUE(file->save(text("one")));
    ASSERT_TRUE(file->save(text("two")));
  }
  auto file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->counter(), 2U);
  const auto state = file->take_state();
  ASSERT_TRUE(state);
  EXPECT_TRUE(*state == text("two"));
  EXPECT_FALSE(file->take_state()) << "given once";
}

TEST_F(StateFileTest, TheStateIsNotReadableInTheFile) {
  auto file = open();
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->save(text("very secret state")));
  const Bytes content = std::move(read_file(base_ + "/unit/state", 4096)).value();
  EXPECT_EQ(as_text(content).find("very secret"), std::string_view::npos);
}

TEST_F(StateFileTest, ASecondHolderIsRefused) {
  auto first = open();
  ASSERT_TRUE(first);
  const auto second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
}

// A file-size limit stands for a full disk: the write fails half-way.
TEST_F(StateFileTest, ASaveThatFailsKeepsTheOldState) {
  auto file = open();
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->save(text("old")));
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small = {16, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto saved = file->save(text("new"));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  std::signal(SIGXFSZ, previous);
  EXPECT_FALSE(saved);
  EXPECT_EQ(file->counter(), 1U);
  ASSERT_TRUE(file->save(text("newer"))) << "the next one works";
  { const StateFile closed = std::move(file).value(); }
  auto again = open();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->counter(), 2U);
  EXPECT_TRUE(*again->take_state() == text("newer"));
}

TEST_F(StateFileTest, KeysOfOtherSizesAreRefused) {
  ASSERT_TRUE(make_directory(base_ + "/unit", 0700));
  ASSERT_TRUE(write_file_atomic(base_ + "/unit/sealing.key", Bytes(31), 0600));
  const auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("31 bytes, expected 32"), std::string::npos);
}

}  // namespace
}  // namespace keyhaven::unitd
