#include "tke/codes.h"

#include <gtest/gtest.h>

#include "tke/attributes.h"

namespace keyhaven::tke {
namespace {

TEST(CodesTest, EveryDocumentedReturnCodeIsExplainedWithARemedy) {
  const std::uint32_t kCodes[] = {3,   7,   32,  33,  80,  84,  96,  101, 145,       163,
                                  179, 192, 193, 208, 209, 256, 257, 261, 0x80010002};
  const std::string_view unknown = explain({12345, 0}).meaning;
  for (std::uint32_t code : kCodes) {
    const Explanation text = explain({code, 0});
    EXPECT_NE(text.meaning, unknown) << code;
    EXPECT_FALSE(text.remedy.empty()) << code;
  }
}

TEST(CodesTest, ReasonsRefineTheText) {
  const std::uint32_t kReasons[] = {1,  2,  7,  8,  9,  14, 15, 16, 17, 18,  19,  20, 21, 23,
                                    24, 25, 26, 28, 29, 31, 32, 36, 40, 41,  42,  43, 46, 47,
                                    49, 50, 52, 53, 55, 57, 58, 60, 64, 66,  69,  70, 71, 74,
                                    75, 76, 77, 78, 79, 80, 81, 86, 96, 102, 120, 131};
  for (std::uint32_t reason : kReasons) {
    EXPECT_NE(explain({12345, reason}).meaning, explain({12345, 0}).meaning) << reason;
  }
}

TEST(CodesTest, ErrorNamesCodesMeaningAndRemedy) {
  const Error error = error_of({208, 21});
  EXPECT_EQ(error.reason, Reason::Forbidden);
  EXPECT_NE(error.message.find("not enough signatures"), std::string::npos);
  EXPECT_NE(error.message.find("return code 208, reason code 21"), std::string::npos);
  EXPECT_NE(error.message.find("threshold"), std::string::npos);
}

TEST(AttributesTest, ListRoundTrip) {
  const DomainAttributes attributes{2, 1, 0x0FFF2055, 0, 0};
  EXPECT_EQ(encode_for_set(attributes).size(), 32u);
  EXPECT_EQ(*apply_attribute_list({}, encode_for_set(attributes)), attributes);
  EXPECT_EQ(*apply_attribute_list({}, encode_for_query(attributes)), attributes);
}

TEST(AttributesTest, PermissionsOfARoleAreThoseExistingClientsSet) {
  const std::uint32_t fresh = permission::kFreshDomain;
  EXPECT_EQ(permissions_for(UnitRole::Operational, fresh), 0x0FFF2055u);
  EXPECT_EQ(permissions_for(UnitRole::Failover, fresh), 0x0FFF2055u);
  EXPECT_EQ(permissions_for(UnitRole::Recovery, fresh), 0x0FFF205Fu);
  // Configured anew nothing changes, and what was fixed stays so.
  EXPECT_EQ(permissions_for(UnitRole::Operational, 0x0FFF2055), 0x0FFF2055u);
  EXPECT_EQ(permissions_for(UnitRole::Recovery, 0x0FFF205F), 0x0FFF205Fu);
  EXPECT_EQ(permissions_for(UnitRole::Operational, 0x0FFF0017), 0x0FFF0055u);
}

TEST(AttributesTest, MalformedListsAreRefused) {
  const Bytes good = encode_for_set({});
  Bytes twice = good;
  append(twice, good);
  Bytes unknown = good;
  unknown[3] = 11;
  for (const Bytes& list :
       {Bytes{}, Bytes(good.begin(), good.end() - 1), twice, unknown, Bytes(17 * 8, 0)}) {
    EXPECT_FALSE(apply_attribute_list({}, list).has_value());
  }
}

}  // namespace
}  // namespace keyhaven::tke
