#include "cli/migrate_session.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "base/file.h"

namespace keyhaven::cli {

using migrate::EndpointRef;
using migrate::Plan;
using migrate::PlannedKey;

namespace {

constexpr std::size_t kMaxCaBytes = 1024 * 1024;
constexpr std::size_t kMaxApiKeyBytes = 4096;

// Whether two addresses are one service as far as credentials go.
bool is_same_service(std::string_view a, std::string_view b) {
  while (a.ends_with('/')) a.remove_suffix(1);
  while (b.ends_with('/')) b.remove_suffix(1);
  return a == b;
}

// An API key goes to the service it is for and to no other: the command's own key is used only
// where the address is the command's own, for keys and for tokens.
bool is_own_service(const EndpointRef& ref, const Settings& settings) {
  const auto tokens_at = [](const std::string& iam_url, const std::string& url) {
    return iam_url.empty() ? url : iam_url;
  };
  return is_same_service(ref.url, settings.url) &&
         is_same_service(tokens_at(ref.iam_url, ref.url),
                         tokens_at(settings.iam_url, settings.url));
}

}  // namespace

Error failed(std::string message) { return Error{Reason::Conflict, std::move(message), {}}; }

std::string absolute(const std::string& path) {
  return path.empty() || path == "-" ? path
                                     : std::filesystem::absolute(path).lexically_normal().string();
}

EndpointRef with_defaults(EndpointRef given, const Settings& settings) {
  if (given.url.empty()) {
    given.url = settings.url;
    if (given.iam_url.empty()) given.iam_url = settings.iam_url;
    if (given.ca_file.empty()) given.ca_file = settings.ca_file;
  }
  if (given.api_key_file.empty() && is_own_service(given, settings))
    given.api_key_file = settings.api_key_file;
  given.ca_file = absolute(given.ca_file);
  given.api_key_file = absolute(given.api_key_file);
  return given;
}

Result<migrate::Side> make_side(Context& context, const EndpointRef& ref,
                                const std::string& plan_id) {
  client::Endpoint endpoint;
  endpoint.url = ref.url;
  endpoint.iam_url = ref.iam_url;
  endpoint.instance = ref.instance;
  if (!ref.ca_file.empty()) endpoint.ca_pem = KH_TRY(read_text(ref.ca_file, kMaxCaBytes));
  SecretBytes api_key;
  if (ref.api_key_file.empty()) {
    const Settings settings = KH_TRY(context.settings());
    if (!is_own_service(ref, settings)) {
      return Error{
          Reason::InvalidArgument,
          "no API key is named for " + ref.url +
              ", and the command's own is not sent to another service: give "
              "--source-api-key-file or --target-api-key-file, or api_key_file in the plan",
          "api_key_file"};
    }
    api_key = KH_TRY(context.api_key());
  } else {
    api_key = KH_TRY(read_secret(context, ref.api_key_file, kMaxApiKeyBytes, Newline::Strip));
  }
  client::TokenOptions options;
  options.iam_url = ref.iam_url.empty() ? ref.url : ref.iam_url;
  options.ca_pem = endpoint.ca_pem;
  options.api_key = std::move(api_key);
  auto tokens = KH_TRY(client::TokenSource::create(std::move(options)));
  // A service that is told to slow down may ask for minutes; a migration has the time.
  client::RetryPolicy retry;
  retry.max_attempts = 8;
  retry.longest_retry_after = std::chrono::minutes(10);
  return migrate::Side(std::move(endpoint), std::move(tokens), plan_id.substr(0, 8),
                       std::move(retry));
}

std::uint64_t total_deks(const Plan& plan) {
  std::uint64_t total = 0;
  for (const PlannedKey& key : plan.keys) total += key.deks;
  return total;
}

std::string journal_path(const std::string& plan_path, const std::string& given) {
  return given.empty() ? plan_path + ".journal" : given;
}

migrate::JournalOwner owner_of(const Plan& plan) {
  return {plan.id, plan.source.instance, plan.target.instance};
}

Result<Session> begin(Context& context, const std::string& plan_path, const std::string& journal) {
  Plan plan = KH_TRY(migrate::load_plan(plan_path));
  auto source = KH_TRY(make_side(context, plan.source, plan.id));
  auto target = KH_TRY(make_side(context, plan.target, plan.id));
  auto opened = KH_TRY(migrate::Journal::open(journal_path(plan_path, journal), owner_of(plan)));
  return Session{std::move(plan), std::move(source), std::move(target), std::move(opened)};
}

void add_endpoint(CLI::App& command, const std::string& side, migrate::EndpointRef& ref,
                  NeedsInstance instance) {
  const std::string group = side + " (default: the command's own service)";
  command.add_option("--" + side + "-url", ref.url, "address of the " + side)->group(group);
  command
      .add_option("--" + side + "-iam-url", ref.iam_url,
                  "address that gives its tokens, if another")
      ->group(group);
  command.add_option("--" + side + "-ca", ref.ca_file, "PEM file of its CA")->group(group);
  command
      .add_option("--" + side + "-api-key-file", ref.api_key_file, "file with the API key for it")
      ->group(group);
  if (instance == NeedsInstance::No) return;
  command.add_option("--" + side + "-instance", ref.instance, "instance id")
      ->required()
      ->group(group);
}

void add_common(CLI::App& command, std::string& plan, std::string& journal, unsigned& jobs) {
  command.add_option("plan", plan, "the plan file")->required();
  command.add_option("--journal", journal,
                     "the journal (default: PLAN.journal); keep it beside the plan");
  command.add_option("--jobs", jobs, "connections at a time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
}

void add_name_rule(CLI::App& command, std::string& rule) {
  command.add_option("--name-rule", rule,
                     "of a directory: how its paths tell key and AAD, e.g. \"{key}/{ref}.wdek\" "
                     "(default: FILE.json beside each FILE)");
}

}  // namespace keyhaven::cli
