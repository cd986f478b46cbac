// What time does to keys by itself (KeyService::sweep).
#include <optional>
#include <utility>

#include "keys/key_service.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {

Result<bool> KeyService::sweep_one(const InstanceId& instance, const KeyId& id, Timestamp now) {
  const KeyChanges::KeyLock lock = changes_.lock(id);
  const KeyRecordPtr key = changes_.directory().find(instance, id);
  if (!key) return false;
  Change change;
  change.actor = "keyhaven";
  audit::Event& event = change.event;
  event.time = now;
  event.outcome = audit::Outcome::Success;
  event.initiator_id = change.actor;
  event.initiator_name = "Keyhaven";
  event.instance_id = instance.text();
  event.target_id = id.text();
  if (key->state == KeyState::Destroyed) {
    if (now < key->deleted.plus_seconds(times().purge_due_seconds)) return false;
    event.action = "hs-crypto.secrets.purge";
    KH_TRY(erase(*key, change));
    return true;
  }
  if (effective_state(*key, now) == key->state) return false;
  event.action = "hs-crypto.secrets.expire";
  add_detail(change, "requestData.expirationDate", format_rfc3339(key->expires));
  add_detail(change, "responseData.keyId", id.text());
  add_detail(change, "responseData.initialValue.keyState", number_of(key->state));
  add_detail(change, "responseData.newValue.keyState", number_of(KeyState::Deactivated));
  KeyRecord next = *key;
  set_state(next, KeyState::Deactivated, now, change);
  KH_TRY(changes_.commit(std::move(next), change));
  return true;
}

Result<std::size_t> KeyService::sweep(Timestamp now) {
  std::size_t changed = 0;
  std::optional<Error> first_error;
  for (const KeyChanges::Due& due : changes_.take_due(now)) {
    auto swept = sweep_one(due.instance, due.key, now);
    if (swept) {
      changed += swept.value() ? 1 : 0;
      continue;
    }
    if (!first_error) first_error = swept.error();
    changes_.put_back(due, now);
  }
  if (first_error) return *std::move(first_error);
  return changed;
}

}  // namespace keyhaven::keys
