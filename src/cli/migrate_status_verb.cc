// `keyhaven migrate status`.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <ostream>
#include <thread>

#include "cli/migrate_session.h"
#include "cli/migrate_status.h"
#include "cli/migrate_verbs.h"
#include "migrate/status.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::KeyStatus;
using migrate::Plan;

struct StatusArguments {
  std::string plan;
  std::string journal;
  bool live = false;
  unsigned watch = 0;  // seconds; 0: once
};

std::string count_text(const std::optional<std::uint64_t>& count) {
  return count ? std::to_string(*count) : "-";
}

json::value count_json(const std::optional<std::uint64_t>& count) {
  return count ? json::value(*count) : json::value(nullptr);
}

std::string remarks_of(const KeyStatus& status) {
  std::string out = status.why;
  const auto add = [&out](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
  if (status.is_source_disabled) add("source disabled");
  if (status.has_intent) add("intent set");
  for (const std::string& step : status.open) add("open: " + step);
  return out.empty() ? "-" : out;
}

json::object json_of(const KeyStatus& status) {
  const json::array open(status.open.begin(), status.open.end());
  return {{"source", status.key->source},
          {"target", status.target},
          {"name", status.key->name},
          {"action", migrate::name_of(status.key->action)},
          {"state", migrate::name_of(status.stage)},
          {"why", status.why},
          {"open", open},
          {"deks", status.key->deks},
          {"source_disabled", status.is_source_disabled},
          {"intent", status.has_intent},
          {"source_registrations", count_json(status.source_registrations)},
          {"target_registrations", count_json(status.target_registrations)}};
}

// What the last run of a verb said, as it said it.
struct LastRuns {
  std::optional<std::string> rewrap, verify, cutover;
};

json::value run_json(const std::optional<std::string>& text) {
  json::error_code broken;  // a damaged journal is no reason to end by an exception
  return text ? json::parse(*text, broken) : json::value(nullptr);
}

// All registrations of a side; nullopt when the side was not asked.
std::optional<std::uint64_t> sum_of(const std::vector<KeyStatus>& keys,
                                    std::optional<std::uint64_t> KeyStatus::*member) {
  std::optional<std::uint64_t> sum;
  for (const KeyStatus& one : keys) {
    if (one.*member) sum = sum.value_or(0) + *(one.*member);
  }
  return sum;
}

Result<LastRuns> last_runs(migrate::Journal* journal) {
  LastRuns runs;
  if (journal == nullptr) return runs;
  runs.rewrap = KH_TRY(journal->last_run("rewrap"));
  runs.verify = KH_TRY(journal->last_run("verify"));
  runs.cutover = KH_TRY(journal->last_run("cutover"));
  return runs;
}

json::object json_of(const Plan& plan, const std::vector<KeyStatus>& keys, const LastRuns& runs) {
  json::array list;
  for (const KeyStatus& one : keys) list.push_back(json_of(one));
  json::object counts;
  for (const auto& [stage, count] : migrate::totals_of(keys))
    counts[migrate::name_of(stage)] = count;
  return {{"plan", plan.id},
          {"keys", std::move(list)},
          {"totals", std::move(counts)},
          {"source_registrations", count_json(sum_of(keys, &KeyStatus::source_registrations))},
          {"target_registrations", count_json(sum_of(keys, &KeyStatus::target_registrations))},
          {"rewrap", run_json(runs.rewrap)},
          {"verify", run_json(runs.verify)},
          {"cutover", run_json(runs.cutover)}};
}

Result<void> show_status(Context& context, const Plan& plan, const std::vector<KeyStatus>& keys,
                         const LastRuns& runs) {
  Table table(
      {"SOURCE KEY", "TARGET KEY", "NAME", "ACTION", "STATE", "DEKS", "REGISTERED", "REMARKS"});
  for (const KeyStatus& one : keys) {
    table.add({one.key->source, one.target.empty() ? "-" : one.target, one.key->name,
               std::string(migrate::name_of(one.key->action)),
               std::string(migrate::name_of(one.stage)), std::to_string(one.key->deks),
               count_text(one.source_registrations) + " -> " + count_text(one.target_registrations),
               remarks_of(one)});
  }
  std::string words;
  for (const auto& [stage, count] : migrate::totals_of(keys)) {
    words += (words.empty() ? "" : ", ") + std::to_string(count) + " " +
             std::string(migrate::name_of(stage));
  }
  const auto before = sum_of(keys, &KeyStatus::source_registrations);
  const auto after = sum_of(keys, &KeyStatus::target_registrations);
  KH_TRY(show(context, table, json_of(plan, keys, runs)));
  if (context.wants_json()) return {};
  context.out() << "keys: " << words << '\n';
  if (before || after) {
    context.out() << "services registered: " << count_text(before) << " with the source, "
                  << count_text(after) << " with the target\n";
  }
  context.out() << "last rewrap: " << runs.rewrap.value_or("none")
                << "\nlast verify: " << runs.verify.value_or("none")
                << "\nlast cutover: " << runs.cutover.value_or("none") << std::endl;
  return {};
}

// Whether services are still to move from a key of the plan.
bool is_draining(const std::vector<KeyStatus>& keys) {
  for (const KeyStatus& one : keys) {
    if (one.source_registrations.value_or(0) > 0 && one.key->is_carried()) return true;
  }
  return false;
}

Result<void> run_status(Context& context, const StatusArguments& arguments) {
  const Plan plan = KH_TRY(migrate::load_plan(arguments.plan));
  while (true) {
    const auto journal = KH_TRY(migrate::Journal::open_existing(
        journal_path(arguments.plan, arguments.journal), owner_of(plan)));
    const LastRuns runs = KH_TRY(last_runs(journal.get()));
    std::vector<KeyStatus> keys = KH_TRY(migrate::status_of(plan, journal.get()));
    if (arguments.live || arguments.watch > 0) {
      const migrate::Side source = KH_TRY(make_side(context, plan.source, plan.id));
      const migrate::Side target = KH_TRY(make_side(context, plan.target, plan.id));
      KH_TRY(migrate::add_registrations(keys, source, target));
    }
    KH_TRY(show_status(context, plan, keys, runs));
    if (arguments.watch == 0 || !is_draining(keys)) return {};
    std::this_thread::sleep_for(std::chrono::seconds(arguments.watch));
  }
}

}  // namespace

Result<json::object> migration_status(const std::string& plan_path,
                                      const std::string& journal_file) {
  const Plan plan = KH_TRY(migrate::load_plan(plan_path));
  const auto journal = KH_TRY(
      migrate::Journal::open_existing(journal_path(plan_path, journal_file), owner_of(plan)));
  const LastRuns runs = KH_TRY(last_runs(journal.get()));
  const std::vector<KeyStatus> keys = KH_TRY(migrate::status_of(plan, journal.get()));
  return json_of(plan, keys, runs);
}

void add_status(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<StatusArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "status", "what of a plan is done; asks no service unless --live or --watch");
  command->add_option("plan", arguments->plan, "the plan file")->required();
  command->add_option("--journal", arguments->journal, "the journal (default: PLAN.journal)");
  command->add_flag("--live", arguments->live, "count the services registered on both sides");
  command
      ->add_option("--watch", arguments->watch,
                   "show that every so many seconds until no service is left with the source")
      ->check(CLI::Range(1, 86'400));
  on(*command, context, [&context, arguments] { return run_status(context, *arguments); });
}

}  // namespace keyhaven::cli
