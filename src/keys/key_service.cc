#include "keys/key_service.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "crypto/random.h"
#include "keys/key_rules.h"
#include "keys/key_steps.h"

namespace keyhaven::keys {
KeyService::KeyService(Parts parts)
    : changes_(parts.changes),
      unit_(parts.unit),
      secure_import_(parts.secure_import),
      dependents_(parts.dependents),
      gate_(parts.gate),
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
  const Limits limits = settings_.rules(claim.instance).limits;
  KH_TRY(changes_.directory().claim(claim, limits));
  ClaimGuard guard(changes_.directory(), claim);
  KH_TRY(check_alias_count(key->aliases.size() + 1, limits.aliases_per_key));
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
