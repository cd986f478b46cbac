#include "client/decode.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <utility>

#include "client/json_fields.h"

namespace keyhaven::client {
namespace {

constexpr std::size_t kMaxErrorText = 1024;

Error not_an_object() { return {Reason::BadBody, "the answer is not a JSON object", {}}; }

KeyVersion version_of(Fields& parent, std::string_view name, bool& present) {
  KeyVersion out;
  const auto object = parent.object(name);
  present = object.has_value();
  if (!object) return out;
  Fields fields(*object);
  out.id = fields.text("id");
  out.created = fields.time("creationDate");
  parent.adopt(fields);
  present = !out.id.empty();
  return out;
}

Result<Key> decode_key(dom::object object) {
  Fields fields(object);
  Key key;
  key.id = fields.required_text("id");
  key.name = fields.text("name");
  key.description = fields.text("description");
  key.aliases = fields.texts("aliases");
  key.tags = fields.texts("tags");
  key.crn = fields.text("crn");
  key.key_ring = fields.text("keyRingID");
  if (key.key_ring.empty()) key.key_ring = "default";
  key.created_by = fields.text("createdBy");
  key.state = static_cast<int>(fields.integer("state").value_or(kActive));
  key.extractable = fields.boolean("extractable", false);
  key.imported = fields.boolean("imported", false);
  key.deleted = fields.boolean("deleted", false);
  key.created = fields.time("creationDate");
  key.updated = fields.time("lastUpdateDate");
  key.rotated = fields.time("lastRotateDate");
  key.expires = fields.time("expirationDate");
  key.deletion = fields.time("deletionDate");
  key.purge_allowed = fields.boolean("purgeAllowed", false);
  key.restore_allowed = fields.boolean("restoreAllowed", false);
  if (const auto algorithm = fields.object("algorithmMetadata")) {
    key.algorithm_bits = Fields(*algorithm).text_or_number("bitLength");
  }
  bool has_version = false;
  KeyVersion version = version_of(fields, "keyVersion", has_version);
  if (has_version) key.version = std::move(version);
  if (const auto dual = fields.object("dualAuthDelete")) {
    Fields inner(*dual);
    key.dual_auth_delete = inner.boolean("enabled", false);
    key.set_for_deletion = inner.boolean("keySetForDeletion", false);
    fields.adopt(inner);
  }
  if (const auto rotation = fields.object("rotation")) {
    Fields inner(*rotation);
    const auto months = inner.integer("interval_month");
    key.rotation =
        RotationPolicy{inner.boolean("enabled", true), static_cast<int>(months.value_or(0))};
    if (key.rotation->enabled && months) key.rotation_interval_month = key.rotation->months;
    fields.adopt(inner);
  }
  return fields.finish(std::move(key));
}

Result<KeyVersion> decode_version(dom::object object) {
  Fields fields(object);
  KeyVersion version{fields.required_text("id"), fields.time("creationDate")};
  return fields.finish(std::move(version));
}

Result<Alias> decode_alias(dom::object object) {
  Fields fields(object);
  Alias alias{fields.text("keyId"), fields.required_text("alias"), fields.text("createdBy"),
              fields.time("creationDate")};
  return fields.finish(std::move(alias));
}

Result<KeyRing> decode_ring(dom::object object) {
  Fields fields(object);
  KeyRing ring{fields.required_text("id"), fields.time("creationDate"), fields.text("createdBy")};
  return fields.finish(std::move(ring));
}

Result<Registration> decode_registration(dom::object object) {
  Fields fields(object);
  Registration out{fields.text("keyId"), fields.text("resourceCrn"), fields.text("description"),
                   fields.boolean("preventKeyDeletion", false)};
  return fields.finish(std::move(out));
}

void read_attributes(Fields& attributes, Policy& policy) {
  if (const auto months = attributes.integer("interval_month"))
    policy.interval_month = static_cast<int>(*months);
  policy.allowed_network = attributes.text("allowed_network");
  policy.allowed_ip = attributes.texts("allowed_ip");
  for (const char* name : {"create_root_key", "create_standard_key", "import_root_key",
                           "import_standard_key", "enforce_token"}) {
    if (attributes.has(name)) policy.access.emplace_back(name, attributes.boolean(name, false));
  }
}

// One resource may hold several key policies; an instance policy has policy_type and policy_data.
Result<std::vector<Policy>> decode_policies(dom::object object) {
  Fields fields(object);
  std::vector<Policy> out;
  if (fields.has("policy_type")) {
    Policy policy;
    policy.type = fields.text("policy_type");
    if (const auto data = fields.object("policy_data")) {
      Fields inner(*data);
      policy.enabled = inner.boolean("enabled", false);
      policy.attributes_json = inner.raw("attributes");
      if (const auto attributes = inner.object("attributes")) {
        Fields members(*attributes);
        read_attributes(members, policy);
        inner.adopt(members);
      }
      fields.adopt(inner);
    }
    out.push_back(std::move(policy));
    return fields.finish(std::move(out));
  }
  for (const std::string_view type : {"rotation", "dualAuthDelete"}) {
    const auto data = fields.object(type);
    if (!data) continue;
    Fields inner(*data);
    Policy policy;
    policy.type = type;
    policy.enabled = inner.boolean("enabled", true);
    if (const auto months = inner.integer("interval_month"))
      policy.interval_month = static_cast<int>(*months);
    fields.adopt(inner);
    out.push_back(std::move(policy));
  }
  return fields.finish(std::move(out));
}

Result<Instance> decode_instance(dom::object object) {
  Fields fields(object);
  Instance out;
  out.guid = fields.required_text("guid");
  out.crn = fields.text("crn");
  out.name = fields.text("name");
  out.state = fields.text("state");
  out.plan = fields.text("resource_plan_id");
  out.region = fields.text("region_id");
  out.resource_group = fields.text("resource_group_id");
  out.created = fields.time("created_at");
  out.created_by = fields.text("created_by");
  if (const auto parameters = fields.object("parameters")) {
    Fields inner(*parameters);
    out.units = static_cast<std::uint32_t>(inner.count("units"));
    out.recovery_units = static_cast<std::uint32_t>(inner.count("recovery_units"));
    out.failover_units = static_cast<std::uint32_t>(inner.count("failover_units"));
    out.allowed_network = inner.text("allowed_network");
    out.rotation_interval_seconds = inner.integer("rotation_interval_seconds");
    if (const auto limits = inner.object("limits")) {
      for (const dom::key_value_pair& limit : *limits) {
        std::int64_t value = 0;
        if (!limit.value.get_int64().get(value)) out.limits.emplace_back(limit.key, value);
      }
    }
    fields.adopt(inner);
  }
  if (const auto extensions = fields.object("extensions")) {
    Fields inner(*extensions);
    if (const auto endpoints = inner.object("endpoints"))
      out.endpoint = Fields(*endpoints).text("public");
    if (out.endpoint.empty()) out.endpoint = inner.text("endpoints.public");
    fields.adopt(inner);
  }
  return fields.finish(std::move(out));
}

Result<ServiceId> decode_service_id(dom::object object) {
  Fields fields(object);
  ServiceId out{fields.required_text("id"),    fields.required_text("iam_id"),
                fields.text("name"),           fields.text("description"),
                fields.time("created_at"),     fields.text("service_crn"),
                fields.text("type") == "user", fields.text("oidc_subject")};
  return fields.finish(std::move(out));
}

Result<ApiKeyInfo> decode_api_key(dom::object object) {
  Fields fields(object);
  ApiKeyInfo out{fields.required_text("id"), fields.text("iam_id"), fields.text("name"),
                 fields.boolean("locked", false), fields.time("created_at")};
  return fields.finish(std::move(out));
}

// The last part of "crn:v1:bluemix:public:iam::::serviceRole:Manager", or the display name.
std::string role_name(dom::object object) {
  Fields fields(object);
  const std::string display = fields.text("display_name");
  if (!display.empty()) return display;
  const std::string id = fields.text("role_id");
  const auto colon = id.rfind(':');
  return colon == std::string::npos ? id : id.substr(colon + 1);
}

void apply_attributes(Fields& parent, std::string_view list, AccessPolicy& out) {
  for (dom::element entry : parent.array(list)) {
    dom::object object;
    if (entry.get_object().get(object) != simdjson::SUCCESS) continue;
    for (dom::element attribute : Fields(object).array("attributes")) {
      dom::object pair;
      if (attribute.get_object().get(pair) != simdjson::SUCCESS) continue;
      Fields fields(pair);
      const std::string name = fields.text("name");
      std::string value = fields.text("value");
      if (name == "iam_id")
        out.iam_id = std::move(value);
      else if (name == "serviceInstance")
        out.instance = std::move(value);
      else if (name == "keyRing")
        out.key_ring = std::move(value);
      else if (name == "resource")
        out.key = std::move(value);
    }
  }
}

// The places of one part of the answer, each with what may be done there.
void append_places(Fields& part, std::vector<PermittedActions>& out) {
  const std::vector<std::string> actions = part.texts("actions");
  for (dom::element item : part.array("places")) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) {
      part.refuse("places", "a list of objects");
      return;
    }
    Fields place(object);
    out.push_back(
        {PermittedActions::Where::Part, place.text("key_ring"), place.text("key"), actions});
    part.adopt(place);
  }
}

Result<AccessPolicy> decode_access_policy(dom::object object) {
  Fields fields(object);
  AccessPolicy out;
  out.id = fields.required_text("id");
  for (dom::element role : fields.array("roles")) {
    dom::object inner;
    if (role.get_object().get(inner) == simdjson::SUCCESS) out.roles.push_back(role_name(inner));
  }
  apply_attributes(fields, "subjects", out);
  apply_attributes(fields, "resources", out);
  return fields.finish(std::move(out));
}

}  // namespace

struct Decoder::State {
  dom::parser parser;

  Result<dom::object> root(std::string_view json) {
    if (json.empty()) return not_an_object();  // simdjson would copy from its null pointer
    dom::element document;
    dom::object object;
    if (parser.parse(json.data(), json.size()).get(document) != simdjson::SUCCESS ||
        document.get_object().get(object) != simdjson::SUCCESS) {
      return not_an_object();
    }
    return object;
  }

  // The items of the list called one of `names` (the first that is there), each through
  // `decode_one`.
  template <class T, class F>
  Result<Page<T>> page(std::string_view json, std::initializer_list<std::string_view> names,
                       F decode_one) {
    const dom::object object_root = KH_TRY(root(json));
    Fields fields(object_root);
    Page<T> out;
    if (const auto metadata = fields.object("metadata")) {
      if (const auto total = Fields(*metadata).integer("totalCount"); total && *total >= 0) {
        out.total = static_cast<std::uint64_t>(*total);
      }
    }
    for (const std::string_view name : names) {
      if (!fields.has(name)) continue;
      for (dom::element item : fields.array(name)) {
        dom::object object;
        if (item.get_object().get(object) != simdjson::SUCCESS) return not_an_object();
        T decoded = KH_TRY(decode_one(object));
        out.items.push_back(std::move(decoded));
      }
      out.next = fields.text(fields.has("next_url") ? "next_url" : "next");
      return fields.finish(std::move(out));
    }
    return Error{Reason::BadBody, "the answer has no list \"" + std::string(*names.begin()) + "\"",
                 std::string(*names.begin())};
  }

  template <class T, class F>
  Result<T> first_resource(std::string_view json, F decode_one) {
    auto all = KH_TRY((page<T>(json, {"resources"}, decode_one)));
    if (all.items.empty())
      return Error{Reason::BadBody, "the answer's list \"resources\" is empty", "resources"};
    return std::move(all.items.front());
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<std::vector<Key>> Decoder::keys(std::string_view json) {
  auto page = KH_TRY((state_->page<Key>(json, {"resources"}, decode_key)));
  return std::move(page.items);
}

Result<Page<KeyVersion>> Decoder::versions(std::string_view json) {
  return state_->page<KeyVersion>(json, {"resources"}, decode_version);
}

Result<DekVersions> Decoder::dek(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  DekVersions out;
  out.ciphertext = fields.text("ciphertext");
  bool present = false;
  out.version_id = version_of(fields, "keyVersion", present).id;
  out.rewrapped_version_id = version_of(fields, "rewrappedKeyVersion", present).id;
  return fields.finish(std::move(out));
}

Result<Alias> Decoder::alias(std::string_view json) {
  return state_->first_resource<Alias>(json, decode_alias);
}

Result<Page<KeyRing>> Decoder::rings(std::string_view json) {
  return state_->page<KeyRing>(json, {"resources"}, decode_ring);
}

Result<std::vector<Policy>> Decoder::policies(std::string_view json) {
  auto page = KH_TRY((state_->page<std::vector<Policy>>(json, {"resources"}, decode_policies)));
  std::vector<Policy> out;
  for (auto& group : page.items) {
    for (auto& policy : group) out.push_back(std::move(policy));
  }
  return out;
}

Result<Page<Registration>> Decoder::registrations(std::string_view json) {
  return state_->page<Registration>(json, {"resources"}, decode_registration);
}

Result<ImportToken> Decoder::import_token(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  ImportToken out;
  out.expires = fields.time("expirationDate");
  out.remaining = fields.count("remainingRetrievals");
  const auto bytes_of = [&fields](const char* name) {
    auto bytes = from_base64(fields.text(name));
    if (!bytes) fields.refuse(name, "base64");
    return bytes ? std::move(*bytes) : Bytes();
  };
  out.public_key_pem = as_text(bytes_of("payload"));
  out.nonce = bytes_of("nonce");
  return fields.finish(std::move(out));
}

Result<MigrationIntent> Decoder::migration_intent(std::string_view json) {
  return state_->first_resource<MigrationIntent>(
      json, [](dom::object object) -> Result<MigrationIntent> {
        Fields fields(object);
        MigrationIntent out{fields.text("id"), fields.text("sourceCRK"),
                            fields.required_text("targetCRK"), fields.time("creationDate")};
        return fields.finish(std::move(out));
      });
}

Result<Instance> Decoder::instance(std::string_view json) {
  const dom::object object = KH_TRY(state_->root(json));
  return decode_instance(object);
}

Result<Page<Instance>> Decoder::instances(std::string_view json) {
  return state_->page<Instance>(json, {"resources"}, decode_instance);
}

Result<std::vector<CryptoUnitEntry>> Decoder::units(std::string_view json) {
  std::vector<CryptoUnitEntry> out;
  constexpr std::array<std::pair<std::string_view, UnitType>, 3> kLists{
      {{"hsms", UnitType::Operational},
       {"source_hsms", UnitType::Recovery},
       {"failover_hsms", UnitType::Failover}}};
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  if (!fields.has("hsms")) return Error{Reason::BadBody, "the answer has no list \"hsms\"", "hsms"};
  for (const auto& [name, type] : kLists) {
    for (dom::element item : fields.array(name)) {
      dom::object object;
      if (item.get_object().get(object) != simdjson::SUCCESS) return not_an_object();
      Fields unit(object);
      const bool joined = type == UnitType::Operational && unit.text("membership") != "waiting";
      out.push_back({unit.required_text("hsm_id"), unit.required_text("location"),
                     unit.required_text("serial_number"), type, joined});
      fields.adopt(unit);
    }
  }
  return fields.finish(std::move(out));
}

namespace {

std::optional<RotationPhase> phase_of(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, RotationPhase>, 4> kPhases{
      {{"none", RotationPhase::None},
       {"resealing", RotationPhase::Resealing},
       {"resealed", RotationPhase::Resealed},
       {"reverting", RotationPhase::Reverting}}};
  for (const auto& [text, phase] : kPhases) {
    if (text == name) return phase;
  }
  return std::nullopt;
}

}  // namespace

Result<MasterKeyRotation> Decoder::rotation(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  MasterKeyRotation out;
  const auto phase = phase_of(fields.required_text("phase"));
  if (!phase) fields.refuse("phase", "none, resealing, resealed or reverting");
  out.phase = phase.value_or(RotationPhase::None);
  out.message = printable(fields.text("message"), kMaxErrorText);
  out.from = fields.text("from");
  out.to = fields.text("to");
  out.started = fields.time("started_at");
  out.started_by = printable(fields.text("started_by"), kMaxErrorText);
  out.keys_total = fields.count("keys_total");
  out.keys_left = fields.count("keys_left");
  out.keys_per_second = fields.count("keys_per_second");
  out.waiting_for = printable(fields.text("waiting_for"), kMaxErrorText);
  out.unopened_total = fields.count("unopened_total");
  for (dom::element item : fields.array("stored")) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) return not_an_object();
    Fields row(object);
    out.stored.push_back({row.required_text("master_key"), row.count("keys"),
                          row.count("key_versions"), row.boolean("import_token", false)});
    fields.adopt(row);
  }
  for (dom::element item : fields.array("unopened")) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) return not_an_object();
    Fields row(object);
    out.unopened.push_back({row.required_text("key_id"), row.text("version_id"),
                            printable(row.text("cause"), kMaxErrorText)});
    fields.adopt(row);
  }
  return fields.finish(std::move(out));
}

Result<std::string> Decoder::unit_response(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  std::string response = fields.required_text("response");
  return fields.finish(std::move(response));
}

Result<AttestationRootClaim> Decoder::attestation_root(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  AttestationRootClaim claim{fields.required_text("ski"), fields.required_text("x"),
                             fields.required_text("y")};
  return fields.finish(std::move(claim));
}

Result<ServiceId> Decoder::service_id(std::string_view json) {
  const dom::object object = KH_TRY(state_->root(json));
  return decode_service_id(object);
}

Result<Page<ServiceId>> Decoder::service_ids(std::string_view json) {
  return state_->page<ServiceId>(json, {"serviceids", "resources"}, decode_service_id);
}

Result<ApiKeyInfo> Decoder::api_key(std::string_view json) {
  const dom::object object = KH_TRY(state_->root(json));
  return decode_api_key(object);
}

Result<Page<ApiKeyInfo>> Decoder::api_keys(std::string_view json) {
  return state_->page<ApiKeyInfo>(json, {"apikeys", "resources"}, decode_api_key);
}

Result<AccessPolicy> Decoder::policy(std::string_view json) {
  const dom::object object = KH_TRY(state_->root(json));
  return decode_access_policy(object);
}

Result<Page<AccessPolicy>> Decoder::access_policies(std::string_view json) {
  return state_->page<AccessPolicy>(json, {"policies", "resources"}, decode_access_policy);
}

Result<std::vector<PermittedActions>> Decoder::permissions(std::string_view json) {
  using enum PermittedActions::Where;
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  std::vector<PermittedActions> out;
  out.push_back({Account, {}, {}, fields.texts("account")});
  if (const auto object = fields.object("instance")) {
    Fields instance(*object);
    out.push_back({Instance, {}, {}, instance.texts("actions")});
    for (dom::element item : instance.array("parts")) {
      dom::object part;
      if (item.get_object().get(part) != simdjson::SUCCESS) return not_an_object();
      Fields row(part);
      append_places(row, out);
      instance.adopt(row);
    }
    fields.adopt(instance);
  }
  return fields.finish(std::move(out));
}

Result<TokenTimes> Decoder::token(std::string_view json) {
  const dom::object object_root = KH_TRY(state_->root(json));
  Fields fields(object_root);
  TokenTimes out;
  const auto seconds = fields.integer("expires_in");
  if (!seconds || *seconds <= 0) fields.refuse("expires_in", "a positive number of seconds");
  out.expires_in_seconds = seconds.value_or(0);
  out.token_type = fields.text("token_type");
  return fields.finish(std::move(out));
}

ErrorBody Decoder::error(std::string_view json) {
  ErrorBody out;
  auto root = state_->root(json);
  if (!root) return out;
  Fields fields(root.value());
  out.code = fields.text("errorCode");
  for (const std::string_view name : {"errorMessage", "message", "errorMsg"}) {
    if (out.message.empty()) out.message = fields.text(name);
  }
  for (dom::element item : fields.array("resources")) {
    dom::object object;
    if (item.get_object().get(object) != simdjson::SUCCESS) break;
    Fields resource(object);
    if (out.message.empty()) out.message = resource.text("errorMsg");
    for (dom::element reason : resource.array("reasons")) {
      dom::object inner;
      if (reason.get_object().get(inner) != simdjson::SUCCESS) break;
      Fields detail(inner);
      out.code = detail.text("code");
      if (std::string text = detail.text("message"); !text.empty()) out.message = std::move(text);
      if (const auto target = detail.object("target")) out.target = Fields(*target).text("name");
      break;
    }
    break;
  }
  // Resource controller and identity lists: {"errors":[{"code","message"}]}.
  for (dom::element item : fields.array("errors")) {
    dom::object object;
    if (!out.message.empty() || item.get_object().get(object) != simdjson::SUCCESS) break;
    Fields detail(object);
    out.code = detail.text("code");
    out.message = detail.text("message");
  }
  if (out.code.empty()) out.code = fields.text("error_code");
  out.code = printable(out.code, 64);
  out.message = printable(out.message, kMaxErrorText);
  out.target = printable(out.target, 64);
  return out;
}

}  // namespace keyhaven::client
