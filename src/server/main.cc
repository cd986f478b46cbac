// keyhavend: reads its configuration, becomes the server user, runs until a signal.
//
// Exit status: 0 stopped by SIGTERM or SIGINT, or the asked-for text was printed; 1 it could not
// start or run; 2 the configuration or the command line is wrong.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>

#include "http/errors.h"
#include "server/config.h"
#include "server/route_list.h"
#include "server/service.h"

namespace {

using keyhaven::Result;
using keyhaven::server::Config;

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;

struct Arguments {
  std::string config_file;
  std::string data_directory;
  std::string listen;
  std::string port;
  std::vector<std::string> settings;  // name=value
  bool check_config = false;
  bool print_config = false;
  bool document_config = false;
  bool document_errors = false;
  bool list_routes = false;
};

void describe(CLI::App& app, Arguments& arguments) {
  app.set_version_flag("--version", "keyhavend " KH_VERSION);
  app.add_option("--config", arguments.config_file, "configuration file (TOML)");
  app.add_option("--data-dir", arguments.data_directory,
                 "short for --set server.data_directory=DIR");
  app.add_option("--listen", arguments.listen, "short for --set server.listen=ADDRESS");
  app.add_option("--port", arguments.port, "short for --set server.port=PORT");
  app.add_option("--set", arguments.settings, "SECTION.KEY=VALUE, over the file; repeatable");
  app.add_flag("--check-config", arguments.check_config, "check the configuration and exit");
  app.add_flag("--print-config", arguments.print_config,
               "print the effective configuration and exit");
  app.add_flag("--document-config", arguments.document_config,
               "print every key with default, unit and meaning");
  app.add_flag("--document-errors", arguments.document_errors,
               "print every reason of a refusal with status, code and meaning");
  app.add_flag("--list-routes", arguments.list_routes, "print the API's routes as JSON");
}

Result<Config> effective_config(const Arguments& arguments) {
  Config config;
  if (!arguments.config_file.empty())
    config = KH_TRY(keyhaven::server::load_config(arguments.config_file));
  const std::pair<const char*, const std::string&> shorts[] = {
      {"server.data_directory", arguments.data_directory},
      {"server.listen", arguments.listen},
      {"server.port", arguments.port}};
  for (const auto& [name, value] : shorts) {
    if (!value.empty()) KH_TRY(keyhaven::server::set_config_key(config, name, value));
  }
  for (const std::string& setting : arguments.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return keyhaven::Error{
          keyhaven::Reason::InvalidArgument, "--set takes SECTION.KEY=VALUE, not " + setting, {}};
    }
    KH_TRY(keyhaven::server::set_config_key(config, setting.substr(0, equals),
                                            setting.substr(equals + 1)));
  }
  KH_TRY(keyhaven::server::validate(config));
  return config;
}

void print_documentation() {
  std::cout << "| key | type | default | unit | meaning |\n|---|---|---|---|---|\n";
  for (const auto& key : keyhaven::server::config_keys()) {
    std::cout << "| `" << key.name << "` | " << key.type << " | `" << key.default_text << "` | "
              << key.unit << " | " << key.text << " |\n";
  }
}

int complain(const keyhaven::Error& error, int status) {
  std::cerr << "keyhavend: " << error.message << '\n';
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "The Keyhaven server: key management over HTTPS, with its crypto units in a process of their "
      "own.",
      "keyhavend");
  Arguments arguments;
  describe(app, arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    std::cerr << "keyhavend: " << error.what() << "; see keyhavend --help\n";
    return kExitUsage;
  }
  if (arguments.document_config) {
    print_documentation();
    return 0;
  }
  if (arguments.document_errors) {
    std::cout << keyhaven::http::document_errors();
    return 0;
  }
  if (arguments.list_routes) {
    const auto routes = keyhaven::server::list_routes();
    if (!routes) return complain(routes.error(), kExitFailed);
    std::cout << *routes;
    return 0;
  }
  const auto config = effective_config(arguments);
  if (!config) return complain(config.error(), kExitUsage);
  if (arguments.print_config) {
    std::cout << keyhaven::server::to_toml(*config);
    return 0;
  }
  if (arguments.check_config) {
    std::cout << "the configuration is good\n";
    return 0;
  }
  const auto done = keyhaven::server::run(*config);
  return done ? 0 : complain(done.error(), kExitFailed);
}
