// What the unit gives up once it has opened its state: files, network, other processes.
#pragma once

#include <string>

#include "base/result.h"

namespace keyhaven::unitd {

struct SandboxReport {
  int landlock_abi = 0;  // 0: no Landlock in force
  bool seccomp = false;
  std::string missing;  // for people; empty when everything is in force
};

// Restricts the calling thread and all it starts later, so call it before the channel threads
// exist. Afterwards:
//   files      nothing but `state_directory` (Landlock), nothing can be executed;
//   network    socket, connect, bind, listen, accept fail (seccomp; Landlock denies TCP again from
//   ABI 4 on); processes  no fork or exec, no ptrace or reading of another's memory, no signal to
//   processes outside.
// Refused system calls fail with EPERM (clone3 with ENOSYS, so that threads start by clone); none
// kills the process. Works without privileges. What the kernel lacks is told in the report.
SandboxReport enter_sandbox(const std::string& state_directory);

}  // namespace keyhaven::unitd
