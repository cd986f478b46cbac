// The program: its command tree, and one run of it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the operation failed
inline constexpr int kExitUsage = 2;   // the command line or the configuration is wrong

// The whole tree; `context` must outlive it.
std::unique_ptr<CLI::App> build_app(Context& context);

// Parses the arguments (without the program's name), runs the chosen action, prints a failure as
// FAILED, what, why and the remedy on the context's err stream. Returns the exit status.
int run(Context& context, const std::vector<std::string>& arguments);

// The remedy for a failure; empty when its message says it all.
std::string_view remedy_of(const Error& error) noexcept;

}  // namespace keyhaven::cli
