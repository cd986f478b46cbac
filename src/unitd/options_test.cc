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
