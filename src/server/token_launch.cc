#include "server/token_launch.h"

namespace keyhaven::server {

namespace {

void add_record_arguments(const Config& config, std::vector<std::string>& arguments) {
  if (config.unit_lost_records != "refuse") {
    arguments.emplace_back("--lost-records");
    arguments.push_back(config.unit_lost_records);
  }
  if (!config.unit_accept_records.empty()) {
    arguments.emplace_back("--accept-records");
    arguments.push_back(config.unit_accept_records);
  }
}

}  // namespace

void launch_with_backend(const Config& config, UnitLaunchOptions& options) {
  add_record_arguments(config, options.backend_arguments);
  if (config.unit_backend != "pkcs11") return;
  options.network = config.unit_pkcs11_network == "yes";
  options.backend_environment = config.unit_pkcs11_environment;
  const auto add = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    options.backend_arguments.emplace_back(name);
    options.backend_arguments.push_back(value);
  };
  add("--backend", config.unit_backend);
  add("--token-module", config.unit_pkcs11_module);
  add("--token-label", config.unit_pkcs11_token);
  add("--token-serial", config.unit_pkcs11_serial);
  add("--token-pin-file", config.unit_pkcs11_pin_file);
  add("--token-sessions", std::to_string(config.unit_pkcs11_sessions));
  add("--token-deadline-ms", std::to_string(config.unit_pkcs11_call_deadline_ms));
  add("--token-network", config.unit_pkcs11_network);
  for (const std::string& path : config.unit_pkcs11_paths) add("--token-path", path);
  for (const std::string& path : config.unit_pkcs11_read_paths) add("--token-read-path", path);
  add("--key-cache",
      config.unit_key_cache_seconds == 0 ? "off" : std::to_string(config.unit_key_cache_seconds));
}

}  // namespace keyhaven::server
