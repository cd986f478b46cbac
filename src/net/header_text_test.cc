#include "net/header_text.h"

#include <gtest/gtest.h>

namespace keyhaven::net {
namespace {

TEST(HeaderTextTest, TrimsBlanksAndTabsOnly) {
  EXPECT_EQ(trim(" \t a b\t "), "a b");
  EXPECT_EQ(trim(" \t "), "");
  EXPECT_EQ(trim("\na"), "\na");
}

TEST(HeaderTextTest, IgnoresTheCaseOfAsciiLettersOnly) {
  EXPECT_TRUE(equals_ignoring_case("Bearer", "bEARER"));
  EXPECT_FALSE(equals_ignoring_case("bearer", "bearer "));
  // Pairs that differ in the bit which tells the case of letters.
  EXPECT_FALSE(equals_ignoring_case("@", "`"));
  EXPECT_FALSE(equals_ignoring_case("[a]", "{a}"));
  EXPECT_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));
}

TEST(HeaderTextTest, FindsATagInAList) {
  const std::string_view tag = "\"1-2\"";
  EXPECT_TRUE(names_tag("\"1-2\"", tag));
  EXPECT_TRUE(names_tag("\"other\",\tW/\"1-2\" ", tag));
  EXPECT_TRUE(names_tag("*", tag));
  EXPECT_FALSE(names_tag("", tag));
  EXPECT_FALSE(names_tag("\"other\", \"11-2\"", tag));
  EXPECT_FALSE(names_tag("\"1-2", tag));
}

}  // namespace
}  // namespace keyhaven::net
