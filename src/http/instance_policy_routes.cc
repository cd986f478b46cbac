#include "http/instance_policy_routes.h"

#include <algorithm>
#include <iterator>

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

using instances::AllowedIp;
using instances::AllowedNetwork;
using instances::InstancePolicy;
using instances::InstanceService;
using instances::KeyCreateImportAccess;
using instances::PolicyAttributes;
using instances::PolicyType;
using instances::PolicyUpdate;
using instances::RotationInterval;

constexpr std::string_view kPolicyType = "application/vnd.ibm.kms.policy+json";
constexpr std::string_view kPortType = "application/vnd.ibm.kms.allowed_ip_metadata+json";
constexpr std::size_t kTextLimit = 256;
constexpr std::size_t kMaxNetworks = 1000;

// The rights of keyCreateImportAccess by their names, which also are those in `attributes`.
struct AccessRow {
  std::string_view name;
  bool KeyCreateImportAccess::*field;
};
constexpr AccessRow kAccessRows[] = {
    {"create_root_key", &KeyCreateImportAccess::create_root_key},
    {"create_standard_key", &KeyCreateImportAccess::create_standard_key},
    {"import_root_key", &KeyCreateImportAccess::import_root_key},
    {"import_standard_key", &KeyCreateImportAccess::import_standard_key},
    {"enforce_token", &KeyCreateImportAccess::enforce_token},
};

Error invalid(std::string_view target, std::string message) {
  return {Reason::InvalidField, std::move(message), std::string(target)};
}

// --- The query ---

// ?policy=; nothing: all. Errors: InvalidQueryParam.
Result<std::optional<PolicyType>> queried_type(const Call& call) {
  const auto text = call.query("policy");
  if (!text) return std::optional<PolicyType>();
  if (const auto type = instances::policy_type_of(*text)) return type;
  return Error{Reason::InvalidQueryParam,
               "policy must be allowedIP, allowedNetwork, dualAuthDelete, keyCreateImportAccess, "
               "metrics or rotation",
               "policy"};
}

// --- The request: first what is written, of whatever type; then what it means for the type ---

// Members may come in any order, the type after the attributes.
struct Written {
  std::optional<PolicyType> type;
  bool has_data = false;
  std::optional<bool> enabled;
  bool has_attributes = false;  // even if null or empty
  // The first member of `attributes` that belongs to each type.
  std::optional<std::string> allowed_network;
  std::optional<std::vector<std::string>> allowed_ip;
  std::optional<std::int64_t> interval_month;
  KeyCreateImportAccess access;
  // Which attributes were there, and to which type each belongs.
  std::vector<std::pair<std::string, PolicyType>> attributes;
};

Result<void> read_attribute(std::string_view name, JsonValue& value, Written& out) {
  const auto add = [&](PolicyType type) { out.attributes.emplace_back(name, type); };
  const bool null = value.is_null();  // as good as absent
  if (name == "allowed_network") {
    add(PolicyType::AllowedNetwork);
    if (!null) out.allowed_network = KH_TRY(value.text(name, kTextLimit));
    return {};
  }
  if (name == "allowed_ip") {
    add(PolicyType::AllowedIp);
    if (!null) out.allowed_ip = KH_TRY(value.strings(name, kMaxNetworks, kTextLimit));
    return {};
  }
  if (name == "interval_month") {
    add(PolicyType::Rotation);
    if (!null) out.interval_month = KH_TRY(value.integer(name));
    return {};
  }
  for (const AccessRow& row : kAccessRows) {
    if (name != row.name) continue;
    add(PolicyType::KeyCreateImportAccess);
    if (!null) out.access.*row.field = KH_TRY(value.boolean(name));
    return {};
  }
  return unknown_field(value);
}

Result<void> read_data_member(std::string_view name, JsonValue& value, Written& out) {
  if (name == "enabled") {
    if (!value.is_null()) out.enabled = KH_TRY(value.boolean("enabled"));
    return {};
  }
  if (name != "attributes") return unknown_field(value);
  out.has_attributes = true;
  if (value.is_null()) return {};
  return value.object([&](std::string_view attribute, JsonValue& member) {
    return read_attribute(attribute, member, out);
  });
}

// What a GET shows and a client may send back.
bool is_stamp(std::string_view name) {
  return name == "creationdate" || name == "createdby" || name == "lastupdated" ||
         name == "updatedby";
}

Result<void> read_policy_member(std::string_view name, JsonValue& value, Written& out) {
  if (name == "policy_type") {
    const std::string text = KH_TRY(value.text("policy_type", kTextLimit));
    out.type = instances::policy_type_of(text);
    if (out.type) return {};
    return invalid("policy_type",
                   "policy_type must be allowedIP, allowedNetwork, dualAuthDelete, "
                   "keyCreateImportAccess, metrics or rotation");
  }
  if (name == "policy_data") {
    if (value.is_null()) return {};
    out.has_data = true;
    return value.object([&](std::string_view member_name, JsonValue& member) {
      return read_data_member(member_name, member, out);
    });
  }
  return is_stamp(name) ? Result<void>() : unknown_field(value);
}

Error unknown_name(std::string_view name) {
  return {Reason::BadBody, "json: unknown field \"" + std::string(name) + "\"", ""};
}

Result<PolicyAttributes> allowed_ip_of(const Written& written) {
  AllowedIp networks;
  if (written.allowed_ip) {
    for (const std::string& text : *written.allowed_ip)
      networks.push_back(KH_TRY(instances::IpNetwork::parse(text)));
  }
  return PolicyAttributes(std::move(networks));
}

// Absent and "" mean the default: Go sends {} and "" (real-clients.md 3).
Result<PolicyAttributes> allowed_network_of(const Written& written) {
  const std::string text = written.allowed_network.value_or("");
  if (text.empty()) return PolicyAttributes(AllowedNetwork::PublicAndPrivate);
  if (const auto network = instances::allowed_network_of(text)) return PolicyAttributes(*network);
  return invalid("allowed_network",
                 "allowed_network must be \"public-and-private\" or \"private-only\"");
}

Result<PolicyAttributes> rotation_of(const Written& written) {
  const std::int64_t months = written.interval_month.value_or(0);
  if (months >= 1 && months <= instances::kMaxRotationMonths)
    return PolicyAttributes(RotationInterval{static_cast<std::uint8_t>(months)});
  return invalid("interval_month", "rotation needs interval_month, 1 to 12, when it is enabled");
}

Result<PolicyAttributes> enabled_attributes(const Written& written) {
  switch (*written.type) {
    case PolicyType::AllowedIp:
      return allowed_ip_of(written);
    case PolicyType::AllowedNetwork:
      return allowed_network_of(written);
    case PolicyType::KeyCreateImportAccess:
      return PolicyAttributes(written.access);
    case PolicyType::Rotation:
      return rotation_of(written);
    case PolicyType::DualAuthDelete:
    case PolicyType::Metrics:
      return PolicyAttributes();
  }
  fatal(__FILE__, __LINE__, "unknown PolicyType");
}

// A disabled policy has no attributes. Those that the vendor's own SDKs send all the same are
// ignored: any for allowedNetwork and keyCreateImportAccess, an empty allowed_ip (redstone).
Result<void> check_disabled(const Written& written) {
  if (*written.type == PolicyType::AllowedNetwork) {
    KH_TRY(allowed_network_of(written));
    return {};
  }
  const bool has_networks = written.allowed_ip && !written.allowed_ip->empty();
  if (!has_networks && !written.interval_month) return {};
  return invalid("attributes", std::string(name_of(*written.type)) +
                                   " takes no attributes when it is disabled; leave them out");
}

Result<PolicyUpdate> update_of(const Written& written) {
  if (!written.type) return invalid("policy_type", "policy_type is missing");
  if (!written.has_data || !written.enabled)
    return invalid("enabled", "policy_data needs enabled, true or false");
  const PolicyType type = *written.type;
  const bool takes_none = type == PolicyType::DualAuthDelete || type == PolicyType::Metrics;
  if (takes_none && written.has_attributes) return unknown_name("attributes");
  for (const auto& [name, owner] : written.attributes) {
    if (owner != type) return unknown_name(name);
  }
  PolicyUpdate update{type, *written.enabled, {}};
  if (update.enabled) {
    update.attributes = KH_TRY(enabled_attributes(written));
  } else {
    KH_TRY(check_disabled(written));
  }
  return update;
}

// Errors: BadBody, CollectionTotalMismatch, BodyQueryMismatch, ResourceCount, InvalidField.
Result<std::vector<PolicyUpdate>> read_policies(Call& call) {
  const std::optional<PolicyType> queried = KH_TRY(queried_type(call));
  std::vector<PolicyUpdate> updates;
  const auto read_resource = [&](JsonValue& resource) -> Result<void> {
    // More than there are types: one of them is there twice.
    if (updates.size() == instances::kPolicyTypeCount || (queried && updates.size() == 1)) {
      return Error{Reason::ResourceCount,
                   queried ? "the query names one policy, the body holds several"
                           : "the body holds a policy type twice",
                   "resources"};
    }
    Written written;
    KH_TRY(resource.object([&](std::string_view name, JsonValue& value) {
      return read_policy_member(name, value, written);
    }));
    updates.push_back(KH_TRY(update_of(written)));
    return {};
  };
  KH_TRY(read_envelope(call.body(), read_resource));
  if (queried && updates.front().type != *queried) {
    return Error{Reason::BodyQueryMismatch,
                 "the query names the policy " + std::string(name_of(*queried)) +
                     ", the body holds " + std::string(name_of(updates.front().type)),
                 "policy"};
  }
  return updates;
}

// --- The answer ---

void write_attributes(JsonWriter& json, const PolicyAttributes& attributes) {
  if (const auto* networks = std::get_if<AllowedIp>(&attributes)) {
    json.key("allowed_ip").begin_array();
    for (const instances::IpNetwork& network : *networks) json.value(network.text());
    json.end_array();
  }
  if (const auto* network = std::get_if<AllowedNetwork>(&attributes))
    json.field("allowed_network", name_of(*network));
  if (const auto* access = std::get_if<KeyCreateImportAccess>(&attributes)) {
    for (const AccessRow& row : kAccessRows) json.field(row.name, access->*row.field);
  }
  if (const auto* interval = std::get_if<RotationInterval>(&attributes))
    json.field("interval_month", static_cast<std::int64_t>(interval->months));
}

void write_policy(JsonWriter& json, const InstancePolicy& policy) {
  json.begin_object().date_field("creationDate", policy.created);
  json.field("createdBy", policy.created_by).field("updatedBy", policy.updated_by);
  json.date_field("lastUpdated", policy.updated).field("policy_type", name_of(policy.type));
  json.key("policy_data").begin_object().field("enabled", policy.enabled);
  if (!std::holds_alternative<std::monostate>(policy.attributes)) {
    json.key("attributes").begin_object();
    write_attributes(json, policy.attributes);
    json.end_object();
  }
  json.end_object().end_object();
}

// --- The calls ---

Result<Response> get_policies(Call& call) {
  const std::optional<PolicyType> queried = KH_TRY(queried_type(call));
  std::vector<const InstancePolicy*> shown;
  for (const InstancePolicy& policy : call.instance().policies.all()) {
    if (!queried || policy.type == *queried) shown.push_back(&policy);
  }
  Response response;
  JsonWriter json(response.body);
  begin_envelope(json, kPolicyType, shown.size());
  for (const InstancePolicy* policy : shown) write_policy(json, *policy);
  end_envelope(json);
  return response;
}

// The answer has no body to say it in: a caller whose own address the new list leaves out is told
// by a header (RFC 7234 section 5.5). The way back: docs/adr/0017.
void warn_if_shut_out(Call& call, const std::vector<PolicyUpdate>& updates, Response& response) {
  instances::InstancePolicies after;
  for (const PolicyUpdate& update : updates) after.set(update, {}, {});
  const bool address = after.allows_address(call.request().remote_address);
  const bool network =
      after.allowed_network() != AllowedNetwork::PrivateOnly || call.request().private_network;
  if (address && network) return;
  response.headers.emplace_back(
      "Warning",
      "199 keyhaven \"calls like this one are refused from now on; an administrator can take the "
      "network policies back with PATCH /v2/resource_instances/{id}\"");
}

Result<Response> put_policies(InstanceService& service, Call& call) {
  std::vector<PolicyUpdate> updates = KH_TRY(read_policies(call));
  Response response;
  response.status = 204;
  warn_if_shut_out(call, updates, response);
  KH_TRY(service.set_policies(call.instance().id, std::move(updates), call.success_event(204)));
  call.set_event_recorded();
  return response;
}

Response get_port(const InstanceService& service, const Call& call) {
  const bool active = call.instance().policies.allowed_ip() != nullptr;
  Response response;
  JsonWriter json(response.body);
  begin_envelope(json, kPortType, active ? 1 : 0);
  if (active) {
    json.begin_object();
    json.field("private_endpoint_port", static_cast<std::int64_t>(service.options().private_port));
    json.end_object();
  }
  end_envelope(json);
  return response;
}

}  // namespace

Routes instance_policy_routes(InstanceService& service) {
  constexpr std::string_view kPolicies = "/api/v2/instance/policies";
  return {
      on_loop(Method::Get, kPolicies, iam::Action::InstancePoliciesRead, Check::Instance,
              [](const CallPtr& call) {
                auto response = get_policies(*call);
                if (!response) return call->fail(response.error());
                call->finish(std::move(response).value());
              }),
      blocking(Method::Put, kPolicies, iam::Action::InstancePoliciesWrite, Check::Instance,
               [&service](Call& call) { return put_policies(service, call); }),
      on_loop(Method::Get, "/api/v2/instance/allowed_ip_port", iam::Action::AllowedIpPortRead,
              Check::Instance,
              [&service](const CallPtr& call) { call->finish(get_port(service, *call)); }),
  };
}

}  // namespace keyhaven::http
