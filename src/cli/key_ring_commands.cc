// key-ring create, list, delete.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {

void add_key_ring_commands(CLI::App& app, Context& context) {
  CLI::App* rings = app.add_subcommand("key-ring", "groups of keys, for access by ring");
  rings->require_subcommand(1);
  auto made = std::make_shared<std::string>();
  CLI::App* create = rings->add_subcommand("create", "make a key ring");
  create->add_option("ring", *made, "2 to 100 letters, digits and -")->required();
  on(*create, context, [&context, made]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY(api.create_ring(*made));
    return show_done(context, "Key ring " + *made + " is made.", {{"ring", *made}});
  });
  CLI::App* list = rings->add_subcommand("list", "list the instance's key rings");
  on(*list, context, [&context]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    const auto all = KH_TRY(api.list_rings());
    Table table({"KEY RING", "CREATED", "BY"});
    boost::json::array json;
    for (const client::KeyRing& ring : all) {
      table.add(
          {ring.id, time_text(ring.created), ring.created_by.empty() ? "-" : ring.created_by});
      json.push_back(boost::json::object{
          {"id", ring.id}, {"created", time_text(ring.created)}, {"created_by", ring.created_by}});
    }
    return show(context, table, boost::json::object{{"rings", json}});
  });
  auto doomed = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  CLI::App* remove = rings->add_subcommand("delete", "delete a key ring without keys");
  remove->add_option("ring", *doomed, "the key ring")->required();
  remove->add_flag("--force,-f", *force,
                   "also when it holds destroyed keys: they move to the default ring");
  on(*remove, context, [&context, doomed, force]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY(api.delete_ring(*doomed, *force));
    return show_done(context, "Key ring " + *doomed + " is deleted.", {{"ring", *doomed}});
  });
}

}  // namespace keyhaven::cli
