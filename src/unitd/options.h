// The command line of keyhaven-unit.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven::unitd {

enum class SandboxMode : std::uint8_t {
  Required,    // no start without it
  BestEffort,  // what the kernel offers; what is missing is said on standard error
  Off,
};

enum class MemoryLock : std::uint8_t {
  Required,    // no start, and no going on, with memory for keys that could be swapped out
  BestEffort,  // as much as RLIMIT_MEMLOCK allows; a failure is said once on standard error
};

struct Options {
  std::string state_directory;
  std::string key_file;       // sealing key
  std::vector<int> channels;  // inherited stream sockets, 1 to kMaxChannels
  SandboxMode sandbox = SandboxMode::BestEffort;
  MemoryLock memory_lock = MemoryLock::Required;
};

inline constexpr std::size_t kMaxChannels = 128;

// Parses "--state-dir DIR --key-file FILE --channels FD,FD,... [--sandbox
// required|best-effort|off] [--memory-lock required|best-effort]"; `arguments` without the
// program's name. Errors: InvalidArgument.
Result<Options> parse_options(const std::vector<std::string>& arguments);

}  // namespace keyhaven::unitd
