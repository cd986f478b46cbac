// `keyhaven migrate verify`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "base/file.h"
#include "cli/migrate_session.h"
#include "cli/migrate_table.h"
#include "cli/migrate_verbs.h"
#include "migrate/verify.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

struct VerifyArguments {
  std::string plan;
  std::string journal;
  std::string json_file;
  migrate::VerifyOptions options;
  TableArguments table;
};

json::object verify_json(const migrate::VerifyResult& result) {
  return {{"deks", result.deks},
          {"deks_equal", result.deks_equal},
          {"deks_different", result.deks_different},
          {"deks_unverifiable", result.deks_unverifiable},
          {"deks_not_sampled", result.deks_not_sampled},
          {"deks_of_target", result.deks_of_target},
          {"standard_keys", result.standard_keys},
          {"standard_equal", result.standard_equal},
          {"keys_compared", result.keys_compared},
          {"metadata_differences", result.metadata_differences},
          {"keys_missing", result.keys_missing},
          {"still_enabled", result.still_enabled}};
}

Result<void> run_verify(Context& context, const VerifyArguments& arguments) {
  if (arguments.options.inventory.empty() != arguments.options.rewrapped.empty()) {
    return Error{Reason::InvalidArgument, "--inventory and --rewrapped belong together",
                 "inventory"};
  }
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::VerifyOptions options = arguments.options;
  if (!arguments.table.name.empty()) {
    if (!options.inventory.empty())
      return Error{Reason::InvalidArgument, "--table takes no --inventory", "table"};
    options.table = KH_TRY(table_of(session.plan, arguments.table.name));
    options.record = record_path(arguments.plan, arguments.table);
  }
  migrate::VerifyResult result;
  {
    Reporter reporter(context, "DEKs", total_deks(session.plan));
    result = KH_TRY(migrate::verify(session.plan, session.source, session.target, *session.journal,
                                    options, reporter));
  }
  const json::object summary = verify_json(result);
  KH_TRY(session.journal->record_run("verify", json::serialize(summary), SystemClock().now()));
  if (!arguments.json_file.empty()) {
    KH_TRY(write_file_atomic(arguments.json_file, as_bytes(json::serialize(summary) + "\n"), 0644));
  }
  std::string words = std::to_string(result.deks_equal) + " of " + std::to_string(result.deks) +
                      " DEKs equal, " + std::to_string(result.standard_equal) + " of " +
                      std::to_string(result.standard_keys) + " standard keys equal, " +
                      std::to_string(result.metadata_differences) + " metadata difference(s) in " +
                      std::to_string(result.keys_compared) + " keys";
  if (result.deks_of_target > 0)
    words += ", " + std::to_string(result.deks_of_target) + " DEK(s) made under the target's keys";
  if (result.deks_not_sampled > 0)
    words += ", " + std::to_string(result.deks_not_sampled) + " DEK(s) not in the sample";
  const std::uint64_t seen = result.deks + result.deks_not_sampled;
  if (const std::uint64_t planned = total_deks(session.plan); seen < planned) {
    context.err() << "the plan counted " << planned << " wrapped DEKs, this run was given " << seen
                  << '\n';
  }
  if (result.finds_nothing_wrong()) return show_done(context, words + ".", summary);
  if (result.still_enabled > 0)
    words += ", " + std::to_string(result.still_enabled) + " key(s) not disabled again";
  return failed(words + ", " + std::to_string(result.deks_different) + " DEK(s) different, " +
                std::to_string(result.deks_unverifiable) + " not verifiable, " +
                std::to_string(result.keys_missing) + " key(s) not carried; see the lines above");
}

}  // namespace

void add_verify(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "verify", "open every DEK on both sides and compare; compare the keys");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  command->add_option("--inventory", arguments->options.inventory, "the old inventory");
  add_name_rule(*command, arguments->options.name_rule);
  add_table_options(*command, arguments->table);
  command->add_option("--rewrapped", arguments->options.rewrapped, "what rewrap made of it");
  command
      ->add_option("--sample", arguments->options.every,
                   "compare each N-th DEK only (default: all)")
      ->check(CLI::PositiveNumber);
  command->add_flag("--enable-suspended", arguments->options.enable_suspended,
                    "enable disabled keys on both sides for this run, then disable them again");
  command->add_option("--json", arguments->json_file, "write the result as one JSON object");
  on(*command, context, [&context, arguments] { return run_verify(context, *arguments); });
}

}  // namespace keyhaven::cli
