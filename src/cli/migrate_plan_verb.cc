// `keyhaven migrate plan`. Answers 1 when something is blocked: the plan is written, and says what
// to decide.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/migrate_material.h"
#include "cli/migrate_session.h"
#include "cli/migrate_verbs.h"
#include "crypto/random.h"
#include "migrate/pairs.h"
#include "migrate/planner.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::EndpointRef;
using migrate::KeyAction;
using migrate::Plan;
using migrate::PlannedKey;

struct PlanArguments {
  EndpointRef source;
  EndpointRef target;
  std::string inventory;
  std::string name_rule;
  std::string pairs;
  MaterialArguments material;
  migrate::PlanOptions options;
  std::string out = "plan.yaml";
};

std::string what_is_said(const PlannedKey& key) {
  if (key.action == KeyAction::Blocked) return "BLOCKED: " + key.blocked;
  std::string out;
  if (key.material_versions > 0)
    out = std::to_string(key.material_versions) + " version(s) of material";
  if (key.policies.rotation || key.policies.dual_auth_delete)
    out += std::string(out.empty() ? "" : "; ") + "policies";
  if (!key.registrations.empty()) {
    out +=
        (out.empty() ? "" : "; ") + std::to_string(key.registrations.size()) + " registration(s)";
  }
  for (const std::string& lost : key.lost)
    out += (out.empty() ? "not carried: " : "; not carried: ") + lost;
  return out.empty() ? "-" : out;
}

json::object summary_of(const Plan& plan, const std::string& path, std::uint64_t bad_rows) {
  json::array keys;
  std::uint64_t blocked = 0;
  for (const PlannedKey& key : plan.keys) {
    blocked += key.action == KeyAction::Blocked;
    keys.push_back(json::object{{"source", key.source},
                                {"name", key.name},
                                {"kind", key.root ? "root" : "standard"},
                                {"action", migrate::name_of(key.action)},
                                {"blocked", key.blocked},
                                {"registrations", key.registrations.size()},
                                {"deks", key.deks}});
  }
  return {{"plan", plan.id},
          {"file", path},
          {"keys", keys},
          {"blocked", blocked},
          {"seconds_of_imports", plan.seconds_of_imports()},
          {"instance_policies", plan.instance_policies.size()},
          {"lost", json::array(plan.lost.begin(), plan.lost.end())},
          {"unknown_keys", json::array(plan.unknown_keys.begin(), plan.unknown_keys.end())},
          {"bad_rows", bad_rows}};
}

// What the table of keys does not show.
void say_what_is_special(Context& context, const Plan& plan) {
  if (const std::uint64_t seconds = plan.seconds_of_imports(); seconds > 0) {
    context.err() << "importing all versions takes at least " << (seconds + 59) / 60
                  << " minutes: the target lets a key rotate once in " << plan.rotation_seconds
                  << " s\n";
  }
  for (const std::string& lost : plan.lost) context.err() << "not carried: " << lost << '\n';
  std::uint64_t registrations = 0;
  for (const PlannedKey& key : plan.keys) registrations += key.registrations.size();
  if (registrations > 0) {
    context.err() << registrations
                  << " registration(s) of services: apply makes them when its API key is that of "
                     "the service; cutover --intents asks the services to move\n";
  }
}

Result<void> run_plan(Context& context, const PlanArguments& arguments) {
  const Settings settings = KH_TRY(context.settings());
  const EndpointRef source_ref = with_defaults(arguments.source, settings);
  const EndpointRef target_ref = with_defaults(arguments.target, settings);
  if (source_ref.url.empty() || target_ref.url.empty()) {
    return Error{Reason::InvalidArgument,
                 "no service is chosen; give --source-url and --target-url, or KH_URL", "url"};
  }
  const std::string plan_id = crypto::random_uuid().text();
  const migrate::Side source = KH_TRY(make_side(context, source_ref, plan_id));
  const migrate::Side target = KH_TRY(make_side(context, target_ref, plan_id));
  const migrate::Material material = KH_TRY(load_material(context, arguments.material));
  migrate::InventoryCount inventory;
  if (!arguments.inventory.empty())
    inventory = KH_TRY(migrate::count_inventory(arguments.inventory, arguments.name_rule));
  const Timestamp now = SystemClock().now();
  Plan plan;
  if (arguments.pairs.empty()) {
    plan = KH_TRY(migrate::make_plan(source, target, source_ref, target_ref, plan_id, inventory,
                                     material, now, arguments.options));
  } else {
    const auto pairs =
        KH_TRY(migrate::load_pairs(arguments.pairs, source_ref.instance, target_ref.instance));
    plan = KH_TRY(migrate::make_pair_plan(source, target, source_ref, target_ref, plan_id, pairs,
                                          inventory, now, arguments.options.jobs));
  }
  KH_TRY(migrate::save_plan(arguments.out, plan));
  Table table({"SOURCE KEY", "NAME", "KIND", "ACTION", "DEKS", "REMARKS"});
  for (const PlannedKey& key : plan.keys) {
    table.add({key.source, key.name, key.root ? "root" : "standard",
               std::string(migrate::name_of(key.action)), std::to_string(key.deks),
               what_is_said(key)});
  }
  KH_TRY(show(context, table, summary_of(plan, arguments.out, inventory.bad)));
  say_what_is_special(context, plan);
  if (inventory.bad > 0) {
    context.err() << inventory.bad
                  << " row(s) of the inventory are not readable; rewrap will list them\n";
  }
  for (const std::string& name : plan.unknown_keys) {
    context.err() << "the inventory or the material names a key that the source does not have: "
                  << name << '\n';
  }
  if (plan.is_blocked()) {
    return failed("the plan is written to " + arguments.out +
                  ", but something in it is blocked; decide it there (see `blocked`), then apply");
  }
  if (!context.wants_json())
    context.out() << "Plan " << plan.id << " is written to " << arguments.out << ".\n";
  return {};
}

}  // namespace

void add_plan(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command =
      migrate_app.add_subcommand("plan", "read both sides and write a plan; changes nothing");
  add_endpoint(*command, "source", arguments->source, NeedsInstance::Yes);
  add_endpoint(*command, "target", arguments->target, NeedsInstance::Yes);
  command->add_option("--inventory", arguments->inventory,
                      "wrapped DEKs: CSV key,wdek,aad,ref, JSON Lines (.jsonl), or a directory");
  add_name_rule(*command, arguments->name_rule);
  add_material_options(*command, arguments->material);
  command->add_option("--pairs", arguments->pairs,
                      "the vendor's pair file (source CRN, target CRN): plan these keys only, the "
                      "target's exist already");
  command->add_flag("--hold-aliases", arguments->options.hold_aliases, "leave aliases to cutover");
  command->add_option("--jobs", arguments->options.jobs, "connections at a time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  command->add_option("--out", arguments->out, "the plan; never overwritten")
      ->capture_default_str();
  on(*command, context, [&context, arguments] { return run_plan(context, *arguments); });
}

}  // namespace keyhaven::cli
