#include "tke/pkcs11_uri.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace keyhaven::tke {
namespace {

TEST(Pkcs11UriTest, ReadsWhatTheStandardWrites) {
  const auto uri = parse_pkcs11_uri(
      "pkcs11:token=The%20Software%20PKCS%2311%20token;serial=4d4f;manufacturer=me;model=v1;"
      "object=alice;id=%69%95%3E;type=private?module-path=/usr/lib/m.so&pin-source=file:/etc/pin");
  ASSERT_TRUE(uri) << uri.error().message;
  EXPECT_EQ(uri->token, "The Software PKCS#11 token");
  EXPECT_EQ(uri->serial, "4d4f");
  EXPECT_EQ(uri->manufacturer, "me");
  EXPECT_EQ(uri->model, "v1");
  EXPECT_EQ(uri->object, "alice");
  EXPECT_EQ(uri->id, (Bytes{0x69, 0x95, 0x3E}));
  EXPECT_EQ(uri->module_path, "/usr/lib/m.so");
  EXPECT_EQ(uri->pin_file, "/etc/pin");
}

TEST(Pkcs11UriTest, TakesTheFormThatNeedsNoQuotes) {
  const auto uri =
      parse_pkcs11_uri("pkcs11:module=/usr/lib/m.so;token=ops;object=bob;pin-source=file:///p");
  ASSERT_TRUE(uri) << uri.error().message;
  EXPECT_EQ(uri->module_path, "/usr/lib/m.so");
  EXPECT_EQ(uri->pin_file, "/p");
  EXPECT_EQ(format_pkcs11_uri(*uri),
            "pkcs11:token=ops;object=bob?module-path=/usr/lib/m.so&pin-source=file%3A/p");
}

TEST(Pkcs11UriTest, RefusesWhatMightMeanAnotherToken) {
  const std::string kCases[] = {
      "",
      "PKCS11:token=a",
      "pkcs12:token=a",
      "pkcs11:token",
      "pkcs11:=a",
      "pkcs11:token=",
      "pkcs11:token=a;",
      "pkcs11:;token=a",
      "pkcs11:token=a;;object=b",
      "pkcs11:token=a;token=b",
      "pkcs11:tokne=a",
      "pkcs11:token=a b",
      "pkcs11:token=a%2",
      "pkcs11:token=a%zz",
      "pkcs11:token=a%00",
      "pkcs11:token=a%0A",
      "pkcs11:token=\xC3\xA9",
      "pkcs11:token=" + std::string(33, 'a'),
      "pkcs11:serial=" + std::string(17, 'a'),
      "pkcs11:object=" + std::string(129, 'a'),
      "pkcs11:id=",
      "pkcs11:id=%01;id=%02",
      "pkcs11:id=" + std::string(65, 'a'),
      "pkcs11:type=cert",
      "pkcs11:token=a?",
      "pkcs11:token=a?object=b",
      "pkcs11:token=a?module-path=relative.so",
      "pkcs11:token=a?module-path=/m;object=b",
      "pkcs11:module=/m;token=a?module-path=/n",
      "pkcs11:token=a?pin-source=|/bin/sh",
      "pkcs11:token=a?pin-source=file://host/p",
      "pkcs11:token=a?pin-source=file:",
      "pkcs11:x-vendor=1",
      "pkcs11:token=a;object=" + std::string(kMaxPkcs11UriBytes, 'b'),
  };
  for (const std::string& text : kCases) {
    const auto uri = parse_pkcs11_uri(text);
    ASSERT_FALSE(uri) << text;
    EXPECT_EQ(uri.error().reason, Reason::InvalidArgument) << text;
  }
}

TEST(Pkcs11UriTest, APinInTheUriIsRefusedWithoutRepeatingIt) {
  const auto uri = parse_pkcs11_uri("pkcs11:token=a?pin-value=geheim1");
  ASSERT_FALSE(uri);
  EXPECT_NE(uri.error().message.find("pin-source"), std::string::npos);
  EXPECT_EQ(uri.error().message.find("geheim1"), std::string::npos);
}

TEST(Pkcs11UriTest, LimitsAreExact) {
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:token=" + std::string(32, 'a')));
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:object=" + std::string(128, 'a')));
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:id=" + std::string(64, 'a')));
  EXPECT_TRUE(parse_pkcs11_uri("pkcs11:"));
}

RC_GTEST_PROP(Pkcs11UriTest, IsTotalAndCanonical, (const std::string& tail)) {
  const auto uri = parse_pkcs11_uri("pkcs11:" + tail);
  if (!uri) return;
  const auto again = parse_pkcs11_uri(format_pkcs11_uri(*uri));
  RC_ASSERT(again.has_value());
  RC_ASSERT(*again == *uri);
}

}  // namespace
}  // namespace keyhaven::tke
