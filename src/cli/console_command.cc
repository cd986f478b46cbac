// console: the web console on the administrator's own loopback, with the login of the profile.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <ostream>

#include "cli/ceremony_files.h"
#include "cli/commands.h"
#include "cli/console_migrations.h"
#include "cli/context.h"
#include "cli/output.h"
#include "console/console.h"
#include "web/web_files.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxRootBytes = 4096;
constexpr std::string_view kMenu =
    "Serves the web console to this machine's browser and passes its calls on to the service of\n"
    "the profile, with its login. Key files and key parts are opened in this console only, "
    "because\n"
    "its page comes from the installed program and not from the service.";

struct ConsoleArguments {
  std::uint16_t port = 0;
  unsigned idle_minutes = 30;
  std::string root_file;
  std::string migration;
  std::string web_dir;
};

// share/keyhaven/web beside the folder of this program.
std::string installed_files() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  const std::string program(path.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return program.substr(0, program.rfind('/') + 1) + "../share/keyhaven/web";
}

Result<web::WebFiles> files_of(const ConsoleArguments& arguments) {
  const std::string directory = arguments.web_dir.empty() ? installed_files() : arguments.web_dir;
  auto files = web::WebFiles::load(directory);
  if (files) return files;
  return Error{Reason::InvalidArgument,
               files.error().message +
                   ": the console is not installed; build it (cmake --build build/release --target "
                   "web), or give --web-dir",
               "web-dir"};
}

// What the administrator pinned, never what the service says. Empty: nothing is pinned.
Result<std::string> pinned_root(Context& context, const ConsoleArguments& arguments,
                                const client::Endpoint& endpoint) {
  std::optional<tke::AttestationRoot> root;
  if (!arguments.root_file.empty()) {
    const std::string text = KH_TRY(read_text(arguments.root_file, kMaxRootBytes));
    auto parsed = tke::AttestationRoot::parse(text);
    if (!parsed) {
      return Error{Reason::InvalidArgument, arguments.root_file + ": " + parsed.error().message,
                   "attestation-root"};
    }
    root = std::move(parsed).value();
  } else if (!context.variable("CLOUDTKEFILES").empty()) {
    const CeremonyFiles files = KH_TRY(CeremonyFiles::open(context));
    root = KH_TRY(files.pinned_root(endpoint.tke_url.empty() ? endpoint.url : endpoint.tke_url));
  }
  if (!root) return std::string();
  const ByteView point = root->key.point();
  const std::size_t half = (point.size() - 1) / 2;  // 04, X, Y
  return json::serialize(json::object{{"ski", to_hex(root->ski)},
                                      {"x", to_hex(point.subspan(1, half))},
                                      {"y", to_hex(point.subspan(1 + half, half))},
                                      {"spki", to_base64(root->key.spki())}});
}

// The address opens the console once: it is for the person at this terminal and goes nowhere else.
void show_address(Context& context, const console::Console& console,
                  const ConsoleArguments& arguments) {
  const SecretBytes address = console.start_address();
  const std::string_view text = as_text(address.expose());
  if (context.wants_json()) {
    context.out() << "{\"port\":" << console.port() << ",\"url\":\"" << text << "\"}" << std::endl;
    return;
  }
  context.out() << "The console is at\n\n  " << text
                << "\n\nThe address works once, within five minutes, in a browser on this machine. "
                   "Ctrl-C ends the console; after "
                << arguments.idle_minutes << " minutes without use it ends by itself." << std::endl;
}

// Until Ctrl-C or SIGTERM, or nobody has used it for so long.
void wait_for_end(Context& context, const console::Console& console,
                  const ConsoleArguments& arguments, const sigset_t& signals) {
  const std::chrono::minutes limit(arguments.idle_minutes);
  while (true) {
    const timespec second{1, 0};
    if (::sigtimedwait(&signals, nullptr, &second) > 0) break;
    if (console.idle() < limit) continue;
    context.err() << "The console was not used for " << arguments.idle_minutes
                  << " minutes and ends.\n";
    break;
  }
  ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second Ctrl-C does not wait
}

Result<void> run_console(Context& context, const ConsoleArguments& arguments) {
  const client::Endpoint endpoint = KH_TRY(context.endpoint());
  console::ConsoleOptions options;
  options.port = arguments.port;
  options.files = KH_TRY(files_of(arguments));
  options.server = {endpoint.url, endpoint.iam_url, endpoint.tke_url, endpoint.resource_url,
                    endpoint.ca_pem};
  options.tokens = KH_TRY(context.tokens());
  options.attestation_root = KH_TRY(pinned_root(context, arguments, endpoint));
  if (!arguments.migration.empty()) options.migrations = KH_TRY(migrations_in(arguments.migration));

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // the console's threads inherit it
  const SystemClock clock;
  const auto console = KH_TRY(console::Console::start(std::move(options), clock));
  show_address(context, *console, arguments);
  wait_for_end(context, *console, arguments, signals);
  console->stop();
  return {};
}

}  // namespace

void add_console_command(CLI::App& app, Context& context) {
  auto arguments = std::make_shared<ConsoleArguments>();
  CLI::App* command =
      app.add_subcommand("console", "serve the web console to this machine's browser");
  command->footer(std::string(kMenu));
  command->add_option("--port", arguments->port, "port on 127.0.0.1 (default: any free one)");
  command
      ->add_option("--idle", arguments->idle_minutes,
                   "minutes without use after which it ends by itself")
      ->check(CLI::Range(1, 1440))
      ->capture_default_str();
  command->add_option("--attestation-root", arguments->root_file,
                      "file with the deployment's attestation root (SKI, X, Y) as printed at "
                      "installation (default: the one pinned in CLOUDTKEFILES)");
  command->add_option("--migration", arguments->migration,
                      "directory with a migration's plan, journal and reports, to show them");
  command->add_option("--web-dir", arguments->web_dir,
                      "built files of the console (default: those installed with this program)");
  on(*command, context, [&context, arguments] { return run_console(context, *arguments); });
}

}  // namespace keyhaven::cli
