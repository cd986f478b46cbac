// key create, list, show and the verbs of a key's life. The verbs that use a key are in
// key_action_commands.cc.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <sstream>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/key_output.h"
#include "cli/material.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

struct CreateOptions {
  client::CreateKey request;
  bool root = false;
  bool standard = false;
  bool raw = false;
  std::string payload_file;
  std::string expires;
};

Result<void> create(Context& context, CreateOptions& options) {
  client::CreateKey& request = options.request;
  request.extractable = options.standard;
  if (!options.expires.empty()) {
    const auto time = parse_rfc3339(options.expires);
    if (!time) {
      return Error{Reason::InvalidArgument, "--expires must be a time like 2036-01-01T00:00:00Z",
                   "expires"};
    }
    request.expires = time.value();
  }
  if (!options.payload_file.empty()) {
    request.payload = KH_TRY(read_material(context, options.payload_file,
                                           options.raw ? Encoding::Raw : Encoding::Base64));
  }
  client::ApiClient api = KH_TRY(context.instance_api());
  // With an alias the service refuses a second key, so a repeat after a lost answer cannot make
  // two.
  const auto repeat = request.aliases.empty() ? client::Repeat::Never : client::Repeat::Safe;
  auto made = api.create_key(request, repeat);
  if (!made && api.last_failure().may_have_happened) {
    Error error = std::move(made).error();
    error.message +=
        "; the key may exist all the same: see \"keyhaven key list\" before you try again";
    return error;
  }
  if (!made) return std::move(made).error();
  return show_key(context, made.value());
}

void add_create(CLI::App& key, Context& context) {
  auto options = std::make_shared<CreateOptions>();
  CLI::App* command =
      key.add_subcommand("create", "make or import a key; a root key unless --standard");
  command->add_option("name", options->request.name, "name, 2 to 90 characters")->required();
  auto* standard = command->add_flag("--standard,-s", options->standard,
                                     "a standard key: its material is handed out");
  command
      ->add_flag("--root", options->root,
                 "a root key: it wraps, its material never leaves the crypto units (default)")
      ->excludes(standard);
  command->add_option(
      "--payload-file", options->payload_file,
      "import this material: a file with base64 text, - for standard input (default: generated)");
  command->add_flag("--raw", options->raw,
                    "the payload file holds the bytes themselves, not base64");
  command->add_option("--alias,-a", options->request.aliases,
                      "alias; may be given up to five times");
  command->add_option("--ring,--key-ring", options->request.key_ring,
                      "key ring (default: default)");
  command->add_option("--description,-D", options->request.description,
                      "description, 2 to 240 characters");
  command->add_option("--tag", options->request.tags, "tag; may be given up to 30 times");
  command->add_option("--expires,-e", options->expires,
                      "expiration time, e.g. 2036-01-01T00:00:00Z");
  on(*command, context, [&context, options] { return create(context, *options); });
}

struct ListOptions {
  std::string type;
  std::string states = "active,suspended,deactivated";
  client::KeyQuery query;
  bool count = false;
};

Result<void> list(Context& context, ListOptions& options) {
  std::istringstream names(options.states);
  for (std::string name; std::getline(names, name, ',');) {
    const auto state = client::state_number(name);
    if (!state) {
      return Error{
          Reason::InvalidArgument,
          "unknown state \"" + name + "\": pre-active, active, suspended, deactivated, destroyed",
          "states"};
    }
    options.query.states.push_back(*state);
  }
  if (!options.type.empty()) options.query.extractable = options.type == "standard";
  client::ApiClient api = KH_TRY(context.instance_api());
  if (options.count) {
    const std::uint64_t count = KH_TRY(api.count_keys(options.query));
    if (context.wants_json()) {
      print_json(context, boost::json::object{{"count", count}});
    } else {
      context.out() << count << '\n';
    }
    return {};
  }
  options.query.limit = 1000;
  const auto keys = KH_TRY(api.list_all_keys(options.query));
  Table table({"KEY ID", "NAME", "TYPE", "STATE", "RING", "ALIASES", "EXPIRES"});
  boost::json::array json;
  for (const client::Key& one : keys) {
    table.add({one.id, one.name, one.is_root() ? "root" : "standard",
               std::string(client::state_name(one.state)), one.key_ring, join(one.aliases, ","),
               time_text(one.expires)});
    json.push_back(key_json(one));
  }
  return show(context, table, boost::json::object{{"keys", json}});
}

void add_list(CLI::App& key, Context& context) {
  auto options = std::make_shared<ListOptions>();
  CLI::App* command = key.add_subcommand("list", "list keys, or count them");
  command->add_option("--type,-t", options->type, "only root or only standard keys")
      ->check(CLI::IsMember({"root", "standard"}));
  command->add_option("--states", options->states, "states, separated by commas")
      ->capture_default_str();
  command->add_option("--ring,--key-ring", options->query.key_ring, "only this key ring");
  command->add_option("--search,-l", options->query.search,
                      "text in name or alias; not:, exact:, alias:, name: may precede");
  command->add_option("--filter,-f", options->query.filter,
                      "property filter, e.g. expirationDate=lt:\"2027-01-01T00:00:00Z\"");
  command->add_option("--sort,-b", options->query.sort,
                      "property to sort by; - in front: descending");
  command->add_flag("--count", options->count, "only how many");
  on(*command, context, [&context, options] { return list(context, *options); });
}

struct ShowOptions {
  std::string ref;
  std::string ring;
  std::string payload_out;
};

Result<void> show_one(Context& context, const ShowOptions& options) {
  client::ApiClient api = KH_TRY(context.instance_api());
  if (options.payload_out.empty()) {
    const client::Key key = KH_TRY(api.get_metadata(options.ref, options.ring));
    return show_key(context, key);
  }
  const client::Key key = KH_TRY(api.get_key(options.ref, options.ring));
  if (key.payload.empty()) {
    return Error{
        Reason::NotSupported,
        "key " + options.ref + " gives no payload: only standard keys that are not destroyed do",
        {}};
  }
  KH_TRY(write_material(context, options.payload_out, key.payload));
  return options.payload_out == "-" ? Result<void>() : show_key(context, key);
}

void add_show(CLI::App& key, Context& context) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = key.add_subcommand(
      "show", "show a key's metadata; a standard key's material with --payload-out");
  command->add_option("key", options->ref, "key id or alias")->required();
  command->add_option("--ring,--key-ring", options->ring, "key ring the key must be in");
  command->add_option(
      "--payload-out", options->payload_out,
      "write the material as base64 to this new file (0600), - for standard output");
  on(*command, context, [&context, options] { return show_one(context, *options); });
}

// Verbs that take a key and answer with nothing but success.
using Verb = Result<void> (client::ApiClient::*)(std::string_view);
void add_verb(CLI::App& key, Context& context, const char* name, const char* help, const char* past,
              Verb verb) {
  auto ref = std::make_shared<std::string>();
  CLI::App* command = key.add_subcommand(name, help);
  command->add_option("key", *ref, "key id or alias")->required();
  on(*command, context, [&context, ref, past, verb]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY((api.*verb)(*ref));
    return show_done(context, "Key " + *ref + " is " + past + ".", {{"key", *ref}});
  });
}

void add_delete(CLI::App& key, Context& context) {
  auto ref = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  CLI::App* command = key.add_subcommand("delete", "destroy a key; it can be restored for 30 days");
  command->add_option("key", *ref, "key id or alias")->required();
  command->add_flag("--force,-f", *force, "also when registrations show that it is in use");
  on(*command, context, [&context, ref, force]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY(api.delete_key(*ref, *force));
    return show_done(context, "Key " + *ref + " is destroyed.", {{"key", *ref}});
  });
}

void add_restore_and_move(CLI::App& key, Context& context) {
  auto ref = std::make_shared<std::string>();
  CLI::App* restore = key.add_subcommand("restore", "bring a destroyed key back");
  restore->add_option("key", *ref, "key id or alias")->required();
  on(*restore, context, [&context, ref]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    const client::Key restored = KH_TRY(api.restore_key(*ref));
    return show_key(context, restored);
  });
  auto moved = std::make_shared<std::string>();
  auto ring = std::make_shared<std::string>();
  CLI::App* move = key.add_subcommand("move", "move a key to another key ring");
  move->add_option("key", *moved, "key id or alias")->required();
  move->add_option("--ring,--key-ring", *ring, "the key ring to move it to")->required();
  on(*move, context, [&context, moved, ring]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    const client::Key now = KH_TRY(api.move_key(*moved, *ring));
    return show_key(context, now);
  });
}

void add_aliases(CLI::App& key, Context& context) {
  auto alias = std::make_shared<std::string>();
  auto ref = std::make_shared<std::string>();
  CLI::App* create_alias =
      key.add_subcommand("alias-create", "give a key another name that is unique in the instance");
  create_alias->add_option("alias", *alias, "2 to 90 letters, digits, - and _")->required();
  create_alias->add_option("key", *ref, "key id or alias")->required();
  on(*create_alias, context, [&context, alias, ref]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    const client::Alias made = KH_TRY(api.create_alias(*ref, *alias));
    return show_done(context, "Alias " + made.alias + " names key " + made.key_id + ".",
                     {{"alias", made.alias}, {"key", made.key_id}});
  });
  auto doomed = std::make_shared<std::string>();
  auto of = std::make_shared<std::string>();
  CLI::App* delete_alias = key.add_subcommand("alias-delete", "remove an alias from a key");
  delete_alias->add_option("alias", *doomed, "the alias")->required();
  delete_alias->add_option("key", *of, "key id (default: the key that the alias names)");
  on(*delete_alias, context, [&context, doomed, of]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.instance_api());
    KH_TRY(api.delete_alias(of->empty() ? *doomed : *of, *doomed));
    return show_done(context, "Alias " + *doomed + " is removed.", {{"alias", *doomed}});
  });
}

}  // namespace

void add_key_commands(CLI::App& app, Context& context) {
  CLI::App* key = app.add_subcommand("key", "root keys, standard keys, wrapped DEKs");
  key->require_subcommand(1);
  add_create(*key, context);
  add_list(*key, context);
  add_show(*key, context);
  add_delete(*key, context);
  add_restore_and_move(*key, context);
  add_verb(*key, context, "purge", "remove a destroyed key for good (role KMS Key Purge)", "purged",
           &client::ApiClient::purge_key);
  add_verb(*key, context, "enable", "let a disabled key be used again", "enabled",
           &client::ApiClient::enable_key);
  add_verb(*key, context, "disable", "suspend a root key", "disabled",
           &client::ApiClient::disable_key);
  add_key_action_commands(*key, context);
  add_aliases(*key, context);
}

}  // namespace keyhaven::cli
