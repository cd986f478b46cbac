#include "keys/key_rules.h"

#include <gtest/gtest.h>

namespace keyhaven::keys {
namespace {

TEST(KeyRulesTest, NamesAreCountedInCharacters) {
  EXPECT_FALSE(check_name("a"));
  EXPECT_TRUE(check_name("ab"));
  EXPECT_TRUE(check_name(std::string(90, 'x')));
  EXPECT_FALSE(check_name(std::string(91, 'x')));
  std::string umlauts;
  for (int i = 0; i < 90; ++i) umlauts += "\xC3\xA4";
  EXPECT_TRUE(check_name(umlauts));
  EXPECT_FALSE(check_name("bad\xFF"));
  EXPECT_EQ(check_name("a").error().target, "name");
}

TEST(KeyRulesTest, DescriptionMayBeAbsent) {
  EXPECT_TRUE(check_description(""));
  EXPECT_FALSE(check_description("x"));
  EXPECT_TRUE(check_description(std::string(240, 'x')));
  EXPECT_FALSE(check_description(std::string(241, 'x')));
}

TEST(KeyRulesTest, TagsHaveTheirLimits) {
  EXPECT_TRUE(check_tags(std::vector<std::string>(30, "a b")));
  EXPECT_FALSE(check_tags(std::vector<std::string>(31, "a")));
  EXPECT_TRUE(check_tags({std::string(30, 'x')}));
  EXPECT_FALSE(check_tags({std::string(31, 'x')}));
  for (const char bad : std::string_view("<>,:&|"))
    EXPECT_FALSE(check_tags({std::string(1, bad)})) << bad;
}

TEST(KeyRulesTest, AliasesCannotBeMistakenForIdsOrPaths) {
  EXPECT_TRUE(check_alias("pay_roll-1"));
  EXPECT_FALSE(check_alias("a"));
  EXPECT_TRUE(check_alias(std::string(90, 'a')));
  EXPECT_FALSE(check_alias(std::string(91, 'a')));
  EXPECT_FALSE(check_alias("with space"));
  EXPECT_FALSE(check_alias("7e2f1bd5-91cd-4a4a-8d3c-0e1fb5a2c6aa"));
  for (const auto reserved : {"allowed_ip", "key", "keys", "metadata", "policy", "policies",
                              "registration", "registrations", "ring", "rings", "rotate", "wrap",
                              "unwrap", "rewrap", "version", "versions"}) {
    EXPECT_FALSE(check_alias(reserved)) << reserved;
  }
}

TEST(KeyRulesTest, SixthAliasAndDoubleAliasAreRefused) {
  EXPECT_TRUE(check_aliases({"a1", "a2", "a3", "a4", "a5"}));
  EXPECT_EQ(check_aliases({"a1", "a2", "a3", "a4", "a5", "a6"}).error().reason, Reason::AliasLimit);
  EXPECT_EQ(check_aliases({"a1", "a1"}).error().reason, Reason::InvalidField);
}

TEST(KeyRulesTest, MaterialSizes) {
  for (const std::size_t size : {16U, 24U, 32U})
    EXPECT_TRUE(check_material_size(KeyKind::RootKey, size));
  for (const std::size_t size : {0U, 15U, 31U, 33U})
    EXPECT_FALSE(check_material_size(KeyKind::RootKey, size));
  EXPECT_TRUE(check_material_size(KeyKind::StandardKey, 1));
  EXPECT_TRUE(check_material_size(KeyKind::StandardKey, 7500));
  EXPECT_FALSE(check_material_size(KeyKind::StandardKey, 7501));
  EXPECT_FALSE(check_material_size(KeyKind::StandardKey, 0));
}

TEST(KeyRulesTest, CountsCharactersOfValidUtf8Only) {
  EXPECT_EQ(count_characters(""), 0U);
  EXPECT_EQ(count_characters("a\xE2\x82\xAC\xF0\x9F\x94\x91"), 3U);
  for (const std::string_view bad : {"\x80", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xE2\x82", "\xF5\x80\x80\x80"}) {
    EXPECT_EQ(count_characters(bad), kInvalidUtf8);
  }
}

}  // namespace
}  // namespace keyhaven::keys
