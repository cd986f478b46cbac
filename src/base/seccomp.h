// Seccomp: a process gives up system calls, for good and for all its threads and children. Used by
// the unit (a list of what it may call) and by the server (a list of what it never calls).
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"

namespace keyhaven {

// Whether this build carries a sanitizer. Its runtime makes calls of its own (ptrace, personality,
// executable memory), so rules are relaxed for it: such builds are for tests only.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kBuiltWithSanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kBuiltWithSanitizer = true;
#else
inline constexpr bool kBuiltWithSanitizer = false;
#endif
#else
inline constexpr bool kBuiltWithSanitizer = false;
#endif

// Allows a call only when one of its arguments passes a test. HasAll, NotAll, HasNone: of the bits
// in `value`, in the low 32 bits of the argument. Differs: in the low 32 bits. Equals: all 64 bits.
// One condition per call, but any number of Differs, all of which must hold.
struct SystemCallCondition {
  enum class Test : std::uint8_t { HasAll, NotAll, HasNone, Differs, Equals };
  long call = 0;
  unsigned argument = 0;  // 0 to 5
  Test test = Test::Equals;
  std::uint32_t value = 0;
};

struct SystemCallRules {
  enum class Listed : std::uint8_t { AreAllowed, AreRefused };
  Listed listed = Listed::AreAllowed;
  std::vector<long> calls;  // SYS_ numbers; every call that is neither here nor below: the opposite
  std::vector<SystemCallCondition> conditions;
};

// Restricts the calling thread and what it starts later. A refused call fails with EPERM and
// nothing is killed, so that a libc that tries something new goes on with its fallback; where the
// kernel keeps audit records there is one (type SECCOMP) for each. clone3 fails with ENOSYS: its
// flags are behind a pointer, and libc falls back to clone. Calls of another ABI (32 bits, x32)
// fail with ENOSYS. Sets no_new_privs. Errors: NotSupported (the kernel has no filters, or an
// architecture other than x86_64 and aarch64).
Result<void> restrict_system_calls(const SystemCallRules& rules);

}  // namespace keyhaven
