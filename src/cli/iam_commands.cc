// iam service-id, user, api-key, policy.
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"

namespace keyhaven::cli {
namespace {

void add_service_ids(CLI::App& iam, Context& context) {
  CLI::App* group = iam.add_subcommand("service-id", "identities of programs");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto description = std::make_shared<std::string>();
  auto service_crn = std::make_shared<std::string>();
  CLI::App* create = group->add_subcommand("create", "make a service id");
  create->add_option("name", *name, "name")->required();
  create->add_option("--description,-d", *description, "what it is for");
  create->add_option("--service-crn", *service_crn,
                     "first eight segments of the CRNs that this service owns: it may register "
                     "its resources with keys");
  on(*create, context, [&context, name, description, service_crn]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const client::ServiceId made = KH_TRY(api.create_service_id(*name, *description, *service_crn));
    Table table({"FIELD", "VALUE"});
    table.add({"id", made.id});
    table.add({"iam id", made.iam_id});
    table.add({"name", made.name});
    if (!made.service_crn.empty()) table.add({"service crn", made.service_crn});
    return show(context, table,
                boost::json::object{{"id", made.id},
                                    {"iam_id", made.iam_id},
                                    {"name", made.name},
                                    {"service_crn", made.service_crn}});
  });
  CLI::App* list = group->add_subcommand("list", "list service ids");
  on(*list, context, [&context]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto all = KH_TRY(api.list_service_ids());
    Table table({"ID", "IAM ID", "NAME", "CREATED", "DESCRIPTION"});
    boost::json::array json;
    for (const client::ServiceId& one : all) {
      table.add({one.id, one.iam_id, one.name, time_text(one.created), one.description});
      json.push_back(boost::json::object{{"id", one.id},
                                         {"iam_id", one.iam_id},
                                         {"name", one.name},
                                         {"description", one.description},
                                         {"service_crn", one.service_crn}});
    }
    return show(context, table, boost::json::object{{"service_ids", json}});
  });
  auto doomed = std::make_shared<std::string>();
  CLI::App* remove =
      group->add_subcommand("delete", "delete a service id with its API keys and policies");
  remove->add_option("id", *doomed, "id of the service id")->required();
  on(*remove, context, [&context, doomed]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    KH_TRY(api.delete_service_id(*doomed));
    return show_done(context, "Service id " + *doomed + " is deleted.", {{"id", *doomed}});
  });
}

boost::json::object user_json(const client::ServiceId& user) {
  return {{"id", user.id},
          {"iam_id", user.iam_id},
          {"name", user.name},
          {"description", user.description},
          {"oidc_subject", user.oidc_subject}};
}

Result<void> show_user(Context& context, const client::ServiceId& user) {
  Table table({"FIELD", "VALUE"});
  table.add({"iam id", user.iam_id});
  table.add({"name", user.name});
  table.add({"oidc subject", user.oidc_subject.empty() ? "not linked" : user.oidc_subject});
  return show(context, table, user_json(user));
}

Result<void> list_users(Context& context) {
  client::ApiClient api = KH_TRY(context.api());
  const auto all = KH_TRY(api.list_service_ids());
  Table table({"IAM ID", "NAME", "OIDC SUBJECT", "CREATED", "DESCRIPTION"});
  boost::json::array json;
  for (const client::ServiceId& one : all) {
    if (!one.is_user) continue;
    table.add({one.iam_id, one.name, one.oidc_subject, time_text(one.created), one.description});
    json.push_back(user_json(one));
  }
  return show(context, table, boost::json::object{{"users", json}});
}

void add_user_links(CLI::App& group, Context& context) {
  auto id = std::make_shared<std::string>();
  auto subject = std::make_shared<std::string>();
  CLI::App* link = group.add_subcommand(
      "link", "let the person whom the OpenID provider calls by a subject log in as this user");
  link->add_option("id", *id, "iam id of the user")->required();
  link->add_option("--oidc-subject", *subject,
                   "the provider's \"sub\"; the log-in page shows it to who is not linked")
      ->required();
  on(*link, context, [&context, id, subject]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const client::ServiceId linked = KH_TRY(api.link_user(*id, *subject));
    return show_user(context, linked);
  });
  CLI::App* unlink = group.add_subcommand(
      "unlink", "end the link to the OpenID provider, and the sessions opened by it");
  unlink->add_option("id", *id, "iam id of the user")->required();
  on(*unlink, context, [&context, id]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const client::ServiceId unlinked = KH_TRY(api.link_user(*id, {}));
    return show_user(context, unlinked);
  });
}

void add_users(CLI::App& iam, Context& context) {
  CLI::App* group = iam.add_subcommand("user", "identities of people");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto description = std::make_shared<std::string>();
  auto subject = std::make_shared<std::string>();
  CLI::App* create = group->add_subcommand("create", "make a user");
  create->add_option("name", *name, "name")->required();
  create->add_option("--description,-d", *description, "who it is");
  create->add_option("--oidc-subject", *subject,
                     "the \"sub\" by which the OpenID provider calls the person");
  on(*create, context, [&context, name, description, subject]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const client::ServiceId made = KH_TRY(api.create_user(*name, *description, *subject));
    return show_user(context, made);
  });
  on(*group->add_subcommand("list", "list users"), context,
     [&context] { return list_users(context); });
  add_user_links(*group, context);
  auto doomed = std::make_shared<std::string>();
  CLI::App* remove =
      group->add_subcommand("delete", "delete a user with its API keys and policies");
  remove->add_option("id", *doomed, "iam id of the user")->required();
  on(*remove, context, [&context, doomed]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    KH_TRY(api.delete_service_id(*doomed));
    return show_done(context, "User " + *doomed + " is deleted.", {{"id", *doomed}});
  });
}

// The file is made before the key: a key that cannot be written down would be lost, and it is shown
// only once.
Result<void> create_api_key(Context& context, const std::string& iam_id, const std::string& name,
                            const std::string& out) {
  KH_TRY(create_file(out, {}, 0600));
  client::ApiClient api = KH_TRY(context.api());
  auto made = api.create_api_key(iam_id, name);
  if (!made) {
    static_cast<void>(std::remove(out.c_str()));
    return std::move(made).error();
  }
  KH_TRY(write_file_atomic(out, made.value().secret.expose(), 0600));
  const client::ApiKeyInfo& info = made.value().info;
  Table table({"FIELD", "VALUE"});
  table.add({"id", info.id});
  table.add({"iam id", info.iam_id});
  table.add({"name", info.name});
  table.add({"secret", out});
  return show(
      context, table,
      boost::json::object{
          {"id", info.id}, {"iam_id", info.iam_id}, {"name", info.name}, {"secret_file", out}});
}

void add_api_keys(CLI::App& iam, Context& context) {
  CLI::App* group = iam.add_subcommand("api-key", "credentials of identities");
  group->require_subcommand(1);
  auto name = std::make_shared<std::string>();
  auto iam_id = std::make_shared<std::string>();
  auto out = std::make_shared<std::string>();
  CLI::App* create = group->add_subcommand(
      "create", "make an API key; its secret goes to a new file (0600) and is never shown again");
  create->add_option("name", *name, "name")->required();
  create->add_option("--iam-id", *iam_id, "identity it belongs to, e.g. iam-ServiceId-...")
      ->required();
  create->add_option("--secret-out", *out, "new file for the secret")->required();
  on(*create, context,
     [&context, name, iam_id, out] { return create_api_key(context, *iam_id, *name, *out); });
  auto of = std::make_shared<std::string>();
  CLI::App* list = group->add_subcommand("list", "list API keys, never their secrets");
  list->add_option("--iam-id", *of, "only of this identity");
  on(*list, context, [&context, of]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto all = KH_TRY(api.list_api_keys(*of));
    Table table({"ID", "NAME", "IAM ID", "LOCKED", "CREATED"});
    boost::json::array json;
    for (const client::ApiKeyInfo& one : all) {
      table.add({one.id, one.name, one.iam_id, one.locked ? "yes" : "no", time_text(one.created)});
      json.push_back(boost::json::object{
          {"id", one.id}, {"name", one.name}, {"iam_id", one.iam_id}, {"locked", one.locked}});
    }
    return show(context, table, boost::json::object{{"api_keys", json}});
  });
  auto doomed = std::make_shared<std::string>();
  CLI::App* remove = group->add_subcommand("delete", "revoke an API key");
  remove->add_option("id", *doomed, "id of the API key")->required();
  on(*remove, context, [&context, doomed]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    KH_TRY(api.delete_api_key(*doomed));
    return show_done(context, "API key " + *doomed + " is revoked.", {{"id", *doomed}});
  });
}

boost::json::object to_json(const client::AccessPolicy& policy) {
  boost::json::array roles;
  for (const std::string& role : policy.roles) roles.emplace_back(role);
  return {{"id", policy.id},         {"iam_id", policy.iam_id},
          {"roles", roles},          {"instance", policy.instance},
          {"ring", policy.key_ring}, {"key", policy.key}};
}

std::string or_all(const std::string& text) { return text.empty() ? "all" : text; }

void add_policies(CLI::App& iam, Context& context) {
  CLI::App* group = iam.add_subcommand("policy", "roles of identities");
  group->require_subcommand(1);
  auto request = std::make_shared<client::AccessPolicy>();
  CLI::App* create =
      group->add_subcommand("create", "give an identity roles on an instance, key ring or key");
  create->add_option("--iam-id", request->iam_id, "identity, e.g. iam-ServiceId-...")->required();
  create
      ->add_option("--role", request->roles,
                   "Viewer, Operator, Editor, Administrator, Reader, ReaderPlus, Writer, Manager, "
                   "KeyPurge; may be repeated")
      ->required();
  create->add_option("--on-instance", request->instance, "instance id (default: all instances)");
  create->add_option("--ring,--key-ring", request->key_ring, "only this key ring");
  create->add_option("--key", request->key, "only this key id");
  on(*create, context, [&context, request]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const client::AccessPolicy made = KH_TRY(api.create_policy(*request));
    return show_done(context, "Policy " + made.id + " is made.", to_json(made));
  });
  auto of = std::make_shared<std::string>();
  CLI::App* list = group->add_subcommand("list", "list policies");
  list->add_option("--iam-id", *of, "only of this identity");
  on(*list, context, [&context, of]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto all = KH_TRY(api.list_policies(*of));
    Table table({"ID", "IAM ID", "ROLES", "INSTANCE", "KEY RING", "KEY"});
    boost::json::array json;
    for (const client::AccessPolicy& one : all) {
      table.add({one.id, one.iam_id, join(one.roles, ", "), or_all(one.instance),
                 or_all(one.key_ring), or_all(one.key)});
      json.push_back(to_json(one));
    }
    return show(context, table, boost::json::object{{"policies", json}});
  });
  auto doomed = std::make_shared<std::string>();
  CLI::App* remove = group->add_subcommand("delete", "take roles away");
  remove->add_option("id", *doomed, "id of the policy")->required();
  on(*remove, context, [&context, doomed]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    KH_TRY(api.delete_policy(*doomed));
    return show_done(context, "Policy " + *doomed + " is deleted.", {{"id", *doomed}});
  });
}

std::string_view name_of(client::PermittedActions::Where where) {
  using enum client::PermittedActions::Where;
  return where == Account ? "account" : where == Instance ? "instance" : "part";
}

void add_permissions(CLI::App& iam, Context& context) {
  CLI::App* verb =
      iam.add_subcommand("permissions", "what you yourself may do, on the account and an instance");
  auto instance = std::make_shared<std::string>();
  verb->add_option("--on-instance", *instance, "also on this instance, its key rings and keys");
  on(*verb, context, [&context, instance]() -> Result<void> {
    client::ApiClient api = KH_TRY(context.api());
    const auto all = KH_TRY(api.permissions(*instance));
    Table table({"ON", "KEY RING", "KEY", "ACTION"});
    boost::json::array json;
    for (const client::PermittedActions& one : all) {
      const std::string where(name_of(one.where));
      boost::json::array actions;
      for (const std::string& action : one.actions) {
        table.add({where, one.key_ring, one.key, action});
        actions.emplace_back(action);
      }
      json.push_back(boost::json::object{
          {"on", where}, {"ring", one.key_ring}, {"key", one.key}, {"actions", actions}});
    }
    return show(context, table, boost::json::object{{"permissions", json}});
  });
}

}  // namespace

void add_iam_commands(CLI::App& app, Context& context) {
  CLI::App* iam = app.add_subcommand("iam", "identities, API keys, roles");
  iam->require_subcommand(1);
  add_service_ids(*iam, context);
  add_users(*iam, context);
  add_api_keys(*iam, context);
  add_policies(*iam, context);
  add_permissions(*iam, context);
}

}  // namespace keyhaven::cli
