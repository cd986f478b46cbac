#include "net/url.h"

#include <gtest/gtest.h>

#include <random>

namespace keyhaven::net {
namespace {

TEST(PercentDecodeTest, DecodesOnceAndKeepsPlus) {
  EXPECT_EQ(percent_decode("a%20b+c%2F%2f").value(), "a b+c//");
  EXPECT_EQ(percent_decode("%2541").value(), "%41");  // not twice
  EXPECT_EQ(percent_decode("").value(), "");
  EXPECT_EQ(percent_decode("%C3%BC").value(), "\xC3\xBC");
}

TEST(PercentDecodeTest, RefusesBadEscapesAndNul) {
  for (const char* text : {"%", "a%", "%4", "%4g", "%g4", "%%41", "%00", "x%00y", "%+1"}) {
    const auto decoded = percent_decode(text);
    ASSERT_FALSE(decoded) << text;
    EXPECT_EQ(decoded.error().reason, Reason::InvalidArgument) << text;
  }
}

TEST(PercentEncodeTest, IsUndoneByDecode) {
  std::string every;
  for (int c = 1; c < 256; ++c) every.push_back(static_cast<char>(c));
  EXPECT_EQ(percent_decode(percent_encode(every)).value(), every);
  EXPECT_EQ(percent_encode("a b/~"), "a%20b%2F~");
}

TEST(ParseHttpsUrlTest, AcceptsHostPortAndPrefix) {
  const auto plain = parse_https_url("https://Keys.Example.org").value();
  EXPECT_EQ(plain.host, "keys.example.org");
  EXPECT_EQ(plain.port, 443);
  EXPECT_EQ(plain.prefix, "");
  EXPECT_EQ(plain.authority, "keys.example.org");
  EXPECT_FALSE(plain.host_is_address);

  const auto full = parse_https_url("HTTPS://127.0.0.1:8443/api/v2//").value();
  EXPECT_EQ(full.port, 8443);
  EXPECT_EQ(full.prefix, "/api/v2");
  EXPECT_EQ(full.authority, "127.0.0.1:8443");
  EXPECT_TRUE(full.host_is_address);

  const auto six = parse_https_url("https://[::1]:9/").value();
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(six.authority, "[::1]:9");
  EXPECT_TRUE(six.host_is_address);
}

TEST(ParseHttpsUrlTest, RefusesEverythingElse) {
  for (const char* text :
       {"", "http://host", "host", "https://", "https:///x", "https://user@host",
        "https://host:", "https://host:0", "https://host:65536", "https://host:1x", "https://ho st",
        "https://h?q", "https://h#f", "https://[::1", "https://[zz]", "https://-h",
        "https://[::1]x", "https://h\\x", "https://h\r\nX: y"}) {
    EXPECT_FALSE(parse_https_url(text)) << text;
  }
}

}  // namespace
}  // namespace keyhaven::net
