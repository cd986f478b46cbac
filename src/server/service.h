// The running server: processes, privileges, loops, housekeeping around the core.
#pragma once

#include "base/result.h"
#include "server/config.h"

namespace keyhaven::server {

// Starts, serves until SIGTERM or SIGINT, stops gracefully. Once per process, from the main thread,
// before any other thread exists. Errors: what kept it from starting (one line).
Result<void> run(const Config& config);

}  // namespace keyhaven::server
