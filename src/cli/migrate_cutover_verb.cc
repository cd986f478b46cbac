// `keyhaven migrate cutover`: the switch, and with --undo the way back.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/file.h"
#include "cli/migrate_session.h"
#include "cli/migrate_verbs.h"
#include "migrate/cutover.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

struct CutoverArguments {
  std::string plan;
  std::string journal;
  std::string mapping;
  std::string pairs;
  bool undo = false;
  migrate::CutoverOptions options;
};

// Both files appear as a whole or not at all.
Result<void> write_files(const CutoverArguments& arguments, Session& session) {
  if (arguments.mapping.empty() && arguments.pairs.empty()) return {};
  const auto pairs = KH_TRY(migrate::mapping(session.plan, session.target, *session.journal));
  if (!arguments.mapping.empty())
    KH_TRY(write_file_atomic(arguments.mapping, as_bytes(migrate::mapping_csv(pairs)), 0644));
  if (!arguments.pairs.empty())
    KH_TRY(write_file_atomic(arguments.pairs, as_bytes(migrate::pairs_csv(pairs)), 0644));
  return {};
}

Result<void> run_cutover(Context& context, const CutoverArguments& arguments) {
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::CutoverResult result;
  {
    Reporter reporter(context, "keys", session.plan.keys.size());
    result = KH_TRY(migrate::cutover(session.plan, session.source, session.target, *session.journal,
                                     arguments.options, reporter));
  }
  const json::object summary{{"done", result.done},
                             {"not_carried", result.not_carried},
                             {"held_back", result.held_back},
                             {"failed", result.failed},
                             {"disabled", result.disabled},
                             {"intents", result.intents},
                             {"no_intents", result.no_intents},
                             {"policies", result.policies}};
  KH_TRY(session.journal->record_run("cutover", json::serialize(summary), SystemClock().now()));
  KH_TRY(write_files(arguments, session));
  std::string words = std::to_string(result.done) + " key(s) switched over";
  if (arguments.options.disable_source)
    words += ", " + std::to_string(result.disabled) + " disabled in the source";
  if (arguments.options.intents)
    words += ", " + std::to_string(result.intents) + " with a migration intent";
  if (result.no_intents > 0)
    words += " (the source offers no intents for " + std::to_string(result.no_intents) + ")";
  if (result.is_complete()) return show_done(context, words + ".", summary);
  return failed(words + ", " + std::to_string(result.not_carried) + " not carried, " +
                std::to_string(result.held_back) + " held back, " + std::to_string(result.failed) +
                " failed; run the same command again to go on");
}

Result<void> run_undo(Context& context, const CutoverArguments& arguments) {
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::UndoResult result;
  {
    Reporter reporter(context, "keys", session.plan.keys.size());
    result = KH_TRY(migrate::undo_cutover(session.plan, session.source, session.target,
                                          *session.journal, arguments.options.jobs, reporter));
  }
  const json::object summary{{"undone", true},
                             {"enabled", result.enabled},
                             {"intents", result.intents},
                             {"aliases", result.aliases},
                             {"kept", result.kept},
                             {"failed", result.failed}};
  KH_TRY(session.journal->record_run("cutover", json::serialize(summary), SystemClock().now()));
  const std::string words =
      std::to_string(result.enabled) + " key(s) enabled again, " + std::to_string(result.intents) +
      " intent(s) removed, " + std::to_string(result.aliases) + " alias(es) taken back; " +
      std::to_string(result.kept) + " dual authorizations and instance policies stay";
  if (result.failed == 0) return show_done(context, words + ".", summary);
  return failed(words + ", " + std::to_string(result.failed) +
                " act(s) failed; run the same command again to go on");
}

}  // namespace

void add_cutover(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<CutoverArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "cutover", "switch to the target: final aliases, policies, intents, source disabled");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  command->add_option("--mapping", arguments->mapping,
                      "write old and new ids and CRNs, CSV with a header");
  command->add_option("--pairs", arguments->pairs,
                      "write source CRN, target CRN without a header: the vendor's pair file");
  command->add_flag("--intents", arguments->options.intents,
                    "set migration intents, so that registered services move by themselves");
  command->add_flag("--disable-source", arguments->options.disable_source,
                    "disable the source's root keys; needs a verify that found all equal");
  command->add_flag("--unverified", arguments->options.unverified,
                    "disable them without such a verify");
  command->add_flag("--despite-registrations", arguments->options.despite_registrations,
                    "disable keys of which services are still registered with the source");
  command->add_flag("--undo", arguments->undo,
                    "take back: enable what it disabled, remove its intents and aliases");
  on(*command, context, [&context, arguments] {
    return arguments->undo ? run_undo(context, *arguments) : run_cutover(context, *arguments);
  });
}

}  // namespace keyhaven::cli
