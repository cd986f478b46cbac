#include "http/key_json.h"

#include "keys/key_state.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kMode = "CBC_PAD";

void write_algorithm(JsonWriter& json, unsigned bits) {
  json.field("algorithmType", "AES");
  json.key("algorithmMetadata").begin_object();
  json.field("bitLength", std::to_string(bits))
      .field("mode", kMode)
      .end_object();  // a string, by the vendor
  json.field("algorithmBitSize", static_cast<int>(bits)).field("algorithmMode", kMode);
}

void write_deletion(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view) {
  const Timestamp restorable_until = key.deleted.plus_seconds(view.times.restorable_seconds);
  const Timestamp purge_from = key.deleted.plus_seconds(view.times.purge_after_delete_seconds);
  const bool expired = key.expires.is_set() && key.expires <= view.now;
  json.date_field("deletionDate", key.deleted).text_field_if("deletedBy", key.deleted_by);
  json.date_field("restoreExpirationDate", restorable_until);
  json.field("restoreAllowed", view.now <= restorable_until && !expired);
  json.field("purgeAllowed", view.now >= purge_from);
  json.date_field("purgeAllowedFrom", purge_from);
  json.date_field("purgeScheduledOn", key.deleted.plus_seconds(view.times.purge_due_seconds));
}

void write_policies(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view) {
  const keys::KeyPolicies& policies = key.policies();
  const bool dual_auth = keys::needs_dual_auth(key);
  json.key("dualAuthDelete").begin_object().field("enabled", dual_auth);
  if (dual_auth) {
    const auto* pending = keys::pending_authorization(key, view.now);
    json.field("keySetForDeletion", pending != nullptr);
    if (pending != nullptr) json.date_field("authExpiration", pending->lapses);
  }
  json.end_object();
  if (policies.rotation) {
    json.key("rotation").begin_object().field("enabled", policies.rotation->enabled);
    json.field("interval_month", int{policies.rotation->interval_months}).end_object();
  }
  if (policies.migration_intent && view.for_service) {
    const keys::MigrationIntent& intent = *policies.migration_intent;
    json.key("migrationIntent").begin_object().field("id", intent.id.text());
    json.field("sourceCRK", key_crn(view.account, view.instance, key.id));
    json.field("targetCRK", intent.target_key_crn).date_field("creationDate", intent.created);
    json.field("createdBy", intent.created_by).end_object();
  }
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (texts.empty()) return;
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

}  // namespace

std::string key_crn(std::string_view account, const instances::InstanceRecord& instance,
                    const KeyId& id) {
  std::string out = "crn:v1:bluemix:public:hs-crypto:";
  out += instance.region;
  out += ":a/";
  out += account;
  out += ':';
  instance.id.uuid.append_to(out);
  out += ":key:";
  id.uuid.append_to(out);
  return out;
}

void begin_key(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view) {
  const keys::KeyState state = keys::effective_state(key, view.now);
  const bool destroyed = state == keys::KeyState::Destroyed;
  json.begin_object().field("type", kKeyType).field("id", key.id.text()).field("name", key.name);
  json.text_field_if("description", key.description);
  write_texts(json, "aliases", key.aliases);
  write_texts(json, "tags", key.tags);
  json.field("state", static_cast<int>(state));
  json.field("extractable", key.kind == keys::KeyKind::StandardKey);
  json.field("crn", key_crn(view.account, view.instance, key.id));
  json.field("imported", key.imported).field("keyRingID", key.key_ring);
  json.date_field("creationDate", key.created).field("createdBy", key.created_by);
  write_algorithm(json, key.newest().bits);
  if (key.expires.is_set()) json.date_field("expirationDate", key.expires);
  if (view.moment == KeyView::Moment::Later) {
    json.date_field("lastUpdateDate", key.updated.is_set() ? key.updated : key.created);
  }
  if (key.rotated.is_set()) json.date_field("lastRotateDate", key.rotated);
  if (key.kind == keys::KeyKind::RootKey) {
    json.key("keyVersion").begin_object().field("id", key.newest().id.text());
    json.date_field("creationDate", key.newest().created).end_object();
  }
  write_policies(json, key, view);
  json.field("deleted", destroyed);
  if (destroyed) write_deletion(json, key, view);
}

void write_payload(JsonWriter& json, const SecretBytes& payload) {
  json.out().reserve(json.out().size() + base64_size(payload.size()) + 128);
  json.key("payload").base64(payload.expose());
}

void write_key(JsonWriter& json, const keys::KeyRecord& key, const KeyView& view) {
  begin_key(json, key, view);
  json.end_object();
}

std::string key_envelope(const keys::KeyRecord& key, const KeyView& view) {
  std::string out;
  out.reserve(1024);
  JsonWriter json(out);
  begin_envelope(json, kKeyType, 1);
  write_key(json, key, view);
  end_envelope(json);
  return out;
}

}  // namespace keyhaven::http
