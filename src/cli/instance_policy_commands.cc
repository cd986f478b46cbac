// instance policy show, set.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

void add_show(CLI::App& policy, Context& context) {
  CLI::App* command = policy.add_subcommand("show", "show the policies that were ever set");
  on(*command, context, [&context]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto policies = KH_TRY(api.instance_policies());
    Table table({"POLICY", "STATE", "ATTRIBUTES"});
    boost::json::array json;
    for (const client::Policy& one : policies.value_or(std::vector<client::Policy>())) {
      table.add({one.type, one.enabled ? "on" : "off",
                 one.attributes_json.empty() ? "-" : one.attributes_json});
      boost::json::object object{{"policy_type", one.type}, {"enabled", one.enabled}};
      if (!one.attributes_json.empty())
        object["attributes"] = boost::json::parse(one.attributes_json);
      json.push_back(std::move(object));
    }
    return show(context, table, boost::json::object{{"policies", json}});
  });
}

struct SetRequest {
  client::InstancePolicyChange change;
  std::string state;
  std::vector<std::string> denied;
  bool enforce_token = false;
};

void add_set(CLI::App& policy, Context& context) {
  auto request = std::make_shared<SetRequest>();
  CLI::App* command = policy.add_subcommand("set", "switch a policy on or off");
  command
      ->add_option("type", request->change.type,
                   "allowedIP, allowedNetwork, dualAuthDelete, keyCreateImportAccess, metrics or "
                   "rotation")
      ->required();
  command->add_option("state", request->state, "on or off")
      ->required()
      ->check(CLI::IsMember({"on", "off"}));
  command->add_option("--allow", request->change.allowed_ip,
                      "allowedIP: a network, as 192.0.2.0/24; repeat for more");
  command->add_option("--network", request->change.allowed_network,
                      "allowedNetwork: public-and-private or private-only");
  command->add_option("--months", request->change.interval_month, "rotation: 1 to 12");
  command
      ->add_option("--deny", request->denied,
                   "keyCreateImportAccess: a right to take away; repeat for more")
      ->check(CLI::IsMember(
          {"create_root_key", "create_standard_key", "import_root_key", "import_standard_key"}));
  command->add_flag("--enforce-token", request->enforce_token,
                    "keyCreateImportAccess: import with an import token only");
  on(*command, context, [&context, request]() -> Result<void> {
    client::InstancePolicyChange change = request->change;
    change.enabled = request->state == "on";
    for (const std::string& right : request->denied) change.access.emplace_back(right, false);
    if (request->enforce_token) change.access.emplace_back("enforce_token", true);
    client::ApiClient api = KH_TRY(context.api());
    const std::string warning = KH_TRY(api.set_instance_policy(change));
    if (!warning.empty()) context.err() << "warning: " << warning << '\n';
    return show_done(context, "Policy " + change.type + " is " + request->state + ".",
                     {{"policy_type", change.type}, {"enabled", change.enabled}});
  });
}

}  // namespace

void add_instance_policy_commands(CLI::App& instance, Context& context) {
  CLI::App* policy =
      instance.add_subcommand("policy", "policies of an instance: who may do what, from where");
  policy->require_subcommand(1);
  add_show(*policy, context);
  add_set(*policy, context);
}

}  // namespace keyhaven::cli
