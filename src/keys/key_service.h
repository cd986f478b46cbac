// The management of keys: each operation one blocking function that decides, lets the unit do its
// part, commits the change together with its audit event, publishes it, and fences it before it
// returns.
//
// Runs on the worker pool. Who may do what has been settled by the caller (front ends authorise
// before they call); what the state of a key allows is settled here, under the key's lock. Uses of
// keys (wrap, unwrap, read) are in key_use.h.
#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <vector>

#include "audit/event.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "keys/directory.h"
#include "keys/fence.h"
#include "keys/key_state.h"
#include "keys/key_store.h"
#include "unit/crypto_unit.h"

namespace keyhaven::keys {

// The clocks of key-management-api.md 7.
struct KeyTimes {
  std::int64_t enable_after_disable_seconds = 30;
  std::int64_t restore_after_delete_seconds = 30;
  std::int64_t purge_after_delete_seconds = 4 * 3600;
  std::int64_t restorable_seconds = 30LL * 86400;
  std::int64_t purge_due_seconds = 90LL * 86400;  // the sweep purges then
};

// One management call: who, and the event that is committed with the change. The operation adds
// details to the event.
struct Change {
  std::string actor;      // iam id
  audit::Event event;     // as it will be on success
  bool recorded = false;  // set when the change and its event are committed; stays set if the fence
                          // fails afterwards
};

struct CreateRequest {
  InstanceId instance;
  KeyId id;  // fresh, made by the caller (it stands in the audit event's target)
  KeyKind kind = KeyKind::StandardKey;
  std::string name;
  std::string description;
  std::vector<std::string> tags;
  std::vector<std::string> aliases;
  std::string key_ring = "default";
  Timestamp expires;    // 0: never
  SecretBytes payload;  // empty: the unit generates 256 bits
};

// Thread-safe. Every operation on a key takes the record the caller was authorised for; if the key
// has moved to another ring since, it fails with Conflict. Common errors: KeyNotFound (purged
// meanwhile), KeyActionInvalidState, KeyDeleted, StoreUnavailable, those of unit::CryptoUnit, and
// after the commit those of Fence.
class KeyService {
 public:
  // Borrows all of them.
  KeyService(KeyStore& store, unit::CryptoUnit& unit, Directory& directory, Fence& fence,
             const InstanceSettings& settings, const Clock& clock, KeyTimes times = {});

  // Reads everything from the store into the directory; once, before anything else. Errors of
  // KeyStore.
  Result<void> load();

  // All or nothing: a failing alias creates no key. Errors: InvalidField, AliasLimit,
  // KeyRingNotFound, AliasNotUnique, KeyLimit.
  Result<KeyRecordPtr> create(CreateRequest request, Change& change);
  // The same ring: success without a change (not recorded). Errors: KeyRingNotFound.
  Result<KeyRecordPtr> change_ring(const KeyRecord& key, const std::string& ring, Change& change);
  Result<KeyRecordPtr> disable(const KeyRecord& key, Change& change);
  // Errors: RequestTooEarly within enable_after_disable_seconds.
  Result<KeyRecordPtr> enable(const KeyRecord& key, Change& change);
  Result<KeyRecordPtr> destroy(const KeyRecord& key, Change& change);
  // `material`, when given, must be that of the key's newest version (InvalidField). Errors:
  // RequestTooEarly, KeyRestoreExpired, KeyExpired.
  Result<KeyRecordPtr> restore(const KeyRecord& key, const std::optional<SecretBytes>& material,
                               Change& change);
  // Returns the last representation. Errors: RequestTooEarly.
  Result<KeyRecordPtr> purge(const KeyRecord& key, Change& change);
  // `payload` empty: generated. Errors: KeyRootRequired, InvalidQueryParam (payload for a generated
  // key), KeyPayloadRequired (none for an imported one), KeyRotationNotPermitted, InvalidField.
  Result<KeyRecordPtr> rotate(const KeyRecord& key, const SecretBytes& payload, Change& change);

  // The payload of a standard key, by the blocking unit. Errors of CryptoUnit::open_standard_key.
  Result<SecretBytes> payload_of(const KeyRecord& key);

  // Errors: InvalidField, AliasNotUnique, AliasLimit.
  Result<KeyRecordPtr> add_alias(const KeyRecord& key, const std::string& alias, Change& change);
  // Errors: AliasNotFound.
  Result<KeyRecordPtr> remove_alias(const KeyRecord& key, const std::string& alias, Change& change);

  // Errors: InvalidField, KeyRingReserved, KeyRingExists, KeyRingLimit.
  Result<KeyRing> create_ring(const InstanceId& instance, const std::string& id, Change& change);
  // `force`: allowed while all keys in it are destroyed; they move to "default". Errors:
  // KeyRingReserved, KeyRingNotFound, KeyRingNotEmpty.
  enum class Force : std::uint8_t { No, Yes };
  Result<void> remove_ring(const InstanceId& instance, const std::string& id, Force force,
                           Change& change);

  // An instance may be deleted only without live keys. Errors: InstanceNotEmpty.
  Result<void> require_no_live_keys(const InstanceId& instance) const;

  // Writes what time has done: active keys past their date become deactivated (event
  // secrets.expire), keys deleted 90 days ago are purged. Called every minute or so. Returns how
  // many keys changed; goes on after a failure and returns the first one.
  Result<std::size_t> sweep(Timestamp now);

  const Directory& directory() const noexcept { return directory_; }
  const KeyTimes& times() const noexcept { return times_; }

 private:
  static constexpr std::size_t kStripes = 256;
  using Due = std::tuple<Timestamp, InstanceId, KeyId>;

  // One change at a time per key; a change of all keys of a ring excludes them all.
  struct KeyLock {
    std::shared_lock<std::shared_mutex> among_all;
    std::unique_lock<std::mutex> alone;
  };
  KeyLock lock_key(const KeyId& id) {
    return {std::shared_lock(all_keys_), std::unique_lock(stripes_[id.uuid.bytes[14]])};
  }
  Result<KeyRecordPtr> current(const KeyRecord& seen) const;
  Result<KeyRecordPtr> commit(KeyRecord next, Change& change);
  Result<KeyRecordPtr> erase(const KeyRecord& key, Change& change);
  Result<KeyVersion> make_version(const KeyRecord& key, VersionId id, const SecretBytes& material,
                                  Timestamp now);
  Result<void> require_same_material(const KeyRecord& key, const SecretBytes& material);
  Result<void> move_all_to_default(const InstanceId& instance, const std::string& ring,
                                   KeyChange& change);
  void note_due(const KeyRecord& key);
  Result<bool> sweep_one(const InstanceId& instance, const KeyId& id, Timestamp now);

  KeyStore& store_;
  unit::CryptoUnit& unit_;
  Directory& directory_;
  Fence& fence_;
  const InstanceSettings& settings_;
  const Clock& clock_;
  const KeyTimes times_;
  std::shared_mutex all_keys_;  // taken before a stripe
  std::array<std::mutex, kStripes> stripes_;
  std::mutex due_mutex_;
  std::set<Due> due_;  // when a key may need the sweep; entries may be stale, the sweep looks again
};

}  // namespace keyhaven::keys
