// The server's configuration: one TOML file, flags that override it, every key with a default, a
// unit and a sentence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "instances/instance_limits.h"

namespace keyhaven::server {

struct Config {
  // [server]
  std::string listen = "127.0.0.1";
  std::int64_t port = 8443;
  std::string private_listen;
  std::int64_t private_port = 8444;
  std::string data_directory = "/var/lib/keyhaven";
  std::string public_url;
  std::string private_url;
  std::string region = "local";
  std::vector<std::string> tls_names = {"localhost"};
  std::vector<std::string> tls_addresses = {"127.0.0.1", "::1"};
  std::string tls_certificate;
  std::string tls_key;
  std::string web_dir;
  std::string user = "keyhaven";
  std::int64_t loops = 0;
  std::int64_t workers = 64;
  std::int64_t max_body_bytes = 1024 * 1024;
  std::int64_t max_connections = 10'000;
  std::int64_t idle_timeout_seconds = 75;
  std::int64_t request_timeout_seconds = 30;
  std::int64_t drain_timeout_seconds = 10;
  // [unit]
  std::string unit_program;
  std::string unit_state_directory;
  std::string unit_key_file;
  std::string unit_user = "keyhaven-unit";
  std::string unit_sandbox = "best-effort";
  std::string unit_memory_lock = "required";
  std::string unit_sealing = "file";
  std::string unit_sealing_reference;
  std::string unit_credentials_directory;
  std::string unit_passphrase_from;
  std::int64_t unit_argon2_memory_mib = 64;
  std::int64_t unit_argon2_passes = 3;
  std::string unit_tpm2_tcti;
  std::string unit_sealing_pkcs11_module;
  std::vector<std::string> unit_sealing_environment;
  std::int64_t unit_accept_state_counter = 0;
  std::string unit_accept_records;
  std::string unit_lost_records = "refuse";
  std::string unit_backend = "software";
  std::string unit_pkcs11_module;
  std::string unit_pkcs11_token;
  std::string unit_pkcs11_serial;
  std::string unit_pkcs11_pin_file;
  std::int64_t unit_pkcs11_sessions = 1;
  std::int64_t unit_pkcs11_call_deadline_ms = 3000;
  std::string unit_pkcs11_network = "no";
  std::vector<std::string> unit_pkcs11_paths;
  std::vector<std::string> unit_pkcs11_read_paths;
  std::vector<std::string> unit_pkcs11_environment;
  std::int64_t unit_key_cache_seconds = 300;
  std::int64_t unit_call_timeout_ms = 5000;
  std::int64_t unit_slow_call_timeout_ms = 60'000;
  // [audit]
  std::string audit_directory;
  std::int64_t audit_checkpoint_seconds = 5;
  // [iam]
  std::int64_t token_lifetime_seconds = 3600;
  // [oidc]
  std::string oidc_issuer;
  std::string oidc_client_id;
  std::string oidc_client_secret_file;
  std::string oidc_ca_file;
  std::string oidc_scopes = "openid";
  std::string oidc_title;
  std::int64_t oidc_max_age_seconds = 0;
  std::vector<std::string> oidc_acr_values;
  // [keys]
  std::int64_t enable_after_disable_seconds = 30;
  std::int64_t restore_after_delete_seconds = 30;
  std::int64_t purge_after_delete_seconds = 4 * 3600;
  std::int64_t restorable_days = 30;
  std::int64_t purge_due_days = 90;
  std::int64_t deletion_authorization_seconds = 7 * 86400;
  std::int64_t rotation_month_seconds = 30 * 86400;
  std::int64_t rotation_window_seconds = 86400;
  std::int64_t rotations_per_sweep = 100;
  std::int64_t sync_interval_seconds = 3600;
  std::int64_t sweep_period_seconds = 30;
  // [limits]
  instances::InstanceLimits limits;
  // [log]
  std::string log_level = "info";

  // Where things lie below data_directory: the server's own part (0700, server user) and the unit's
  // (0700, unit user).
  std::string server_directory() const { return data_directory + "/server"; }
  std::string unit_directory() const {
    return unit_state_directory.empty() ? data_directory + "/unit" : unit_state_directory;
  }
  std::string unit_key_path() const {
    return unit_key_file.empty() ? unit_directory() + "/sealing.key" : unit_key_file;
  }
  // Empty: there is none.
  std::string credentials_directory() const;
  std::string audit_path() const {
    return audit_directory.empty() ? server_directory() + "/audit" : audit_directory;
  }
};

// One documented key of the file, e.g. name "server.port", type "integer", unit "TCP port".
struct ConfigKey {
  std::string name;
  std::string type;
  std::string default_text;
  std::string unit;
  std::string text;
};
std::vector<ConfigKey> config_keys();

// Reads `path` over the defaults. Errors: InvalidArgument, one line "path:line: what is wrong; what
// is expected"; NotFound.
Result<Config> load_config(const std::string& path);

// Sets one key from a flag, as text ("server.port", "9443"). Errors: InvalidArgument.
Result<void> set_config_key(Config& config, const std::string& name, const std::string& value);

// Ranges and combinations that hold over several keys. Errors: InvalidArgument.
Result<void> validate(const Config& config);

// The effective configuration as TOML; it holds no secret, only the names of files that do.
std::string to_toml(const Config& config);

}  // namespace keyhaven::server
