#include "migrate/plan.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "base/file.h"
#include "base/id.h"
#include "crypto/hash.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxPlanBytes = 256 * 1024 * 1024;
constexpr std::string_view kActions[] = {"import", "generate", "copy", "report", "blocked"};

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

void emit_list(YAML::Emitter& out, const char* name, const std::vector<std::string>& values) {
  if (values.empty()) return;
  out << YAML::Key << name << YAML::Value << YAML::BeginSeq;
  for (const std::string& value : values) out << YAML::DoubleQuoted << value;
  out << YAML::EndSeq;
}

void emit_text(YAML::Emitter& out, const char* name, const std::string& value) {
  if (!value.empty()) out << YAML::Key << name << YAML::Value << YAML::DoubleQuoted << value;
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
  emit_text(out, "key_ring", key.key_ring);
  out << YAML::Key << "imported" << YAML::Value << key.imported;
  out << YAML::Key << "state" << YAML::Value << key.state;
  if (key.expires.is_set()) emit_text(out, "expires", format_rfc3339(key.expires));
  emit_text(out, "when_expired", key.when_expired);
  out << YAML::Key << "versions" << YAML::Value << key.versions;
  if (key.material_versions > 0)
    out << YAML::Key << "material_versions" << YAML::Value << key.material_versions;
  out << YAML::Key << "deks" << YAML::Value << key.deks;
  emit_text(out, "dek_target", key.dek_target);
  emit_text(out, "crn", key.crn);
  out << YAML::EndMap;
}

// Reads members of a map and remembers the first mistake; a member that nobody asked for is a
// mistake too.
class MapReader {
 public:
  MapReader(const YAML::Node& node, std::string where) : node_(node), where_(std::move(where)) {
    if (!node_.IsDefined() || !node_.IsMap()) fail("must be a map");
  }
  template <class T>
  void value(const char* name, T& out) {
    seen_.emplace_back(name);
    if (!ok() || !node_[name]) return;
    try {
      out = node_[name].template as<T>();
    } catch (const YAML::Exception&) {
      fail(std::string(name) + " has the wrong type");
    }
  }
  void name(std::string where) { where_ = std::move(where); }
  YAML::Node child(const char* name) {
    seen_.emplace_back(name);
    return ok() ? node_[name] : YAML::Node();
  }
  void fail(const std::string& what) {
    if (!ok()) return;
    problem_ = where_ + ": " + what;
    if (node_.IsDefined()) {
      problem_ = "line " + std::to_string(node_.Mark().line + 1) + ": " + problem_;
    }
  }
  bool ok() const noexcept { return problem_.empty(); }
  Result<void> finish() {
    if (ok()) {
      std::set<std::string> names;
      for (const auto& member : node_) {
        const std::string name = member.first.as<std::string>("");
        if (!names.insert(name).second) fail("member " + name + " is there twice");
        if (std::find(seen_.begin(), seen_.end(), name) == seen_.end())
          fail("unknown member " + name);
      }
    }
    if (!ok()) return bad(problem_);
    return {};
  }

 private:
  YAML::Node node_;
  std::string where_;
  std::string problem_;
  std::vector<std::string> seen_;
};

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
  if (!key.is_carried()) return {};
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
  if (key.source.empty()) reader.fail("source is required");
  if (kind != "root" && kind != "standard") reader.fail("kind must be root or standard");
  key.root = kind == "root";
  const auto* known = std::find(std::begin(kActions), std::end(kActions), action);
  if (known == std::end(kActions))
    reader.fail("action must be import, generate, copy, report or blocked");
  if (reader.ok()) key.action = static_cast<KeyAction>(known - std::begin(kActions));
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

// Two entries for one key, or one alias for two keys, would make the outcome depend on their order.
Result<void> check_unique(const Plan& plan) {
  std::set<std::string_view> sources, aliases;
  for (const PlannedKey& key : plan.keys) {
    if (!sources.insert(key.source).second) return bad("key " + key.source + " is there twice");
    for (const std::string& alias : key.aliases) {
      if (key.is_carried() && !aliases.insert(alias).second)
        return bad("alias " + alias + " is given to two keys, or twice to one");
    }
  }
  return {};
}

}  // namespace

std::string_view name_of(KeyAction action) noexcept {
  return kActions[static_cast<std::size_t>(action)];
}

bool Plan::is_blocked() const noexcept {
  return !unknown_keys.empty() || std::any_of(keys.begin(), keys.end(), [](const PlannedKey& key) {
    return key.action == KeyAction::Blocked;
  });
}

const PlannedKey* Plan::find(std::string_view name) const noexcept {
  for (const PlannedKey& key : keys) {
    if (key.source == name || key.crn == name) return &key;
  }
  for (const PlannedKey& key : keys) {
    if (std::find(key.aliases.begin(), key.aliases.end(), name) != key.aliases.end()) return &key;
  }
  return nullptr;
}

std::string temporary_alias(const std::string& plan_id, const std::string& source_key) {
  const Digest digest =
      crypto::sha256(as_bytes("keyhaven migration alias v1\n" + plan_id + "\n" + source_key));
  return std::string(kTemporaryAliasPrefix) + to_hex(ByteView(digest).first(16));
}

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
  emit_list(out, "key_rings", plan.key_rings);
  emit_list(out, "unknown_keys", plan.unknown_keys);
  out << YAML::Key << "keys" << YAML::Value << YAML::BeginSeq;
  for (const PlannedKey& key : plan.keys) emit_key(out, key);
  out << YAML::EndSeq << YAML::EndMap;
  return std::string(out.c_str()) + "\n";
}

Result<Plan> plan_from_yaml(const std::string& text) {
  try {
    const YAML::Node root = YAML::Load(text);
    Plan plan;
    int format = 0;
    std::string made;
    MapReader reader(root, "plan");
    reader.value("format", format);
    reader.value("plan", plan.id);
    reader.value("made", made);
    reader.value("key_rings", plan.key_rings);
    reader.value("unknown_keys", plan.unknown_keys);
    const YAML::Node source = reader.child("source");
    const YAML::Node target = reader.child("target");
    const YAML::Node keys = reader.child("keys");
    if (format != 1) reader.fail("format must be 1");
    if (!Uuid::parse(plan.id)) reader.fail("plan must be a UUID");
    if (!keys || !keys.IsSequence()) reader.fail("keys must be a list");
    KH_TRY(reader.finish());
    auto date = parse_rfc3339(made);
    if (!date) return bad("made must be a date like 2030-01-31T00:00:00Z");
    plan.made = *date;
    plan.source = KH_TRY(read_endpoint(source, "source"));
    plan.target = KH_TRY(read_endpoint(target, "target"));
    for (const YAML::Node& node : keys) {
      PlannedKey key = KH_TRY(read_key(node));
      plan.keys.push_back(std::move(key));
    }
    KH_TRY(check_unique(plan));
    return plan;
  } catch (const YAML::Exception& error) {
    return bad("line " + std::to_string(error.mark.line + 1) + ": not YAML: " + error.msg);
  }
}

Result<Plan> load_plan(const std::string& path) {
  const Bytes content = KH_TRY(read_file(path, kMaxPlanBytes));
  auto plan = plan_from_yaml(std::string(as_text(content)));
  if (!plan) return bad(path + ": " + plan.error().message);
  return plan;
}

Result<void> save_plan(const std::string& path, const Plan& plan) {
  return create_file(path, as_bytes(to_yaml(plan)), 0600);
}

}  // namespace keyhaven::migrate
