#include "client/encode.h"

#include <algorithm>
#include <array>

namespace keyhaven::client {
namespace {

constexpr std::string_view kKeyType = "application/vnd.ibm.kms.key+json";
constexpr std::string_view kPolicyType = "application/vnd.ibm.kms.policy+json";
constexpr char kHex[] = "0123456789ABCDEF";

bool is_unreserved(std::uint8_t byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_' || byte == '~';
}

void write_texts(JsonWriter& out, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  out.key(name).begin_array();
  for (const std::string& text : texts) out.string(text);
  out.end_array();
}

void write_attribute(JsonWriter& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out.begin_object().key("name").string(name).key("value").string(value).end_object();
}

// Platform roles have a CRN of their own; "KMS Key Purge" is a role of the service.
std::string role_crn(std::string_view role) {
  constexpr std::array<std::string_view, 4> kPlatform{"Viewer", "Operator", "Editor",
                                                      "Administrator"};
  if (std::find(kPlatform.begin(), kPlatform.end(), role) != kPlatform.end()) {
    return "crn:v1:bluemix:public:iam::::role:" + std::string(role);
  }
  if (role == "KMS Key Purge" || role == "KeyPurge")
    return "crn:v1:bluemix:public:hs-crypto::::serviceRole:KeyPurge";
  return "crn:v1:bluemix:public:iam::::serviceRole:" + std::string(role);
}

}  // namespace

std::string percent_encode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const std::uint8_t byte : as_bytes(text)) {
    if (is_unreserved(byte)) {
      out.push_back(static_cast<char>(byte));
    } else {
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
  return out;
}

void append_percent_encoded(JsonWriter& out, std::span<const std::uint8_t> secret) {
  for (const std::uint8_t& byte : secret) {
    if (is_unreserved(byte)) {
      out.raw(std::span<const std::uint8_t>(&byte, 1));
    } else {
      const char escape[] = {'%', kHex[byte >> 4], kHex[byte & 15]};
      out.raw(std::string_view(escape, sizeof escape));
    }
  }
}

std::string key_query(const KeyQuery& query, bool paged) {
  std::string out;
  const auto add = [&out](std::string_view name, const std::string& value) {
    out += out.empty() ? '?' : '&';
    out += name;
    out += '=';
    out += value;
  };
  if (paged) {
    add("limit", std::to_string(query.limit));
    add("offset", std::to_string(query.offset));
  }
  if (!query.states.empty()) {
    std::string states;
    for (const int state : query.states) {
      if (!states.empty()) states += ',';
      states += std::to_string(state);
    }
    add("state", states);
  }
  if (query.extractable) add("extractable", *query.extractable ? "true" : "false");
  if (!query.search.empty()) add("search", percent_encode(query.search));
  if (!query.filter.empty()) add("filter", percent_encode(query.filter));
  if (!query.sort.empty()) add("sort", percent_encode(query.sort));
  return out;
}

namespace {

// The envelope around one resource: what follows is its members, until end_envelope.
JsonWriter& begin_envelope(JsonWriter& out, std::string_view type) {
  out.begin_object().key("metadata").begin_object();
  out.key("collectionType").string(type).key("collectionTotal").integer(1).end_object();
  return out.key("resources").begin_array().begin_object();
}

SecretBytes end_envelope(JsonWriter& out) {
  out.end_object().end_array().end_object();
  return out.finish();
}

void write_policies(JsonWriter& out, const KeyPolicies& policies) {
  if (policies.rotation) {
    out.key("rotation").begin_object().key("enabled").boolean(policies.rotation->enabled);
    if (policies.rotation->months > 0) out.key("interval_month").integer(policies.rotation->months);
    out.end_object();
  }
  if (policies.dual_auth_delete) {
    out.key("dualAuthDelete").begin_object().key("enabled").boolean(*policies.dual_auth_delete);
    out.end_object();
  }
}

void write_encrypted(JsonWriter& out, const EncryptedMaterial& material) {
  out.key("payload").string(material.payload);
  out.key("encryptedNonce").string(material.encrypted_nonce).key("iv").string(material.iv);
  out.key("encryptionAlgorithm").string(material.algorithm);
}

}  // namespace

SecretBytes encode_create_key(const CreateKey& request) {
  JsonWriter out;
  begin_envelope(out, kKeyType);
  out.key("type")
      .string(kKeyType)
      .key("name")
      .string(request.name)
      .key("extractable")
      .boolean(request.extractable);
  if (!request.description.empty()) out.key("description").string(request.description);
  write_texts(out, "tags", request.tags);
  write_texts(out, "aliases", request.aliases);
  if (request.expires.is_set()) out.key("expirationDate").string(format_rfc3339(request.expires));
  if (request.encrypted) {
    write_encrypted(out, *request.encrypted);
  } else if (!request.payload.empty()) {
    out.key("payload").base64(request.payload.expose());
  }
  if (request.exact_policies) write_policies(out, *request.exact_policies);
  return end_envelope(out);
}

SecretBytes encode_encrypted(const EncryptedMaterial& material) {
  JsonWriter out;
  out.begin_object();
  write_encrypted(out, material);
  out.end_object();
  return out.finish();
}

SecretBytes encode_key_policies(const KeyPolicies& policies) {
  JsonWriter out;
  begin_envelope(out, kPolicyType).key("type").string(kPolicyType);
  write_policies(out, policies);
  return end_envelope(out);
}

SecretBytes encode_registration(const Registration& registration) {
  JsonWriter out;
  begin_envelope(out, "application/vnd.ibm.kms.registration_input+json");
  if (!registration.description.empty()) out.key("description").string(registration.description);
  out.key("preventKeyDeletion").boolean(registration.prevent_key_deletion);
  return end_envelope(out);
}

SecretBytes encode_migration_intent(std::string_view target_crn) {
  JsonWriter out;
  begin_envelope(out, "application/vnd.ibm.kms.migration_intent_input+json");
  out.key("targetCRK").string(target_crn);
  return end_envelope(out);
}

SecretBytes encode_payload(std::span<const std::uint8_t> payload) {
  JsonWriter out;
  out.begin_object();
  if (!payload.empty()) out.key("payload").base64(payload);
  out.end_object();
  return out.finish();
}

SecretBytes encode_wrap(std::span<const std::uint8_t> plaintext, const AadList& aad) {
  JsonWriter out;
  out.begin_object();
  if (!plaintext.empty()) out.key("plaintext").base64(plaintext);
  write_texts(out, "aad", aad);
  out.end_object();
  return out.finish();
}

SecretBytes encode_unwrap(std::string_view ciphertext, const AadList& aad) {
  JsonWriter out;
  out.begin_object().key("ciphertext").string(ciphertext);
  write_texts(out, "aad", aad);
  out.end_object();
  return out.finish();
}

namespace {

void write_limits(JsonWriter& out, const std::vector<LimitChange>& limits) {
  if (limits.empty()) return;
  out.key("limits").begin_object();
  for (const auto& [name, value] : limits) {
    out.key(name);
    if (value) {
      out.integer(*value);
    } else {
      out.null();
    }
  }
  out.end_object();
}

void write_attributes(JsonWriter& out, const InstancePolicyChange& change) {
  if (!change.allowed_network.empty()) out.key("allowed_network").string(change.allowed_network);
  if (!change.allowed_ip.empty()) {
    out.key("allowed_ip").begin_array();
    for (const std::string& network : change.allowed_ip) out.string(network);
    out.end_array();
  }
  if (change.interval_month) out.key("interval_month").integer(*change.interval_month);
  for (const auto& [name, value] : change.access) out.key(name).boolean(value);
}

}  // namespace

SecretBytes encode_instance_policy(const InstancePolicyChange& change) {
  const bool has_attributes = !change.allowed_network.empty() || !change.allowed_ip.empty() ||
                              change.interval_month || !change.access.empty();
  JsonWriter out;
  begin_envelope(out, kPolicyType).key("policy_type").string(change.type);
  out.key("policy_data").begin_object().key("enabled").boolean(change.enabled);
  if (has_attributes) {
    out.key("attributes").begin_object();
    write_attributes(out, change);
    out.end_object();
  }
  out.end_object();
  return end_envelope(out);
}

namespace {

// Of CreateInstance and UpdateInstance.
template <class Request>
bool has_unit_counts(const Request& request) {
  return request.units || request.recovery_units || request.failover_units;
}
template <class Request>
void write_unit_counts(JsonWriter& out, const Request& request) {
  if (request.units) out.key("units").integer(*request.units);
  if (request.recovery_units) out.key("recovery_units").integer(*request.recovery_units);
  if (request.failover_units) out.key("failover_units").integer(*request.failover_units);
}

}  // namespace

SecretBytes encode_create_instance(const CreateInstance& request) {
  JsonWriter out;
  out.begin_object().key("name").string(request.name);
  if (!request.region.empty()) out.key("target").string(request.region);
  if (!request.resource_group.empty()) out.key("resource_group").string(request.resource_group);
  out.key("resource_plan_id").string(request.plan);
  out.key("parameters").begin_object();
  write_unit_counts(out, request);
  if (!request.allowed_network.empty()) out.key("allowed_network").string(request.allowed_network);
  if (request.rotation_interval_seconds) {
    out.key("rotation_interval_seconds").integer(*request.rotation_interval_seconds);
  }
  write_limits(out, request.limits);
  out.end_object().end_object();
  return out.finish();
}

SecretBytes encode_update_instance(const UpdateInstance& change) {
  JsonWriter out;
  out.begin_object();
  if (!change.name.empty()) out.key("name").string(change.name);
  if (!change.plan.empty()) out.key("resource_plan_id").string(change.plan);
  if (!change.allowed_network.empty() || change.rotation_interval_seconds ||
      !change.limits.empty() || change.reset_allowed_ip || has_unit_counts(change)) {
    out.key("parameters").begin_object();
    write_unit_counts(out, change);
    if (!change.allowed_network.empty()) out.key("allowed_network").string(change.allowed_network);
    if (change.rotation_interval_seconds) {
      out.key("rotation_interval_seconds").integer(*change.rotation_interval_seconds);
    }
    if (change.reset_allowed_ip) out.key("allowed_ip").begin_array().end_array();
    write_limits(out, change.limits);
    out.end_object();
  }
  out.end_object();
  return out.finish();
}

SecretBytes encode_access_policy(const AccessPolicy& policy) {
  JsonWriter out;
  out.begin_object().key("type").string("access");
  out.key("subjects").begin_array().begin_object().key("attributes").begin_array();
  write_attribute(out, "iam_id", policy.iam_id);
  out.end_array().end_object().end_array();
  out.key("roles").begin_array();
  for (const std::string& role : policy.roles)
    out.begin_object().key("role_id").string(role_crn(role)).end_object();
  out.end_array();
  out.key("resources").begin_array().begin_object().key("attributes").begin_array();
  write_attribute(out, "serviceName", "hs-crypto");
  write_attribute(out, "serviceInstance", policy.instance);
  write_attribute(out, "keyRing", policy.key_ring);
  if (!policy.key.empty()) write_attribute(out, "resourceType", "key");
  write_attribute(out, "resource", policy.key);
  out.end_array().end_object().end_array().end_object();
  return out.finish();
}

}  // namespace keyhaven::client
