// Keys as objects: create, list, count, get, change, delete, purge, restore, versions, aliases
// (key-management-api.md 5 and 9).
#include <memory>

#include "crypto/random.h"
#include "http/key_front.h"
#include "http/key_requests.h"
#include "keys/key_rules.h"
#include "keys/key_use.h"

namespace keyhaven::http {
namespace {

constexpr std::int64_t kPageLimit = 5000;
constexpr std::int64_t kDefaultPage = 200;
constexpr std::int64_t kMaxOffset = 1'000'000'000;
constexpr std::string_view kVersionType = "application/vnd.ibm.kms.key.version+json";
constexpr std::string_view kAliasType = "application/vnd.ibm.kms.alias+json";

// --- Create ---

std::string minimal_envelope(const keys::KeyRecord& key, const KeyView& view) {
  std::string out;
  JsonWriter json(out);
  begin_envelope(json, kKeyType, 1);
  json.begin_object().field("type", kKeyType).field("id", key.id.text());
  json.field("crn", key_crn(view.account, view.instance, key.id)).end_object();
  end_envelope(json);
  return out;
}

std::string envelope_with_payload(const keys::KeyRecord& key, const KeyView& view,
                                  const SecretBytes& payload) {
  std::string out;
  JsonWriter json(out);
  begin_envelope(json, kKeyType, 1);
  begin_key(json, key, view);
  write_payload(json, payload);
  json.end_object();
  end_envelope(json);
  return out;
}

// The ring that the new key will be in.
std::string_view target_ring(const Call& call) {
  const std::string_view header = ring_header(call);
  return header.empty() ? keys::kDefaultRing : header;
}

Result<Response> create(Call& call, KeyFront& front, keys::CreateRequest request) {
  request.instance = call.instance().id;
  request.id = KeyId{crypto::random_uuid()};
  request.key_ring = target_ring(call);
  call.set_target(key_crn(front.account, call.instance(), request.id));
  call.detail("requestData.keyType",
              request.kind == keys::KeyKind::RootKey ? "root_key" : "standard_key");
  const keys::KeyRecordPtr key = KH_TRY(run_change(call, 201, [&](keys::Change& change) {
    return front.service.create(std::move(request), change);
  }));
  const KeyView view = view_of(call, front, KeyView::Moment::Created);
  switch (preferred_return(call)) {
    case Return::Minimal:
      return json_response(201, minimal_envelope(*key, view));
    case Return::Representation:
      if (key->kind == keys::KeyKind::StandardKey) {
        // The key exists whatever happens now: if the unit just died, answer without payload rather
        // than with an error that would make the client create it again.
        if (auto payload = front.service.payload_of(*key)) {
          return json_response(201, envelope_with_payload(*key, view, payload.value()));
        }
      }
      break;
    case Return::Unsaid:
      break;
  }
  return json_response(201, key_envelope(*key, view));
}

Result<Response> create_key(Call& call, KeyFront& front) {
  const InstanceId& instance = call.instance().id;
  KH_TRY(call.authorize({.instance = &instance, .key_ring = target_ring(call), .key = nullptr}));
  return create(call, front, KH_TRY(read_create_key(call.body())));
}

// Needs the right to set policies, too: what it leaves out, the key does not inherit.
Result<Response> create_key_with_overrides(Call& call, KeyFront& front) {
  const InstanceId& instance = call.instance().id;
  const iam::Scope ring{.instance = &instance, .key_ring = target_ring(call), .key = nullptr};
  KH_TRY(call.authorize(ring));
  KH_TRY(call.authorize(iam::Action::PoliciesWrite, ring));
  return create(call, front, KH_TRY(read_create_key_with_overrides(call.body())));
}

// --- Get ---

void note_state(Call& call, const keys::KeyRecord& key, Timestamp now) {
  call.detail("requestData.keyType",
              key.kind == keys::KeyKind::RootKey ? "root_key" : "standard_key");
  call.detail("responseData.keyState",
              std::to_string(static_cast<int>(keys::effective_state(key, now))));
  call.detail("responseData.keyVersionId", key.newest().id.text());
}

void get_key(const CallPtr& call, KeyFront& front) {
  auto key = authorized_key(*call, front);
  if (!key) return call->fail(key.error());
  const KeyView view = view_of(*call, front);
  note_state(*call, *key.value(), view.now);
  const keys::VersionRef payload = keys::decide_read(key.value());
  if (payload.version == nullptr)
    return call->finish(json_response(200, key_envelope(*key.value(), view)));
  front.unit_of(*call).open_standard_key(
      payload.binding(), payload.blob(),
      [call, view, record = payload.key](Result<SecretBytes> opened) {
        if (!opened) return call->fail(opened.error());
        call->finish(json_response(200, envelope_with_payload(*record, view, opened.value())));
      });
}

void get_metadata(const CallPtr& call, KeyFront& front) {
  auto key = authorized_key(*call, front);
  if (!key) return call->fail(key.error());
  const KeyView view = view_of(*call, front);
  note_state(*call, *key.value(), view.now);
  call->finish(json_response(200, key_envelope(*key.value(), view)));
}

// --- Change ---

Result<Response> patch_key(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const std::string ring = KH_TRY(read_patch_key(call.body()));
  KH_TRY(call.authorize({.instance = &key->instance, .key_ring = ring, .key = &key->id}));
  const keys::KeyRecordPtr changed = KH_TRY(run_change(call, 200, [&](keys::Change& change) {
    return front.service.change_ring(*key, ring, change);
  }));
  return json_response(200, key_envelope(*changed, view_of(call, front)));
}

// 204, or 200 with the key for Prefer: return=representation.
Response removal_response(const Call& call, const KeyFront& front, const keys::KeyRecord& key) {
  if (preferred_return(call) != Return::Representation) return empty_response(204);
  return json_response(200, key_envelope(key, view_of(call, front)));
}

int removal_status(const Call& call) {
  return preferred_return(call) == Return::Representation ? 200 : 204;
}

Result<Response> delete_key(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  if (!call.caller()->service_crn.empty()) {
    return Error{Reason::ResourceOwner,
                 "a service cannot delete a customer's key; it can delete its registrations", ""};
  }
  const auto force = KH_TRY(call.query_bool("force", false)) ? keys::Force::Yes : keys::Force::No;
  const keys::KeyRecordPtr deleted =
      KH_TRY(run_change(call, removal_status(call), [&](keys::Change& change) {
        return front.service.destroy(*key, force, change);
      }));
  return removal_response(call, front, *deleted);
}

Result<Response> purge_key(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const keys::KeyRecordPtr last =
      KH_TRY(run_change(call, removal_status(call),
                        [&](keys::Change& change) { return front.service.purge(*key, change); }));
  return removal_response(call, front, *last);
}

Result<Response> restore_key(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const keys::Material material = KH_TRY(read_restore(call.body()));
  const keys::KeyRecordPtr restored = KH_TRY(run_change(call, 201, [&](keys::Change& change) {
    return front.service.restore(*key, material, change);
  }));
  return json_response(201, key_envelope(*restored, view_of(call, front)));
}

// --- Versions ---

Result<Response> versions_page(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const auto limit =
      static_cast<std::size_t>(KH_TRY(call.query_integer("limit", 1, kPageLimit, kDefaultPage)));
  const auto offset =
      static_cast<std::size_t>(KH_TRY(call.query_integer("offset", 0, kMaxOffset, 0)));
  const bool with_total = KH_TRY(call.query_bool("totalCount", false));
  const bool any_state = KH_TRY(call.query_bool("allKeyStates", false));
  KH_TRY(keys::require_root_key(*key));
  const auto operation =
      any_state ? keys::KeyOperation::ListVersionsAnyState : keys::KeyOperation::ListVersions;
  KH_TRY(keys::require_state(operation, *key, call.clock().now()));
  const std::size_t total = key->versions.size();
  const std::size_t begin = std::min(offset, total);
  const std::size_t count = std::min(limit, total - begin);
  call.detail("responseData.totalResources", std::to_string(count));
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", kVersionType).field("collectionTotal", count);
  if (with_total) json.field("totalCount", total);
  json.end_object().key("resources").begin_array();
  for (std::size_t i = 0; i < count; ++i) {
    const keys::KeyVersion& version = key->versions[total - 1 - begin - i];  // newest first
    json.begin_object()
        .field("id", version.id.text())
        .date_field("creationDate", version.created)
        .end_object();
  }
  end_envelope(json);
  return json_response(200, std::move(body));
}

void list_versions(const CallPtr& call, KeyFront& front) {
  auto response = versions_page(*call, front);
  if (!response) return call->fail(response.error());
  call->finish(std::move(response).value());
}

// --- Aliases ---

Result<Response> add_alias(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const std::string& alias = call.param("alias");
  const keys::KeyRecordPtr changed = KH_TRY(run_change(call, 201, [&](keys::Change& change) {
    return front.service.add_alias(*key, alias, change);
  }));
  std::string body;
  JsonWriter json(body);
  begin_envelope(json, kAliasType, 1);
  json.begin_object().field("keyId", changed->id.text()).field("alias", alias);
  json.field("createdBy", changed->updated_by)
      .date_field("creationDate", changed->updated)
      .end_object();
  end_envelope(json);
  return json_response(201, std::move(body));
}

Result<Response> remove_alias(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  KH_TRY(run_change(call, 204, [&](keys::Change& change) {
    return front.service.remove_alias(*key, call.param("alias"), change);
  }));
  return empty_response(204);
}

}  // namespace

Routes key_routes(KeyFront& front) {
  using iam::Action;
  const auto pool = [&front](Result<Response> (*handler)(Call&, KeyFront&)) -> BlockingHandler {
    return [&front, handler](Call& call) { return handler(call, front); };
  };
  const auto loop = [&front](void (*handler)(const CallPtr&, KeyFront&)) -> LoopHandler {
    return [&front, handler](const CallPtr& call) { handler(call, front); };
  };
  return {
      blocking(Method::Post, "/api/v2/keys", Action::SecretsCreate, Check::Key, pool(create_key)),
      blocking(Method::Post, "/api/v2/keys_with_policy_overrides", Action::SecretsCreate,
               Check::Key, pool(create_key_with_overrides)),
      on_loop(Method::Get, "/api/v2/keys/{id}", Action::SecretsRead, Check::Key, loop(get_key)),
      on_loop(Method::Get, "/api/v2/keys/{id}/metadata", Action::SecretsReadMetadata, Check::Key,
              loop(get_metadata)),
      blocking(Method::Patch, "/api/v2/keys/{id}", Action::SecretsPatch, Check::Key,
               pool(patch_key)),
      blocking(Method::Delete, "/api/v2/keys/{id}", Action::SecretsDelete, Check::Key,
               pool(delete_key)),
      blocking(Method::Delete, "/api/v2/keys/{id}/purge", Action::SecretsPurge, Check::Key,
               pool(purge_key)),
      blocking(Method::Post, "/api/v2/keys/{id}/restore", Action::SecretsRestore, Check::Key,
               pool(restore_key)),
      blocking(Method::Post, "/api/v2/keys/{id}", Action::SecretsRestore, Check::Key,
               pool(restore_key), "restore"),
      on_loop(Method::Get, "/api/v2/keys/{id}/versions", Action::SecretsListVersions, Check::Key,
              loop(list_versions)),
      blocking(Method::Post, "/api/v2/keys/{id}/aliases/{alias}", Action::AliasCreate, Check::Key,
               pool(add_alias)),
      blocking(Method::Delete, "/api/v2/keys/{id}/aliases/{alias}", Action::AliasDelete, Check::Key,
               pool(remove_alias)),
  };
}

}  // namespace keyhaven::http
