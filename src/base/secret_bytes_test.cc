#include "base/secret_bytes.h"

#include <gtest/gtest.h>

#include <type_traits>

#include "base/bytes.h"
#include "base/locked_arena.h"

namespace keyhaven {
namespace {

static_assert(!std::is_copy_constructible_v<SecretBytes>);
static_assert(!std::is_copy_assignable_v<SecretBytes>);

template <class T>
concept Printable = requires(std::ostream& out, const T& value) { out << value; };
static_assert(!Printable<SecretBytes>);

TEST(SecretBytesTest, IsZeroFilledInTheArena) {
  const SecretBytes secret(33);
  EXPECT_EQ(secret.size(), 33u);
  EXPECT_TRUE(locked_arena::owns(secret.expose().data()));
  for (const std::uint8_t byte : secret.expose()) EXPECT_EQ(byte, 0);
}

TEST(SecretBytesTest, MoveLeavesTheSourceEmpty) {
  SecretBytes from = SecretBytes::copy_of("abc");
  SecretBytes to(std::move(from));
  EXPECT_TRUE(from.empty());  // NOLINT: the promise under test
  EXPECT_EQ(as_text(to.expose()), "abc");
  SecretBytes assigned = SecretBytes::copy_of("old");
  assigned = std::move(to);
  EXPECT_TRUE(to.empty());  // NOLINT
  EXPECT_EQ(as_text(assigned.expose()), "abc");
}

TEST(SecretBytesTest, CloneIsEqualAndIndependent) {
  SecretBytes original = SecretBytes::copy_of("abc");
  const SecretBytes copy = original.clone();
  EXPECT_TRUE(original == copy);
  original.expose_mutable()[0] = 'x';
  EXPECT_FALSE(original == copy);
}

TEST(SecretBytesTest, ComparesSizeAndEveryByte) {
  const SecretBytes secret = SecretBytes::copy_of("0123456789abcdef");
  EXPECT_FALSE(secret == SecretBytes::copy_of("0123456789abcde"));
  EXPECT_TRUE(SecretBytes() == SecretBytes(0));
  for (std::size_t i = 0; i < secret.size(); ++i) {
    SecretBytes other = secret.clone();
    other.expose_mutable()[i] ^= 0x80;
    EXPECT_FALSE(secret == other) << i;
  }
}

TEST(SecretBytesTest, ShrinkWipesTheRest) {
  SecretBytes secret = SecretBytes::copy_of("0123456789");
  const std::uint8_t* const bytes = secret.expose().data();
  secret.shrink(4);
  EXPECT_EQ(as_text(secret.expose()), "0123");
  for (std::size_t i = 4; i < 10; ++i) EXPECT_EQ(bytes[i], 0) << i;
  EXPECT_DEATH(secret.shrink(5), "fatal");
}

TEST(SecretBytesTest, MemoryComesBack) {
  const std::size_t before = locked_arena::usage().used_bytes;
  {
    SecretBytes a(100);
    SecretBytes b(100'000);
    a = std::move(b);
  }
  EXPECT_EQ(locked_arena::usage().used_bytes, before);
}

TEST(SecretBytesTest, Base64AgreesWithThePublicCodecForEveryByteAndSize) {
  Bytes bytes;
  for (int i = 0; i < 256; ++i) {
    const SecretBytes text = secret_to_base64(bytes);
    EXPECT_EQ(as_text(text.expose()), to_base64(bytes));
    const auto back = secret_from_base64(as_text(text.expose()));
    ASSERT_TRUE(back) << i;
    EXPECT_EQ(to_bytes(back->expose()), bytes);
    bytes.push_back(static_cast<std::uint8_t>(255 - i));
  }
}

TEST(SecretBytesTest, Base64RefusesEveryCharacterOutsideTheAlphabet) {
  for (int c = 0; c < 256; ++c) {
    std::string text = "AAAA";
    text[1] = static_cast<char>(c);
    const auto secret = secret_from_base64(text);
    const auto open = from_base64(text);
    EXPECT_EQ(secret.has_value(), open.has_value()) << c;
    if (secret) {
      EXPECT_EQ(to_bytes(secret->expose()), *open) << c;
    } else {
      EXPECT_EQ(secret.error().message, "not valid base64 at offset 1");
    }
  }
}

TEST(SecretBytesTest, HexAgreesWithThePublicCodecForEveryPair) {
  for (int c = 0; c < 256; ++c) {
    for (const bool first : {true, false}) {
      std::string text = "a7";
      text[first ? 0 : 1] = static_cast<char>(c);
      const auto secret = secret_from_hex(text);
      const auto open = from_hex(text);
      ASSERT_EQ(secret.has_value(), open.has_value()) << c;
      if (secret) {
        EXPECT_EQ(to_bytes(secret->expose()), *open);
      } else {
        EXPECT_EQ(secret.error().message, open.error().message);
      }
    }
  }
  EXPECT_FALSE(secret_from_hex("abc"));
}

TEST(SecretBytesTest, WipeReachesTheWholeCapacityOfAString) {
  std::string text = "a password that is long enough not to lie in the object";
  const char* const data = text.data();
  text.resize(20);  // the tail stays in memory behind the end
  wipe(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), data);
  text.resize(text.capacity(), '\0');
  for (const char c : text) EXPECT_EQ(c, '\0');
}

TEST(SecretBytesTest, WipeOnExitWipesAtTheEndOfTheScope) {
  Bytes buffer = {1, 2, 3};
  {
    const WipeOnExit guard(buffer);
    EXPECT_EQ(buffer[0], 1);
  }
  EXPECT_EQ(buffer, (Bytes{0, 0, 0}));
}

}  // namespace
}  // namespace keyhaven
