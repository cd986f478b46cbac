// Exit status of these verbs: 0 all done and proved; 1 failed or something differs; 2 usage. `plan`
// also answers 1 when something is blocked: the plan is written, and says what to decide.
#include "cli/migrate_commands.h"

#include <CLI/CLI.hpp>

#include "cli/migrate_verbs.h"

namespace keyhaven::cli {

void register_migrate_commands(CLI::App& app, Context& context) {
  CLI::App* migrate_app = app.add_subcommand(
      "migrate", "carry keys and wrapped DEKs to another instance, and prove it");
  migrate_app->require_subcommand(1);
  add_plan(*migrate_app, context);
  add_apply(*migrate_app, context);
  add_rewrap(*migrate_app, context);
  add_verify(*migrate_app, context);
  add_status(*migrate_app, context);
  add_cutover(*migrate_app, context);
  add_report(*migrate_app, context);
}

}  // namespace keyhaven::cli
