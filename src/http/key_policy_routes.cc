// Policies of keys (key-management-api.md 11, real-clients.md 4).
#include <optional>
#include <span>

#include "http/key_front.h"
#include "keys/key_state.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kPolicyType = "application/vnd.ibm.kms.policy+json";
constexpr std::size_t kPolicyTypes = 2;
constexpr std::string_view kRotation = "rotation";
constexpr std::string_view kDualAuth = "dualAuthDelete";

// --- The query ---

enum class PolicyType : std::uint8_t { Rotation, DualAuthDelete };
std::string_view name_of(PolicyType type) noexcept {
  return type == PolicyType::Rotation ? kRotation : kDualAuth;
}

// ?policy=; nothing: all. Errors: InvalidQueryParam.
Result<std::optional<PolicyType>> queried_type(const Call& call) {
  const auto text = call.query("policy");
  if (!text) return std::optional<PolicyType>();
  if (*text == kRotation) return std::optional(PolicyType::Rotation);
  if (*text == kDualAuth) return std::optional(PolicyType::DualAuthDelete);
  return Error{Reason::InvalidQueryParam, "policy must be rotation or dualAuthDelete", "policy"};
}

// --- The request ---

struct PolicyRequest {
  keys::PolicyUpdate update;
  std::vector<PolicyType> types;  // those of the update, in the order of the body
};

Error too_many() {
  return {Reason::ResourceCount,
          "each policy type may be set once per request, and with the query parameter policy there "
          "is exactly one resource",
          "resources"};
}

Result<void> read_rotation(JsonValue& value, keys::PolicyUpdate& update) {
  keys::PolicyUpdate::Rotation rotation;
  const auto read_member = [&](std::string_view name, JsonValue& member) -> Result<void> {
    if (name == "enabled") {
      if (!member.is_null()) rotation.enabled = KH_TRY(member.boolean("enabled"));
    } else if (name == "interval_month") {
      if (!member.is_null()) rotation.interval_months = KH_TRY(member.integer("interval_month"));
    } else {
      return unknown_field(member);
    }
    return {};
  };
  KH_TRY(value.object(read_member));
  update.rotation = rotation;
  return {};
}

Result<void> read_dual_auth(JsonValue& value, keys::PolicyUpdate& update) {
  const auto read_member = [&](std::string_view name, JsonValue& member) -> Result<void> {
    if (name != "enabled") return unknown_field(member);
    if (!member.is_null()) update.dual_auth = KH_TRY(member.boolean("enabled"));
    return {};
  };
  KH_TRY(value.object(read_member));
  if (update.dual_auth) return {};
  return Error{Reason::InvalidField, "dualAuthDelete needs enabled, true or false", "enabled"};
}

// What an answer shows besides the policy itself: clients send it back; it is not theirs to set.
bool is_shown_only(std::string_view name) noexcept {
  return name == "id" || name == "crn" || name == "createdby" || name == "creationdate" ||
         name == "updatedby" || name == "lastupdatedate";
}

Result<void> check_type(JsonValue& value) {
  constexpr std::size_t kTextLimit = 256;
  if (value.is_null()) return {};
  const std::string type = KH_TRY(value.text("type", kTextLimit));
  if (type.empty() || type == kPolicyType) return {};
  return Error{Reason::InvalidField, "type must be " + std::string(kPolicyType), "type"};
}

Result<void> read_policy_member(std::string_view name, JsonValue& value, PolicyRequest& request) {
  if (name == "type") return check_type(value);
  if (is_shown_only(name)) return {};
  const bool rotation = name == "rotation";
  if (!rotation && name != "dualauthdelete") return unknown_field(value);
  if (value.is_null()) return {};
  if (rotation ? request.update.rotation.has_value() : request.update.dual_auth.has_value())
    return too_many();
  request.types.push_back(rotation ? PolicyType::Rotation : PolicyType::DualAuthDelete);
  return rotation ? read_rotation(value, request.update) : read_dual_auth(value, request.update);
}

// Errors: BadBody, CollectionTotalMismatch, InvalidField, ResourceCount, BodyQueryMismatch.
Result<PolicyRequest> read_policies(std::span<std::uint8_t> body,
                                    const std::optional<PolicyType>& queried) {
  PolicyRequest request;
  std::size_t count = 0;
  const auto read_resource = [&](JsonValue& resource) -> Result<void> {
    if (++count > (queried ? 1 : kPolicyTypes)) return too_many();
    const std::size_t before = request.types.size();
    KH_TRY(resource.object([&](std::string_view name, JsonValue& value) {
      return read_policy_member(name, value, request);
    }));
    if (request.types.size() > before) return {};
    return Error{Reason::BadBody, "a policy resource holds rotation or dualAuthDelete", ""};
  };
  KH_TRY(read_envelope(body, read_resource));
  if (queried && request.types != std::vector{*queried}) {
    return Error{Reason::BodyQueryMismatch,
                 "the query parameter policy is " + std::string(name_of(*queried)) +
                     ", but the body sets another policy type",
                 "policy"};
  }
  return request;
}

// --- The answer ---

std::string policy_crn(const Call& call, const KeyFront& front, const Uuid& id) {
  std::string crn = key_crn(front.account, call.instance(), KeyId{id});
  crn.replace(crn.rfind(":key:"), 5, ":policy:");
  return crn;
}

void begin_policy(JsonWriter& json, const std::string& crn, const keys::PolicyStamp& stamp) {
  json.begin_object().field("type", kPolicyType).field("id", stamp.id.text()).field("crn", crn);
  json.date_field("creationDate", stamp.created).field("createdBy", stamp.created_by);
  json.date_field("lastUpdateDate", stamp.updated).field("updatedBy", stamp.updated_by);
}

// Those of `types` that the key has, one resource each.
Response policies_response(const Call& call, const KeyFront& front,
                           const keys::KeyPolicies& policies, std::vector<PolicyType> types) {
  std::erase_if(types, [&](PolicyType type) {
    return type == PolicyType::Rotation ? !policies.rotation : !policies.dual_auth;
  });
  std::string body;
  JsonWriter json(body);
  begin_envelope(json, kPolicyType, types.size());
  for (const PolicyType type : types) {
    const bool is_rotation = type == PolicyType::Rotation;
    const keys::PolicyStamp& stamp =
        is_rotation ? policies.rotation->stamp : policies.dual_auth->stamp;
    begin_policy(json, policy_crn(call, front, stamp.id), stamp);
    json.key(name_of(type)).begin_object();
    json.field("enabled", is_rotation ? policies.rotation->enabled : policies.dual_auth->enabled);
    if (is_rotation)
      json.field("interval_month", static_cast<int>(policies.rotation->interval_months));
    json.end_object().end_object();
  }
  end_envelope(json);
  return json_response(200, std::move(body));
}

// --- Handlers ---

Result<Response> get_policies(Call& call, const KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const std::optional<PolicyType> queried = KH_TRY(queried_type(call));
  KH_TRY(keys::require_state(keys::KeyOperation::ReadPolicies, *key, call.clock().now()));
  std::vector<PolicyType> types{PolicyType::Rotation, PolicyType::DualAuthDelete};
  if (queried) types = {*queried};
  return policies_response(call, front, key->policies(), std::move(types));
}

Result<Response> put_policies(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const std::optional<PolicyType> queried = KH_TRY(queried_type(call));
  PolicyRequest request = KH_TRY(read_policies(call.body(), queried));
  const keys::KeyRecordPtr changed = KH_TRY(run_change(call, 200, [&](keys::Change& change) {
    return front.service.set_policies(*key, request.update, change);
  }));
  return policies_response(call, front, changed->policies(), std::move(request.types));
}

}  // namespace

Routes key_policy_routes(KeyFront& front) {
  using iam::Action;
  return {
      on_loop(Method::Get, "/api/v2/keys/{id}/policies", Action::PoliciesRead, Check::Key,
              [&front](const CallPtr& call) {
                auto response = get_policies(*call, front);
                if (!response) return call->fail(response.error());
                call->finish(std::move(response).value());
              }),
      blocking(Method::Put, "/api/v2/keys/{id}/policies", Action::PoliciesWrite, Check::Key,
               [&front](Call& call) { return put_policies(call, front); }),
  };
}

}  // namespace keyhaven::http
