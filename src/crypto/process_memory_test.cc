// Both functions change the whole process for good, so each test acts in a child. The hand-over to
// libcrypto must come before its first allocation, hence a child that starts afresh (death test
// style "threadsafe").
#include "crypto/process_memory.h"

#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/locked_arena.h"
#include "crypto/aead.h"
#include "crypto/ec.h"
#include "crypto/random.h"

namespace keyhaven::crypto {
namespace {

class ProcessMemoryTest : public testing::Test {
 protected:
  ProcessMemoryTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

// 0 when everything libcrypto allocates lies in the arena and cryptography works on it.
int use_the_arena() {
  if (!use_locked_arena_for_libcrypto()) return 1;
  void* const block = OPENSSL_malloc(100);
  if (!locked_arena::owns(block)) return 2;
  void* const grown = OPENSSL_realloc(block, 50'000);
  if (!locked_arena::owns(grown) || locked_arena::size_of(grown) < 50'000) return 3;
  OPENSSL_free(grown);
  const std::size_t before = locked_arena::usage().used_bytes;
  XaesKey key(random_secret(32));
  if (locked_arena::usage().used_bytes < before + 1'000) return 4;  // the key schedules
  if (!key.open(key.seal(as_bytes("DEK"), {}), {})) return 5;
  const P521PrivateKey signer = P521PrivateKey::generate();
  if (!signer.public_key().verify_sha512(as_bytes("m"), signer.sign_sha512(as_bytes("m"))))
    return 6;
  return locked_arena::usage().locked ? 0 : 7;
}

TEST_F(ProcessMemoryTest, LibcryptoWorksInTheLockedArena) {
  EXPECT_EXIT(::_exit(use_the_arena()), testing::ExitedWithCode(0), "");
}

TEST_F(ProcessMemoryTest, TheArenaSurvivesAnOrdinaryExitOfTheProcess) {
  EXPECT_EXIT(std::exit(use_the_arena()), testing::ExitedWithCode(0), "");
}

TEST_F(ProcessMemoryTest, HandOverAfterTheFirstUseIsRefused) {
  random_uuid();
  const auto late = use_locked_arena_for_libcrypto();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::Internal);
}

TEST_F(ProcessMemoryTest, CoreDumpsAndTracingAreForbidden) {
  EXPECT_EXIT(
      {
        forbid_core_dumps_and_tracing();
        rlimit limit{};
        ::getrlimit(RLIMIT_CORE, &limit);
        ::_exit(limit.rlim_max == 0 && ::prctl(PR_GET_DUMPABLE) == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace keyhaven::crypto
