// audit verify, public-key, and what audit_reading_verbs.cc adds.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "audit/log.h"
#include "cli/audit_key.h"
#include "cli/audit_verbs.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kPublicKeyRoute = "/v1/audit/public_key";

Result<void> verify(Context& context, const std::string& directory, const std::string& key_text) {
  const Bytes key = KH_TRY(audit_key_of(key_text, "public-key"));
  const audit::Verification found = KH_TRY(audit::verify_log(directory, key));
  boost::json::array problems;
  for (const std::string& problem : found.problems) problems.emplace_back(problem);
  if (context.wants_json()) {
    print_json(context, boost::json::object{{"records", found.records},
                                            {"checkpoints", found.checkpoints},
                                            {"unsealed", found.unsealed},
                                            {"problems", problems}});
  } else {
    context.out() << found.records << " records, " << found.checkpoints << " signed checkpoints, "
                  << found.unsealed << " records after the last checkpoint\n";
    for (const std::string& problem : found.problems)
      context.out() << "PROBLEM " << problem << '\n';
    if (found.problems.empty()) context.out() << "OK: the log is whole\n";
  }
  if (found.problems.empty()) return {};
  return Error{
      Reason::Conflict,
      "the audit log does not verify: " + std::to_string(found.problems.size()) + " problem(s)",
      {}};
}

Result<void> print_public_key(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  const std::string document = KH_TRY(api.get_document(kPublicKeyRoute));
  boost::json::error_code failed;
  const boost::json::value value = boost::json::parse(document, failed);
  const boost::json::value* key =
      failed || !value.is_object() ? nullptr : value.get_object().if_contains("public_key");
  if (key == nullptr || !key->is_string()) {
    return Error{Reason::BadBody,
                 "the service does not tell its audit key; it is printed at its installation",
                 "public_key"};
  }
  const std::string text(key->get_string().data(), key->get_string().size());
  if (context.wants_json()) {
    print_json(context, boost::json::object{{"public_key", text}});
  } else {
    context.out() << text << '\n';
  }
  return {};
}

}  // namespace

void add_audit_commands(CLI::App& app, Context& context) {
  CLI::App* audit = app.add_subcommand("audit", "search the audit log, and prove that it is whole");
  audit->require_subcommand(1);
  auto directory = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  CLI::App* verify_command = audit->add_subcommand(
      "verify", "check every record, chain and checkpoint of a log directory, offline");
  verify_command->add_option("--log", *directory, "log directory")->required();
  verify_command
      ->add_option("--public-key", *key, "checkpoint key: 64 hex digits, or a file with them")
      ->required();
  on(*verify_command, context,
     [&context, directory, key] { return verify(context, *directory, *key); });
  CLI::App* key_command = audit->add_subcommand(
      "public-key", "print the checkpoint key of the service; keep it elsewhere than the log");
  on(*key_command, context, [&context] { return print_public_key(context); });
  add_audit_reading_verbs(*audit, context);
}

}  // namespace keyhaven::cli
