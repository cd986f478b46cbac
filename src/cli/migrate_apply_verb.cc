// `keyhaven migrate apply`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/migrate_material.h"
#include "cli/migrate_session.h"
#include "cli/migrate_verbs.h"
#include "migrate/apply.h"

namespace keyhaven::cli {
namespace {

struct ApplyArguments {
  std::string plan;
  std::string journal;
  MaterialArguments material;
  migrate::ApplyOptions options;
};

Result<void> run_apply(Context& context, const ApplyArguments& arguments) {
  const migrate::Material material = KH_TRY(load_material(context, arguments.material));
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::ApplyResult result;
  {
    Reporter reporter(context, "keys", session.plan.keys.size());
    result = KH_TRY(migrate::apply(session.plan, session.source, session.target, *session.journal,
                                   material, arguments.options, reporter));
  }
  std::string words = std::to_string(result.carried) + " key(s) carried, " +
                      std::to_string(result.reported) + " only reported, " +
                      std::to_string(result.blocked) + " blocked, " +
                      std::to_string(result.failed) + " failed";
  if (result.waiting > 0) {
    words += ", " + std::to_string(result.waiting) +
             " wait for the target's rule on rotations until " + format_rfc3339(result.next);
  }
  if (result.failed > 0 || result.waiting > 0)
    return failed(words + "; run the same command again to go on where it stopped");
  KH_TRY(show_done(context, words + ".",
                   {{"carried", result.carried},
                    {"reported", result.reported},
                    {"blocked", result.blocked},
                    {"unregistered", result.unregistered}}));
  if (result.blocked > 0)
    return failed("blocked keys were not carried; decide them in the plan and apply it again");
  return {};
}

}  // namespace

void add_apply(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "apply", "carry the keys of a plan; run again to go on after anything");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  add_material_options(*command, arguments->material);
  command->add_flag("!--no-wait", arguments->options.wait,
                    "leave keys whose next version the target does not take yet for the next run");
  on(*command, context, [&context, arguments] { return run_apply(context, *arguments); });
}

}  // namespace keyhaven::cli
