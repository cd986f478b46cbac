// unit sealing: how the crypto units' state is sealed, and its change.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kRoute = "/v1/unit/sealing";

Result<void> show_sealing(Context& context, const std::string& document) {
  boost::json::error_code failed;
  const boost::json::value value = boost::json::parse(document, failed);
  if (failed || !value.is_object())
    return Error{Reason::BadBody, "the service does not tell how its state is sealed", {}};
  const boost::json::object& sealing = value.get_object();
  const auto text = [&](std::string_view name) {
    const boost::json::value* found = sealing.if_contains(name);
    if (found == nullptr) return std::string();
    return found->is_string() ? std::string(found->get_string().c_str())
                              : boost::json::serialize(*found);
  };
  Table table({"METHOD", "REFERENCE", "SAVES", "NOTICES OLD COPIES"});
  table.add({text("method"), text("reference"), text("saves"),
             text("detects_old_state") == "true" ? "yes" : "no"});
  KH_TRY(show(context, table, value));
  if (!context.wants_json()) context.out() << text("advice") << '\n';
  return {};
}

struct Wanted {
  std::string method;
  std::string reference;
};

Result<void> sealing(Context& context, const Wanted& wanted) {
  if (wanted.method.empty() && !wanted.reference.empty())
    return Error{Reason::InvalidArgument, "--reference needs --method", "method"};
  client::ApiClient api = KH_TRY(context.api());
  if (wanted.method.empty()) {
    const std::string document = KH_TRY(api.get_document(kRoute));
    return show_sealing(context, document);
  }
  const boost::json::object body{{"method", wanted.method}, {"reference", wanted.reference}};
  const std::string document = KH_TRY(api.put_document(kRoute, boost::json::serialize(body)));
  return show_sealing(context, document);
}

}  // namespace

void add_unit_commands(CLI::App& app, Context& context) {
  CLI::App* unit = app.add_subcommand("unit", "the crypto units' own state");
  unit->require_subcommand(1);
  auto wanted = std::make_shared<Wanted>();
  CLI::App* command = unit->add_subcommand(
      "sealing",
      "show how the state is sealed on the disk; with --method, change it while it runs");
  command->add_option("--method", wanted->method,
                      "file, passphrase, systemd-creds, pkcs11, tpm2 or none");
  command->add_option("--reference", wanted->reference,
                      "which secret of the unit's: a credential's name, "
                      "token=LABEL;key=LABEL;pin=NAME, or pcrs=0,7;auth=NAME");
  on(*command, context, [&context, wanted] { return sealing(context, *wanted); });
}

}  // namespace keyhaven::cli
