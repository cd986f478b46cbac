// The bash completion script, made from the command tree.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace keyhaven::cli {

// Completes verbs at each level, long options of the chosen verb and of the program, and file names
// after options that take a file.
std::string bash_completion(const CLI::App& app);

}  // namespace keyhaven::cli
