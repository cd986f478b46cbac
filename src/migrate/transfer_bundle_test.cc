#include "migrate/transfer_bundle.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMostBytes = 1024 * 1024;

KeyId key_id(std::uint8_t number) {
  KeyId out;
  out.uuid.bytes.fill(number);
  return out;
}

client::ExportedChunk step(std::uint32_t index, bool is_last, std::string_view content = "sealed") {
  client::ExportedChunk out;
  out.index = index;
  out.chunk = to_bytes(as_bytes(content));
  out.chunk.push_back(static_cast<std::uint8_t>(index));
  out.proof.digest = crypto::sha256(out.chunk);
  out.proof.tag.fill(static_cast<std::uint8_t>(index));
  const auto number = static_cast<std::uint8_t>(index * 2 + 1);
  out.keys = {{key_id(number), "key " + std::to_string(index), "a type", index + 1},
              {key_id(number + 1), "other", "a type", 1}};
  out.left_out = {{key_id(200), "gone", "KEY_DELETED_ERR", "it was purged"}};
  if (!is_last) out.next = key_id(number + 1);
  return out;
}

class BundleTest : public testing::Test {
 protected:
  BundleTest() {
    directory_ =
        (std::filesystem::temp_directory_path() / ("kh-bundle-" + crypto::random_uuid().text()))
            .string();
    std::filesystem::create_directory(directory_);
    path_ = directory_ + "/keys.bundle";
    head_ = {crypto::random_uuid(),
             {crypto::random_uuid()},
             {crypto::random_uuid()},
             to_bytes(as_bytes("an offer"))};
  }
  ~BundleTest() override { std::filesystem::remove_all(directory_); }

  // `steps` in all, the last one without a next.
  void write(std::uint32_t steps) {
    auto writer = BundleWriter::begin(path_, head_);
    ASSERT_TRUE(writer) << writer.error().message;
    for (std::uint32_t i = 0; i < steps; ++i) ASSERT_TRUE(writer->add(step(i, i + 1 == steps)));
    ASSERT_TRUE(writer->finish(as_bytes("a manifest")));
  }
  Bytes content(const std::string& path) const { return read_file(path, kMostBytes).value(); }
  void put(const std::string& path, ByteView bytes) const {
    ASSERT_TRUE(write_file_atomic(path, bytes, 0600));
  }

  std::string directory_;
  std::string path_;
  BundleHead head_;
};

TEST_F(BundleTest, ComesBackAsItWasWritten) {
  write(3);
  const auto read = read_bundle(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->head, head_);
  EXPECT_EQ(read->chunks.size(), 3U);
  ASSERT_EQ(read->keys.size(), 6U);
  EXPECT_EQ(read->keys[4].name, "key 2");
  EXPECT_EQ(read->keys[4].versions, 3U);
  ASSERT_EQ(read->left_out.size(), 3U);
  EXPECT_EQ(read->left_out[0].reason, "it was purged");
  EXPECT_EQ(as_text(read->manifest), "a manifest");
  auto reader = BundleReader::open(path_);
  ASSERT_TRUE(reader);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto one = reader->next();
    ASSERT_TRUE(one && *one);
    EXPECT_EQ((*one)->chunk, step(i, false).chunk);
    EXPECT_EQ((*one)->proof.tag, step(i, false).proof.tag);
  }
  struct stat about {};
  ASSERT_EQ(::stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600U);
  EXPECT_FALSE(std::filesystem::exists(path_ + ".partial"));
}

TEST_F(BundleTest, AStepWithoutAChunkHoldsWhatWasLeftOut) {
  auto writer = BundleWriter::begin(path_, head_);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add(step(0, false)));
  client::ExportedChunk last;
  last.index = 1;
  last.left_out = {{key_id(9), "gone", "C", "why"}};
  ASSERT_TRUE(writer->add(last));
  ASSERT_TRUE(writer->finish(as_bytes("m")));
  const auto read = read_bundle(path_);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->chunks.size(), 1U);
  EXPECT_EQ(read->left_out.size(), 2U);
}

TEST_F(BundleTest, EveryChangedByteIsFound) {
  write(2);
  const Bytes good = content(path_);
  for (std::size_t at = 0; at < good.size(); at += 3) {
    Bytes bad = good;
    bad[at] ^= 0x20;
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << as_text(bad);
    const auto read = read_bundle(path_);
    ASSERT_FALSE(read) << "byte " << at;
    EXPECT_EQ(read.error().reason, Reason::InvalidArgument) << "byte " << at;
  }
}

TEST_F(BundleTest, EveryCutAndEveryAdditionIsFound) {
  write(2);
  Bytes bytes = content(path_);
  for (std::size_t size = 0; size < bytes.size(); size += 3) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc)
        << as_text(ByteView(bytes).first(size));
    EXPECT_FALSE(read_bundle(path_)) << size;
  }
  bytes.push_back(0);
  put(path_, bytes);
  EXPECT_FALSE(read_bundle(path_));
}

// Whatever is there of the file after a crash: the run goes on behind the last whole step and makes
// the same bundle.
TEST_F(BundleTest, GoesOnFromAnyCut) {
  write(3);
  const Bytes whole = content(path_);
  std::filesystem::remove(path_);
  std::size_t most_steps = 0;
  // Each round waits for the disk some times: cuts in every field of a part will do.
  for (std::size_t size = 0; size <= whole.size(); size += size + 29 > whole.size() ? 1 : 29) {
    std::ofstream(path_ + ".partial", std::ios::binary | std::ios::trunc)
        << as_text(ByteView(whole).first(size));
    const auto there = BundleWriter::unfinished(path_);
    ASSERT_TRUE(there) << there.error().message;
    auto writer = *there ? BundleWriter::resume(path_) : BundleWriter::begin(path_, head_);
    ASSERT_TRUE(writer) << size << ": " << writer.error().message;
    EXPECT_EQ(writer->summary().head, head_);
    const auto steps = static_cast<std::uint32_t>(writer->summary().chunks.size());
    EXPECT_GE(steps, most_steps) << "more bytes, fewer steps";
    most_steps = steps;
    EXPECT_EQ(writer->summary().has_all_keys, steps == 3);
    for (std::uint32_t i = steps; i < 3; ++i) ASSERT_TRUE(writer->add(step(i, i == 2)));
    ASSERT_TRUE(writer->finish(as_bytes("a manifest")));
    ASSERT_EQ(content(path_), whole) << size;
    std::filesystem::remove(path_);
  }
  EXPECT_EQ(most_steps, 3U);
}

TEST_F(BundleTest, ADamagedTailIsDropped) {
  write(3);
  Bytes bytes = content(path_);
  std::filesystem::rename(path_, path_ + ".partial");
  bytes[bytes.size() / 2] ^= 1;  // a disk that had not written all before the power went
  put(path_ + ".partial", bytes);
  auto writer = BundleWriter::resume(path_);
  ASSERT_TRUE(writer);
  EXPECT_LT(writer->summary().chunks.size(), 3U);
  EXPECT_FALSE(writer->summary().has_all_keys);
}

TEST_F(BundleTest, ASecondWriterIsRefused) {
  auto first = BundleWriter::begin(path_, head_);
  ASSERT_TRUE(first);
  ASSERT_TRUE(first->add(step(0, false)));
  EXPECT_EQ(BundleWriter::begin(path_, head_).error().reason, Reason::AlreadyExists);
  EXPECT_EQ(BundleWriter::resume(path_).error().reason, Reason::AlreadyExists);
}

TEST_F(BundleTest, StepsThatDoNotFitAreRefused) {
  const struct {
    const char* what;
    client::ExportedChunk step;
  } rows[] = {
      {"another place", step(2, false)},
      {"the same again", step(0, false)},
      {"a chunk of another digest",
       [] {
         auto out = step(1, false);
         out.chunk[0] ^= 1;
         return out;
       }()},
      {"a step back",
       [] {
         auto out = step(1, false);
         out.next = key_id(1);
         return out;
       }()},
      {"too large",
       [] {
         auto out = step(1, false, std::string(kMaxBundleChunkBytes, 'x'));
         return out;
       }()},
  };
  auto writer = BundleWriter::begin(path_, head_);
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->add(step(0, false)));
  for (const auto& row : rows) {
    const auto added = writer->add(row.step);
    ASSERT_FALSE(added) << row.what;
    EXPECT_EQ(added.error().reason, Reason::BadBody) << row.what;
  }
  ASSERT_TRUE(writer->add(step(1, true)));
  EXPECT_FALSE(writer->add(step(2, true))) << "behind the last one";
}

TEST_F(BundleTest, WhatIsNotThereIsSaid) {
  EXPECT_EQ(read_bundle(path_).error().reason, Reason::NotFound);
  EXPECT_FALSE(BundleWriter::unfinished(path_).value());
  put(path_, as_bytes("-----BEGIN SOMETHING-----"));
  EXPECT_EQ(read_bundle(path_).error().reason, Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::migrate
