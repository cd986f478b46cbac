// Each attempt runs in a child of its own that is under the rules.
#include "base/seccomp.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

namespace keyhaven {
namespace {

using How = SystemCallCondition::Test;
using Listed = SystemCallRules::Listed;

// errno of the call under `rules`; 0 when it succeeded.
int under(const SystemCallRules& rules, long call, unsigned long first = 0,
          unsigned long second = 0) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!restrict_system_calls(rules)) ::_exit(200);
    errno = 0;
    ::_exit(::syscall(call, first, second) < 0 ? errno : 0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

constexpr long kTheEnd = SYS_exit_group;

TEST(SeccompTest, WhatIsNotListedIsTheOpposite) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer makes calls of its own at the end";
  EXPECT_EQ(under({Listed::AreAllowed, {kTheEnd, SYS_getppid}, {}}, SYS_getppid), 0);
  EXPECT_EQ(under({Listed::AreAllowed, {kTheEnd}, {}}, SYS_getppid), EPERM);
  EXPECT_EQ(under({Listed::AreRefused, {SYS_getppid}, {}}, SYS_getppid), EPERM);
  EXPECT_EQ(under({Listed::AreRefused, {}, {}}, SYS_getppid), 0);
}

// umask succeeds with any argument, so that only the rules decide.
TEST(SeccompTest, ConditionsLookAtOneArgument) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer makes calls of its own at the end";
  struct Case {
    How test;
    unsigned long argument;
    bool allowed;
  };
  const Case cases[] = {
      {How::HasAll, 0b110, true},          {How::HasAll, 0b111, true},
      {How::HasAll, 0b100, false},         {How::HasAll, 0, false},
      {How::NotAll, 0b110, false},         {How::NotAll, 0b111, false},
      {How::NotAll, 0b100, true},          {How::HasNone, 0b001, true},
      {How::HasNone, 0b010, false},        {How::HasNone, 0b110, false},
      {How::Equals, 0b110, true},          {How::Equals, 0b111, false},
      {How::Equals, 0x1'0000'0006, false}, {How::Differs, 0b110, false},
      {How::Differs, 0b111, true},
  };
  for (const Listed listed : {Listed::AreAllowed, Listed::AreRefused}) {
    for (const Case& one : cases) {
      if (one.test == How::Differs && listed == Listed::AreAllowed) continue;  // below
      SystemCallRules rules{listed, {}, {{SYS_umask, 0, one.test, 0b110}}};
      if (listed == Listed::AreAllowed) rules.calls = {kTheEnd};
      EXPECT_EQ(under(rules, SYS_umask, one.argument), one.allowed ? 0 : EPERM)
          << "test " << int(one.test) << " argument " << one.argument;
    }
  }
}

TEST(SeccompTest, AnyNumberOfValuesCanBeExcluded) {
  if (kBuiltWithSanitizer) GTEST_SKIP() << "a sanitizer makes calls of its own at the end";
  for (const Listed listed : {Listed::AreAllowed, Listed::AreRefused}) {
    const SystemCallRules rules{
        listed,
        listed == Listed::AreAllowed ? std::vector{kTheEnd, long{SYS_umask}} : std::vector<long>{},
        {{SYS_umask, 0, How::Differs, 1},
         {SYS_umask, 0, How::Differs, 2},
         {SYS_umask, 0, How::Differs, 3}}};
    for (const unsigned long refused : {1UL, 2UL, 3UL})
      EXPECT_EQ(under(rules, SYS_umask, refused), EPERM) << refused;
    EXPECT_EQ(under(rules, SYS_umask, 4), 0);
  }
}

TEST(SeccompTest, ThreadsStartThoughClone3IsMissing) {
  const SystemCallRules rules{Listed::AreRefused, {}, {}};
  EXPECT_EQ(under(rules, SYS_clone3, 0, 0), ENOSYS);
  const pid_t pid = ::fork();
  if (pid == 0) {
    int ran = 0;
    if (restrict_system_calls(rules)) std::thread([&ran] { ran = 7; }).join();
    ::_exit(ran);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(WEXITSTATUS(status), 7);
}

#if defined(__x86_64__)
TEST(SeccompTest, NumbersOfAnotherAbiAreUnknown) {
  EXPECT_EQ(under({Listed::AreRefused, {}, {}}, 0x40000000 + SYS_getppid), ENOSYS);
}
#endif

}  // namespace
}  // namespace keyhaven
