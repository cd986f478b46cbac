// `keyhaven migrate status`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/migrate_session.h"
#include "cli/migrate_verbs.h"
#include "migrate/progress.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::KeyAction;
using migrate::Plan;
using migrate::PlannedKey;

// One key in a word: planned, begun, carried, reported or blocked; with what is still open.
std::string state_of(const PlannedKey& key, const migrate::KeyProgress* progress) {
  if (key.action == KeyAction::Blocked) return "blocked";
  if (key.action == KeyAction::Report) return "reported";
  if (progress == nullptr) return "planned";
  return progress->is_carried(key) ? "carried" : "begun";
}

std::string open_steps(const migrate::KeyProgress* progress) {
  std::string out;
  if (progress == nullptr) return out;
  for (const std::string& step : progress->begun) out += (out.empty() ? " (" : ", ") + step;
  return out.empty() ? out : out + ")";
}

Result<void> run_status(Context& context, const std::string& plan_path,
                        const std::string& journal_file) {
  const Plan plan = KH_TRY(migrate::load_plan(plan_path));
  const auto journal = KH_TRY(
      migrate::Journal::open_existing(journal_path(plan_path, journal_file), owner_of(plan)));
  std::vector<migrate::JournalStep> steps;
  std::optional<std::string> rewrapped, verified;
  if (journal) {
    steps = KH_TRY(journal->steps());
    rewrapped = KH_TRY(journal->last_run("rewrap"));
    verified = KH_TRY(journal->last_run("verify"));
  }
  const auto progress = migrate::progress_of(steps);
  Table table({"SOURCE KEY", "TARGET KEY", "NAME", "ACTION", "STATE", "DEKS"});
  json::array keys;
  std::map<std::string, std::uint64_t> totals;
  for (const PlannedKey& key : plan.keys) {
    const auto found = progress.find(key.source);
    const migrate::KeyProgress* one = found == progress.end() ? nullptr : &found->second;
    const std::string state = state_of(key, one);
    const std::string target = one == nullptr ? std::string() : one->target;
    ++totals[state];
    table.add({key.source, target.empty() ? "-" : target, key.name,
               std::string(migrate::name_of(key.action)), state + open_steps(one),
               std::to_string(key.deks)});
    keys.push_back(json::object{{"source", key.source},
                                {"target", target},
                                {"name", key.name},
                                {"action", migrate::name_of(key.action)},
                                {"state", state},
                                {"deks", key.deks}});
  }
  json::object counts;
  for (const auto& [state, count] : totals) counts[state] = count;
  const auto run = [](const std::optional<std::string>& text) -> json::value {
    json::error_code broken;  // a damaged journal is no reason to end by an exception
    return text ? json::parse(*text, broken) : json::value(nullptr);
  };
  KH_TRY(show(context, table,
              json::object{{"plan", plan.id},
                           {"keys", keys},
                           {"totals", counts},
                           {"rewrap", run(rewrapped)},
                           {"verify", run(verified)}}));
  if (!context.wants_json()) {
    context.out() << "last rewrap: " << rewrapped.value_or("none")
                  << "\nlast verify: " << verified.value_or("none") << '\n';
  }
  return {};
}

}  // namespace

void add_status(CLI::App& migrate_app, Context& context) {
  auto plan = std::make_shared<std::string>();
  auto journal = std::make_shared<std::string>();
  CLI::App* command =
      migrate_app.add_subcommand("status", "what of a plan is done; asks no service");
  command->add_option("plan", *plan, "the plan file")->required();
  command->add_option("--journal", *journal, "the journal (default: PLAN.journal)");
  on(*command, context, [&context, plan, journal] { return run_status(context, *plan, *journal); });
}

}  // namespace keyhaven::cli
