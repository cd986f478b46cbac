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

TEST(KeyRulesTest, TheInstanceSaysHowManyAliasesAKeyHas) {
  EXPECT_TRUE(check_alias_count(3, 3));
  const auto refused = check_alias_count(4, 3);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::AliasLimit);
  EXPECT_NE(refused.error().message.find("at most 3"), std::string::npos);
  EXPECT_TRUE(check_aliases(std::vector<std::string>{"a1", "a2", "a3", "a4", "a5", "a6"}, 6));
  // No setting lets a key grow beyond what its record holds.
  EXPECT_TRUE(check_alias_count(kMostAliasesPerKey, 1'000'000));
  EXPECT_FALSE(check_alias_count(kMostAliasesPerKey + 1, 1'000'000));
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
  EXPECT_TRUE(check_material_size(KeyKind::StandardKey, 100, 100));
  const auto refused = check_material_size(KeyKind::StandardKey, 101, 100);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("1 to 100"), std::string::npos);
  EXPECT_FALSE(check_material_size(KeyKind::StandardKey, 7501, 10'000));  // the unit's own limit
}

Material encrypted(std::size_t payload, std::size_t nonce, std::size_t iv) {
  Material material;
  material.encrypted = unit::EncryptedMaterial{Bytes(payload), Bytes(nonce), Bytes(iv)};
  return material;
}

TEST(KeyRulesTest, TheFormOfEncryptedMaterial) {
  struct Row {
    std::size_t payload, nonce, iv;
    std::string_view refused;  // target; empty: valid
  };
  constexpr Row kRows[] = {
      {512, 28, 12, ""},
      {512, 16, 16, ""},
      {0, 28, 12, "payload"},
      {513, 28, 12, "payload"},
      {512, 64, 12, ""},
      {512, 65, 12, "encryptedNonce"},
      {512, 0, 12, "encryptedNonce"},
      {512, 28, 11, "iv"},
      {512, 28, 13, "iv"},
      {512, 28, 0, "iv"},
      {512, 28, 17, "iv"},
  };
  for (const Row& row : kRows) {
    const auto checked =
        check_material(KeyKind::RootKey, encrypted(row.payload, row.nonce, row.iv));
    EXPECT_EQ(checked ? "" : checked.error().target, row.refused)
        << row.payload << ' ' << row.nonce << ' ' << row.iv;
  }
  EXPECT_EQ(check_material(KeyKind::StandardKey, encrypted(512, 28, 12)).error().reason,
            Reason::KeyRootRequired);
  EXPECT_TRUE(check_material(KeyKind::StandardKey, {}));
  EXPECT_TRUE(check_material(KeyKind::RootKey, {}));
}

// Which of the four permissions a new key needs.
TEST(KeyRulesTest, EachWayToAKeyNeedsItsPermission) {
  struct Row {
    bool InstanceRules::*permission;
    KeyKind kind;
    bool material;
    std::string_view name;
  };
  constexpr Row kRows[] = {
      {&InstanceRules::create_root_key, KeyKind::RootKey, false, "create_root_key"},
      {&InstanceRules::create_standard_key, KeyKind::StandardKey, false, "create_standard_key"},
      {&InstanceRules::import_root_key, KeyKind::RootKey, true, "import_root_key"},
      {&InstanceRules::import_standard_key, KeyKind::StandardKey, true, "import_standard_key"},
  };
  for (const Row& refused : kRows) {
    InstanceRules rules;
    rules.*refused.permission = false;
    for (const Row& row : kRows) {
      const Material material(row.material ? SecretBytes(32) : SecretBytes());
      const auto checked = check_create_import_access(rules, row.kind, material);
      ASSERT_EQ(checked.has_value(), &row != &refused) << row.name;
      if (checked) continue;
      EXPECT_EQ(checked.error().reason, Reason::KeyCreateImportAccess);
      EXPECT_NE(checked.error().message.find(row.name), std::string::npos);
    }
  }
}

TEST(KeyRulesTest, AnEnforcedTokenRefusesMaterialInClearOnly) {
  InstanceRules rules;
  rules.enforce_token = true;
  for (const KeyKind kind : {KeyKind::RootKey, KeyKind::StandardKey}) {
    EXPECT_TRUE(check_create_import_access(rules, kind, {}));
    const auto refused = check_create_import_access(rules, kind, SecretBytes(32));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::KeyCreateImportAccess);
    EXPECT_NE(refused.error().message.find("enforce_token"), std::string::npos);
  }
  EXPECT_TRUE(check_create_import_access(rules, KeyKind::RootKey, encrypted(512, 28, 12)));
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
