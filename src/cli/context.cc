#include "cli/context.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>

#include "base/file.h"
#include "cli/profile.h"

namespace keyhaven::cli {
namespace {

constexpr std::size_t kMaxCaBytes = 1024 * 1024;
constexpr std::size_t kMaxApiKeyBytes = 4096;

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (!candidate.empty()) return candidate;
  }
  return {};
}

void strip_line_end(SecretBytes& secret) {
  std::size_t size = secret.size();
  const auto bytes = secret.expose();
  if (size > 0 && bytes[size - 1] == '\n') --size;
  if (size > 0 && bytes[size - 1] == '\r') --size;
  secret.shrink(size);
}

// Standard input to its end, straight into secret memory when it is the process's own.
Result<SecretBytes> read_secret_stream(std::istream& in, std::size_t limit) {
  SecretBytes buffer(limit + 1);
  auto bytes = buffer.expose_mutable();
  std::size_t size = 0;
  if (&in == &std::cin) {
    while (size < bytes.size()) {
      const ssize_t got = ::read(STDIN_FILENO, bytes.data() + size, bytes.size() - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return Error{Reason::InvalidArgument, "standard input cannot be read", {}};
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
  } else {
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    size = static_cast<std::size_t>(in.gcount());
  }
  if (size > limit) {
    return Error{Reason::InvalidArgument,
                 "standard input is longer than " + std::to_string(limit) + " bytes",
                 {}};
  }
  buffer.shrink(size);
  return buffer;
}

}  // namespace

Environment process_environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals != std::string_view::npos)
      out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Context::Context(std::istream& in, std::ostream& out, std::ostream& err, Prompt& prompt,
                 Environment environment)
    : in_(in), out_(out), err_(err), prompt_(prompt), environment_(std::move(environment)) {}

std::string Context::variable(std::string_view name) const {
  const auto found = environment_.find(std::string(name));
  return found == environment_.end() ? std::string() : found->second;
}

OutputFormat Context::format() const noexcept {
  return options.output == "json" ? OutputFormat::Json : OutputFormat::Table;
}

bool Context::err_is_terminal() const noexcept {
  return &err_ == &std::cerr && ::isatty(STDERR_FILENO) == 1;
}

Result<Settings> Context::settings() const {
  Profile profile;
  const std::string directory = profile_directory(variable("XDG_CONFIG_HOME"), variable("HOME"));
  const bool chosen = !options.profile_file.empty();
  const std::string path = chosen ? options.profile_file : directory + "/profile.json";
  if (chosen || !directory.empty()) {
    auto loaded = KH_TRY(load_profile(path));
    if (!loaded && chosen)
      return Error{Reason::InvalidArgument, "profile " + path + ": no such file", "config"};
    if (loaded) profile = std::move(*loaded);
  }
  Settings out;
  out.url = first_of({options.url, variable("KH_URL"), variable("KP_TARGET_ADDR"),
                      variable("KP_PRIVATE_ADDR"), profile.url});
  out.iam_url =
      first_of({options.iam_url, variable("KH_IAM_URL"), variable("IBMCLOUD_IAM_API_ENDPOINT")});
  // A profile's identity URL belongs to the profile's service, not to another one given here.
  if (out.iam_url.empty() && out.url == profile.url) out.iam_url = profile.iam_url;
  out.tke_url = variable("TKE_PRIVATE_ADDR");
  out.ca_file = first_of({options.ca_file, variable("KH_CA")});
  if (out.ca_file.empty() && out.url == profile.url) out.ca_file = profile.ca_file;
  out.api_key_file = first_of({options.api_key_file, variable("KH_API_KEY_FILE")});
  if (out.api_key_file.empty() && variable("KH_API_KEY").empty() &&
      variable("IBMCLOUD_API_KEY").empty()) {
    out.api_key_file = profile.api_key_file;
  }
  out.instance = first_of(
      {options.instance, variable("KH_INSTANCE"), variable("KP_INSTANCE_ID"), profile.instance});
  return out;
}

Result<client::Endpoint> Context::endpoint() const {
  Settings settings_now = KH_TRY(settings());
  client::Endpoint endpoint;
  if (settings_now.url.empty()) {
    return Error{Reason::InvalidArgument,
                 "no service is chosen; run \"keyhaven login --url https://HOST[:PORT]\", or give "
                 "--url or KH_URL",
                 "url"};
  }
  if (!settings_now.ca_file.empty())
    endpoint.ca_pem = KH_TRY(read_text(settings_now.ca_file, kMaxCaBytes));
  endpoint.url = std::move(settings_now.url);
  endpoint.iam_url = std::move(settings_now.iam_url);
  endpoint.tke_url = std::move(settings_now.tke_url);
  endpoint.instance = std::move(settings_now.instance);
  return endpoint;
}

Result<SecretBytes> Context::api_key() {
  const Settings settings_now = KH_TRY(settings());
  if (!settings_now.api_key_file.empty()) {
    return read_secret(*this, settings_now.api_key_file, kMaxApiKeyBytes, Newline::Strip);
  }
  const std::string text = first_of({variable("KH_API_KEY"), variable("IBMCLOUD_API_KEY")});
  if (text.empty()) {
    return Error{
        Reason::InvalidArgument,
        "no API key; run \"keyhaven login\", or give --api-key-file, KH_API_KEY_FILE or KH_API_KEY",
        "api-key-file"};
  }
  return SecretBytes::copy_of(std::string_view(text));
}

Result<std::shared_ptr<client::TokenSource>> Context::tokens() {
  if (!tokens_) {
    const client::Endpoint where = KH_TRY(endpoint());
    client::TokenOptions token_options;
    token_options.iam_url = where.iam_url.empty() ? where.url : where.iam_url;
    token_options.ca_pem = where.ca_pem;
    token_options.api_key = KH_TRY(api_key());
    tokens_ = KH_TRY(client::TokenSource::create(std::move(token_options)));
  }
  return tokens_;
}

Result<client::ApiClient> Context::api() {
  client::Endpoint where = KH_TRY(endpoint());
  std::shared_ptr<client::TokenSource> source = KH_TRY(tokens());
  return client::ApiClient::create(std::move(where), std::move(source));
}

Result<client::ApiClient> Context::instance_api() {
  client::ApiClient client = KH_TRY(api());
  if (client.endpoint().instance.empty()) {
    return Error{Reason::InvalidArgument,
                 "no instance is chosen; give --instance or KH_INSTANCE (\"keyhaven instance "
                 "list\" shows them)",
                 "instance"};
  }
  return client;
}

Result<std::unique_ptr<UnitService>> Context::unit_service() {
  return unit_service_factory ? unit_service_factory() : api_unit_service(*this);
}

void on(CLI::App& command, Context& context, std::function<Result<void>()> run) {
  command.callback([&context, run = std::move(run)] { context.action = run; });
}

Result<std::string> read_text(const std::string& path, std::size_t limit) {
  auto bytes = read_file(path, limit);
  if (!bytes) return Error{Reason::InvalidArgument, bytes.error().message, path};
  return std::string(as_text(bytes.value()));
}

Result<SecretBytes> read_secret(Context& context, const std::string& path, std::size_t limit,
                                Newline newline) {
  auto secret =
      path == "-" ? read_secret_stream(context.in(), limit) : read_secret_file(path, limit);
  if (!secret) return Error{Reason::InvalidArgument, secret.error().message, path};
  if (newline == Newline::Strip) strip_line_end(secret.value());
  if (secret.value().empty()) {
    return Error{Reason::InvalidArgument,
                 (path == "-" ? std::string("standard input") : path) + " is empty", path};
  }
  return secret;
}

}  // namespace keyhaven::cli
