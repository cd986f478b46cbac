// keyhaven migrate plan, apply, rewrap, verify, status.
#pragma once

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

void register_migrate_commands(CLI::App& app, Context& context);

}  // namespace keyhaven::cli
