// What the server gives up before it reads the network: files, other processes, system calls. It is
// what stands between code that runs in the server and the crypto unit when both run as one user,
// and a second line when they do not. docs/operations/sandbox.md.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "server/config.h"

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
// trace or (from ABI 6 on) signal the unit, even as the same user. Sockets stay as they are. Call
// it before there are threads and after the launcher was forked; afterwards it checks that each of
// `forbidden` cannot be opened. Returns the Landlock ABI. Errors: NotSupported (no Landlock: go on
// only when the unit runs as another user), InvalidArgument (a forbidden path lies in an allowed
// one, or can be opened still), Io.
Result<int> restrict_server_with_landlock(const ServerFiles& files);

// Gives up the calls that a server never makes and that Landlock leaves to the owner of a file or
// process: mode, owner, attributes and length of a file by its name, new sockets, signals, limits
// and scheduling of other processes, programs, namespaces, tracing, watching of files, io_uring.
// With Connections::Outbound it keeps making TCP and UDP connections, and nothing else of sockets:
// no listening, no unix sockets. Nothing in a build with a sanitizer. Errors: NotSupported.
enum class Connections : std::uint8_t { None, Outbound };
Result<void> restrict_server_system_calls(Connections connections);

// All of it, as the server's user: no dumps, both functions above with the directories of `config`,
// the audit directory made. Returns what the kernel lacks, for the log; empty when nothing does.
// Errors: as above; NotSupported only when the unit has no user of its own.
Result<std::string> confine_server(const Config& config, bool unit_has_own_user);

}  // namespace keyhaven::server
