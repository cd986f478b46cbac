#include "http/iam_routes.h"

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

using iam::Authority;

constexpr std::size_t kMaxText = 1024;

// A change may have waited for others, of which one may have taken the caller's right.
iam::Mandate mandate_of(Call& call, int status) {
  return {call.success_event(status), [&call] { return call.admit_again(); }};
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

void write_identity(JsonWriter& json, const iam::Identity& identity) {
  json.begin_object()
      .field("id", identity.iam_id)
      .field("iam_id", identity.iam_id)
      .field("name", identity.name);
  json.field("type", identity.kind == iam::IdentityKind::ServiceId ? "serviceid" : "user");
  json.text_field_if("description", identity.description)
      .text_field_if("service_crn", identity.service_crn)
      .text_field_if("oidc_issuer", identity.oidc ? identity.oidc->issuer : std::string())
      .text_field_if("oidc_subject", identity.oidc ? identity.oidc->subject : std::string())
      .date_field("created_at", identity.created)
      .end_object();
}

// `secret`: only in the answer that creates the key.
void write_api_key(JsonWriter& json, const iam::ApiKey& key, const SecretBytes* secret) {
  json.begin_object().field("id", key.id).field("iam_id", key.iam_id).field("name", key.name);
  if (secret != nullptr) json.field("apikey", as_text(secret->expose()));
  json.field("locked", key.locked).date_field("created_at", key.created).end_object();
}

void write_attribute(JsonWriter& json, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  json.begin_object()
      .field("name", name)
      .field("value", value)
      .field("operator", "stringEquals")
      .end_object();
}

// The CRN of a role; only the last part counts, as in iam::role_of.
std::string role_id(iam::Role role) {
  const bool platform = role <= iam::Role::Administrator;
  return std::string(platform ? "crn:v1:bluemix:public:iam::::role:"
                              : "crn:v1:bluemix:public:iam::::serviceRole:")
      .append(name_of(role));
}

void write_policy(JsonWriter& json, const iam::Grant& grant) {
  json.begin_object().field("id", grant.id).field("type", "access").field("state", "active");
  json.key("subjects").begin_array().begin_object().key("attributes").begin_array();
  write_attribute(json, "iam_id", grant.iam_id);
  json.end_array().end_object().end_array().key("roles").begin_array();
  for (std::size_t index = 0; index < iam::kRoleCount; ++index) {
    const iam::Role role = static_cast<iam::Role>(index);
    if ((grant.roles & iam::bit(role)) == 0) continue;
    json.begin_object()
        .field("role_id", role_id(role))
        .field("display_name", name_of(role))
        .end_object();
  }
  json.end_array().key("resources").begin_array().begin_object().key("attributes").begin_array();
  write_attribute(json, "serviceName", "hs-crypto");
  if (grant.instance) write_attribute(json, "serviceInstance", grant.instance->text());
  write_attribute(json, "keyRing", grant.key_ring);
  if (grant.key) {
    write_attribute(json, "resourceType", "key");
    write_attribute(json, "resource", grant.key->text());
  }
  json.end_array().end_object().end_array().end_object();
}

Result<Response> create_identity(Authority& authority, Call& call) {
  iam::IdentitySpec spec;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (value.is_null()) return {};
    if (name == "name") spec.name = KH_TRY(value.text("name", kMaxText));
    if (name == "description") spec.description = KH_TRY(value.text("description", kMaxText));
    if (name == "service_crn") spec.service_crn = KH_TRY(value.text("service_crn", kMaxText));
    if (name == "oidc_subject") spec.oidc_subject = KH_TRY(value.text("oidc_subject", kMaxText));
    if (name == "type") {
      const std::string type = KH_TRY(value.text("type", kMaxText));
      if (!type.empty() && type != "serviceid" && type != "user") {
        return Error{Reason::InvalidField, "type must be \"serviceid\" or \"user\"", "type"};
      }
      spec.kind = type == "user" ? iam::IdentityKind::User : iam::IdentityKind::ServiceId;
    }
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  const iam::Identity identity = KH_TRY(authority.create_identity(spec, mandate_of(call, 201)));
  call.set_event_recorded();
  Response response;
  response.status = 201;
  JsonWriter json(response.body);
  write_identity(json, identity);
  return response;
}

// {"oidc_subject": "…"} links, {"oidc_subject": null} unlinks; nothing else of an identity changes.
Result<Response> update_identity(Authority& authority, Call& call) {
  std::optional<std::string> subject;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "oidc_subject") return unknown_field(value);
    subject = std::string();
    if (value.is_null()) return {};
    subject = KH_TRY(value.text("oidc_subject", kMaxText));
    if (subject->empty()) subject.reset();
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  if (!subject) {
    return Error{Reason::InvalidField,
                 "oidc_subject is missing: the provider's \"sub\" of the person, or null to unlink",
                 "oidc_subject"};
  }
  const iam::Identity identity =
      KH_TRY(authority.link_identity(call.param("id"), *subject, mandate_of(call, 200)));
  call.set_event_recorded();
  Response response;
  JsonWriter json(response.body);
  write_identity(json, identity);
  return response;
}

Result<Response> create_api_key(Authority& authority, Call& call) {
  std::string iam_id = call.caller()->iam_id;  // without one: for the caller
  std::string key_name;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (value.is_null()) return {};
    if (name == "name") key_name = KH_TRY(value.text("name", kMaxText));
    if (name == "iam_id") {
      std::string wanted = KH_TRY(value.text("iam_id", kMaxText));
      if (!wanted.empty()) iam_id = std::move(wanted);
    }
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  const iam::CreatedApiKey created =
      KH_TRY(authority.create_api_key(iam_id, key_name, mandate_of(call, 201)));
  call.set_event_recorded();
  Response response;
  response.status = 201;
  response.body.reserve(4096);  // no reallocation leaves a copy of the secret behind
  JsonWriter json(response.body);
  write_api_key(json, created.key, &created.secret);
  return response;
}

// One {"name":…,"value":…} of a policy's subjects or resources.
struct Attribute {
  std::string name;
  std::string value;
};

Result<Attribute> read_attribute(JsonValue& attribute) {
  Attribute out;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "name") out.name = KH_TRY(value.text("name", kMaxText));
    if (name == "value") out.value = KH_TRY(value.text("value", kMaxText));
    if (name == "operator") {
      const std::string comparison = KH_TRY(value.text("operator", kMaxText));
      if (comparison != "stringEquals") {
        return Error{Reason::InvalidField, "the only operator of policy attributes is stringEquals",
                     "operator"};
      }
    }
    return {};
  };
  KH_TRY(attribute.object(visit));
  return out;
}

// An attribute that is not understood would widen the policy if it were ignored, so it is refused.
Result<void> apply_attribute(iam::Grant& grant, const Attribute& attribute) {
  if (attribute.name == "iam_id") {
    grant.iam_id = attribute.value;
  } else if (attribute.name == "serviceInstance") {
    const auto instance = InstanceId::parse(attribute.value);
    if (!instance)
      return Error{Reason::InvalidField, "serviceInstance must be an instance id",
                   "serviceInstance"};
    grant.instance = *instance;
  } else if (attribute.name == "keyRing") {
    if (attribute.value.empty())
      return Error{Reason::InvalidField, "keyRing must not be empty", "keyRing"};
    grant.key_ring = attribute.value;
  } else if (attribute.name == "resource") {
    const auto key = KeyId::parse(attribute.value);
    if (!key) return Error{Reason::InvalidField, "resource must be the id of a key", "resource"};
    grant.key = *key;
  } else if ((attribute.name != "serviceName" || attribute.value != "hs-crypto") &&
             (attribute.name != "resourceType" || attribute.value != "key") &&
             attribute.name != "accountId") {
    return Error{Reason::InvalidField, "this policy attribute is not supported",
                 attribute.name.substr(0, 64)};
  }
  return {};
}

// An array of objects with "attributes", of which a policy here has exactly one.
Result<void> read_attributes(iam::Grant& grant, JsonValue& list, std::string_view field) {
  std::size_t count = 0;
  const auto visit = [&](JsonValue& entry) -> Result<void> {
    if (++count > 1) {
      return Error{Reason::InvalidField, "a policy has one element here; make several policies",
                   std::string(field)};
    }
    bool has_attributes = false;
    const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
      if (name != "attributes") return {};
      has_attributes = true;
      return value.array([&](JsonValue& attribute) -> Result<void> {
        const Attribute read = KH_TRY(read_attribute(attribute));
        return apply_attribute(grant, read);
      });
    };
    KH_TRY(entry.object(member));
    if (has_attributes) return {};
    // A misspelt name must not make a policy for everything.
    return Error{Reason::InvalidField, "each element needs attributes; [] stands for everything",
                 "attributes"};
  };
  KH_TRY(list.array(visit));
  if (count == 1) return {};
  return Error{Reason::InvalidField,
               "a policy has one element here; attributes [] in it stand for everything",
               std::string(field)};
}

Result<void> read_role(iam::Grant& grant, JsonValue& entry) {
  std::string role_name;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "role_id") role_name = KH_TRY(value.text("role_id", kMaxText));
    if (name == "display_name" && role_name.empty())
      role_name = KH_TRY(value.text("display_name", kMaxText));
    return {};
  };
  KH_TRY(entry.object(visit));
  const auto role = iam::role_of(role_name);
  if (!role) return Error{Reason::InvalidField, "there is no such role", "roles"};
  grant.roles = static_cast<iam::RoleSet>(grant.roles | iam::bit(*role));
  return {};
}

Result<Response> create_policy(Authority& authority, Call& call) {
  iam::Grant grant;
  bool has_resources = false;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "roles")
      return value.array([&](JsonValue& entry) { return read_role(grant, entry); });
    if (name == "subjects") return read_attributes(grant, value, "subjects");
    if (name != "resources") return {};
    has_resources = true;
    return read_attributes(grant, value, "resources");
  };
  KH_TRY(read_json(call.body(), visit));
  if (!has_resources) {
    return Error{Reason::InvalidField,
                 "resources is missing; [{\"attributes\":[]}] stands for the whole account",
                 "resources"};
  }
  const iam::Grant created = KH_TRY(authority.create_grant(grant, mandate_of(call, 201)));
  call.set_event_recorded();
  Response response;
  response.status = 201;
  JsonWriter json(response.body);
  write_policy(json, created);
  return response;
}

template <class Items, class Write>
Response list_response(Call& call, std::string_view name, const Items& items, Write write) {
  Response response;
  JsonWriter json(response.body);
  json.begin_object().key(name).begin_array();
  for (const auto& item : items) write(json, item);
  json.end_array().end_object();
  call.detail("responseData.totalResources", std::to_string(items.size()));
  return response;
}

Result<Response> list_identities(Authority& authority, Call& call) {
  return list_response(call, "serviceids", authority.identities(), write_identity);
}
Result<Response> list_api_keys(Authority& authority, Call& call) {
  return list_response(
      call, "apikeys", authority.api_keys(call.query("iam_id").value_or("")),
      [](JsonWriter& json, const iam::ApiKey& key) { write_api_key(json, key, nullptr); });
}
Result<Response> list_policies(Authority& authority, Call& call) {
  return list_response(call, "policies", authority.grants(call.query("iam_id").value_or("")),
                       write_policy);
}

// `remove` is one of the Authority's three.
using Remove = Result<void> (Authority::*)(const std::string&, iam::Mandate);
Result<Response> remove(Authority& authority, Call& call, Remove what) {
  KH_TRY((authority.*what)(call.param("id"), mandate_of(call, 204)));
  call.set_event_recorded();
  return no_content();
}

}  // namespace

Routes iam_routes(Authority& authority) {
  using enum Method;
  using enum iam::Action;
  const auto row = [&authority](Method method, std::string_view pattern, iam::Action action,
                                Result<Response> (*handler)(Authority&, Call&)) {
    return blocking(method, pattern, action, Check::Account,
                    [&authority, handler](Call& call) { return handler(authority, call); });
  };
  const auto removal = [&authority](std::string_view pattern, iam::Action action, Remove what) {
    return blocking(Delete, pattern, action, Check::Account,
                    [&authority, what](Call& call) { return remove(authority, call, what); });
  };
  return {
      row(Post, "/v1/serviceids", IdentityCreate, create_identity),
      row(Get, "/v1/serviceids", IdentityList, list_identities),
      row(Patch, "/v1/serviceids/{id}", IdentityUpdate, update_identity),
      removal("/v1/serviceids/{id}", IdentityDelete, &Authority::delete_identity),
      row(Post, "/v1/apikeys", ApiKeyCreate, create_api_key),
      row(Get, "/v1/apikeys", ApiKeyList, list_api_keys),
      removal("/v1/apikeys/{id}", ApiKeyDelete, &Authority::delete_api_key),
      row(Post, "/v1/policies", GrantCreate, create_policy),
      row(Get, "/v1/policies", GrantList, list_policies),
      removal("/v1/policies/{id}", GrantDelete, &Authority::delete_grant),
  };
}

}  // namespace keyhaven::http
