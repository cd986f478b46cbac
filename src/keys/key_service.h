// The management of keys: each operation one blocking function that decides, lets the unit do its
// part, commits the change together with its audit event, publishes it, and fences it before it
// returns.
//
// Runs on the worker pool. Who may do what has been settled by the caller (front ends authorise
// before they call); what the state of a key allows is settled here, under the key's lock. Uses of
// keys (wrap, unwrap, read) are in key_use.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "keys/dependents.h"
#include "keys/fence.h"
#include "keys/instance_rules.h"
#include "keys/key_changes.h"
#include "keys/key_state.h"
#include "keys/material.h"
#include "keys/seal_gate.h"
#include "unit/crypto_unit.h"

namespace keyhaven::keys {

// Policies that a request brings for the new key, in place of those of the instance.
struct PolicyOverrides {
  std::optional<std::int64_t> rotation_months = {};  // given: a rotation policy of so many months
  bool rotation_enabled = true;
  std::optional<bool> dual_auth = {};
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
  Timestamp expires;  // 0: never
  Material material;  // none given: the unit generates 256 bits
  // Given: the key gets these policies and none that the instance gives to new keys. What the
  // instance forbids stays forbidden (keyCreateImportAccess): else whoever may set the policies of
  // one ring could bring material in clear into an instance that enforces import tokens
  // (docs/adr/0015-overrides-do-not-unlock.md).
  std::optional<PolicyOverrides> overrides;
};

// New settings of a key's policies; what is absent stays as it is.
struct PolicyUpdate {
  struct Rotation {
    std::optional<bool> enabled;                  // absent: true
    std::optional<std::int64_t> interval_months;  // absent: the stored one
  };
  std::optional<Rotation> rotation;
  std::optional<bool> dual_auth;
};

// Which reservations of a deletion the caller waives.
enum class Force : std::uint8_t { No, Yes };

// Thread-safe. Every operation on a key takes the record the caller was authorised for; if the key
// has moved to another ring since, it fails with Conflict. Common errors: KeyNotFound (purged
// meanwhile), KeyActionInvalidState, KeyDeleted, StoreUnavailable, those of unit::CryptoUnit, and
// after the commit those of Fence.
class KeyService {
 public:
  // What the service works with; all of it must outlive it.
  struct Parts {
    KeyChanges& changes;
    unit::CryptoUnit& unit;
    SecureImport& secure_import;
    Dependents& dependents;
    SealGate& gate;
    Fence& fence;
    const InstanceSettings& settings;
    const Clock& clock;
  };
  explicit KeyService(Parts parts);

  // Reads everything from the store into the directory; once, before anything else. Errors of
  // KeyStore.
  Result<void> load();

  // All or nothing: a failing alias creates no key. Errors: KeyCreateImportAccess, InvalidField,
  // AliasLimit, KeyRingNotFound, AliasNotUnique, KeyLimit, KeyRootRequired (rotation override or
  // encrypted material for a standard key), KeyPayloadRequired (rotation override for an imported
  // key), those of SecureImport and of SealGate.
  Result<KeyRecordPtr> create(CreateRequest request, Change& change);
  // The same ring: success without a change (not recorded). Errors: KeyRingNotFound.
  Result<KeyRecordPtr> change_ring(const KeyRecord& key, const std::string& ring, Change& change);
  Result<KeyRecordPtr> disable(const KeyRecord& key, Change& change);
  // Errors: RequestTooEarly within enable_after_disable_seconds.
  Result<KeyRecordPtr> enable(const KeyRecord& key, Change& change);
  // With a dual authorization policy the actor must be another than who set the key for deletion
  // within the last seven days. Errors: AuthorizationsNotMet, DeletionPrevented, ProtectedResource
  // (registrations, not forced), RecordNotAuthentic (nobody knows what registrations there were).
  Result<KeyRecordPtr> destroy(const KeyRecord& key, Force force, Change& change);
  // The first authorization of a deletion, good for seven days; a second one takes its place.
  // Errors: NotDualAuth.
  Result<KeyRecordPtr> set_for_deletion(const KeyRecord& key, Change& change);
  // Nothing to take back: success without a change (not recorded). Errors: NotDualAuth.
  Result<KeyRecordPtr> unset_for_deletion(const KeyRecord& key, Change& change);
  // `material`, when given, must be that of the key's newest version (InvalidField). Errors:
  // RequestTooEarly, KeyRestoreExpired, KeyExpired, KeyCreateImportAccess (material in clear while
  // the instance enforces tokens), those of SecureImport.
  Result<KeyRecordPtr> restore(const KeyRecord& key, const Material& material, Change& change);
  // Returns the last representation. Errors: RequestTooEarly.
  Result<KeyRecordPtr> purge(const KeyRecord& key, Change& change);
  // Without material: generated. Errors: KeyRootRequired, InvalidQueryParam (material for a
  // generated key), KeyPayloadRequired (none for an imported one), KeyRotationNotPermitted,
  // InvalidField, KeyCreateImportAccess and SecureImport's as for restore, those of SealGate.
  Result<KeyRecordPtr> rotate(const KeyRecord& key, const Material& material, Change& change);
  // All of `update` or nothing. Errors: InvalidField (interval; none given and none stored),
  // KeyRootRequired and KeyPayloadRequired (rotation of a standard or imported key),
  // DualAuthPolicyEnabled (it cannot be switched off), KeyDeleted.
  Result<KeyRecordPtr> set_policies(const KeyRecord& key, const PolicyUpdate& update,
                                    Change& change);

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
  Result<void> remove_ring(const InstanceId& instance, const std::string& id, Force force,
                           Change& change);

  // An instance may be deleted only without live keys. Errors: InstanceNotEmpty.
  Result<void> require_no_live_keys(const InstanceId& instance) const;

  // Writes what time has done (due_step in key_clocks.h): active keys past their date become
  // deactivated (event secrets.expire), keys deleted 90 days ago are purged, rotation policies
  // rotate (as secrets.rotate, not limited by the hourly rule), lapsed authorizations go (as
  // secrets.unsetkeyfordeletion). Each exactly once, however many sweeps were missed: what is due
  // follows from the record alone, and the record's revision lets one change win. At most
  // rotations_per_sweep keys rotate, and none while the gate of its instance is shut: they wait.
  // Called every minute or so, by one thread at a time. Returns
  // how many keys changed; goes on after a failure and returns the first one, whose key is tried
  // again by the next sweep. A failure leaves no audit event.
  Result<std::size_t> sweep(Timestamp now);

  const Directory& directory() const noexcept { return changes_.directory(); }
  const KeyTimes& times() const noexcept { return changes_.times(); }

 private:
  Result<KeyRecordPtr> erase(const KeyRecord& key, Change& change);
  Result<unit::SealedRootKey> sealed_version(const unit::KeyBinding& binding,
                                             const Material& material);
  Result<KeyVersion> make_version(const KeyRecord& key, VersionId id, const Material& material,
                                  Timestamp now);
  // The rotation itself, of `key` as it is now and under its lock.
  Result<KeyRecordPtr> add_version(const KeyRecord& key, const Material& material, Timestamp now,
                                   Change& change);
  // Commits a lifecycle step together with what it means for the key's registrations.
  Result<KeyRecordPtr> commit_step(LifecycleKind kind, KeyRecord next, Timestamp now,
                                   Change& change);
  Result<void> require_same_material(const KeyRecord& key, const Material& material);
  Result<void> move_all_to_default(const InstanceId& instance, const std::string& ring,
                                   KeyChange& change);
  struct Sweep;  // one run of sweep; key_sweep.cc
  SealGate::Pass pass_for_rotation(const KeyChanges::Due& due, Sweep& sweep);
  Result<bool> sweep_one(const KeyChanges::Due& due, Sweep& sweep);
  Result<void> expire(const KeyRecord& key, Timestamp now);
  Result<void> lapse_authorization(const KeyRecord& key, Timestamp now);

  KeyChanges& changes_;
  unit::CryptoUnit& unit_;
  SecureImport& secure_import_;
  Dependents& dependents_;
  SealGate& gate_;
  Fence& fence_;
  const InstanceSettings& settings_;
  const Clock& clock_;
};

}  // namespace keyhaven::keys
