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
