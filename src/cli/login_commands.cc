// login, logout, health.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <filesystem>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/context.h"
#include "cli/output.h"
#include "cli/profile.h"

namespace keyhaven::cli {
namespace {

constexpr std::string_view kStoredKeyName = "/api-key";

// Working directories change; a profile must not depend on one.
std::string absolute(const std::string& path) {
  std::error_code failed;
  const auto full = std::filesystem::absolute(path, failed);
  return path.empty() || failed ? path : full.lexically_normal().string();
}

struct ProfilePlace {
  std::string file;
  std::string stored_key;
};

Result<ProfilePlace> profile_place(const Context& context) {
  if (!context.options.profile_file.empty()) {
    const std::string file = absolute(context.options.profile_file);
    return ProfilePlace{file, file + ".api-key"};
  }
  const std::string directory =
      profile_directory(context.variable("XDG_CONFIG_HOME"), context.variable("HOME"));
  if (directory.empty()) {
    return Error{Reason::InvalidArgument,
                 "neither XDG_CONFIG_HOME nor HOME is set; name the profile with --config",
                 "config"};
  }
  return ProfilePlace{directory + "/profile.json", directory + std::string(kStoredKeyName)};
}

// The key to log in with, and whether it rests in a file of the caller's already.
struct LoginKey {
  SecretBytes key;
  std::string file;  // empty: must be stored
};

Result<LoginKey> login_key(Context& context) {
  const std::string given = context.options.api_key_file.empty()
                                ? context.variable("KH_API_KEY_FILE")
                                : context.options.api_key_file;
  const bool has_key = !given.empty() || !context.variable("KH_API_KEY").empty() ||
                       !context.variable("IBMCLOUD_API_KEY").empty();
  LoginKey out;
  if (has_key) {
    if (given != "-") out.file = absolute(given);
    out.key = KH_TRY(context.api_key());
  } else {
    out.key = KH_TRY(context.prompt().secret("API key: "));
    if (out.key.empty())
      return Error{Reason::InvalidArgument, "the API key is empty", "api-key-file"};
  }
  return out;
}

Result<void> login(Context& context) {
  const ProfilePlace place = KH_TRY(profile_place(context));
  // A first login with --config FILE makes that file.
  std::error_code ignored;
  if (!context.options.profile_file.empty() && !std::filesystem::exists(place.file, ignored)) {
    KH_TRY(save_profile(place.file, {}));
  }
  const Settings settings = KH_TRY(context.settings());
  const client::Endpoint endpoint = KH_TRY(context.endpoint());
  LoginKey login_key_now = KH_TRY(login_key(context));
  client::TokenOptions options;
  options.iam_url = endpoint.iam_url.empty() ? endpoint.url : endpoint.iam_url;
  options.ca_pem = endpoint.ca_pem;
  options.api_key = login_key_now.key.clone();
  const auto tokens = KH_TRY(client::TokenSource::create(std::move(options)));
  const SecretBytes token =
      KH_TRY(tokens->authorization());  // a key that does not work is not remembered
  if (login_key_now.file.empty()) {
    KH_TRY(make_directory(place.stored_key.substr(0, place.stored_key.rfind('/')), 0700));
    KH_TRY(write_file_atomic(place.stored_key, login_key_now.key.expose(), 0600));
    login_key_now.file = place.stored_key;
  }
  KH_TRY(save_profile(place.file, {settings.url, settings.iam_url, absolute(settings.ca_file),
                                   login_key_now.file, settings.instance}));
  return show_done(context, "Logged in to " + settings.url + "; profile " + place.file,
                   {{"url", settings.url}, {"profile", place.file}});
}

Result<void> logout(Context& context) {
  const ProfilePlace place = KH_TRY(profile_place(context));
  for (const std::string& file : {place.file, place.stored_key}) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT) {
      return Error{
          Reason::Io, file + " cannot be removed: " + std::generic_category().message(errno), {}};
    }
  }
  return show_done(
      context,
      "Logged out; profile and stored API key are removed. The API key itself stays valid: see "
      "\"keyhaven iam api-key delete\".",
      {});
}

Result<void> health(Context& context) {
  client::Endpoint endpoint = KH_TRY(context.endpoint());
  client::ApiClient api = KH_TRY(client::ApiClient::create(std::move(endpoint), nullptr));
  const client::Health live = KH_TRY(api.live());
  const client::Health ready = KH_TRY(api.ready());
  Table table({"CHECK", "OK", "STATUS", "ANSWER"});
  table.add({"alive", live.ok ? "yes" : "no", std::to_string(live.status), live.body});
  table.add({"ready", ready.ok ? "yes" : "no", std::to_string(ready.status), ready.body});
  const auto one = [](const client::Health& check) {
    return boost::json::object{{"ok", check.ok}, {"status", check.status}, {"answer", check.body}};
  };
  KH_TRY(show(context, table, boost::json::object{{"alive", one(live)}, {"ready", one(ready)}}));
  if (live.ok && ready.ok) return {};
  return Error{Reason::Internal, "the service is not ready: " + ready.body, {}};
}

}  // namespace

void add_login_commands(CLI::App& app, Context& context) {
  CLI::App* login_command =
      app.add_subcommand("login",
                         "check an API key (--api-key-file, standard input as -, KH_API_KEY, else "
                         "asked for) and remember the service");
  on(*login_command, context, [&context] { return login(context); });
  CLI::App* logout_command =
      app.add_subcommand("logout", "forget the service and the API key stored by login");
  on(*logout_command, context, [&context] { return logout(context); });
}

void add_health_command(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("health", "ask the service whether it is alive and ready");
  on(*command, context, [&context] { return health(context); });
}

}  // namespace keyhaven::cli
