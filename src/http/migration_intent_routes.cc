// Migration intents: the wish that services move from one root key to another
// (key-management-api.md 13.4).
#include <string>
#include <utility>

#include "http/registration_front.h"
#include "instances/crn.h"
#include "keys/key_state.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kIntentType = "application/vnd.ibm.kms.migration_intent+json";

std::string intent_envelope(const Call& call, const RegistrationFront& front,
                            const keys::KeyRecord& key, const keys::MigrationIntent& intent) {
  std::string body;
  JsonWriter json(body);
  begin_envelope(json, kIntentType, 1);
  json.begin_object().field("id", intent.id.text());
  json.field("sourceCRK", key_crn(front.keys.account, call.instance(), key.id));
  json.field("targetCRK", intent.target_key_crn);
  json.date_field("creationDate", intent.created).field("createdBy", intent.created_by);
  json.end_object();
  end_envelope(json);
  return body;
}

Error bad_target(std::string message) {
  return {Reason::InvalidField, std::move(message), "targetCRK"};
}

Result<std::string> read_target(Call& call) {
  std::string target;
  std::size_t count = 0;
  const auto resource = [&](JsonValue& value) -> Result<void> {
    if (++count > 1) return Error{Reason::BadBody, "a key has one migration intent", "resources"};
    return value.object([&](std::string_view name, JsonValue& member) -> Result<void> {
      if (name == "targetcrk") target = KH_TRY(member.text("targetCRK", instances::kMaxCrnBytes));
      return {};
    });
  };
  KH_TRY(read_envelope(call.body(), resource));
  if (target.empty()) return bad_target("targetCRK, the CRN of the target root key, is missing");
  return target;
}

// A key of this deployment must be there for the caller, and ready to take over. Of any other key
// only the form can be known.
Result<void> check_target(Call& call, const RegistrationFront& front, const keys::KeyRecord& source,
                          const std::string& target) {
  const auto crn = instances::parse_crn(target);
  const bool is_key =
      crn && (crn->service == "hs-crypto" || crn->service == "kms") && crn->resource_type == "key";
  const auto instance = is_key ? InstanceId::parse(crn->instance) : InstanceId::parse("");
  const auto id = is_key ? KeyId::parse(crn->resource) : KeyId::parse("");
  if (!instance || !id) {
    return bad_target(
        "targetCRK must be the CRN of a key: crn:v1:bluemix:public:<hs-crypto or "
        "kms>:<region>:a/<account>:<instance>:key:<key>");
  }
  if (*instance == source.instance && *id == source.id)
    return bad_target("targetCRK is the key itself");
  if (crn->service != "hs-crypto" || crn->account != front.keys.account) return {};
  const keys::KeyRecordPtr key = front.keys.service.directory().find(*instance, *id);
  iam::Scope scope{.instance = &*instance, .key_ring = {}, .key = &*id};
  if (key) scope.key_ring = key->key_ring;
  KH_TRY(call.authorize(iam::Action::SecretsReadMetadata, scope));
  if (!key) return bad_target("there is no key of this CRN");
  if (key->kind != keys::KeyKind::RootKey) return bad_target("the target is not a root key");
  if (keys::effective_state(*key, call.clock().now()) != keys::KeyState::Active)
    return bad_target("the target key is not active");
  return {};
}

Result<Response> create(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  const std::string target = KH_TRY(read_target(call));
  KH_TRY(check_target(call, front, *key, target));
  const auto intent = KH_TRY(run_change(call, 201, [&](keys::Change& change) {
    return front.registrations.set_migration_intent(*key, target, change);
  }));
  return json_response(201, intent_envelope(call, front, *key, intent));
}

Result<Response> get(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  const auto& intent = key->policies().migration_intent;
  if (!intent) {
    return Error{Reason::MigrationIntentNotFound, "the key has no migration intent", ""};
  }
  return json_response(200, intent_envelope(call, front, *key, *intent));
}

Result<Response> remove(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  KH_TRY(run_change(call, 204, [&](keys::Change& change) {
    return front.registrations.remove_migration_intent(*key, change);
  }));
  return empty_response(204);
}

}  // namespace

Routes migration_intent_routes(RegistrationFront& front) {
  using iam::Action;
  constexpr std::string_view path = "/api/v2/keys/{id}/migrationIntent";
  const auto row = [&front](Method method, Action action,
                            Result<Response> (*handler)(Call&, RegistrationFront&)) {
    return blocking(method, path, action, Check::Key,
                    [&front, handler](Call& call) { return handler(call, front); });
  };
  return {
      row(Method::Post, Action::MigrationIntentCreate, create),
      row(Method::Get, Action::MigrationIntentRead, get),
      row(Method::Delete, Action::MigrationIntentDelete, remove),
  };
}

}  // namespace keyhaven::http
