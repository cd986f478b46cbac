// One table drives everything: reading, flags, checking, printing and the documentation. A key that
// is not in it does not exist, so no option can be read and ignored.
#include "server/config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <functional>
#include <limits>
#include <variant>

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

#include "base/file.h"
#include "oidc/endpoint.h"
#include "server/passphrase_source.h"

namespace keyhaven::server {
namespace {

using TextField = std::string Config::*;
using IntegerField = std::int64_t Config::*;
using ListField = std::vector<std::string> Config::*;
using LimitField = std::uint64_t instances::InstanceLimits::*;

struct Row {
  std::string_view name;
  std::variant<TextField, IntegerField, ListField, LimitField> field;
  std::string_view unit;
  std::string_view text;
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string_view> choices = {};
};

// Unit and meaning, in the order of instances::limit_rows(), which has names and ranges.
constexpr std::array<std::array<std::string_view, 2>, instances::kLimitCount> kLimitTexts = {{
    {"keys", "Keys of an instance that does not say otherwise, as all of this section."},
    {"key rings", "Key rings of an instance, \"default\" included."},
    {"aliases", "Aliases of all keys of an instance."},
    {"aliases", "Aliases of a key."},
    {"registrations", "Registrations of a key."},
    {"bytes", "Material of a standard key, decoded."},
    {"bytes", "Plaintext that wrap takes."},
    {"networks", "Entries of the instance policy allowedIP."},
    {"requests per second", "Requests of all callers to an instance; 0: no limit."},
    {"requests", "Requests at once above that rate."},
}};

std::vector<Row> make_rows() {
  std::vector<Row> table = {
      {"server.listen", &Config::listen, "numeric address",
       "Address to listen on; 0.0.0.0 or :: for all."},
      {"server.port", &Config::port, "TCP port", "0 lets the system choose; the address is logged.",
       0, 65535},
      {"server.private_listen", &Config::private_listen, "numeric address",
       "Address of a second listener, whose clients count as coming from the private network; "
       "empty: none, and no instance can be private-only."},
      {"server.private_port", &Config::private_port, "TCP port",
       "Port of the private listener; 0 lets the system choose.", 0, 65535},
      {"server.data_directory", &Config::data_directory, "path",
       "Everything the server and the unit keep. Made at first start; locked while in use."},
      {"server.public_url", &Config::public_url, "URL",
       "What instance endpoints show to clients; empty: https://LISTEN:PORT."},
      {"server.private_url", &Config::private_url, "URL",
       "What instance endpoints show as private; empty: https://PRIVATE_LISTEN:PRIVATE_PORT, or "
       "the "
       "public one without a private listener. Clients look for \"private\" in it."},
      {"server.region", &Config::region, "name",
       "Region in CRNs. Fixed at first start: a later change is refused."},
      {"server.tls_names", &Config::tls_names, "DNS names",
       "Names in the certificate that the own CA issues."},
      {"server.tls_addresses", &Config::tls_addresses, "numeric addresses",
       "Addresses in the certificate that the own CA issues."},
      {"server.tls_certificate", &Config::tls_certificate, "path",
       "PEM chain to use instead of an own one; needs server.tls_key."},
      {"server.tls_key", &Config::tls_key, "path",
       "PEM private key (PKCS#8) of server.tls_certificate."},
      {"server.web_dir", &Config::web_dir, "path",
       "Built files of the console, read at the start; empty: share/keyhaven/web beside the folder "
       "of the program."},
      {"server.user", &Config::user, "user name or id",
       "User the server becomes when started by root."},
      {"server.loops", &Config::loops, "threads", "Event loops; 0: one per core.", 0, 256},
      {"server.workers", &Config::workers, "threads",
       "Threads for blocking work; changes that wait at once share one write to the disk.", 4, 256},
      {"server.max_body_bytes", &Config::max_body_bytes, "bytes", "Largest request body.", 16384,
       16 << 20},
      {"server.max_connections", &Config::max_connections, "connections",
       "Further ones are closed at once.", 1, 1'000'000},
      {"server.idle_timeout_seconds", &Config::idle_timeout_seconds, "seconds",
       "A keep-alive connection without a request is closed after this.", 1, 3600},
      {"server.request_timeout_seconds", &Config::request_timeout_seconds, "seconds",
       "A request must have arrived whole within this.", 1, 3600},
      {"server.drain_timeout_seconds", &Config::drain_timeout_seconds, "seconds",
       "A stop waits at most this long for requests in flight.", 0, 600},
      {"unit.program", &Config::unit_program, "path", "keyhaven-unit; empty: beside keyhavend."},
      {"unit.state_directory", &Config::unit_state_directory, "path",
       "Sealed state of the crypto units; empty: DATA_DIRECTORY/unit."},
      {"unit.key_file", &Config::unit_key_file, "path",
       "Sealing key (32 bytes, 0600), made at first start; empty: STATE_DIRECTORY/sealing.key. "
       "Keep a copy elsewhere."},
      {"unit.user", &Config::unit_user, "user name or id",
       "User the unit becomes when started by root; must differ from server.user."},
      {.name = "unit.sandbox",
       .field = &Config::unit_sandbox,
       .unit = "word",
       .text = "What the unit gives up after its start: all that Keyhaven knows, or no start "
               "(required); what the system offers (best-effort); nothing (off).",
       .choices = {"required", "best-effort", "off"}},
      {.name = "unit.memory_lock",
       .field = &Config::unit_memory_lock,
       .unit = "word",
       .text = "Whether the unit stops when memory for keys cannot be locked against swapping.",
       .choices = {"required", "best-effort"}},
      {.name = "unit.sealing",
       .field = &Config::unit_sealing,
       .unit = "word",
       .text = "What seals the units' state at the first start (docs/operations/sealing.md); later "
               "`keyhaven unit sealing` changes it.",
       .choices = {"file", "passphrase", "systemd-creds", "pkcs11", "tpm2", "none"}},
      {"unit.sealing_reference", &Config::unit_sealing_reference, "text",
       "Which secret: the name of a credential, \"token=LABEL;key=LABEL;pin=NAME\" or "
       "\"pcrs=0,7;auth=NAME\"."},
      {"unit.credentials_directory", &Config::unit_credentials_directory, "path",
       "Secrets by name, one file each, closed to others; empty: $CREDENTIALS_DIRECTORY "
       "(systemd)."},
      {"unit.passphrase_from", &Config::unit_passphrase_from, "source",
       "\"terminal\" or \"fd:N\" of keyhavend; empty: the passphrase is a credential."},
      {"unit.argon2_memory_mib", &Config::unit_argon2_memory_mib, "MiB",
       "Memory that a guess of a passphrase costs; for passphrases set from now on.", 64, 1024},
      {"unit.argon2_passes", &Config::unit_argon2_passes, "passes",
       "Passes over that memory, for passphrases set from now on.", 1, 64},
      {"unit.tpm2_tcti", &Config::unit_tpm2_tcti, "TCTI",
       "TPM for sealing, such as \"device:/dev/tpmrm0\"; empty: none."},
      {"unit.sealing_pkcs11_module", &Config::unit_sealing_pkcs11_module, "path",
       "PKCS#11 library of the token for sealing; empty: none."},
      {"unit.sealing_environment", &Config::unit_sealing_environment, "NAME=VALUE",
       "Environment that this library needs."},
      {"unit.accept_state_counter", &Config::unit_accept_state_counter, "saves",
       "An old copy of the state with this counter is taken although newer ones were saved; 0: "
       "never."},
      {"unit.accept_records", &Config::unit_accept_records, "64 hexadecimal digits",
       "Difference of the deployment's stored records that is accepted at this start; empty: none "
       "(docs/operations/records.md)."},
      {.name = "unit.lost_records",
       .field = &Config::unit_lost_records,
       .unit = "word",
       .text = "When the unit's journal of stored records is lost or damaged: refuse to start, or "
               "begin an empty one, so that every stored record must be accepted.",
       .choices = {"refuse", "begin-anew"}},
      {.name = "unit.backend",
       .field = &Config::unit_backend,
       .unit = "word",
       .text = "Where master keys of operational units are kept that come in from now on: sealed "
               "state (software) or a PKCS#11 token, which they never leave "
               "(docs/operations/hsm.md).",
       .choices = {"software", "pkcs11"}},
      {"unit.pkcs11_module", &Config::unit_pkcs11_module, "path",
       "PKCS#11 library of the token for master keys; absolute."},
      {"unit.pkcs11_token", &Config::unit_pkcs11_token, "label", "Label of that token."},
      {"unit.pkcs11_serial", &Config::unit_pkcs11_serial, "serial number",
       "Serial number of that token, instead of its label or with it."},
      {"unit.pkcs11_pin_file", &Config::unit_pkcs11_pin_file, "path",
       "File with the user PIN of that token, one line, mode 0600, owned by unit.user. A PIN that "
       "the token refuses is not tried again until this file holds another."},
      {"unit.pkcs11_sessions", &Config::unit_pkcs11_sessions, "sessions",
       "Calls to the token at a time.", 1, 64},
      {"unit.pkcs11_call_deadline_ms", &Config::unit_pkcs11_call_deadline_ms, "milliseconds",
       "A call to the token that takes longer is answered 503; below unit.call_timeout_ms.", 10,
       600'000},
      {.name = "unit.pkcs11_network",
       .field = &Config::unit_pkcs11_network,
       .unit = "word",
       .text = "Whether the token's library makes connections (network modules, pcscd).",
       .choices = {"no", "yes"}},
      {"unit.pkcs11_paths", &Config::unit_pkcs11_paths, "paths",
       "Files and directories that the token's library writes, such as SoftHSM's tokens."},
      {"unit.pkcs11_read_paths", &Config::unit_pkcs11_read_paths, "paths",
       "Files and directories that it reads, such as its configuration."},
      {"unit.pkcs11_environment", &Config::unit_pkcs11_environment, "NAME=VALUE",
       "Environment that it needs."},
      {"unit.key_cache_seconds", &Config::unit_key_cache_seconds, "seconds",
       "How long the unit keeps what the token derived; 0: it asks the token at each use of a key.",
       0, 86'400},
      {"unit.call_timeout_ms", &Config::unit_call_timeout_ms, "milliseconds",
       "A call to the unit that takes longer is answered 503.", 100, 600'000},
      {"unit.slow_call_timeout_ms", &Config::unit_slow_call_timeout_ms, "milliseconds",
       "The same for calls that make an RSA key pair (import tokens), waiting included.", 1000,
       600'000},
      {"audit.directory", &Config::audit_directory, "path",
       "Audit log; empty: DATA_DIRECTORY/server/audit."},
      {"audit.checkpoint_seconds", &Config::audit_checkpoint_seconds, "seconds",
       "Time between signed checkpoints of the audit log.", 1, 3600},
      {"iam.token_lifetime_seconds", &Config::token_lifetime_seconds, "seconds",
       "Life of an access token; clients renew about a minute early.", 120, 86400},
      {"oidc.issuer", &Config::oidc_issuer, "URL",
       "OpenID provider that people may log in to the console with, exactly as it names itself; "
       "empty: API keys only (docs/operations/oidc.md)."},
      {"oidc.client_id", &Config::oidc_client_id, "text", "What the provider calls this server."},
      {"oidc.client_secret_file", &Config::oidc_client_secret_file, "path",
       "File with the client's secret, one line, closed to others (0600); empty: a public client, "
       "which PKCE protects."},
      {"oidc.ca_file", &Config::oidc_ca_file, "path",
       "PEM certificates that the provider's must lead to; empty: those of the system."},
      {"oidc.scopes", &Config::oidc_scopes, "words",
       "What is asked of the provider, \"openid\" among it; nothing but the subject is used."},
      {"oidc.title", &Config::oidc_title, "text",
       "What people call the provider: \"Log in with TITLE\"; empty: its host name."},
      {"oidc.max_age_seconds", &Config::oidc_max_age_seconds, "seconds",
       "The person must have logged in at the provider within this; 0: any time.", 0, 86'400},
      {"oidc.acr_values", &Config::oidc_acr_values, "words",
       "Ways of authentication (acr) of which the provider must say that one was used; empty: "
       "any."},
      {"keys.enable_after_disable_seconds", &Config::enable_after_disable_seconds, "seconds",
       "A disabled key can be enabled again after this.", 0, 3600},
      {"keys.restore_after_delete_seconds", &Config::restore_after_delete_seconds, "seconds",
       "A deleted key can be restored after this.", 0, 3600},
      {"keys.purge_after_delete_seconds", &Config::purge_after_delete_seconds, "seconds",
       "A deleted key can be purged after this; until then nobody can destroy it for good.", 0,
       30 * 86400},
      {"keys.restorable_days", &Config::restorable_days, "days",
       "A deleted key can be restored for so long; at most keys.purge_due_days.", 0, 3650},
      {"keys.purge_due_days", &Config::purge_due_days, "days",
       "A deleted key is purged by itself after this: its material is gone for good.", 1, 3650},
      {"keys.deletion_authorization_seconds", &Config::deletion_authorization_seconds, "seconds",
       "The first authorization of a dual authorization deletion lapses after this.", 1,
       365 * 86400},
      {"keys.rotation_month_seconds", &Config::rotation_month_seconds, "seconds",
       "Length of a month of a rotation policy. Less than a day is for tests only: every rotation "
       "adds a version that is kept as long as the key.",
       1, 366 * 86400},
      {"keys.rotation_window_seconds", &Config::rotation_window_seconds, "seconds",
       "A rotation by policy happens within this after it is due, each key at a moment of its own; "
       "at most keys.rotation_month_seconds.",
       0, 30 * 86400},
      {"keys.rotations_per_sweep", &Config::rotations_per_sweep, "keys",
       "At most so many keys are rotated by policy every keys.sweep_period_seconds; the rest "
       "waits, longest due first.",
       1, 100'000},
      {"keys.sync_interval_seconds", &Config::sync_interval_seconds, "seconds",
       "Services can be told again about a key (sync) so long after they were told last.", 0,
       30 * 86400},
      {"keys.sweep_period_seconds", &Config::sweep_period_seconds, "seconds",
       "Time between two looks for keys that expire, rotate or are purged by themselves.", 1, 1800},
      {"log.level",
       &Config::log_level,
       "word",
       "Least severity that is logged to standard error.",
       0,
       0,
       {"debug", "info", "warn", "error", "off"}},
  };
  static const std::vector<std::string> limit_names = [] {
    std::vector<std::string> names;
    for (const instances::LimitRow& row : instances::limit_rows())
      names.push_back("limits." + std::string(row.name));
    return names;
  }();
  for (std::size_t i = 0; i < instances::kLimitCount; ++i) {
    const instances::LimitRow& limit = instances::limit_rows()[i];
    table.push_back({limit_names[i], limit.field, kLimitTexts[i][0], kLimitTexts[i][1],
                     static_cast<std::int64_t>(limit.least),
                     static_cast<std::int64_t>(limit.most)});
  }
  return table;
}

const std::vector<Row>& rows() {
  static const std::vector<Row> table = make_rows();
  return table;
}

bool is_integer(const Row& row) {
  return std::holds_alternative<IntegerField>(row.field) ||
         std::holds_alternative<LimitField>(row.field);
}
std::int64_t integer_of(const Config& config, const Row& row) {
  if (const auto* limit = std::get_if<LimitField>(&row.field))
    return static_cast<std::int64_t>(config.limits.**limit);
  return config.*std::get<IntegerField>(row.field);
}
// `value` has passed check_integer, so it is not negative for a limit.
void set_integer(Config& config, const Row& row, std::int64_t value) {
  if (const auto* limit = std::get_if<LimitField>(&row.field)) {
    config.limits.** limit = static_cast<std::uint64_t>(value);
  } else {
    config.*std::get<IntegerField>(row.field) = value;
  }
}

const Row* find_row(std::string_view name) {
  for (const Row& row : rows()) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

// Closest known key by edit distance, for the remedy in the error.
std::string nearest_key(std::string_view name) {
  std::size_t best = 4;
  std::string nearest;
  for (const Row& row : rows()) {
    std::vector<std::size_t> line(row.name.size() + 1);
    for (std::size_t j = 0; j < line.size(); ++j) line[j] = j;
    for (std::size_t i = 1; i <= name.size(); ++i) {
      std::size_t diagonal = line[0];
      line[0] = i;
      for (std::size_t j = 1; j < line.size(); ++j) {
        const std::size_t replaced = diagonal + (name[i - 1] == row.name[j - 1] ? 0 : 1);
        diagonal = line[j];
        line[j] = std::min({line[j] + 1, line[j - 1] + 1, replaced});
      }
    }
    if (line.back() < best) {
      best = line.back();
      nearest = row.name;
    }
  }
  return nearest;
}

Error wrong(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

std::string unknown_key(std::string_view name) {
  std::string message = "unknown key " + std::string(name);
  if (const std::string nearest = nearest_key(name); !nearest.empty())
    message += "; did you mean " + nearest + "?";
  return message;
}

Result<void> check_integer(const Row& row, std::int64_t value) {
  if (value >= row.least && value <= row.most) return {};
  return wrong(std::string(row.name) + " is " + std::to_string(value) + "; it must be " +
               std::to_string(row.least) + " to " + std::to_string(row.most) + " " +
               std::string(row.unit));
}

Result<void> check_text(const Row& row, const std::string& value) {
  if (row.choices.empty() ||
      std::find(row.choices.begin(), row.choices.end(), value) != row.choices.end())
    return {};
  std::string allowed;
  for (std::string_view choice : row.choices)
    allowed += (allowed.empty() ? "" : ", ") + std::string(choice);
  return wrong(std::string(row.name) + " is \"" + value + "\"; it must be one of: " + allowed);
}

Result<void> set_from_node(Config& config, const Row& row, const toml::node& node) {
  if (const auto* text = std::get_if<TextField>(&row.field)) {
    const auto value = node.value_exact<std::string>();
    if (!value) return wrong(std::string(row.name) + " must be a string in quotes");
    KH_TRY(check_text(row, *value));
    config.** text = *value;
    return {};
  }
  if (is_integer(row)) {
    const auto value = node.value_exact<std::int64_t>();
    if (!value)
      return wrong(std::string(row.name) + " must be an integer (" + std::string(row.unit) + ")");
    KH_TRY(check_integer(row, *value));
    set_integer(config, row, *value);
    return {};
  }
  const toml::array* array = node.as_array();
  if (array == nullptr) return wrong(std::string(row.name) + " must be a list of strings");
  std::vector<std::string> values;
  for (const toml::node& element : *array) {
    const auto value = element.value_exact<std::string>();
    if (!value) return wrong(std::string(row.name) + " must be a list of strings");
    values.push_back(*value);
  }
  config.*std::get<ListField>(row.field) = std::move(values);
  return {};
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string value_text(const Config& config, const Row& row) {
  if (const auto* text = std::get_if<TextField>(&row.field)) return quoted(config.**text);
  if (is_integer(row)) return std::to_string(integer_of(config, row));
  std::string out = "[";
  for (const std::string& value : config.*std::get<ListField>(row.field)) {
    out += (out.size() > 1 ? ", " : "") + quoted(value);
  }
  return out + "]";
}

}  // namespace

std::string Config::credentials_directory() const {
  if (!unit_credentials_directory.empty()) return unit_credentials_directory;
  const char* const of_systemd = std::getenv("CREDENTIALS_DIRECTORY");  // NOLINT(concurrency)
  return of_systemd == nullptr ? std::string() : of_systemd;
}

std::vector<ConfigKey> config_keys() {
  const Config defaults;
  std::vector<ConfigKey> keys;
  for (const Row& row : rows()) {
    static constexpr const char* kTypes[] = {"string", "integer", "list of strings", "integer"};
    keys.push_back({std::string(row.name), kTypes[row.field.index()], value_text(defaults, row),
                    std::string(row.unit), std::string(row.text)});
  }
  return keys;
}

Result<Config> load_config(const std::string& path) {
  constexpr std::size_t kMaxConfigBytes = 256 * 1024;
  const Bytes content = KH_TRY(read_file(path, kMaxConfigBytes));
  const toml::parse_result parsed = toml::parse(as_text(content), path);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return wrong(path + ":" + std::to_string(error.source().begin.line) + ": " +
                 std::string(error.description()));
  }
  Config config;
  for (const auto& [section, node] : parsed.table()) {
    const std::string at = path + ":" + std::to_string(node.source().begin.line) + ": ";
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong(at + unknown_key(section.str()));
    for (const auto& [key, value] : *table) {
      const std::string here = path + ":" + std::to_string(value.source().begin.line) + ": ";
      const std::string name = std::string(section.str()) + "." + std::string(key.str());
      const Row* row = find_row(name);
      if (row == nullptr) return wrong(here + unknown_key(name));
      if (auto set = set_from_node(config, *row, value); !set)
        return wrong(here + set.error().message);
    }
  }
  return config;
}

Result<void> set_config_key(Config& config, const std::string& name, const std::string& value) {
  const Row* row = find_row(name);
  if (row == nullptr) return wrong(unknown_key(name));
  if (const auto* text = std::get_if<TextField>(&row->field)) {
    KH_TRY(check_text(*row, value));
    config.** text = value;
    return {};
  }
  if (is_integer(*row)) {
    std::int64_t number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed != std::errc{} || end != value.data() + value.size()) {
      return wrong(name + " is \"" + value + "\"; it must be an integer (" +
                   std::string(row->unit) + ")");
    }
    KH_TRY(check_integer(*row, number));
    set_integer(config, *row, number);
    return {};
  }
  std::vector<std::string> values;
  for (std::size_t begin = 0; begin <= value.size();) {
    const std::size_t comma = std::min(value.find(',', begin), value.size());
    if (comma > begin) values.push_back(value.substr(begin, comma - begin));
    begin = comma + 1;
  }
  config.*std::get<ListField>(row->field) = std::move(values);
  return {};
}

Result<void> validate_environment(const std::string& name,
                                  const std::vector<std::string>& variables) {
  for (const std::string& variable : variables) {
    if (variable.find('=') == std::string::npos || variable.starts_with("LD_"))
      return wrong(name + ": expected NAME=VALUE, and no LD_ variable");
  }
  return {};
}

Result<void> validate_backend(const Config& config) {
  KH_TRY(validate_environment("unit.pkcs11_environment", config.unit_pkcs11_environment));
  if (config.unit_backend != "pkcs11") return {};
  if (!config.unit_pkcs11_module.starts_with('/'))
    return wrong("unit.pkcs11_module must be the absolute path of the token's PKCS#11 library");
  if (config.unit_pkcs11_token.empty() && config.unit_pkcs11_serial.empty()) {
    return wrong(
        "unit.backend is \"pkcs11\"; name the token by unit.pkcs11_token or "
        "unit.pkcs11_serial");
  }
  if (config.unit_pkcs11_pin_file.empty())
    return wrong("unit.backend is \"pkcs11\"; unit.pkcs11_pin_file is empty");
  if (config.unit_pkcs11_call_deadline_ms >= config.unit_call_timeout_ms) {
    return wrong("unit.pkcs11_call_deadline_ms must be below unit.call_timeout_ms (" +
                 std::to_string(config.unit_call_timeout_ms) +
                 "), so that the unit still answers when the token does not");
  }
  for (const auto* paths : {&config.unit_pkcs11_paths, &config.unit_pkcs11_read_paths}) {
    for (const std::string& path : *paths) {
      if (!path.starts_with('/'))
        return wrong("unit.pkcs11_paths and unit.pkcs11_read_paths: \"" + path +
                     "\" is not an absolute path");
    }
  }
  return {};
}

// Of printable ASCII: it goes into addresses and forms.
bool is_plain_text(const std::string& text, std::size_t limit) {
  return text.size() <= limit &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

Result<void> validate_oidc(const Config& config) {
  if (config.oidc_issuer.empty()) {
    if (config.oidc_client_id.empty() && config.oidc_client_secret_file.empty()) return {};
    return wrong("oidc.client_id or oidc.client_secret_file is set, but oidc.issuer is empty");
  }
  if (auto issuer = oidc::check_issuer(config.oidc_issuer); !issuer)
    return wrong("oidc.issuer is \"" + config.oidc_issuer + "\"; " + issuer.error().message);
  if (config.oidc_client_id.empty() || !is_plain_text(config.oidc_client_id, 255)) {
    return wrong(
        "oidc.client_id must be what the provider calls this server, 1 to 255 ASCII characters");
  }
  const std::string scopes = " " + config.oidc_scopes + " ";
  if (!is_plain_text(config.oidc_scopes, 255) || scopes.find(" openid ") == std::string::npos) {
    return wrong("oidc.scopes is \"" + config.oidc_scopes +
                 "\"; it must be words of which one is openid");
  }
  if (config.oidc_title.size() > 60) return wrong("oidc.title may have at most 60 bytes");
  for (const std::string& value : config.oidc_acr_values) {
    if (value.empty() || value.find(' ') != std::string::npos || !is_plain_text(value, 255))
      return wrong("oidc.acr_values: \"" + value + "\" is no word of ASCII characters");
  }
  return {};
}

Result<void> validate_accepted_records(const std::string& digest) {
  const auto bytes = from_hex(digest);
  if (digest.empty() || (bytes && bytes->size() == sizeof(Digest))) return {};
  return wrong(
      "unit.accept_records must be the 64 hexadecimal digits that `keyhaven store verify` "
      "prints as the deployment's difference");
}

Result<void> validate(const Config& config) {
  if (config.data_directory.empty())
    return wrong("server.data_directory is empty; name a directory");
  if (config.tls_certificate.empty() != config.tls_key.empty()) {
    return wrong("server.tls_certificate and server.tls_key belong together; set both or neither");
  }
  if (config.user == config.unit_user) {
    return wrong("server.user and unit.user are both \"" + config.user +
                 "\"; they must differ, so that the server cannot read the unit's state");
  }
  if (!is_passphrase_source(config.unit_passphrase_from)) {
    return wrong("unit.passphrase_from is \"" + config.unit_passphrase_from +
                 "\"; it must be \"terminal\", \"fd:N\" with N from 3 on, or empty");
  }
  KH_TRY(validate_environment("unit.sealing_environment", config.unit_sealing_environment));
  KH_TRY(validate_backend(config));
  KH_TRY(validate_accepted_records(config.unit_accept_records));
  KH_TRY(validate_oidc(config));
  if (config.tls_names.empty() && config.tls_addresses.empty() && config.tls_certificate.empty()) {
    return wrong(
        "server.tls_names and server.tls_addresses are both empty; the certificate needs one of "
        "them");
  }
  if (!config.public_url.empty() && !config.public_url.starts_with("https://")) {
    return wrong("server.public_url is \"" + config.public_url + "\"; it must begin with https://");
  }
  if (config.restorable_days > config.purge_due_days) {
    return wrong("keys.restorable_days is " + std::to_string(config.restorable_days) +
                 "; it must be at most keys.purge_due_days, " +
                 std::to_string(config.purge_due_days));
  }
  if (config.rotation_window_seconds > config.rotation_month_seconds) {
    return wrong("keys.rotation_window_seconds is " +
                 std::to_string(config.rotation_window_seconds) +
                 "; it must be at most keys.rotation_month_seconds, " +
                 std::to_string(config.rotation_month_seconds));
  }
  if (!config.private_url.empty() && !config.private_url.starts_with("https://")) {
    return wrong("server.private_url is \"" + config.private_url +
                 "\"; it must begin with https://");
  }
  if (!config.private_url.empty() && config.private_listen.empty()) {
    return wrong(
        "server.private_url is set, but there is no private listener; set "
        "server.private_listen");
  }
  const bool region_ok =
      !config.region.empty() && config.region.size() <= 32 &&
      config.region.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
  if (!region_ok) return wrong("server.region must be 1 to 32 of a-z, 0-9 and '-'");
  return {};
}

std::string to_toml(const Config& config) {
  std::string out;
  std::string section;
  for (const Row& row : rows()) {
    const std::size_t dot = row.name.find('.');
    if (row.name.substr(0, dot) != section) {
      section = row.name.substr(0, dot);
      out += (out.empty() ? "[" : "\n[") + section + "]\n";
    }
    out += std::string(row.name.substr(dot + 1)) + " = " + value_text(config, row) + "\n";
  }
  return out;
}

}  // namespace keyhaven::server
