#include "server/oidc_settings.h"

#include <sys/stat.h>

#include "base/file.h"
#include "http/oidc_routes.h"
#include "net/http_client.h"
#include "net/url.h"

namespace keyhaven::server {
namespace {

constexpr std::size_t kMaxSecretBytes = 1024;
constexpr std::size_t kMaxPemBytes = 1 << 20;

Error wrong(std::string message) { return {Reason::InvalidArgument, std::move(message), {}}; }

Result<SecretBytes> read_client_secret(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & 077) != 0) {
    return wrong("oidc.client_secret_file: others may read " + path + "; chmod 600 " + path);
  }
  auto secret = read_secret_file(path, kMaxSecretBytes);
  if (!secret) return wrong("oidc.client_secret_file: " + secret.error().message);
  const auto text = as_text(secret->expose());
  const std::size_t end = text.find_last_not_of("\r\n");
  if (end == std::string_view::npos) return wrong("oidc.client_secret_file: " + path + " is empty");
  secret->shrink(end + 1);
  const auto line = as_text(secret->expose());
  if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return wrong("oidc.client_secret_file: " + path + " has more than one line");
  return secret;
}

// A bad file is told now and not at the first log-in.
Result<std::string> read_ca(const Config& config) {
  const auto pem = read_file(config.oidc_ca_file, kMaxPemBytes);
  if (!pem) return wrong("oidc.ca_file: " + pem.error().message);
  std::string text(as_text(*pem));
  net::ClientOptions options;
  options.base_url = "https://localhost";
  options.ca_pem = text;
  if (const auto client = net::HttpClient::create(std::move(options)); text.empty() || !client)
    return wrong("oidc.ca_file: " + config.oidc_ca_file + " holds no PEM certificate");
  return text;
}

}  // namespace

Result<OidcFiles> read_oidc_files(const Config& config) {
  OidcFiles out;
  if (config.oidc_issuer.empty()) return out;
  if (!config.oidc_ca_file.empty()) out.ca_pem = KH_TRY(read_ca(config));
  if (!config.oidc_client_secret_file.empty())
    out.client_secret = KH_TRY(read_client_secret(config.oidc_client_secret_file));
  return out;
}

oidc::ProviderOptions provider_options(const Config& config, OidcFiles files,
                                       const std::string& public_url) {
  std::string base = public_url;
  while (base.ends_with('/')) base.pop_back();
  oidc::ProviderOptions out;
  out.issuer = config.oidc_issuer;
  out.client_id = config.oidc_client_id;
  out.client_secret = std::move(files.client_secret);
  out.scopes = config.oidc_scopes;
  out.redirect_uri = base + std::string(http::kOidcCallbackPath);
  out.title = config.oidc_title;
  if (const auto endpoint = oidc::parse_endpoint(config.oidc_issuer);
      out.title.empty() && endpoint) {
    out.title = endpoint->origin.substr(std::string_view("https://").size());
  }
  out.max_age_seconds = config.oidc_max_age_seconds;
  out.acr_values = config.oidc_acr_values;
  return out;
}

}  // namespace keyhaven::server
