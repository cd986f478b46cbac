// Process-wide memory hygiene for programs that hold keys.
#pragma once

#include "base/result.h"

namespace keyhaven::crypto {

// Gives libcrypto the locked arena for everything it allocates (CRYPTO_set_mem_functions): contexts
// kept between calls hold key schedules. Must run before any other libcrypto call. Errors: Internal
// when it is too late.
Result<void> use_locked_arena_for_libcrypto();

// RLIMIT_CORE 0 and PR_SET_DUMPABLE 0: no core dump, no ptrace and no /proc/PID/mem by others of
// the same user.
void forbid_core_dumps_and_tracing();

}  // namespace keyhaven::crypto
