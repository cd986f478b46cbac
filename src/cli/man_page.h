// The manual page, made from the command tree.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace keyhaven::cli {

// keyhaven(1) in troff with the man macros.
std::string man_page(const CLI::App& app);

}  // namespace keyhaven::cli
