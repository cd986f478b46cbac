// store verify: whether the store has what the crypto unit sealed last.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <map>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

constexpr std::string_view kRoute = "/v1/store/verification";

// What each fault means, for people.
const std::map<std::string, std::string, std::less<>>& meanings() {
  static const std::map<std::string, std::string, std::less<>> kMeanings = {
      {"forged", "the crypto unit never sealed this content in this place: restore it"},
      {"old", "an earlier state of the record was put back"},
      {"returned", "the record had been removed and was put back"},
      {"newer", "the crypto unit's own state is older than the record"},
      {"missing", "the record was taken away"},
      {"damaged", "the record cannot be read: restore it"},
      {"stray alias", "the alias index disagrees with the key's record, which counts"},
  };
  return kMeanings;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr) return "-";
  return found->is_string() ? std::string(found->get_string().c_str()) : json::serialize(*found);
}

std::uint64_t number_of(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  boost::system::error_code wrong;
  const auto number = found == nullptr ? 0 : found->to_number<std::uint64_t>(wrong);
  return wrong ? 0 : number;
}

std::vector<json::object> list_of(const json::object& object, std::string_view name) {
  std::vector<json::object> out;
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_array()) return out;
  for (const json::value& each : found->get_array()) {
    if (each.is_object()) out.push_back(each.get_object());
  }
  return out;
}

void print_suspects(Context& context, const json::object& check) {
  Table table({"TABLE", "INSTANCE", "RECORD", "FAULT"});
  std::map<std::string, std::string, std::less<>> seen;
  for (const json::object& suspect : list_of(check, "suspects")) {
    const std::string fault = text_of(suspect, "fault");
    table.add({text_of(suspect, "table"), text_of(suspect, "instance_id"), text_of(suspect, "id"),
               fault});
    if (const auto found = meanings().find(fault); found != meanings().end()) seen.insert(*found);
  }
  table.print(context.out());
  const std::uint64_t unnamed = number_of(check, "unnamed");
  if (unnamed > 0) context.out() << "... and " << unnamed << " more\n";
  context.out() << '\n';
  for (const auto& [fault, meaning] : seen) context.out() << fault << ": " << meaning << '\n';
}

void print_differences(Context& context, const json::object& check) {
  for (const json::object& scope : list_of(check, "differences")) {
    const bool acceptable = number_of(scope, "old") + number_of(scope, "returned") +
                                number_of(scope, "newer") + number_of(scope, "missing") >
                            0;
    if (!acceptable) continue;
    const std::string instance = text_of(scope, "instance_id");
    const std::string difference = text_of(scope, "difference");
    if (instance == "-") {
      context.out() << "If the deployment's records are right as they are (a backup was restored): "
                       "set unit.accept_records = \""
                    << difference << "\" for one start of the server\n";
    } else {
      context.out() << "If the records of instance " << instance
                    << " are right as they are: keyhaven tke records-accept --instance " << instance
                    << " --difference " << difference << '\n';
    }
  }
}

// Exit status 1 when a record is not as it was sealed last.
Result<void> verify(Context& context, bool at_start) {
  client::ApiClient api = KH_TRY(context.api());
  const std::string document =
      KH_TRY(at_start ? api.get_document(kRoute) : api.post_document(kRoute));
  json::error_code failed;
  const json::value value = json::parse(document, failed);
  if (failed || !value.is_object())
    return Error{Reason::BadBody, "the service does not tell what the check found", {}};
  const json::object& check = value.get_object();
  const std::uint64_t faults = number_of(check, "faults");
  if (context.wants_json()) {
    print_json(context, value);
  } else if (faults == 0) {
    context.out() << "OK: all " << number_of(check, "records")
                  << " stored records are as the crypto unit sealed them last.\n";
  } else {
    print_suspects(context, check);
    print_differences(context, check);
  }
  if (faults == 0) return {};
  return Error{Reason::RecordNotAuthentic,
               std::to_string(faults) +
                   " stored records are not as the crypto unit sealed them last; "
                   "docs/operations/records.md says what to do",
               {}};
}

}  // namespace

void add_store_commands(CLI::App& app, Context& context) {
  CLI::App* store = app.add_subcommand("store", "what the server keeps on its disk");
  store->require_subcommand(1);
  auto at_start = std::make_shared<bool>(false);
  CLI::App* command = store->add_subcommand(
      "verify",
      "hold every stored record against the crypto unit's seals; exit status 1 and the names of "
      "the records when one was changed, swapped, put back or taken away");
  command->add_flag("--at-start", *at_start, "show what the server found when it started");
  on(*command, context, [&context, at_start] { return verify(context, *at_start); });
}

}  // namespace keyhaven::cli
