#include "keys/key_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "crypto/random.h"
#include "keys/key_rules.h"
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

// Gives back what was claimed unless the change was published.
class ClaimGuard {
 public:
  ClaimGuard(Directory& directory, const Claim& claim) : directory_(directory), claim_(claim) {}
  ClaimGuard(const ClaimGuard&) = delete;
  ClaimGuard& operator=(const ClaimGuard&) = delete;
  ~ClaimGuard() {
    if (!kept_) directory_.release(claim_);
  }
  void keep() noexcept { kept_ = true; }

 private:
  Directory& directory_;
  const Claim& claim_;
  bool kept_ = false;
};

Result<void> check_request(const CreateRequest& request, Timestamp now) {
  KH_TRY(check_name(request.name));
  KH_TRY(check_description(request.description));
  KH_TRY(check_tags(request.tags));
  KH_TRY(check_aliases(request.aliases));
  KH_TRY(check_ring_id(request.key_ring));
  if (request.expires.is_set() && request.expires <= now) {
    return Error{Reason::InvalidField, "expirationDate must be in the future", "expirationDate"};
  }
  if (!request.material.clear.empty())
    KH_TRY(check_material_size(request.kind, request.material.clear.size()));
  return {};
}

}  // namespace

KeyService::KeyService(Parts parts)
    : changes_(parts.changes),
      unit_(parts.unit),
      secure_import_(parts.secure_import),
      dependents_(parts.dependents),
      fence_(parts.fence),
      settings_(parts.settings),
      clock_(parts.clock) {}

Result<void> KeyService::load() {
  Directory& directory = changes_.directory();
  KeyStore& store = changes_.store();
  KH_TRY(store.load_rings([&](KeyRing ring) { directory.load(std::move(ring)); }));
  return store.load_keys([&](KeyRecord key) {
    changes_.note_due(key);
    directory.load(std::move(key));
  });
}

Result<unit::SealedRootKey> KeyService::sealed_version(const unit::KeyBinding& binding,
                                                       const Material& material) {
  if (material.encrypted) return secure_import_.import(binding, *material.encrypted);
  if (material.clear.empty()) return unit_.generate_root_key(binding);
  return unit_.import_root_key(binding, material.clear);
}

Result<KeyVersion> KeyService::make_version(const KeyRecord& key, VersionId id,
                                            const Material& material, Timestamp now) {
  KeyVersion version;
  version.id = id;
  version.created = now;
  const unit::KeyBinding binding{key.instance, key.id, id};
  if (key.kind == KeyKind::StandardKey) {
    version.blob = KH_TRY(unit_.create_standard_key(binding, material.clear));
    return version;
  }
  auto sealed = KH_TRY(sealed_version(binding, material));
  version.bits = sealed.bits;
  version.blob = std::move(sealed.blob);
  version.commitment = sealed.commitment;
  return version;
}

Result<KeyRecordPtr> KeyService::create(CreateRequest request, Change& change) {
  const Timestamp now = clock_.now();
  KH_TRY(check_request(request, now));
  const Claim claim{.instance = request.instance,
                    .key = request.id,
                    .new_key = true,
                    .ring = request.key_ring,
                    .aliases = request.aliases};
  KH_TRY(changes_.directory().claim(claim, settings_.rules(claim.instance).limits));
  ClaimGuard guard(changes_.directory(), claim);

  KeyRecord key;
  key.instance = request.instance;
  key.id = request.id;
  key.kind = request.kind;
  key.imported = request.material.given();
  key.name = std::move(request.name);
  key.description = std::move(request.description);
  key.tags = std::move(request.tags);
  key.aliases = std::move(request.aliases);
  key.key_ring = std::move(request.key_ring);
  key.created = now;
  key.created_by = change.actor;
  key.expires = request.expires;
  key.state_changed = now;
  // The first version has the key's own id (key-management-api.md 4).
  key.versions.push_back(
      KH_TRY(make_version(key, VersionId{request.id.uuid}, request.material, now)));

  add_detail(change, "responseData.keyId", key.id.text());
  add_detail(change, "responseData.keyVersionId", key.id.text());
  add_detail(change, "responseData.keyVersionCreationDate", format_rfc3339(now));
  add_detail(change, "responseData.keyState", number_of(key.state));
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(key), change));
  guard.keep();
  return record;
}

Result<KeyRecordPtr> KeyService::change_ring(const KeyRecord& seen, const std::string& ring,
                                             Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::ChangeRing, *key, now));
  if (ring == key->key_ring) return key;
  const Claim claim{
      .instance = key->instance, .key = key->id, .new_key = false, .ring = ring, .aliases = {}};
  KH_TRY(changes_.directory().claim(claim, settings_.rules(claim.instance).limits));
  ClaimGuard guard(changes_.directory(), claim);
  KeyRecord next = *key;
  next.key_ring = ring;
  touch(next, now, change);
  add_detail(change, "requestData.initialValue.keyRingId", key->key_ring);
  add_detail(change, "requestData.newValue.keyRingId", ring);
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
  guard.keep();
  KH_TRY(fence_.fence({}));  // rights may hang on the ring
  return record;
}

Result<KeyRecordPtr> KeyService::disable(const KeyRecord& seen, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_root_key(*key));
  KH_TRY(require_state(KeyOperation::Disable, *key, now));
  KeyRecord next = *key;
  set_state(next, KeyState::Suspended, now, change);
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
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
  return changes_.commit(std::move(next), change);
}

Result<KeyRecordPtr> KeyService::destroy(const KeyRecord& seen, Force force, Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::Delete, *key, now));
  KH_TRY(require_no_blockers(dependents_.blockers(*key), force));
  KeyRecord next = *key;
  set_state(next, KeyState::Destroyed, now, change);
  next.deleted = now;
  next.deleted_by = change.actor;
  add_detail(change, "responseData.keyState", number_of(next.state));
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
  KH_TRY(fence_.fence(blobs_of(*record)));
  return record;
}

Result<void> KeyService::require_same_material(const KeyRecord& key, const Material& material) {
  const Error differs{Reason::InvalidField, "the payload is not the material of this key",
                      "payload"};
  if (!material.encrypted) KH_TRY(check_material_size(key.kind, material.clear.size()));
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
  if (material.given()) KH_TRY(require_same_material(*key, material));
  KeyRecord next = *key;
  set_state(next, KeyState::Active, now, change);
  next.deleted = {};
  next.deleted_by.clear();
  add_detail(change, "responseData.keyVersionId", next.newest().id.text());
  return changes_.commit(std::move(next), change);
}

Result<KeyRecordPtr> KeyService::erase(const KeyRecord& key, Change& change) {
  KeyChange stored;
  stored.remove.emplace_back(key.instance, key.id);
  KH_TRY(changes_.commit(stored, change));
  KeyRecordPtr last = changes_.directory().find(key.instance, key.id);
  changes_.directory().erase(key.instance, key.id);
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
  if (!material.clear.empty()) KH_TRY(check_material_size(KeyKind::RootKey, material.clear.size()));
  const std::int64_t interval = settings_.rules(key->instance).rotation_interval_seconds;
  // Counted from the last rotation, not from creation: live tests rotate right after create.
  if (key->rotated.is_set() && now < key->rotated.plus_seconds(interval)) {
    return Error{Reason::KeyRotationNotPermitted,
                 "the key was rotated less than " + std::to_string(interval) + " seconds ago", ""};
  }
  KeyRecord next = *key;
  next.versions.push_back(
      KH_TRY(make_version(next, VersionId{crypto::random_uuid()}, material, now)));
  next.rotated = now;
  touch(next, now, change);
  add_detail(change, "responseData.keyVersionId", next.newest().id.text());
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
  KH_TRY(fence_.fence({key->newest().blob}));
  return record;
}

Result<SecretBytes> KeyService::payload_of(const KeyRecord& key) {
  KH_ASSERT(key.kind == KeyKind::StandardKey);
  return unit_.open_standard_key({key.instance, key.id, key.newest().id}, key.newest().blob);
}

Result<KeyRecordPtr> KeyService::add_alias(const KeyRecord& seen, const std::string& alias,
                                           Change& change) {
  KH_TRY(check_alias(alias));
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::AddAlias, *key, now));
  const Claim claim{
      .instance = key->instance, .key = key->id, .new_key = false, .ring = {}, .aliases = {alias}};
  if (auto claimed = changes_.directory().claim(claim, settings_.rules(claim.instance).limits);
      !claimed)
    return std::move(claimed).error();
  ClaimGuard guard(changes_.directory(), claim);
  if (key->aliases.size() >= kMaxAliasesPerKey) {
    return Error{Reason::AliasLimit,
                 "a key has at most " + std::to_string(kMaxAliasesPerKey) + " aliases", "aliases"};
  }
  KeyRecord next = *key;
  next.aliases.push_back(alias);
  touch(next, now, change);
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
  guard.keep();
  return record;
}

Result<KeyRecordPtr> KeyService::remove_alias(const KeyRecord& seen, const std::string& alias,
                                              Change& change) {
  const KeyChanges::KeyLock lock = changes_.lock(seen.id);
  const Timestamp now = clock_.now();
  KeyRecordPtr key = KH_TRY(changes_.current(seen));
  KH_TRY(require_state(KeyOperation::RemoveAlias, *key, now));
  KeyRecord next = *key;
  const auto found = std::find(next.aliases.begin(), next.aliases.end(), alias);
  if (found == next.aliases.end())
    return Error{Reason::AliasNotFound, "the key has no such alias", ""};
  next.aliases.erase(found);
  touch(next, now, change);
  KeyRecordPtr record = KH_TRY(changes_.commit(std::move(next), change));
  KH_TRY(fence_.fence({}));  // no call may still reach the key by the old name
  return record;
}

Result<KeyRing> KeyService::create_ring(const InstanceId& instance, const std::string& id,
                                        Change& change) {
  KH_TRY(check_ring_id(id));
  if (id == kDefaultRing)
    return Error{Reason::KeyRingReserved, "the key ring \"default\" always exists", ""};
  const KeyRing ring{instance, id, clock_.now(), change.actor};
  KH_TRY(changes_.directory().claim_ring(ring, settings_.rules(instance).limits));
  KeyChange stored;
  stored.put_rings.push_back(ring);
  if (auto committed = changes_.commit(stored, change); !committed) {
    changes_.directory().release_ring(instance, id);
    return std::move(committed).error();
  }
  changes_.directory().publish_ring(instance, id);
  return ring;
}

// Puts all keys of a ring that is going into "default", in `change`. The caller holds the lock of
// all keys.
Result<void> KeyService::move_all_to_default(const InstanceId& instance, const std::string& ring,
                                             KeyChange& change) {
  const auto members = changes_.directory().list(
      instance, [&](const KeyRecord& key) { return key.key_ring == ring; });
  if (members.size() != changes_.directory().ring_size(instance, ring)) {
    return Error{Reason::KeyRingNotEmpty, "a key is just being made in the key ring", ""};
  }
  for (const KeyRecordPtr& key : members) {
    if (key->state != KeyState::Destroyed) {
      return Error{Reason::KeyRingNotEmpty, "the key ring holds keys that are not destroyed", ""};
    }
    KeyRecord next = *key;
    next.key_ring = kDefaultRing;
    change.put.push_back(std::move(next));
  }
  return {};
}

Result<void> KeyService::remove_ring(const InstanceId& instance, const std::string& id, Force force,
                                     Change& change) {
  if (id == kDefaultRing)
    return Error{Reason::KeyRingReserved, "the key ring \"default\" cannot be deleted", ""};
  KH_TRY(changes_.directory().begin_ring_removal(instance, id));
  // Rare, so it may stop all other changes for a moment.
  const KeyChanges::AllLock lock = changes_.lock_all();
  const auto remove = [&]() -> Result<void> {
    KeyChange stored;
    stored.remove_rings.emplace_back(instance, id);
    if (force == Force::Yes) {
      KH_TRY(move_all_to_default(instance, id, stored));
    } else if (changes_.directory().ring_size(instance, id) != 0) {
      return Error{Reason::KeyRingNotEmpty, "the key ring still holds keys (destroyed ones count)",
                   ""};
    }
    const auto revisions = KH_TRY(changes_.commit(stored, change));
    for (std::size_t i = 0; i < stored.put.size(); ++i) {
      KeyRecord& moved = stored.put[i];
      moved.revision = revisions.at(i);
      const Claim claim{.instance = instance,
                        .key = moved.id,
                        .new_key = false,
                        .ring = moved.key_ring,
                        .aliases = {}};
      KH_ASSERT(changes_.directory().claim(
          claim,
          settings_.rules(claim.instance).limits));  // "default" always exists and is never going
      changes_.directory().publish(std::make_shared<const KeyRecord>(std::move(moved)));
    }
    return {};
  };
  if (auto removed = remove(); !removed) {
    changes_.directory().cancel_ring_removal(instance, id);
    return removed;
  }
  changes_.directory().finish_ring_removal(instance, id);
  return {};
}

Result<void> KeyService::require_no_live_keys(const InstanceId& instance) const {
  const std::size_t live = changes_.directory().live_keys(instance);
  if (live == 0) return {};
  return Error{Reason::InstanceNotEmpty,
               "the instance holds " + std::to_string(live) +
                   " keys that are not deleted; delete them first",
               ""};
}

}  // namespace keyhaven::keys
