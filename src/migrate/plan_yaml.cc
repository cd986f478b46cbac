// The plan as YAML: what people review, edit and keep under version control.
#include <algorithm>
#include <optional>
#include <set>

#include "base/id.h"
#include "migrate/plan.h"
#include "migrate/plan_split.h"
#include "migrate/table_yaml.h"
#include "migrate/yaml_reader.h"

namespace keyhaven::migrate {
namespace {

constexpr KeyAction kActions[] = {KeyAction::Import, KeyAction::Generate, KeyAction::Copy,
                                  KeyAction::Report, KeyAction::Blocked,  KeyAction::Existing};
constexpr std::string_view kImportForms[] = {"sha256-gcm", "sha1-cbc", "plain"};

// YAML's mark of a document's end. A plan may lose keys to an editor, never to a full disk or a
// broken copy: what is left of it would be a plan, too.
constexpr std::string_view kEnd = "...\n";

Error bad(std::string message) { return Error{Reason::InvalidArgument, std::move(message), {}}; }

void emit_endpoint(YAML::Emitter& out, const char* name, const EndpointRef& endpoint) {
  out << YAML::Key << name << YAML::Value << YAML::BeginMap;
  out << YAML::Key << "url" << YAML::Value << YAML::DoubleQuoted << endpoint.url;
  if (!endpoint.iam_url.empty())
    out << YAML::Key << "iam_url" << YAML::Value << YAML::DoubleQuoted << endpoint.iam_url;
  if (!endpoint.ca_file.empty())
    out << YAML::Key << "ca_file" << YAML::Value << YAML::DoubleQuoted << endpoint.ca_file;
  if (!endpoint.api_key_file.empty()) {
    out << YAML::Key << "api_key_file" << YAML::Value << YAML::DoubleQuoted
        << endpoint.api_key_file;
  }
  out << YAML::Key << "instance" << YAML::Value << YAML::DoubleQuoted << endpoint.instance
      << YAML::EndMap;
}

void emit_policies(YAML::Emitter& out, const client::KeyPolicies& policies) {
  if (policies.rotation) {
    out << YAML::Key << "rotation" << YAML::Value << YAML::BeginMap;
    out << YAML::Key << "enabled" << YAML::Value << policies.rotation->enabled;
    out << YAML::Key << "interval_month" << YAML::Value << policies.rotation->months
        << YAML::EndMap;
  }
  if (policies.dual_auth_delete) {
    out << YAML::Key << "dual_auth_delete" << YAML::Value << *policies.dual_auth_delete;
  }
}

void emit_registrations(YAML::Emitter& out, const std::vector<client::Registration>& all) {
  if (all.empty()) return;
  out << YAML::Key << "registrations" << YAML::Value << YAML::BeginSeq;
  for (const client::Registration& one : all) {
    out << YAML::BeginMap;
    emit_text(out, "resource", one.resource_crn);
    emit_text(out, "description", one.description);
    out << YAML::Key << "prevent_key_deletion" << YAML::Value << one.prevent_key_deletion
        << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void emit_instance_policies(YAML::Emitter& out,
                            const std::vector<client::InstancePolicyChange>& policies) {
  if (policies.empty()) return;
  out << YAML::Key << "instance_policies" << YAML::Value << YAML::BeginSeq;
  for (const client::InstancePolicyChange& one : policies) {
    out << YAML::BeginMap;
    emit_text(out, "type", one.type);
    out << YAML::Key << "enabled" << YAML::Value << one.enabled;
    emit_text(out, "allowed_network", one.allowed_network);
    emit_list(out, "allowed_ip", one.allowed_ip);
    if (one.interval_month) {
      out << YAML::Key << "interval_month" << YAML::Value << *one.interval_month;
    }
    for (const auto& [name, allowed] : one.access)
      out << YAML::Key << name << YAML::Value << allowed;
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
}

void emit_key(YAML::Emitter& out, const PlannedKey& key) {
  out << YAML::BeginMap;
  emit_text(out, "source", key.source);
  emit_text(out, "name", key.name);
  out << YAML::Key << "kind" << YAML::Value << (key.root ? "root" : "standard");
  out << YAML::Key << "action" << YAML::Value << std::string(name_of(key.action));
  emit_text(out, "blocked", key.blocked);
  emit_list(out, "lost", key.lost);
  emit_text(out, "description", key.description);
  emit_list(out, "tags", key.tags);
  emit_list(out, "aliases", key.aliases);
  if (key.hold_aliases) out << YAML::Key << "hold_aliases" << YAML::Value << true;
  emit_text(out, "key_ring", key.key_ring);
  emit_policies(out, key.policies);
  emit_registrations(out, key.registrations);
  out << YAML::Key << "imported" << YAML::Value << key.imported;
  out << YAML::Key << "state" << YAML::Value << key.state;
  if (key.expires.is_set()) emit_text(out, "expires", format_rfc3339(key.expires));
  emit_text(out, "when_expired", key.when_expired);
  out << YAML::Key << "versions" << YAML::Value << key.versions;
  if (key.material_versions > 0)
    out << YAML::Key << "material_versions" << YAML::Value << key.material_versions;
  out << YAML::Key << "deks" << YAML::Value << key.deks;
  emit_text(out, "target", key.target);
  emit_text(out, "dek_target", key.dek_target);
  emit_text(out, "crn", key.crn);
  out << YAML::EndMap;
}

Result<EndpointRef> read_endpoint(const YAML::Node& node, const char* name) {
  EndpointRef endpoint;
  MapReader reader(node, name);
  reader.value("url", endpoint.url);
  reader.value("iam_url", endpoint.iam_url);
  reader.value("ca_file", endpoint.ca_file);
  reader.value("api_key_file", endpoint.api_key_file);
  reader.value("instance", endpoint.instance);
  if (endpoint.url.empty() || endpoint.instance.empty())
    reader.fail("url and instance are required");
  KH_TRY(reader.finish());
  return endpoint;
}

// What the combination of action, kind and state allows; empty if it is fine.
std::string what_is_impossible(const PlannedKey& key) {
  if (key.state != 0 && key.state != 1 && key.state != 2 && key.state != 3 && key.state != 5)
    return "state must be 0, 1, 2, 3 or 5";
  if (key.versions == 0) return "versions must be at least 1";
  if (key.material_versions > key.versions) return "material_versions must not exceed versions";
  if (key.when_expired != "" && key.when_expired != "undecided" &&
      key.when_expired != "without-expiration") {
    return "when_expired must be undecided or without-expiration";
  }
  for (const std::string& alias : key.aliases) {
    if (alias.empty()) return "an alias is empty";
  }
  if (key.key_ring.empty()) return "key_ring is empty";
  if (key.policies.rotation &&
      (key.policies.rotation->months < 1 || key.policies.rotation->months > 12)) {
    return "rotation needs interval_month of 1 to 12";
  }
  if (!key.root && !key.registrations.empty()) return "only root keys have registrations";
  if (!key.is_carried()) return {};
  if (key.action == KeyAction::Existing) {
    if (!key.root) return "only a root key can be taken over by an existing one";
    return key.target.empty() ? "existing needs target, the id of the key in the target" : "";
  }
  if (!key.target.empty()) return "target belongs to the action existing";
  if (key.policies.rotation && key.action != KeyAction::Generate)
    return "a key with material of its owner cannot rotate by itself: remove rotation";
  if (key.name.empty()) return "name is empty";
  if (key.state == client::kDestroyed) return "a destroyed key can only be reported";
  if (key.when_expired == "undecided")
    return "decide when_expired (without-expiration), or set action to report";
  if (key.aliases.size() > 5) return "a key has at most 5 aliases";
  if (!key.root && key.action != KeyAction::Copy)
    return "a standard key can only be copied or reported";
  if (key.root && key.action == KeyAction::Copy)
    return "a root key cannot be copied: import its material or generate a new one";
  if (key.action == KeyAction::Import && key.material_versions == 0)
    return "import needs material_versions of at least 1";
  if (key.action == KeyAction::Generate && key.material_versions > 0)
    return "material_versions is set: import the key, or remove that line to generate a new one";
  return {};
}

void read_rotation(MapReader& key, client::KeyPolicies& policies) {
  const YAML::Node node = key.child("rotation");
  if (!key.ok() || !node) return;
  client::RotationPolicy rotation;
  MapReader reader(node, "rotation");
  reader.value("enabled", rotation.enabled);
  reader.value("interval_month", rotation.months);
  key.adopt(reader);
  policies.rotation = rotation;
}

void read_registrations(MapReader& key, std::vector<client::Registration>& out) {
  const YAML::Node list = key.child("registrations");
  if (!key.ok() || !list) return;
  if (!list.IsSequence()) return key.fail("registrations must be a list");
  std::set<std::string> resources;
  for (const YAML::Node& node : list) {
    client::Registration one;
    MapReader reader(node, "registration");
    reader.value("resource", one.resource_crn);
    reader.value("description", one.description);
    reader.value("prevent_key_deletion", one.prevent_key_deletion);
    if (!one.resource_crn.starts_with("crn:")) reader.fail("resource must be a CRN");
    if (!resources.insert(one.resource_crn).second)
      reader.fail("resource " + one.resource_crn + " is there twice");
    key.adopt(reader);
    out.push_back(std::move(one));
  }
}

Result<PlannedKey> read_key(const YAML::Node& node) {
  PlannedKey key;
  std::string kind, action, expires;
  MapReader reader(node, "key");
  reader.value("source", key.source);
  if (!key.source.empty()) reader.name("key " + key.source.substr(0, 80));
  reader.value("name", key.name);
  reader.value("kind", kind);
  reader.value("action", action);
  reader.value("blocked", key.blocked);
  reader.value("lost", key.lost);
  reader.value("description", key.description);
  reader.value("tags", key.tags);
  reader.value("aliases", key.aliases);
  reader.value("key_ring", key.key_ring);
  reader.value("imported", key.imported);
  reader.value("state", key.state);
  reader.value("expires", expires);
  reader.value("when_expired", key.when_expired);
  reader.value("versions", key.versions);
  reader.value("material_versions", key.material_versions);
  reader.value("deks", key.deks);
  reader.value("dek_target", key.dek_target);
  reader.value("crn", key.crn);
  reader.value("target", key.target);
  reader.value("hold_aliases", key.hold_aliases);
  bool dual_auth = false;
  reader.value("dual_auth_delete", dual_auth);
  if (dual_auth) key.policies.dual_auth_delete = true;
  read_rotation(reader, key.policies);
  read_registrations(reader, key.registrations);
  if (key.source.empty()) reader.fail("source is required");
  if (kind != "root" && kind != "standard") reader.fail("kind must be root or standard");
  key.root = kind == "root";
  const auto* known = std::find_if(std::begin(kActions), std::end(kActions),
                                   [&](KeyAction one) { return name_of(one) == action; });
  if (known == std::end(kActions)) {
    reader.fail("action must be import, generate, copy, report, existing or blocked");
  } else {
    key.action = *known;
  }
  if (!expires.empty()) {
    auto date = parse_rfc3339(expires);
    if (date) {
      key.expires = *date;
    } else {
      reader.fail("expires must be a date like 2030-01-31T00:00:00Z");
    }
  }
  if (const std::string problem = what_is_impossible(key); !problem.empty()) reader.fail(problem);
  KH_TRY(reader.finish());
  return key;
}

constexpr const char* kAccess[] = {"create_root_key", "create_standard_key", "import_root_key",
                                   "import_standard_key", "enforce_token"};

// What the attributes of a policy must be; empty if they are.
std::string what_is_impossible(const client::InstancePolicyChange& policy) {
  const std::string& type = policy.type;
  const bool is_network = type == "allowedNetwork", is_address = type == "allowedIP";
  const bool is_access = type == "keyCreateImportAccess", is_rotation = type == "rotation";
  if (!is_network && !is_address && !is_access && !is_rotation && type != "dualAuthDelete" &&
      type != "metrics") {
    return "type must be dualAuthDelete, rotation, keyCreateImportAccess, metrics, allowedNetwork "
           "or allowedIP";
  }
  if (!is_network && !policy.allowed_network.empty()) return "allowed_network is not of this type";
  if (!is_address && !policy.allowed_ip.empty()) return "allowed_ip is not of this type";
  if (!is_access && !policy.access.empty()) return "access rights are not of this type";
  if (!is_rotation && policy.interval_month) return "interval_month is not of this type";
  if (!policy.enabled) return {};
  if (is_address && (policy.allowed_ip.empty() || policy.allowed_ip.size() > 1000))
    return "allowed_ip needs 1 to 1000 networks";
  if (is_network && policy.allowed_network != "public-and-private" &&
      policy.allowed_network != "private-only") {
    return "allowed_network must be public-and-private or private-only";
  }
  if (is_rotation && (policy.interval_month.value_or(0) < 1 || *policy.interval_month > 12))
    return "interval_month must be 1 to 12";
  return {};
}

Result<client::InstancePolicyChange> read_instance_policy(const YAML::Node& node) {
  client::InstancePolicyChange policy;
  MapReader reader(node, "instance policy");
  reader.value("type", policy.type);
  reader.value("enabled", policy.enabled);
  reader.value("allowed_network", policy.allowed_network);
  reader.value("allowed_ip", policy.allowed_ip);
  std::int64_t months = -1;
  reader.value("interval_month", months);
  if (months >= 0) policy.interval_month = months;
  for (const char* name : kAccess) {
    if (!reader.child(name)) continue;
    bool allowed = false;
    reader.value(name, allowed);
    policy.access.emplace_back(name, allowed);
  }
  if (const std::string problem = what_is_impossible(policy); !problem.empty())
    reader.fail(problem);
  KH_TRY(reader.finish());
  return policy;
}

Result<void> read_instance_policies(const YAML::Node& list, Plan& plan) {
  if (!list) return {};
  if (!list.IsSequence()) return bad("instance_policies must be a list");
  std::set<std::string> types;
  for (const YAML::Node& node : list) {
    client::InstancePolicyChange policy = KH_TRY(read_instance_policy(node));
    if (!types.insert(policy.type).second)
      return bad("instance policy " + policy.type + " is there twice");
    plan.instance_policies.push_back(std::move(policy));
  }
  return {};
}

// Two entries for one key, or one alias for two keys, would make the outcome depend on their order.
Result<void> check_unique(const Plan& plan) {
  std::set<std::string_view> sources, aliases;
  for (const PlannedKey& key : plan.keys) {
    if (!sources.insert(key.source).second) return bad("key " + key.source + " is there twice");
    for (const std::string& alias : key.aliases) {
      if (key.is_made() && !aliases.insert(alias).second)
        return bad("alias " + alias + " is given to two keys, or twice to one");
    }
  }
  return {};
}

}  // namespace

std::string to_yaml(const Plan& plan) {
  YAML::Emitter out;
  out.SetIndent(2);
  out << YAML::Comment(
      "Plan of a key migration. Review it, edit it where it asks for a decision, then: keyhaven "
      "migrate apply");
  out << YAML::BeginMap << YAML::Key << "format" << YAML::Value << 1;
  emit_text(out, "plan", plan.id);
  emit_text(out, "made", format_rfc3339(plan.made));
  emit_endpoint(out, "source", plan.source);
  emit_endpoint(out, "target", plan.target);
  out << YAML::Key << "import_form" << YAML::Value
      << std::string(kImportForms[static_cast<std::size_t>(plan.import_form)]);
  out << YAML::Key << "rotation_seconds" << YAML::Value << plan.rotation_seconds;
  emit_list(out, "key_rings", plan.key_rings);
  emit_instance_policies(out, plan.instance_policies);
  emit_list(out, "lost", plan.lost);
  emit_tables(out, plan.tables);
  emit_list(out, "unknown_keys", plan.unknown_keys);
  out << YAML::Key << "keys" << YAML::Value << YAML::BeginSeq;
  for (const PlannedKey& key : plan.keys) emit_key(out, key);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n" + std::string(kEnd);
}

namespace {

// Everything but the keys. `root` has a list of them, empty or not. Throws as yaml-cpp does.
Result<Plan> read_outline(const YAML::Node& root) {
  Plan plan;
  int format = 0;
  std::string made;
  MapReader reader(root, "plan");
  reader.value("format", format);
  reader.value("plan", plan.id);
  reader.value("made", made);
  std::string form(kImportForms[0]);
  reader.value("import_form", form);
  reader.value("rotation_seconds", plan.rotation_seconds);
  reader.value("lost", plan.lost);
  reader.value("key_rings", plan.key_rings);
  reader.value("unknown_keys", plan.unknown_keys);
  const YAML::Node source = reader.child("source");
  const YAML::Node target = reader.child("target");
  const YAML::Node keys = reader.child("keys");
  const YAML::Node policies = reader.child("instance_policies");
  const YAML::Node tables = reader.child("tables");
  const auto* known_form = std::find(std::begin(kImportForms), std::end(kImportForms), form);
  if (known_form == std::end(kImportForms)) {
    reader.fail("import_form must be sha256-gcm, sha1-cbc or plain");
  } else {
    plan.import_form = static_cast<ImportForm>(known_form - std::begin(kImportForms));
  }
  if (plan.rotation_seconds > 7 * 86'400) reader.fail("rotation_seconds is more than a week");
  if (format != 1) reader.fail("format must be 1");
  if (!Uuid::parse(plan.id)) reader.fail("plan must be a UUID");
  if (!keys || !keys.IsSequence()) reader.fail("keys must be a list");
  KH_TRY(reader.finish());
  auto date = parse_rfc3339(made);
  if (!date) return bad("made must be a date like 2030-01-31T00:00:00Z");
  plan.made = *date;
  plan.source = KH_TRY(read_endpoint(source, "source"));
  plan.target = KH_TRY(read_endpoint(target, "target"));
  KH_TRY(read_instance_policies(policies, plan));
  plan.tables = KH_TRY(read_tables(tables));
  return plan;
}

Result<void> add_key(const YAML::Node& node, Plan& plan) {
  PlannedKey key = KH_TRY(read_key(node));
  plan.keys.push_back(std::move(key));
  return {};
}

Result<Plan> read_whole(const std::string& text) {
  const YAML::Node root = YAML::Load(text);
  Plan plan = KH_TRY(read_outline(root));
  for (const YAML::Node& node : root["keys"]) KH_TRY(add_key(node, plan));
  KH_TRY(check_unique(plan));
  return plan;
}

Result<Plan> read_parts(const SplitPlan& parts) {
  Plan plan = KH_TRY(read_outline(YAML::Load(parts.outline)));
  plan.keys.reserve(parts.keys.size());
  for (const std::string_view part : parts.keys) {
    const YAML::Node list = YAML::Load(std::string(part));
    if (!list.IsSequence() || list.size() != 1) return bad("not one key");
    KH_TRY(add_key(list[0], plan));
  }
  KH_TRY(check_unique(plan));
  return plan;
}

// Nothing when the text cannot be read in parts, for whatever reason.
std::optional<Plan> try_parts(const std::string& text) {
  const auto parts = split_plan(text);
  if (!parts) return std::nullopt;
  try {
    Result<Plan> plan = read_parts(*parts);
    return plan ? std::optional(std::move(*plan)) : std::nullopt;
  } catch (const YAML::Exception&) {
    return std::nullopt;
  }
}

}  // namespace

namespace {

Result<Plan> read_plan(const std::string& text) {
  if (std::optional<Plan> plan = try_parts(text)) return std::move(*plan);
  try {
    return read_whole(text);  // knows the line of a mistake
  } catch (const YAML::Exception& error) {
    return bad("line " + std::to_string(error.mark.line + 1) + ": not YAML: " + error.msg);
  }
}

// Behind the mark there may be blanks, empty lines and comments.
bool has_end(std::string_view text) {
  const std::size_t at = text.find("\n...");
  if (at == std::string_view::npos) return false;
  bool in_comment = false;
  for (const char c : text.substr(at + 4)) {
    if (c == '#') in_comment = true;
    if (c == '\n') in_comment = false;
    if (!in_comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') return false;
  }
  return true;
}

}  // namespace

Result<Plan> plan_from_yaml(const std::string& text) {
  Plan plan = KH_TRY(read_plan(text));
  if (has_end(text)) return plan;
  return bad(
      "its last line is not \"...\": it may have been cut short, and keys be missing; copy it "
      "again; if every key is there, put that line behind everything else");
}

}  // namespace keyhaven::migrate
