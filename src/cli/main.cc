// The program `keyhaven`.
#include <iostream>

#include "base/locked_arena.h"
#include "cli/app.h"
#include "cli/context.h"
#include "crypto/process_memory.h"

int main(int argc, char** argv) {
  using namespace keyhaven;
  // DEKs, passwords and key parts pass through this process: libcrypto's contexts are locked memory
  // too, no core dump.
  if (const auto locked = crypto::use_locked_arena_for_libcrypto(); !locked) {
    std::cerr << "FAILED\n" << locked.error().message << '\n';
    return cli::kExitFailed;
  }
  crypto::forbid_core_dumps_and_tracing();
  const auto prompt = cli::terminal_prompt();
  cli::Context context(std::cin, std::cout, std::cerr, *prompt, cli::process_environment());
  return cli::run(context, {argv + 1, argv + argc});
}
