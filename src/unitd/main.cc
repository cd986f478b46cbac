// keyhaven-unit: holds the keys. Started by keyhavend's launcher (server/unit_launcher.h), never by
// hand.
#include <sys/prctl.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/locked_arena.h"
#include "crypto/process_memory.h"
#include "unitd/run.h"

int main(int argc, char** argv) {
  using namespace keyhaven;
  // Before anything can allocate a secret.
  locked_arena::set_policy(locked_arena::OnLockFailure::Stop);
  const bool secret_memory = locked_arena::use_secret_memory();
  const Result<void> arena = crypto::use_locked_arena_for_libcrypto();
  if (!arena) {
    std::fprintf(stderr, "keyhaven-unit: %s\n", arena.error().message.c_str());
    return unitd::kExitInternal;
  }
  crypto::forbid_core_dumps_and_tracing();
  ::prctl(PR_SET_PDEATHSIG,
          SIGKILL);  // an orphan must not hold the lock; the channels' end is the second net
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  ::umask(077);

  auto options =
      unitd::parse_options(std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
  if (!options) {
    std::fprintf(stderr, "keyhaven-unit: %s\n", options.error().message.c_str());
    return unitd::kExitConfiguration;
  }
  if (options->memory_lock == unitd::MemoryLock::BestEffort)
    locked_arena::set_policy(locked_arena::OnLockFailure::Warn);
  if (!secret_memory) {
    std::fprintf(stderr,
                 "keyhaven-unit: this kernel offers no memfd_secret (Linux 6.5, or boot with "
                 "secretmem.enable=1); keys are in locked memory\n");
  }
  if (options->sealing.helper_fd >= 0) std::_Exit(unitd::run_helper(*options));
  std::_Exit(unitd::run(*options));
}
