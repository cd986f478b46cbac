// What the unit gives up once it has opened its state: files, network, other processes, and every
// system call that it does not need. docs/operations/sandbox.md, docs/adr/0024-unit-sandbox.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven::unitd {

enum class SandboxProfile : std::uint8_t {
  Software,  // a short list of calls is allowed, all others are refused
  Token,     // a vendor's library in the same process, whose needs nobody knows: a list of calls is
             // refused, and pages cannot be writable and executable
};

struct SandboxOptions {
  std::string state_directory;
  SandboxProfile profile = SandboxProfile::Software;
  // What a token's library needs after the start, besides the state directory.
  std::vector<std::string> read_write{};  // files or directories; must exist
  std::vector<std::string> read_only{};   // likewise; absent ones are left out
  bool sockets = false;                   // the token is reached over the network or a daemon
};

struct SandboxReport {
  int landlock_abi = 0;  // 0: no Landlock in force
  bool seccomp = false;
  std::string missing;  // for people; empty when everything is in force
};

// Restricts the calling thread and all it starts later, so call it before the channel threads
// exist. Afterwards:
//   files      nothing but what the options name (Landlock), nothing can be executed;
//   memory     no page becomes executable;
//   network    no socket is made, but with `sockets`; Landlock denies TCP again from ABI 4 on;
//   processes  no fork or exec, no ptrace or reading of another's memory, no signal to others.
// Refused system calls fail with EPERM (clone3 with ENOSYS, so that threads start by clone); none
// kills the process. A build with a sanitizer has the Token profile's list, without the rule about
// executable pages. Works without privileges. What the kernel lacks is told in the report.
SandboxReport enter_sandbox(const SandboxOptions& options);

}  // namespace keyhaven::unitd
