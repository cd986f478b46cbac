#include "crypto/random.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>
#include <thread>

namespace keyhaven::crypto {
namespace {

TEST(RandomTest, NoncesDoNotRepeatAcrossRefillsOfThePool) {
  std::set<std::array<std::uint8_t, 24>> seen;
  for (int i = 0; i < 1'000; ++i) {  // 24,000 bytes: six pools, whose size is no multiple of 24
    std::array<std::uint8_t, 24> nonce{};
    random_nonce(nonce);
    EXPECT_TRUE(seen.insert(nonce).second);
  }
}

TEST(RandomTest, ALongRequestIsFilledToItsEnd) {
  Bytes bytes(20'000);
  random_nonce(bytes);
  // 32 zero bytes in a row would be a part that was never written.
  std::size_t zeros = 0;
  for (const std::uint8_t byte : bytes) {
    zeros = byte == 0 ? zeros + 1 : 0;
    ASSERT_LT(zeros, 32u);
  }
  random_nonce({});
}

TEST(RandomTest, ThreadsDrawDifferentBytes) {
  std::array<std::uint8_t, 32> here{};
  std::array<std::uint8_t, 32> there{};
  random_nonce(here);
  std::thread([&] { random_nonce(there); }).join();
  EXPECT_NE(here, there);
}

TEST(RandomTest, AForkedChildDoesNotRepeatTheParent) {
  std::array<std::uint8_t, 16> parent{};
  random_nonce(parent);  // fills the pool before the fork
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    std::array<std::uint8_t, 32> drawn{};
    random_nonce(std::span(drawn).first(16));
    random_bytes(std::span(drawn).last(16));
    ::_exit(::write(ends[1], drawn.data(), drawn.size()) == 32 ? 0 : 1);
  }
  std::array<std::uint8_t, 32> of_child{};
  ASSERT_EQ(::read(ends[0], of_child.data(), of_child.size()), 32);
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  std::array<std::uint8_t, 32> of_parent{};
  random_nonce(std::span(of_parent).first(16));
  random_bytes(std::span(of_parent).last(16));
  EXPECT_FALSE(std::equal(of_child.begin(), of_child.begin() + 16, of_parent.begin()));
  EXPECT_FALSE(std::equal(of_child.begin() + 16, of_child.end(), of_parent.begin() + 16));
  // Were the pool copied, the child's nonce would have been 16 zeros (the wiped memory) or the
  // parent's next.
  EXPECT_NE(to_hex(ByteView(of_child).first(16)), std::string(32, '0'));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(RandomTest, UuidsAreVersion4) {
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Uuid::looks_like_v4(random_uuid().text()));
  EXPECT_NE(random_uuid(), random_uuid());
}

TEST(RandomTest, SecretsHaveTheirSize) {
  EXPECT_EQ(random_secret(0).size(), 0u);
  EXPECT_EQ(random_secret(32).size(), 32u);
  EXPECT_FALSE(random_secret(32) == random_secret(32));
}

}  // namespace
}  // namespace keyhaven::crypto
