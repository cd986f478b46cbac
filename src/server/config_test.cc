#include "server/config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"

namespace keyhaven::server {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/keyhaven-config-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  Result<Config> load(std::string_view text) {
    const std::string path = directory_ + "/keyhaven.toml";
    EXPECT_TRUE(write_file_atomic(path, as_bytes(text), 0600));
    return load_config(path);
  }
  std::string directory_;
};

TEST_F(ConfigTest, EmptyFileGivesTheDefaults) {
  const auto config = load("");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->port, 8443);
  EXPECT_EQ(config->unit_key_path(), "/var/lib/keyhaven/unit/sealing.key");
}

TEST_F(ConfigTest, WrongFilesAreOneClearLine) {
  const struct {
    const char* text;
    const char* message;  // after the path
  } kCases[] = {
      {"[server]\nprot = 1\n", ":2: unknown key server.prot; did you mean server.port?"},
      {"[server]\nport = \"8443\"\n", ":2: server.port must be an integer (TCP port)"},
      {"[server]\nport = 65536\n", ":2: server.port is 65536; it must be 0 to 65535 TCP port"},
      {"[log]\nlevel = \"loud\"\n",
       ":2: log.level is \"loud\"; it must be one of: debug, info, warn, error, off"},
      {"[server]\nlisten = true\n", ":2: server.listen must be a string in quotes"},
      {"[server]\ntls_names = [1]\n", ":2: server.tls_names must be a list of strings"},
      {"port = 8443\n", ":1: unknown key port"},
  };
  for (const auto& test : kCases) {
    const auto config = load(test.text);
    ASSERT_FALSE(config) << test.text;
    EXPECT_EQ(config.error().message, directory_ + "/keyhaven.toml" + test.message);
    EXPECT_EQ(config.error().message.find('\n'), std::string::npos);
  }
}

// Every setting of time, within its limits and together with what it depends on.
TEST_F(ConfigTest, TheClocksOfKeysAreChecked) {
  const struct {
    const char* text;
    const char* message;  // empty: fine
  } kCases[] = {
      {"restorable_days = 90", ""},
      {"restorable_days = 91",
       "keys.restorable_days is 91; it must be at most keys.purge_due_days, 90"},
      {"rotation_month_seconds = 10\nrotation_window_seconds = 10", ""},
      {"rotation_month_seconds = 10\nrotation_window_seconds = 11",
       "keys.rotation_window_seconds is 11; it must be at most keys.rotation_month_seconds, 10"},
  };
  for (const auto& test : kCases) {
    const auto config = load(std::string("[keys]\n") + test.text + "\n");
    ASSERT_TRUE(config) << test.text;
    const auto valid = validate(*config);
    EXPECT_EQ(valid ? "" : valid.error().message, test.message) << test.text;
  }
  EXPECT_FALSE(load("[keys]\nsweep_period_seconds = 0\n"));
  EXPECT_FALSE(load("[keys]\nrotation_month_seconds = 0\n"));
  EXPECT_FALSE(load("[keys]\npurge_due_days = 0\n"));
}

// [limits] has the names, ranges and defaults of what an instance may set itself.
TEST_F(ConfigTest, LimitsAreThoseOfInstances) {
  for (const instances::LimitRow& row : instances::limit_rows()) {
    const std::string name = "limits." + std::string(row.name);
    Config config;
    EXPECT_TRUE(set_config_key(config, name, std::to_string(row.most))) << name;
    EXPECT_EQ(config.limits.*row.field, row.most) << name;
    EXPECT_FALSE(set_config_key(config, name, std::to_string(row.most + 1))) << name;
    EXPECT_TRUE(set_config_key(config, name, std::to_string(row.least))) << name;
    EXPECT_FALSE(
        set_config_key(config, name, std::to_string(static_cast<std::int64_t>(row.least) - 1)))
        << name;
  }
  const auto config = load("[limits]\nkeys = 7\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->limits.keys, 7U);
  EXPECT_EQ(load("")->limits, instances::InstanceLimits());
  EXPECT_EQ(
      load("[limits]\nkeys = 10000001\n").error().message,
      directory_ + "/keyhaven.toml:2: limits.keys is 10000001; it must be 0 to 10000000 keys");
}

TEST_F(ConfigTest, SyntaxErrorNamesTheLine) {
  const auto config = load("[server]\nport = = 1\n");
  ASSERT_FALSE(config);
  EXPECT_NE(config.error().message.find(":2: "), std::string::npos) << config.error().message;
}

TEST_F(ConfigTest, PrintedConfigurationReadsBackEqual) {
  Config config;
  config.port = 1234;
  config.public_url = "https://kms.example \"quoted\\";
  config.tls_names = {"a", "b"};
  const auto again = load(to_toml(config));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_toml(*again), to_toml(config));
}

TEST(ConfigFlagTest, FlagsSetEveryType) {
  Config config;
  EXPECT_TRUE(set_config_key(config, "server.port", "0"));
  EXPECT_TRUE(set_config_key(config, "server.tls_names", "a,b"));
  EXPECT_TRUE(set_config_key(config, "server.region", "eu-test"));
  EXPECT_EQ(config.port, 0);
  EXPECT_EQ(config.tls_names, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(set_config_key(config, "server.port", "12x"));
  EXPECT_FALSE(set_config_key(config, "server.nothing", "1"));
}

TEST(ConfigValidationTest, CombinationsThatCannotWorkAreRefused) {
  EXPECT_TRUE(validate(Config{}));
  Config same_user;
  same_user.unit_user = same_user.user;
  EXPECT_FALSE(validate(same_user));
  Config half_tls;
  half_tls.tls_key = "key.pem";
  EXPECT_FALSE(validate(half_tls));
  Config bad_region;
  bad_region.region = "Eu De";
  EXPECT_FALSE(validate(bad_region));
  Config url_without_listener;
  url_without_listener.private_url = "https://private.example";
  EXPECT_FALSE(validate(url_without_listener));
  url_without_listener.private_listen = "127.0.0.2";
  EXPECT_TRUE(validate(url_without_listener));
  Config plain_private_url;
  plain_private_url.private_listen = "127.0.0.2";
  plain_private_url.private_url = "http://private.example";
  EXPECT_FALSE(validate(plain_private_url));
  Config plain_url;
  plain_url.public_url = "http://x";
  EXPECT_FALSE(validate(plain_url));
}

TEST_F(ConfigTest, ATokenForMasterKeysIsNamedWhole) {
  const std::vector<std::pair<std::string, std::string>> whole = {{"unit.backend", "pkcs11"},
                                                                  {"unit.pkcs11_module", "/m.so"},
                                                                  {"unit.pkcs11_token", "KH"},
                                                                  {"unit.pkcs11_pin_file", "/pin"}};
  const auto with = [&](std::vector<std::pair<std::string, std::string>> more) {
    Config config;
    for (const auto& [name, value] : whole)
      EXPECT_TRUE(set_config_key(config, name, value)) << name;
    for (const auto& [name, value] : more) EXPECT_TRUE(set_config_key(config, name, value)) << name;
    return validate(config);
  };
  EXPECT_TRUE(with({}));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"unit.pkcs11_module", "m.so"},
                                                        {"unit.pkcs11_token", ""},
                                                        {"unit.pkcs11_pin_file", ""},
                                                        {"unit.pkcs11_call_deadline_ms", "5000"},
                                                        {"unit.pkcs11_paths", "relative"},
                                                        {"unit.pkcs11_read_paths", "relative"},
                                                        {"unit.pkcs11_environment", "LD_PRELOAD=x"},
                                                        {"unit.pkcs11_environment", "X"}}) {
    const auto refused = with({{name, value}});
    ASSERT_FALSE(refused) << name;
    EXPECT_NE(refused.error().message.find("unit.pkcs11"), std::string::npos)
        << refused.error().message;
  }
}

}  // namespace
}  // namespace keyhaven::server
