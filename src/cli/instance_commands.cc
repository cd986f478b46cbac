// instance create, list, show, update, delete.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <boost/json.hpp>
#include <charconv>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

boost::json::object to_json(const client::Instance& instance) {
  boost::json::object out{{"guid", instance.guid},
                          {"name", instance.name},
                          {"state", instance.state},
                          {"plan", instance.plan},
                          {"region", instance.region},
                          {"crn", instance.crn},
                          {"units", instance.units},
                          {"recovery_units", instance.recovery_units},
                          {"failover_units", instance.failover_units},
                          {"allowed_network", instance.allowed_network}};
  if (instance.rotation_interval_seconds)
    out["rotation_interval_seconds"] = *instance.rotation_interval_seconds;
  boost::json::object limits;
  for (const auto& [name, value] : instance.limits) limits[name] = value;
  if (!limits.empty()) out["limits"] = std::move(limits);
  if (!instance.endpoint.empty()) out["endpoint"] = instance.endpoint;
  if (instance.created.is_set()) out["created"] = format_rfc3339(instance.created);
  return out;
}

Result<void> show_instance(Context& context, const client::Instance& instance) {
  Table table({"FIELD", "VALUE"});
  table.add({"instance id", instance.guid});
  table.add({"name", instance.name});
  table.add({"state", instance.state});
  table.add({"plan", instance.plan});
  table.add({"region", instance.region});
  table.add({"crypto units", instance.units == 0 ? "-" : std::to_string(instance.units)});
  table.add({"recovery units", std::to_string(instance.recovery_units)});
  table.add({"failover units", std::to_string(instance.failover_units)});
  if (instance.rotation_interval_seconds) {
    table.add({"rotation interval", std::to_string(*instance.rotation_interval_seconds) + " s"});
  }
  for (const auto& [name, value] : instance.limits)
    table.add({"limit " + name, std::to_string(value)});
  table.add({"created", time_text(instance.created)});
  table.add({"crn", instance.crn});
  return show(context, table, to_json(instance));
}

// "keys=1000000", or "keys=default" to follow the deployment again. Which names and values there
// are is for the server to say.
Result<std::vector<client::LimitChange>> parse_limits(const std::vector<std::string>& texts) {
  std::vector<client::LimitChange> out;
  for (const std::string& text : texts) {
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string_view value = std::string_view(text).substr(std::min(equals + 1, text.size()));
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    const bool is_number = failed == std::errc() && end == value.data() + value.size();
    if (equals == 0 || (!is_number && value != "default")) {
      return Error{Reason::InvalidArgument,
                   "--limit is \"" + text + "\"; write NAME=NUMBER or NAME=default", "limit"};
    }
    out.emplace_back(text.substr(0, equals),
                     is_number ? std::optional(number) : std::optional<std::int64_t>());
  }
  return out;
}

constexpr const char* kRecoveryUnitsHelp =
    "recovery units, 0 to 2: they keep the master key for the other units";
constexpr const char* kFailoverUnitsHelp =
    "failover units, at most as many as operational ones: they stand by";

constexpr const char* kLimitHelp =
    "a limit as NAME=NUMBER, or NAME=default to follow the server; repeat for more; a wrong name "
    "is "
    "answered with the right ones";

// The instance of a positional argument, else the chosen one.
Result<std::string> guid_of(const Context& context, const std::string& given) {
  if (!given.empty()) return given;
  const Settings settings = KH_TRY(context.settings());
  if (settings.instance.empty())
    return Error{Reason::InvalidArgument, "name the instance: its id, or --instance", "instance"};
  return settings.instance;
}

void add_create(CLI::App& instance, Context& context) {
  auto request = std::make_shared<client::CreateInstance>();
  auto limits = std::make_shared<std::vector<std::string>>();
  CLI::App* command =
      instance.add_subcommand("create", "make an instance with crypto units in imprint mode");
  command->add_option("name", request->name, "name of the instance")->required();
  command->add_option("--plan", request->plan, "plan: standard or beta")->capture_default_str();
  command->add_option("--units", request->units,
                      "crypto units, 1 to 6 (default: the service's, 2)");
  command->add_option("--recovery-units", request->recovery_units, kRecoveryUnitsHelp);
  command->add_option("--failover-units", request->failover_units, kFailoverUnitsHelp);
  command->add_option("--region", request->region, "region (default: the service's)");
  command->add_option("--allowed-network", request->allowed_network,
                      "public-and-private or private-only");
  command->add_option("--rotation-interval", request->rotation_interval_seconds,
                      "least seconds between two rotations of a key, 0 for none (default 3600)");
  command->add_option("--limit", *limits, kLimitHelp);
  on(*command, context, [&context, request, limits]() -> Result<void> {
    request->limits = KH_TRY(parse_limits(*limits));
    client::ApiClient api = KH_TRY(context.api());
    const client::Instance made = KH_TRY(api.create_instance(*request));
    return show_instance(context, made);
  });
}

void add_list(CLI::App& instance, Context& context) {
  CLI::App* command = instance.add_subcommand("list", "list the instances that you may see");
  on(*command, context, [&context]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto instances = KH_TRY(api.list_instances());
    Table table({"INSTANCE ID", "NAME", "STATE", "PLAN", "REGION", "UNITS", "CREATED"});
    boost::json::array json;
    for (const client::Instance& one : instances) {
      table.add({one.guid, one.name, one.state, one.plan, one.region,
                 one.units == 0 ? "-" : std::to_string(one.units), time_text(one.created)});
      json.push_back(to_json(one));
    }
    return show(context, table, boost::json::object{{"instances", json}});
  });
}

void add_update(CLI::App& instance, Context& context) {
  auto guid = std::make_shared<std::string>();
  auto change = std::make_shared<client::UpdateInstance>();
  CLI::App* command =
      instance.add_subcommand("update", "change an instance's name, plan or settings");
  command->add_option("id", *guid, "instance id (default: --instance)");
  command->add_option("--name", change->name, "new name");
  command->add_option("--plan", change->plan, "new plan");
  command->add_option("--allowed-network", change->allowed_network,
                      "public-and-private or private-only");
  command->add_option("--rotation-interval", change->rotation_interval_seconds,
                      "least seconds between two rotations of a key, 0 for none");
  command->add_option(
      "--units", change->units,
      "crypto units that serve keys, 1 to 6; only units in imprint mode are removed");
  command->add_option("--recovery-units", change->recovery_units, kRecoveryUnitsHelp);
  command->add_option("--failover-units", change->failover_units, kFailoverUnitsHelp);
  auto limits = std::make_shared<std::vector<std::string>>();
  command->add_option("--limit", *limits, kLimitHelp);
  command->add_flag("--reset-allowed-ip", change->reset_allowed_ip,
                    "switch the policy allowedIP off: the way back when it shuts you out");
  on(*command, context, [&context, guid, change, limits]() -> Result<void> {
    change->limits = KH_TRY(parse_limits(*limits));
    const bool has_change =
        !change->name.empty() || !change->plan.empty() || !change->allowed_network.empty() ||
        change->rotation_interval_seconds.has_value() || change->units.has_value() ||
        change->recovery_units.has_value() || change->failover_units.has_value() ||
        !change->limits.empty() || change->reset_allowed_ip;
    if (!has_change) return Error{Reason::InvalidArgument, "nothing to change: give an option", {}};
    const std::string id = KH_TRY(guid_of(context, *guid));
    client::ApiClient api = KH_TRY(context.api());
    const client::Instance now = KH_TRY(api.update_instance(id, *change));
    return show_instance(context, now);
  });
}

void add_show_and_delete(CLI::App& instance, Context& context) {
  auto guid = std::make_shared<std::string>();
  CLI::App* show_command = instance.add_subcommand("show", "show an instance");
  show_command->add_option("id", *guid, "instance id (default: --instance)");
  on(*show_command, context, [&context, guid]() -> Result<void> {
    const std::string id = KH_TRY(guid_of(context, *guid));
    client::ApiClient api = KH_TRY(context.api());
    const client::Instance found = KH_TRY(api.get_instance(id));
    return show_instance(context, found);
  });
  CLI::App* delete_command = instance.add_subcommand(
      "delete", "delete an instance; its keys must be deleted and its crypto units zeroized");
  auto doomed = std::make_shared<std::string>();
  delete_command->add_option("id", *doomed, "instance id; must be named, --instance does not count")
      ->required();
  on(*delete_command, context, [&context, doomed]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    KH_TRY(api.delete_instance(*doomed));
    return show_done(context, "Instance " + *doomed + " is deleted.", {{"guid", *doomed}});
  });
}

}  // namespace

void add_instance_commands(CLI::App& app, Context& context) {
  CLI::App* instance = app.add_subcommand("instance", "service instances");
  instance->require_subcommand(1);
  add_create(*instance, context);
  add_list(*instance, context);
  add_show_and_delete(*instance, context);
  add_update(*instance, context);
  add_instance_policy_commands(*instance, context);
}

}  // namespace keyhaven::cli
