// One function per noun: each adds its verbs to the tree.
#pragma once

namespace CLI {
class App;
}

namespace keyhaven::cli {

class Context;

void add_login_commands(CLI::App& app, Context& context);     // login, logout
void add_health_command(CLI::App& app, Context& context);     // health
void add_instance_commands(CLI::App& app, Context& context);  // instance ...
void add_instance_policy_commands(CLI::App& instance,
                                  Context& context);     // instance policy ...: below `instance`
void add_key_commands(CLI::App& app, Context& context);  // key ...
void add_key_action_commands(CLI::App& key,
                             Context& context);  // key wrap, unwrap, rewrap: below `key`
void add_key_ring_commands(CLI::App& app, Context& context);  // key-ring ...
void add_iam_commands(CLI::App& app, Context& context);       // iam ...
void add_audit_commands(CLI::App& app, Context& context);     // audit ...
void add_tke_commands(CLI::App& app, Context& context);       // tke ...
void add_transfer_commands(CLI::App& app, Context& context);  // transfer ...
void add_unit_commands(CLI::App& app, Context& context);      // unit sealing
void add_console_command(CLI::App& app, Context& context);    // console
void add_store_commands(CLI::App& app, Context& context);     // store verify

}  // namespace keyhaven::cli
