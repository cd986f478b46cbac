#include "cli/app.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <ostream>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/context.h"
#include "cli/man_page.h"
#include "cli/migrate_commands.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

void add_global_options(CLI::App& app, Context& context) {
  GlobalOptions& options = context.options;
  app.add_option("--url", options.url,
                 "service address, https://HOST[:PORT] (KH_URL, KP_TARGET_ADDR, KP_PRIVATE_ADDR)");
  app.add_option("--iam-url", options.iam_url,
                 "address that gives tokens, if another (KH_IAM_URL)");
  app.add_option("--ca", options.ca_file,
                 "PEM file of the CA that the service's certificate must chain to (KH_CA)");
  app.add_option(
      "--api-key-file", options.api_key_file,
      "file with the API key, - for standard input (KH_API_KEY_FILE; the key itself: KH_API_KEY)");
  app.add_option("--instance,-i", options.instance, "instance id (KH_INSTANCE, KP_INSTANCE_ID)");
  app.add_option("--output,-o", options.output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.add_option("--config", options.profile_file,
                 "profile file instead of $XDG_CONFIG_HOME/keyhaven/profile.json");
}

void print_failure(Context& context, std::string_view what, std::string_view remedy) {
  context.err() << "FAILED\n" << what << '\n';
  if (!remedy.empty()) context.err() << remedy << '\n';
}

// Configuration and command line are the caller's to correct before anything was asked of a
// service.
int exit_status_of(const Error& error) {
  return error.reason == Reason::InvalidArgument ? kExitUsage : kExitFailed;
}

}  // namespace

std::unique_ptr<CLI::App> build_app(Context& context) {
  auto app = std::make_unique<CLI::App>(
      "Keyhaven: keys, ceremonies and migration from the command line", "keyhaven");
  app->set_version_flag("--version", "keyhaven " KH_VERSION);
  app->set_help_flag("--help,-h", "show this text");
  app->fallthrough();  // global options may follow the verb
  app->require_subcommand(1);
  add_global_options(*app, context);
  add_login_commands(*app, context);
  add_instance_commands(*app, context);
  add_tke_commands(*app, context);
  add_key_commands(*app, context);
  add_key_ring_commands(*app, context);
  add_iam_commands(*app, context);
  register_migrate_commands(*app, context);
  add_transfer_commands(*app, context);
  add_audit_commands(*app, context);
  add_unit_commands(*app, context);
  add_store_commands(*app, context);
  add_health_command(*app, context);
  add_console_command(*app, context);
  CLI::App* tree = app.get();
  CLI::App* completion = app->add_subcommand(
      "completion", "print a completion script: source <(keyhaven completion bash)");
  auto shell = std::make_shared<std::string>("bash");
  completion->add_option("shell", *shell, "the shell")
      ->check(CLI::IsMember({"bash"}))
      ->capture_default_str();
  on(*completion, context, [&context, tree, shell]() -> Result<void> {
    context.out() << bash_completion(*tree);
    return {};
  });
  CLI::App* man =
      app->add_subcommand("man", "print the manual page (troff): keyhaven man | man -l -");
  on(*man, context, [&context, tree]() -> Result<void> {
    context.out() << man_page(*tree);
    return {};
  });
  return app;
}

int run(Context& context, const std::vector<std::string>& arguments) {
  const auto app = build_app(context);
  try {
    app->parse(std::vector<std::string>(arguments.rbegin(),
                                        arguments.rend()));  // CLI11 takes them backwards
  } catch (const CLI::CallForHelp&) {
    context.out() << app->help();
    return kExitOk;
  } catch (const CLI::CallForAllHelp&) {
    context.out() << app->help("", CLI::AppFormatMode::All);
    return kExitOk;
  } catch (const CLI::CallForVersion&) {
    context.out() << "keyhaven " KH_VERSION "\n";
    return kExitOk;
  } catch (const CLI::ParseError& error) {
    print_failure(context, error.what(), "Run the command with --help for its options.");
    return kExitUsage;
  }
  if (!context.action) {
    print_failure(context, "no command given", "Run \"keyhaven --help\".");
    return kExitUsage;
  }
  const auto done = context.action();
  context.out().flush();
  if (done && context.out().good()) return kExitOk;
  if (done) {
    print_failure(context, "the output cannot be written", "The operation itself succeeded.");
    return kExitFailed;
  }
  const Error& error = done.error();
  print_failure(context, error.message, remedy_of(error));
  if (context.wants_json()) {
    print_json(context, {{"ok", false},
                         {"reason", std::string(name_of(error.reason))},
                         {"message", error.message}});
  }
  return exit_status_of(error);
}

}  // namespace keyhaven::cli
