// What the server gives up before it reads the network.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven::server {

struct ServerFiles {
  std::vector<std::string>
      read_write;  // the server's own directory, log files' directory; must exist
  std::vector<std::string> read_only;  // configuration, certificates, web files
  std::vector<std::string>
      forbidden;  // the unit's directory, its sealing key: must not be reachable
};

// Restricts the server by Landlock to `files` and what every program reads (libraries, /etc, zone
// data, /dev/null, /dev/urandom, its own /proc); it can then neither read the unit's files nor
// trace the unit, even as the same user. Sockets stay as they are. Call it before there are threads
// and after the launcher was forked; afterwards it checks that each of `forbidden` cannot be
// opened. Returns the Landlock ABI. Errors: NotSupported (no Landlock: go on only when the unit
// runs as another user), InvalidArgument (a forbidden path lies in an allowed one, or can be opened
// still), Io.
Result<int> restrict_server_with_landlock(const ServerFiles& files);

}  // namespace keyhaven::server
