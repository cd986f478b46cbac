// The life of a key after its creation: rotate, disable and enable, set for deletion, delete,
// restore, purge (key-management-api.md 5.5 to 7).
//
// Each step is decided under the key's lock from the record as it is now, committed together with
// what it means for those who depend on the key, and fenced before it is acknowledged.
#include <string>
#include <utility>

#include "crypto/random.h"
#include "keys/key_rules.h"
#include "keys/key_service.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {
namespace {

Error too_early(std::string message) { return {Reason::RequestTooEarly, std::move(message), ""}; }

Result<void> require_no_blockers(const Dependents::Blockers& blockers, Force force) {
  if (blockers.prevent_deletion) {
    return Error{Reason::DeletionPrevented,
                 "a registration of the key forbids its deletion; the service that holds it must "
                 "release it first",
                 ""};
  }
  if (blockers.registrations > 0 && force == Force::No) {
    return Error{Reason::ProtectedResource,
                 "the key protects " + std::to_string(blockers.registrations) +
                     " registered resources; delete it with force=true if they may become "
                     "unreadable",
                 "force"};
  }
  return {};
}

Result<void> require_dual_auth(const KeyRecord& key) {
  if (needs_dual_auth(key)) return {};
  return Error{Reason::NotDualAuth,
               "the key has no dual authorization policy, so it can be deleted without being set "
               "for deletion; to protect it, enable its policy dualAuthDelete",
               ""};
}

// Of the two authorizations, the deletion itself is the second: it needs a live first one by
// somebody else (key-management-api.md 7). Force waives registrations, never this.
Result<void> require_authorizations(const KeyRecord& key, const std::string& actor, Timestamp now) {
  if (!needs_dual_auth(key)) return {};
  const auto missing = [](const std::string& why) {
    return Error{Reason::AuthorizationsNotMet, "1 prior authorization is missing: " + why, ""};
  };
  const auto& first = key.policies().authorization;
  if (!first) {
    return missing("another user must set the key for deletion (setKeyForDeletion) before");
  }
  if (first->lapses <= now) {
    return missing("the earlier one lapsed at " + format_rfc3339(first->lapses) +
                   "; another user must set the key for deletion again (setKeyForDeletion)");
  }
  if (first->by == actor) {
    return missing("you have set the key for deletion yourself; another user must delete it");
  }
  return {};
}

// Sets or clears the pending authorization, with both values in the event.
void set_authorization(KeyRecord& key, std::optional<DeletionAuthorization> authorization,
                       Change& change) {
  const std::optional<DeletionAuthorization> before = key.policies().authorization;
  const auto note = [&](const std::string& which, const DeletionAuthorization& value) {
    add_detail(change, "responseData." + which + ".authID", value.by);
    add_detail(change, "responseData." + which + ".authExpiration", format_rfc3339(value.lapses));
  };
  if (before) note("initialValue", *before);
  if (authorization) note("newValue", *authorization);
  if (before == authorization) return;
  KeyPolicies policies = key.policies();
  policies.authorization = std::move(authorization);
  key.set_policies(std::move(policies));
}

}  // namespace

Result<KeyRecordPtr> KeyService::disable(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Disable, *key, now));
  KeyRecord next = *key;
  set_state(next, KeyState::Suspended, now, change);
  KeyRecordPtr record = KH_TRY(commit_step(LifecycleKind::Disable, std::move(next), now, change));
  KH_TRY(fence_.fence(blobs_of(*record)));
  return record;
}

Result<KeyRecordPtr> KeyService::enable(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Enable, *key, now));
  const Timestamp allowed = key->state_changed.plus_seconds(times().enable_after_disable_seconds);
  if (now < allowed) {
    return too_early("a disabled key can be enabled from " + format_rfc3339(allowed) + " on");
  }
  KeyRecord next = *key;
  set_state(next, KeyState::Active, now, change);
  return commit_step(LifecycleKind::Enable, std::move(next), now, change);
}

Result<KeyRecordPtr> KeyService::destroy(const KeyRecord& seen, Force force, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::Delete, *key, now));
  KH_TRY(require_authorizations(*key, change.actor, now));
  KH_TRY(changes_.directory().quarantine().check_registrations(key->instance));
  KH_TRY(require_no_blockers(dependents_.blockers(*key), force));
  KeyRecord next = *key;
  set_authorization(next, std::nullopt, change);
  set_state(next, KeyState::Destroyed, now, change);
  next.deleted = now;
  next.deleted_by = change.actor;
  add_detail(change, "responseData.keyState", number_of(next.state));
  KeyRecordPtr record = KH_TRY(commit_step(LifecycleKind::Delete, std::move(next), now, change));
  KH_TRY(fence_.fence(blobs_of(*record)));
  return record;
}

Result<KeyRecordPtr> KeyService::set_for_deletion(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::SetForDeletion, *key, now));
  KH_TRY(require_dual_auth(*key));
  KeyRecord next = *key;
  const Timestamp lapses = now.plus_seconds(times().deletion_authorization_seconds);
  set_authorization(next, DeletionAuthorization{change.actor, now, lapses}, change);
  touch(next, now, change);
  return changes_.commit(std::move(next), change);
}

Result<KeyRecordPtr> KeyService::unset_for_deletion(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::UnsetForDeletion, *key, now));
  KH_TRY(require_dual_auth(*key));
  if (!key->policies().authorization) return key;
  KeyRecord next = *key;
  set_authorization(next, std::nullopt, change);
  touch(next, now, change);
  return changes_.commit(std::move(next), change);
}

Result<void> KeyService::require_same_material(const KeyRecord& key, const Material& material) {
  const Error differs{Reason::InvalidField, "the payload is not the material of this key",
                      "payload"};
  KH_TRY(check_material(key.kind, material));
  const KeyVersion& newest = key.newest();
  const unit::KeyBinding binding{key.instance, key.id, newest.id};
  if (key.kind == KeyKind::StandardKey) {
    const SecretBytes stored = KH_TRY(unit_.open_standard_key(binding, newest.blob));
    if (!(stored == material.clear)) return differs;
    return {};
  }
  // Equal material has an equal commitment; the blob made on the way is thrown away.
  const unit::SealedRootKey sealed = KH_TRY(sealed_version(binding, material));
  if (sealed.commitment != newest.commitment) return differs;
  return {};
}

Result<KeyRecordPtr> KeyService::restore(const KeyRecord& seen, const Material& material,
                                         Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::Restore, *key, now));
  if (now < key->deleted.plus_seconds(times().restore_after_delete_seconds)) {
    return too_early("a deleted key can be restored " +
                     std::to_string(times().restore_after_delete_seconds) +
                     " seconds after its deletion");
  }
  if (now > key->deleted.plus_seconds(times().restorable_seconds)) {
    return Error{Reason::KeyRestoreExpired, "the key was deleted more than 30 days ago", ""};
  }
  if (key->expires.is_set() && key->expires <= now) {
    return Error{Reason::KeyExpired, "the key expired on " + format_rfc3339(key->expires), ""};
  }
  if (material.given()) {
    KH_TRY(check_token_enforced(settings_.rules(key->instance), material));
    KH_TRY(require_same_material(*key, material));
  }
  KeyRecord next = *key;
  set_authorization(next, std::nullopt, change);
  set_state(next, KeyState::Active, now, change);
  next.deleted = {};
  next.deleted_by.clear();
  add_detail(change, "responseData.keyVersionId", next.newest().id.text());
  return commit_step(LifecycleKind::Restore, std::move(next), now, change);
}

Result<KeyRecordPtr> KeyService::erase(const KeyRecord& key, Change& change) {
  KeyChange stored;
  stored.remove.emplace_back(key.instance, key.id);
  KH_TRY(changes_.commit(stored, change));
  KeyRecordPtr last = changes_.directory().find(key.instance, key.id);
  changes_.directory().erase(key.instance, key.id);
  dependents_.forget(key.instance, key.id);
  KH_TRY(fence_.fence(blobs_of(key)));
  return last;
}

Result<KeyRecordPtr> KeyService::purge(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::Purge, *key, now));
  if (now < key->deleted.plus_seconds(times().purge_after_delete_seconds)) {
    // Clients look for the Go duration in the text (key-management-api.md 5.6).
    const std::int64_t wait = times().purge_after_delete_seconds;
    return too_early("purge is allowed " + std::to_string(wait / 3600) + "h" +
                     std::to_string(wait / 60 % 60) + "m" + std::to_string(wait % 60) +
                     "s after the key was deleted");
  }
  return erase(*key, change);
}

Result<KeyRecordPtr> KeyService::rotate(const KeyRecord& seen, const Material& material,
                                        Change& change) {
  const SealGate::Pass pass = KH_TRY(gate_.pass(seen.instance));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Rotate, *key, now));
  if (!key->imported && material.given()) {
    return Error{Reason::InvalidQueryParam, "a generated key is rotated without payload",
                 "payload"};
  }
  if (key->imported && !material.given()) {
    return Error{Reason::KeyPayloadRequired,
                 "an imported key is rotated with new material in payload", "payload"};
  }
  const InstanceRules rules = settings_.rules(key->instance);
  KH_TRY(check_token_enforced(rules, material));
  KH_TRY(check_material(KeyKind::RootKey, material));
  const std::int64_t interval = rules.rotation_interval_seconds;
  // Counted from the last rotation, not from creation: live tests rotate right after create.
  if (key->rotated.is_set() && now < key->rotated.plus_seconds(interval)) {
    return Error{Reason::KeyRotationNotPermitted,
                 "the key was rotated less than " + std::to_string(interval) + " seconds ago", ""};
  }
  return add_version(*key, material, now, change);
}

Result<KeyRecordPtr> KeyService::add_version(const KeyRecord& key, const Material& material,
                                             Timestamp now, Change& change) {
  KeyRecord next = key;
  next.versions.push_back(
      KH_TRY(make_version(next, VersionId{crypto::random_uuid()}, material, now)));
  next.rotated = now;
  touch(next, now, change);
  add_detail(change, "responseData.keyVersionId", next.newest().id.text());
  KeyRecordPtr record = KH_TRY(commit_step(LifecycleKind::Rotate, std::move(next), now, change));
  KH_TRY(fence_.fence({key.newest().blob}));
  return record;
}

Result<KeyRecordPtr> KeyService::commit_step(LifecycleKind kind, KeyRecord next, Timestamp now,
                                             Change& change) {
  KeyChange rest;
  dependents_.add_effects(kind, next, now, rest);
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change, rest));
  dependents_.publish(rest);
  return record;
}

}  // namespace keyhaven::keys
