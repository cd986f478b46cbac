// `keyhaven migrate rewrap`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/migrate_session.h"
#include "cli/migrate_table.h"
#include "cli/migrate_verbs.h"
#include "migrate/rewrap.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

struct RewrapArguments {
  std::string plan;
  std::string journal;
  migrate::RewrapOptions options;
  std::string program;
  std::vector<std::string> program_arguments;
  unsigned program_seconds = 60;
  TableArguments table;
};

// The program of --exec with its arguments; nothing without --exec.
Result<std::vector<std::string>> program_of(const RewrapArguments& arguments) {
  if (arguments.program.empty() && !arguments.program_arguments.empty())
    return Error{Reason::InvalidArgument, "--exec-arg belongs to --exec PROGRAM", "exec-arg"};
  std::vector<std::string> out = arguments.program_arguments;
  if (!arguments.program.empty()) out.insert(out.begin(), arguments.program);
  return out;
}

// An inventory with its output, or a table: one of them, and nothing of the other.
Result<void> check(const RewrapArguments& arguments) {
  const migrate::RewrapOptions& options = arguments.options;
  const bool is_table = !arguments.table.name.empty();
  const bool has_files = !options.inventory.empty() || !options.out.empty() ||
                         !options.name_rule.empty() || !arguments.program.empty();
  if (is_table && has_files) {
    return Error{Reason::InvalidArgument,
                 "--table takes no --inventory, --out, --name-rule or --exec", "table"};
  }
  if (!is_table && (options.inventory.empty() || options.out.empty())) {
    return Error{Reason::InvalidArgument,
                 "say what to re-wrap: --inventory and --out, or --table NAME", "inventory"};
  }
  if (!is_table && (arguments.table.undo || !arguments.table.record.empty()))
    return Error{Reason::InvalidArgument, "--undo and --record belong to --table", "table"};
  return {};
}

Result<void> run_rewrap(Context& context, const RewrapArguments& arguments) {
  KH_TRY(check(arguments));
  if (!arguments.table.name.empty()) {
    return run_rewrap_table(context, {arguments.plan, arguments.journal, arguments.table,
                                      arguments.options.jobs, arguments.options.enable_suspended});
  }
  migrate::RewrapOptions options = arguments.options;
  options.program = KH_TRY(program_of(arguments));
  options.program_patience = std::chrono::seconds(arguments.program_seconds);
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::RewrapResult result;
  {
    Reporter reporter(context, "DEKs", total_deks(session.plan));
    result = KH_TRY(migrate::rewrap(session.plan, session.source, session.target, *session.journal,
                                    options, reporter));
  }
  const json::object summary{{"rows", result.rows},
                             {"rewrapped", result.rewrapped},
                             {"refused", result.refused},
                             {"went_on_after", result.went_on_after},
                             {"still_enabled", result.still_enabled}};
  KH_TRY(session.journal->record_run("rewrap", json::serialize(summary), SystemClock().now()));
  const std::string words = std::to_string(result.rewrapped) + " of " +
                            std::to_string(result.rows) + " wrapped DEKs re-wrapped into " +
                            arguments.options.out;
  if (result.still_enabled > 0) {
    return failed(words + "; " + std::to_string(result.still_enabled) +
                  " key(s) could not be disabled again: run the command again, or disable them");
  }
  if (result.refused > 0) {
    return failed(words + "; the others are listed with line and reason in " +
                  migrate::errors_path(arguments.options.out));
  }
  return show_done(context, words + ".", summary);
}

}  // namespace

void add_rewrap(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<RewrapArguments>();
  CLI::App* command =
      migrate_app.add_subcommand("rewrap", "wrap the DEKs of an inventory under the target's keys");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  command->add_option("--inventory", arguments->options.inventory,
                      "the old inventory: CSV, JSON Lines or a directory with a file per DEK");
  add_name_rule(*command, arguments->options.name_rule);
  command->add_option("--out", arguments->options.out, "the new inventory, as the old one is made");
  command->add_option("--exec", arguments->program,
                      "PROGRAM that stores each new wrapped DEK: told rows as JSON Lines on its "
                      "standard input, it answers each by a line");
  command->add_option("--exec-arg", arguments->program_arguments,
                      "an argument for it; repeat for more");
  command
      ->add_option("--exec-timeout", arguments->program_seconds,
                   "seconds to wait for its next answer")
      ->check(CLI::Range(1, 86'400))
      ->capture_default_str();
  add_table_options(*command, arguments->table);
  command->add_flag("--undo", arguments->table.undo, "with --table: put the old wrapped DEKs back");
  command->add_flag("--enable-suspended", arguments->options.enable_suspended,
                    "enable disabled keys on both sides for this run, then disable them again");
  on(*command, context, [&context, arguments] { return run_rewrap(context, *arguments); });
}

}  // namespace keyhaven::cli
