// The verbs of `keyhaven migrate`, one file each; migrate_commands.cc puts them together.
#pragma once

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

void add_plan(CLI::App& migrate_app, Context& context);
void add_apply(CLI::App& migrate_app, Context& context);
void add_rewrap(CLI::App& migrate_app, Context& context);
void add_verify(CLI::App& migrate_app, Context& context);
void add_status(CLI::App& migrate_app, Context& context);
void add_cutover(CLI::App& migrate_app, Context& context);
void add_report(CLI::App& migrate_app, Context& context);

}  // namespace keyhaven::cli
