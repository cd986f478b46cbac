#include "channel/secret_buffer.h"

#include <gtest/gtest.h>

namespace keyhaven::channel {
namespace {

void add(SecretBuffer& buffer, std::size_t count, std::uint8_t value) {
  std::uint8_t* to = buffer.extend(count);
  ASSERT_NE(to, nullptr);
  std::fill_n(to, count, value);
}

TEST(SecretBufferTest, GrowsToItsLimitAndNotBeyond) {
  SecretBuffer buffer(16, 100);
  add(buffer, 60, 1);
  add(buffer, 40, 2);
  EXPECT_EQ(buffer.extend(1), nullptr);
  EXPECT_EQ(buffer.size(), 100U);
  EXPECT_EQ(buffer.filled()[59], 1);
  EXPECT_EQ(buffer.filled()[60], 2);
  buffer.consume(50);
  add(buffer, 50, 3);
  EXPECT_EQ(buffer.filled()[9], 1);
  EXPECT_EQ(buffer.filled()[10], 2);
  EXPECT_EQ(buffer.filled()[99], 3);
}

TEST(SecretBufferTest, ConsumedAndTruncatedBytesAreWiped) {
  SecretBuffer buffer(64, 64);
  add(buffer, 32, 0xee);
  const std::uint8_t* memory = buffer.filled().data();
  buffer.consume(8);
  EXPECT_EQ(memory[0], 0);
  EXPECT_EQ(memory[7], 0);
  EXPECT_EQ(memory[8], 0xee);
  buffer.truncate(4);
  EXPECT_EQ(memory[11], 0xee);
  EXPECT_EQ(memory[12], 0);
  EXPECT_EQ(memory[31], 0);
  buffer.clear();
  EXPECT_EQ(memory[8], 0);
}

TEST(SecretBufferTest, MovingToTheFrontWipesWhatItLeaves) {
  SecretBuffer buffer(64, 64);
  add(buffer, 48, 0xaa);
  const std::uint8_t* memory = buffer.filled().data();
  buffer.consume(40);
  ASSERT_TRUE(buffer.reserve(50));
  EXPECT_EQ(buffer.filled().data(), memory);
  EXPECT_EQ(memory[7], 0xaa);
  EXPECT_EQ(memory[8], 0);
  EXPECT_EQ(memory[47], 0);
}

}  // namespace
}  // namespace keyhaven::channel
