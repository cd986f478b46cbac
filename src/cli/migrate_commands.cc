// Exit status of these verbs: 0 all done and proved; 1 failed or something differs; 2 usage. `plan`
// also answers 1 when something is blocked: the plan is written, and says what to decide.
#include "cli/migrate_commands.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>
#include <ostream>

#include "base/file.h"
#include "cli/context.h"
#include "cli/output.h"
#include "crypto/random.h"
#include "migrate/apply.h"
#include "migrate/planner.h"
#include "migrate/progress.h"
#include "migrate/rewrap.h"
#include "migrate/verify.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;
using migrate::EndpointRef;
using migrate::KeyAction;
using migrate::Plan;
using migrate::PlannedKey;

constexpr std::size_t kMaxCaBytes = 1024 * 1024;
constexpr std::size_t kMaxApiKeyBytes = 4096;

Error failed(std::string message) { return Error{Reason::Conflict, std::move(message), {}}; }

// Paths in a plan are absolute: it may be applied from another directory.
std::string absolute(const std::string& path) {
  return path.empty() || path == "-" ? path
                                     : std::filesystem::absolute(path).lexically_normal().string();
}

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
  return migrate::Side(std::move(endpoint), std::move(tokens), plan_id.substr(0, 8));
}

// Shows progress on a terminal, lines elsewhere.
class Reporter final : public migrate::Observer {
 public:
  Reporter(Context& context, std::string label, std::uint64_t total)
      : context_(context), bar_(context, std::move(label), total) {}
  void progress(std::uint64_t done, std::uint64_t) override { bar_.advance(done); }
  void note(const std::string& line) override {
    std::string safe = line;
    for (char& c : safe) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    context_.err() << safe << '\n';
  }

 private:
  Context& context_;
  Progress bar_;
};

std::uint64_t total_deks(const Plan& plan) {
  std::uint64_t total = 0;
  for (const PlannedKey& key : plan.keys) total += key.deks;
  return total;
}

// What the verbs after `plan` begin with.
struct Session {
  Plan plan;
  migrate::Side source;
  migrate::Side target;
  std::unique_ptr<migrate::Journal> journal;
};

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

Result<migrate::Material> load_material(const std::string& csv,
                                        const std::vector<std::string>& files) {
  migrate::Material material;
  if (!csv.empty()) material = KH_TRY(migrate::Material::load_csv(csv));
  for (const std::string& entry : files) {
    const std::size_t equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error{Reason::InvalidArgument, "--material-file takes KEY=FILE", "material-file"};
    }
    KH_TRY(material.add_file(entry.substr(0, equals), entry.substr(equals + 1)));
  }
  return material;
}

// --- plan ---

struct PlanArguments {
  EndpointRef source;
  EndpointRef target;
  std::string inventory;
  std::string material;
  std::vector<std::string> material_files;
  std::string out = "plan.yaml";
};

std::string what_is_said(const PlannedKey& key) {
  if (key.action == KeyAction::Blocked) return "BLOCKED: " + key.blocked;
  std::string out;
  if (key.material_versions > 0)
    out = std::to_string(key.material_versions) + " version(s) of material";
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
                                {"deks", key.deks}});
  }
  return {{"plan", plan.id},
          {"file", path},
          {"keys", keys},
          {"blocked", blocked},
          {"unknown_keys", json::array(plan.unknown_keys.begin(), plan.unknown_keys.end())},
          {"bad_rows", bad_rows}};
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
  const migrate::Material material =
      KH_TRY(load_material(arguments.material, arguments.material_files));
  migrate::InventoryCount inventory;
  if (!arguments.inventory.empty())
    inventory = KH_TRY(migrate::count_inventory(arguments.inventory));
  const Plan plan = KH_TRY(migrate::make_plan(source, target, source_ref, target_ref, plan_id,
                                              inventory, material, SystemClock().now()));
  KH_TRY(migrate::save_plan(arguments.out, plan));
  Table table({"SOURCE KEY", "NAME", "KIND", "ACTION", "DEKS", "REMARKS"});
  for (const PlannedKey& key : plan.keys) {
    table.add({key.source, key.name, key.root ? "root" : "standard",
               std::string(migrate::name_of(key.action)), std::to_string(key.deks),
               what_is_said(key)});
  }
  KH_TRY(show(context, table, summary_of(plan, arguments.out, inventory.bad)));
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

void add_endpoint(CLI::App& command, const std::string& side, EndpointRef& ref) {
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
  command.add_option("--" + side + "-instance", ref.instance, "instance id")
      ->required()
      ->group(group);
}

void add_plan(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<PlanArguments>();
  CLI::App* command =
      migrate_app.add_subcommand("plan", "read both sides and write a plan; changes nothing");
  add_endpoint(*command, "source", arguments->source);
  add_endpoint(*command, "target", arguments->target);
  command->add_option("--inventory", arguments->inventory,
                      "wrapped DEKs, CSV key,wdek,aad,ref or JSON Lines (.jsonl)");
  command->add_option("--material", arguments->material,
                      "CSV id,payload (mode 0600) with the material of imported keys");
  command->add_option("--material-file", arguments->material_files,
                      "KEY=FILE with raw material; repeat for versions");
  command->add_option("--out", arguments->out, "the plan; never overwritten")
      ->capture_default_str();
  on(*command, context, [&context, arguments] { return run_plan(context, *arguments); });
}

// --- apply ---

struct ApplyArguments {
  std::string plan;
  std::string journal;
  std::string material;
  std::vector<std::string> material_files;
  unsigned jobs = 4;
};

Result<void> run_apply(Context& context, const ApplyArguments& arguments) {
  const migrate::Material material =
      KH_TRY(load_material(arguments.material, arguments.material_files));
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::ApplyResult result;
  {
    Reporter reporter(context, "keys", session.plan.keys.size());
    result = KH_TRY(migrate::apply(session.plan, session.source, session.target, *session.journal,
                                   material, arguments.jobs, reporter));
  }
  const std::string words = std::to_string(result.carried) + " key(s) carried, " +
                            std::to_string(result.reported) + " only reported, " +
                            std::to_string(result.blocked) + " blocked, " +
                            std::to_string(result.failed) + " failed";
  if (result.failed > 0)
    return failed(words + "; run the same command again to go on where it stopped");
  KH_TRY(show_done(
      context, words + ".",
      {{"carried", result.carried}, {"reported", result.reported}, {"blocked", result.blocked}}));
  if (result.blocked > 0)
    return failed("blocked keys were not carried; decide them in the plan and apply it again");
  return {};
}

void add_common(CLI::App& command, std::string& plan, std::string& journal, unsigned& jobs) {
  command.add_option("plan", plan, "the plan file")->required();
  command.add_option("--journal", journal,
                     "the journal (default: PLAN.journal); keep it beside the plan");
  command.add_option("--jobs", jobs, "connections at a time")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
}

void add_apply(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<ApplyArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "apply", "carry the keys of a plan; run again to go on after anything");
  add_common(*command, arguments->plan, arguments->journal, arguments->jobs);
  command->add_option("--material", arguments->material, "CSV id,payload (mode 0600)");
  command->add_option("--material-file", arguments->material_files,
                      "KEY=FILE with raw material; repeat for versions");
  on(*command, context, [&context, arguments] { return run_apply(context, *arguments); });
}

// --- rewrap ---

struct RewrapArguments {
  std::string plan;
  std::string journal;
  migrate::RewrapOptions options;
};

Result<void> run_rewrap(Context& context, const RewrapArguments& arguments) {
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::RewrapResult result;
  {
    Reporter reporter(context, "DEKs", total_deks(session.plan));
    result = KH_TRY(migrate::rewrap(session.plan, session.source, session.target, *session.journal,
                                    arguments.options, reporter));
  }
  const json::object summary{{"rows", result.rows},
                             {"rewrapped", result.rewrapped},
                             {"refused", result.refused},
                             {"still_enabled", result.still_enabled}};
  KH_TRY(session.journal->record_run("rewrap", json::serialize(summary), SystemClock().now()));
  const std::string words = std::to_string(result.rewrapped) + " of " +
                            std::to_string(result.rows) + " wrapped DEKs re-wrapped into " +
                            arguments.options.out;
  if (result.still_enabled > 0) {
    return failed(words + "; " + std::to_string(result.still_enabled) +
                  " key(s) could not be disabled again: run the command again, or disable them");
  }
  if (result.refused > 0) {
    return failed(words + "; the others are listed with line and reason in " +
                  migrate::errors_path(arguments.options.out));
  }
  return show_done(context, words + ".", summary);
}

void add_rewrap(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<RewrapArguments>();
  CLI::App* command =
      migrate_app.add_subcommand("rewrap", "wrap the DEKs of an inventory under the target's keys");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  command->add_option("--inventory", arguments->options.inventory, "the old inventory")->required();
  command->add_option("--out", arguments->options.out, "the new inventory, same columns")
      ->required();
  command->add_flag("--enable-suspended", arguments->options.enable_suspended,
                    "enable disabled keys on both sides for this run, then disable them again");
  on(*command, context, [&context, arguments] { return run_rewrap(context, *arguments); });
}

// --- verify ---

struct VerifyArguments {
  std::string plan;
  std::string journal;
  std::string json_file;
  migrate::VerifyOptions options;
};

json::object verify_json(const migrate::VerifyResult& result) {
  return {{"deks", result.deks},
          {"deks_equal", result.deks_equal},
          {"deks_different", result.deks_different},
          {"deks_unverifiable", result.deks_unverifiable},
          {"deks_not_sampled", result.deks_not_sampled},
          {"standard_keys", result.standard_keys},
          {"standard_equal", result.standard_equal},
          {"keys_compared", result.keys_compared},
          {"metadata_differences", result.metadata_differences},
          {"keys_missing", result.keys_missing},
          {"still_enabled", result.still_enabled}};
}

Result<void> run_verify(Context& context, const VerifyArguments& arguments) {
  if (arguments.options.inventory.empty() != arguments.options.rewrapped.empty()) {
    return Error{Reason::InvalidArgument, "--inventory and --rewrapped belong together",
                 "inventory"};
  }
  Session session = KH_TRY(begin(context, arguments.plan, arguments.journal));
  migrate::VerifyResult result;
  {
    Reporter reporter(context, "DEKs", total_deks(session.plan));
    result = KH_TRY(migrate::verify(session.plan, session.source, session.target, *session.journal,
                                    arguments.options, reporter));
  }
  const json::object summary = verify_json(result);
  KH_TRY(session.journal->record_run("verify", json::serialize(summary), SystemClock().now()));
  if (!arguments.json_file.empty()) {
    KH_TRY(write_file_atomic(arguments.json_file, as_bytes(json::serialize(summary) + "\n"), 0644));
  }
  std::string words = std::to_string(result.deks_equal) + " of " + std::to_string(result.deks) +
                      " DEKs equal, " + std::to_string(result.standard_equal) + " of " +
                      std::to_string(result.standard_keys) + " standard keys equal, " +
                      std::to_string(result.metadata_differences) + " metadata difference(s) in " +
                      std::to_string(result.keys_compared) + " keys";
  if (result.deks_not_sampled > 0)
    words += ", " + std::to_string(result.deks_not_sampled) + " DEK(s) not in the sample";
  const std::uint64_t seen = result.deks + result.deks_not_sampled;
  if (const std::uint64_t planned = total_deks(session.plan); seen < planned) {
    context.err() << "the plan counted " << planned << " wrapped DEKs, this run was given " << seen
                  << '\n';
  }
  if (result.finds_nothing_wrong()) return show_done(context, words + ".", summary);
  if (result.still_enabled > 0)
    words += ", " + std::to_string(result.still_enabled) + " key(s) not disabled again";
  return failed(words + ", " + std::to_string(result.deks_different) + " DEK(s) different, " +
                std::to_string(result.deks_unverifiable) + " not verifiable, " +
                std::to_string(result.keys_missing) + " key(s) not carried; see the lines above");
}

void add_verify(CLI::App& migrate_app, Context& context) {
  auto arguments = std::make_shared<VerifyArguments>();
  CLI::App* command = migrate_app.add_subcommand(
      "verify", "open every DEK on both sides and compare; compare the keys");
  add_common(*command, arguments->plan, arguments->journal, arguments->options.jobs);
  command->add_option("--inventory", arguments->options.inventory, "the old inventory");
  command->add_option("--rewrapped", arguments->options.rewrapped, "what rewrap made of it");
  command
      ->add_option("--sample", arguments->options.every,
                   "compare each N-th DEK only (default: all)")
      ->check(CLI::PositiveNumber);
  command->add_flag("--enable-suspended", arguments->options.enable_suspended,
                    "enable disabled keys on both sides for this run, then disable them again");
  command->add_option("--json", arguments->json_file, "write the result as one JSON object");
  on(*command, context, [&context, arguments] { return run_verify(context, *arguments); });
}

// --- status ---

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

void add_status(CLI::App& migrate_app, Context& context) {
  auto plan = std::make_shared<std::string>();
  auto journal = std::make_shared<std::string>();
  CLI::App* command =
      migrate_app.add_subcommand("status", "what of a plan is done; asks no service");
  command->add_option("plan", *plan, "the plan file")->required();
  command->add_option("--journal", *journal, "the journal (default: PLAN.journal)");
  on(*command, context, [&context, plan, journal] { return run_status(context, *plan, *journal); });
}

}  // namespace

void register_migrate_commands(CLI::App& app, Context& context) {
  CLI::App* migrate_app = app.add_subcommand(
      "migrate", "carry keys and wrapped DEKs to another instance, and prove it");
  migrate_app->require_subcommand(1);
  add_plan(*migrate_app, context);
  add_apply(*migrate_app, context);
  add_rewrap(*migrate_app, context);
  add_verify(*migrate_app, context);
  add_status(*migrate_app, context);
}

}  // namespace keyhaven::cli
