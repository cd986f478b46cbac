// The life of keyhaven-unit after the command line.
#pragma once

#include "unitd/options.h"

namespace keyhaven::unitd {

inline constexpr int kExitClosed = 0;  // every channel was closed
inline constexpr int kExitConfiguration =
    2;  // argument, sealing key or state: one line on standard error
inline constexpr int kExitProtocol = 3;  // a channel carried something that is no call
inline constexpr int kExitInternal = 4;

// Opens the state, enters the sandbox, writes "READY\n" to standard output and serves the channels
// until all are closed. When one is closed the others have kGrace to follow; then the process ends
// all the same, so that whoever starts it gives every loop a fresh channel. Returns the exit
// status; threads may still be blocked in reads, so leave by _Exit.
int run(const Options& options);

// The life of the sealing helper (options.sealing.helper_fd). Returns the exit status.
int run_helper(const Options& options);

}  // namespace keyhaven::unitd
