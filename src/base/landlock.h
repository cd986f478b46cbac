// Landlock: a process gives up, for good and for all its children, every file it did not name.
// Needs no privilege. Used by the unit (its state directory only) and by the server (not the unit's
// directory).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven {

struct LandlockRules {
  std::vector<std::string> read_write;  // files, or directories with all below; must exist
  std::vector<std::string> read_only;   // likewise; absent ones are left out
  bool deny_tcp = false;                // no bind and no connect (kernels from ABI 4 on)
  bool isolate_signals =
      false;  // no signal to, no abstract socket of processes outside (from ABI 6 on)
};

// The kernel's Landlock ABI; 0 when it has none or it is switched off.
int landlock_abi() noexcept;

// Restricts the calling thread and what it starts later, so call it before there are other threads:
// everything the kernel's ABI can restrict is refused except `rules`; executing a file always. Sets
// no_new_privs. Descriptors that are open already stay usable. A process so restricted can also no
// longer ptrace one outside. Returns the ABI in force. Errors: NotSupported (the kernel has no
// Landlock), Io (a path cannot be opened).
Result<int> restrict_with_landlock(const LandlockRules& rules);

}  // namespace keyhaven
