#include "cli/armour.h"

#include <gtest/gtest.h>

namespace keyhaven::cli {
namespace {

TEST(ArmourTest, ComesBackFromAMail) {
  Bytes bytes;
  for (int size = 1; size < 200; ++size) {
    bytes.push_back(static_cast<std::uint8_t>(size * 7));
    const std::string text = armour("A THING", bytes);
    EXPECT_EQ(parse_armour("A THING", text).value(), bytes);
    std::string mailed = "Dear Ada,\r\n\r\n";
    for (const char c : text) mailed += c == '\n' ? std::string(" \r\n") : std::string(1, c);
    mailed += "Yours\r\n";
    EXPECT_EQ(parse_armour("A THING", mailed).value(), bytes);
  }
}

TEST(ArmourTest, WhatIsNoneIsRefused) {
  const std::string good = armour("A THING", as_bytes("content"));
  const std::string rows[] = {
      "",
      armour("ANOTHER", as_bytes("content")),
      good.substr(0, good.size() - 4),
      good.substr(2),
      good.substr(0, 30) + good,
      "-----BEGIN A THING-----\n-----END A THING-----\n",
      "-----BEGIN A THING-----\nno base64!\n-----END A THING-----\n",
      "-----BEGIN A THING-----\nYWJ\n-----END A THING-----\n",
  };
  for (const std::string& text : rows) {
    const auto parsed = parse_armour("A THING", text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().reason, Reason::InvalidArgument);
  }
}

}  // namespace
}  // namespace keyhaven::cli
