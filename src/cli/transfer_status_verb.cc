// transfer status, transfer close.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/context.h"
#include "cli/output.h"
#include "cli/transfer_session.h"
#include "cli/transfer_verbs.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

Result<void> run_status(Context& context) {
  client::ApiClient api = KH_TRY(context.instance_api());
  const client::Transfers open = KH_TRY(api.transfers());
  Table table({"TRANSFER", "KEYS", "OTHER INSTANCE", "UNTIL", "CONSENTED TO"});
  json::array outgoing;
  json::array incoming;
  for (const auto& one : open.outgoing) {
    table.add({one.id.text(), "leave", one.target.text(), time_text(one.expires), "-"});
    outgoing.push_back(json::object{
        {"id", one.id.text()}, {"target", one.target.text()}, {"expires", time_text(one.expires)}});
  }
  for (const auto& one : open.incoming) {
    const std::string manifest = one.manifest ? to_hex(*one.manifest) : "-";
    table.add({one.id.text(), "come", one.source.text(), time_text(one.expires), manifest});
    json::object row{
        {"id", one.id.text()}, {"source", one.source.text()}, {"expires", time_text(one.expires)}};
    if (one.manifest) row["manifest"] = manifest;
    incoming.push_back(std::move(row));
  }
  return show(context, table, json::object{{"outgoing", outgoing}, {"incoming", incoming}});
}

Result<void> run_close(Context& context, const UnitOptions& options, const std::string& text) {
  const auto id = Uuid::parse(text);
  if (!id) return Error{Reason::InvalidArgument, "a transfer's id is a UUID", "id"};
  client::ApiClient api = KH_TRY(transfer_api(context, *id));
  KH_TRY(agree(context, options,
               "Close transfer " + text +
                   "? The crypto unit forgets its keys: a bundle of it opens nowhere any more."));
  KH_TRY(api.close_transfer(*id));
  return show_done(context, "Transfer " + text + " is closed here.", {{"id", text}});
}

}  // namespace

void add_transfer_status(CLI::App& transfer, Context& context) {
  CLI::App* status =
      transfer.add_subcommand("status", "list the transfers that the instance has open");
  on(*status, context, [&context] { return run_status(context); });

  auto options = std::make_shared<UnitOptions>();
  auto id = std::make_shared<std::string>();
  CLI::App* close = transfer.add_subcommand("close", "end a transfer at this side, for good");
  close->add_option("id", *id, "id of the transfer")->required();
  add_yes_option(*close, *options);
  on(*close, context, [&context, options, id] { return run_close(context, *options, *id); });
}

}  // namespace keyhaven::cli
