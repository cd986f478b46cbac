#include "unitd/options.h"

#include <gtest/gtest.h>

namespace keyhaven::unitd {
namespace {

TEST(OptionsTest, ReadsEveryOption) {
  auto options = parse_options({"--state-dir", "s", "--key-file", "k", "--channels", "3,4,17",
                                "--sandbox", "required", "--memory-lock", "best-effort"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->state_directory, "s");
  EXPECT_EQ(options->key_file, "k");
  EXPECT_EQ(options->channels, (std::vector{3, 4, 17}));
  EXPECT_EQ(options->sandbox, SandboxMode::Required);
  EXPECT_EQ(options->memory_lock, MemoryLock::BestEffort);
}

TEST(OptionsTest, ReadsHowTheStateIsSealed) {
  auto unit = parse_options({"--state-dir", "s", "--key-file", "k", "--channels", "3", "--sealing",
                             "tpm2", "--sealing-reference", "pcrs=7", "--accept-state-counter",
                             "12", "--sealing-socket", "5"});
  ASSERT_TRUE(unit) << unit.error().message;
  EXPECT_EQ(unit->sealing.method, unit::SealingMethod::Tpm2);
  EXPECT_EQ(unit->sealing.reference, "pcrs=7");
  EXPECT_EQ(unit->sealing.accept_counter, 12U);
  EXPECT_EQ(unit->sealing.socket, 5);
  auto helper = parse_options({"--sealing-helper", "4", "--state-dir", "s", "--credentials-dir",
                               "c", "--credential", "pin=7", "--credential", "key=8",
                               "--passphrase-fd", "9", "--argon2", "131072,4,2", "--tpm2-tcti",
                               "device:/dev/tpmrm0", "--pkcs11-module", "/m.so"});
  ASSERT_TRUE(helper) << helper.error().message;
  EXPECT_EQ(helper->sealing.helper_fd, 4);
  EXPECT_EQ(helper->sealing.credentials.size(), 2U);
  EXPECT_EQ(helper->sealing.argon2, (crypto::Argon2Cost{131072, 4, 2}));
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"--sealing", "paper"},
                                                        {"--argon2", "65536,3"},
                                                        {"--argon2", "4294967295,3,4"},
                                                        {"--argon2", "65536,3,4,5"},
                                                        {"--credential", "../x=4"},
                                                        {"--credential", "x"},
                                                        {"--passphrase-fd", "-2"},
                                                        {"--sealing-socket", "x"},
                                                        {"--accept-state-counter", "-1"}}) {
    EXPECT_FALSE(parse_options({"--sealing-helper", "4", "--state-dir", "s", name, value}))
        << name << " " << value;
  }
}

TEST(OptionsTest, ReadsWhereMasterKeysAre) {
  const std::vector<std::string> base = {"--state-dir", "s", "--key-file", "k", "--channels", "3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return parse_options(more);
  };
  EXPECT_EQ(with({})->backend, Backend::Software);
  const std::vector<std::string> token = {"--backend",     "pkcs11", "--token-module",   "/m.so",
                                          "--token-label", "KH",     "--token-pin-file", "/pin"};
  const auto plus = [&](std::vector<std::string> more) {
    more.insert(more.begin(), token.begin(), token.end());
    return with(more);
  };
  const auto options = plus({"--token-sessions", "4", "--token-deadline-ms", "2000",
                             "--token-network", "yes", "--token-path", "/var/t", "--token-path",
                             "/var/u", "--token-read-path", "/etc/t", "--key-cache", "off"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->backend, Backend::Pkcs11);
  EXPECT_EQ(options->token.label, "KH");
  EXPECT_EQ(options->token.sessions, 4U);
  EXPECT_EQ(options->token.call_deadline.count(), 2000);
  EXPECT_TRUE(options->token.network);
  EXPECT_EQ(options->token.read_write.size(), 2U);
  EXPECT_EQ(options->token.read_only, std::vector<std::string>{"/etc/t"});
  EXPECT_EQ(options->token.key_cache.count(), 0);
  EXPECT_EQ(plus({"--key-cache", "60"})->token.key_cache.count(), 60);
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"--backend", "paper"},
                                                        {"--token-sessions", "0"},
                                                        {"--token-sessions", "65"},
                                                        {"--token-deadline-ms", "9"},
                                                        {"--token-network", "maybe"},
                                                        {"--token-path", "relative"},
                                                        {"--key-cache", "0"},
                                                        {"--key-cache", "86401"}}) {
    EXPECT_FALSE(plus({name, value})) << name << " " << value;
  }
  EXPECT_FALSE(with({"--backend", "pkcs11", "--token-module", "/m.so", "--token-label", "KH"}));
  EXPECT_FALSE(with({"--backend", "pkcs11", "--token-module", "/m.so", "--token-pin-file", "/p"}));
}

TEST(OptionsTest, RefusesWhatIsWrongOrMissing) {
  const std::vector<std::vector<std::string>> cases = {
      {},
      {"--state-dir"},
      {"--state-dir", "s", "--channels", "3"},
      {"--key-file", "k", "--channels", "3"},
      {"--state-dir", "s", "--key-file", "k"},
      {"--state-dir", "s", "--key-file", "k", "--channels", ""},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3,"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3,3"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3;4"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "-1"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "99999999999"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3", "--sandbox", "maybe"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3", "--memory-lock", "off"},
      {"--state-dir", "s", "--key-file", "k", "--channels", "3", "--other", "x"},
  };
  for (const auto& arguments : cases) {
    const auto options = parse_options(arguments);
    ASSERT_FALSE(options);
    EXPECT_EQ(options.error().reason, Reason::InvalidArgument);
  }
}

}  // namespace
}  // namespace keyhaven::unitd
