#include "crypto/argon2.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace keyhaven::crypto {
namespace {

std::string derived(std::string_view passphrase, std::string_view salt, Argon2Cost cost) {
  const auto key = argon2id(SecretBytes::copy_of(passphrase), as_bytes(salt), cost, 32);
  return key ? to_hex(key->expose()) : key.error().message;
}

// Values of the reference implementation's own test program (P-H-C/phc-winner-argon2, src/test.c,
// version 0x13).
TEST(Argon2Test, ReferenceValues) {
  struct Case {
    std::uint32_t memory_kib, passes, lanes;
    const char *passphrase, *salt, *key;
  };
  const Case cases[] = {
      {1U << 16, 2, 1, "password", "somesalt",
       "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"},
      {1U << 8, 2, 1, "password", "somesalt",
       "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
      {1U << 8, 2, 2, "password", "somesalt",
       "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
      {1U << 16, 1, 1, "password", "somesalt",
       "f6a5adc1ba723dddef9b5ac1d464e180fcd9dffc9d1cbf76cca2fed795d9ca98"},
      {1U << 16, 2, 1, "differentpassword", "somesalt",
       "0b84d652cf6b0c4beaef0dfe278ba6a80df6696281d7e0d2891b817d8c458fde"},
      {1U << 16, 2, 1, "password", "diffsalt",
       "bdf32b05ccc42eb15d58fd19b1f856b113da1e9a5874fdcc544308565aa8141c"},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(derived(c.passphrase, c.salt, {c.memory_kib, c.passes, c.lanes}), c.key);
  }
}

TEST(Argon2Test, WhatIsOutOfLimitsIsRefusedBeforeMemoryIsTaken) {
  const SecretBytes passphrase = SecretBytes::copy_of(std::string_view("password"));
  const Argon2Cost bad[] = {{kArgon2MostMemoryKib + 1, 3, 4},      {UINT32_MAX, 3, 4},
                            {4 * kArgon2LeastMemoryKib - 1, 3, 4}, {65536, 0, 4},
                            {65536, kArgon2MostPasses + 1, 4},     {65536, 3, 0},
                            {65536, 3, kArgon2MostLanes + 1}};
  for (const Argon2Cost& cost : bad) {
    EXPECT_FALSE(is_within_limits(cost));
    const auto refused = argon2id(passphrase, as_bytes("somesalt"), cost, 32);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().reason, Reason::InvalidArgument);
  }
  EXPECT_TRUE(is_within_limits({4 * kArgon2LeastMemoryKib, 1, 4}));
  EXPECT_FALSE(argon2id({}, as_bytes("somesalt"), {}, 32));
  EXPECT_FALSE(argon2id(SecretBytes(4097), as_bytes("somesalt"), {}, 32));
  EXPECT_FALSE(argon2id(passphrase, as_bytes("7 bytes"), {}, 32));
  EXPECT_FALSE(argon2id(passphrase, Bytes(65), {}, 32));
  EXPECT_FALSE(argon2id(passphrase, as_bytes("somesalt"), {}, 3));
  EXPECT_FALSE(argon2id(passphrase, as_bytes("somesalt"), {}, 65));
}

// More than may be locked, as on a machine with the usual limit.
TEST(Argon2Test, NeedsNoLockedMemory) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const rlimit small = {1U << 20, 1U << 20};
    if (::setrlimit(RLIMIT_MEMLOCK, &small) != 0) ::_exit(2);
    ::_exit(derived("password", "somesalt", {1U << 16, 2, 1}).starts_with("09316115") ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

TEST(Argon2Test, MemoryThatIsNotThereIsAnError) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const pid_t pid = ::fork();
  if (pid == 0) {
    const rlimit small = {512U << 20, 512U << 20};
    if (::setrlimit(RLIMIT_AS, &small) != 0) ::_exit(2);
    ::_exit(derived("password", "somesalt", {1U << 20, 1, 1}).find("1024 MiB") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
#endif
}

}  // namespace
}  // namespace keyhaven::crypto
