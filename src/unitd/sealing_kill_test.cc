// A process that dies at any moment of a change: the state opens by the old method or by the new.
//
// Moments are before and after each call that moves something on the disk. The calls are this
// test's own functions of the same names, which end the process at the Nth of them; the code under
// test is what ships.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "unitd/moments_for_tests.h"
#include "unitd/sealing_for_tests.h"

namespace keyhaven::unitd {

int moments_left = -1;

void moment() {
  if (moments_left == 0) ::_exit(kKilled);
  if (moments_left > 0) --moments_left;
}

}  // namespace keyhaven::unitd

namespace {

using keyhaven::unitd::moment;

template <class... Arguments>
int at_moments(long number, Arguments... arguments) {
  moment();
  const long result = ::syscall(number, arguments...);
  const int error = errno;
  moment();
  errno = error;
  return static_cast<int>(result);
}

}  // namespace

extern "C" {
int rename(const char* from, const char* to) noexcept {
  return at_moments(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int unlink(const char* path) noexcept { return at_moments(SYS_unlinkat, AT_FDCWD, path, 0); }
int link(const char* from, const char* to) noexcept {
  return at_moments(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
int fsync(int fd) { return at_moments(SYS_fsync, fd); }
}

namespace keyhaven::unitd {
namespace {

using Pair = std::pair<SealingMethod, SealingMethod>;

class SealingKillTest : public SealingFixture, public ::testing::WithParamInterface<Pair> {};

TEST_P(SealingKillTest, AtAnyMomentOfAChange) {
  const auto [from, to] = GetParam();
  Bytes root;
  std::uint64_t saves = 0;
  {
    auto unit = start(from);
    ASSERT_TRUE(unit) << unit.error().message;
    root = unit->table->attestation_root();
    saves = unit->file->status().saves;
  }
  std::filesystem::copy(base_ + "/unit", base_ + "/kept", std::filesystem::copy_options::recursive);
  int died_with_old = 0;
  int died_with_new = 0;
  for (int last = 0;; ++last) {
    // With a TPM the counter has moved on, so the state as it was is made anew.
    std::filesystem::remove_all(base_ + "/unit");
    if (from == SealingMethod::Tpm2) {
      auto unit = start(from);
      ASSERT_TRUE(unit) << unit.error().message;
      root = unit->table->attestation_root();
      saves = unit->file->status().saves;
    } else {
      std::filesystem::copy(base_ + "/kept", base_ + "/unit",
                            std::filesystem::copy_options::recursive);
    }
    const pid_t pid = ::fork();
    if (pid == 0) {
      auto unit = start(from);
      if (!unit) ::_exit(1);
      moments_left = last;
      const auto changed = change(*unit, to, reference_of(to));
      ::_exit(changed ? 0 : 2);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    ASSERT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == kKilled))
        << status;
    const bool was_killed = WEXITSTATUS(status) == kKilled;
    if (from == SealingMethod::Tpm2 || to == SealingMethod::Tpm2) {
      tpm_->restart();  // without a resource manager a killed client leaves its objects loaded
      means_.tpm2_tcti = tpm_->tcti();
    }
    auto unit = start(from);
    ASSERT_TRUE(unit) << "killed at moment " << last << ": " << unit.error().message;
    EXPECT_EQ(unit->table->attestation_root(), root);
    const unit::SealingStatus found = unit->file->status();
    EXPECT_TRUE(found.saves == saves || found.saves == saves + 1) << found.saves;
    const bool is_new = found.saves == saves + 1;
    EXPECT_EQ(found.method, is_new ? to : from);
    (is_new ? died_with_new : died_with_old) += was_killed;
    EXPECT_TRUE(unit->table->save()) << "and goes on";
    if (!was_killed) {
      EXPECT_TRUE(is_new);
      break;
    }
    ASSERT_LT(last, 200);
  }
  EXPECT_GT(died_with_old, 2);
  EXPECT_GT(died_with_new, 0);
}

std::vector<Pair> all_pairs() {
  std::vector<Pair> out;
  for (const SealingMethod from : kAllMethods) {
    for (const SealingMethod to : kAllMethods) out.emplace_back(from, to);
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(EveryPair, SealingKillTest, ::testing::ValuesIn(all_pairs()),
                         [](const auto& each) {
                           return case_name(each.param.first) + "_to_" +
                                  case_name(each.param.second);
                         });

}  // namespace
}  // namespace keyhaven::unitd
