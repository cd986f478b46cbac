// A key as it is stored: attributes, state, policies and sealed versions; never clear material.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "unit/crypto_unit.h"

namespace keyhaven::keys {

// NIST SP 800-57 Part 1 Rev. 5 section 7; the numbers are those of the API (4, compromised, does
// not occur there).
enum class KeyState : std::uint8_t {
  PreActivation = 0,
  Active = 1,
  Suspended = 2,
  Deactivated = 3,
  Destroyed = 5
};

enum class KeyKind : std::uint8_t { RootKey, StandardKey };

struct KeyVersion {
  VersionId id;  // the first version has the key's own id
  Timestamp created;
  std::uint16_t bits = 256;
  unit::KeyBlob blob;
  unit::Commitment commitment{};  // root keys
};

// Who made and last changed a policy, and when.
struct PolicyStamp {
  Uuid id;
  std::string created_by;
  Timestamp created;
  std::string updated_by;
  Timestamp updated;
  bool operator==(const PolicyStamp&) const = default;
};
// A disabled rotation policy keeps its interval.
struct RotationPolicy {
  PolicyStamp stamp;
  bool enabled = true;
  std::uint8_t interval_months = 1;  // 1 to 12; a month is 30 days
  bool operator==(const RotationPolicy&) const = default;
};
struct DualAuthPolicy {
  PolicyStamp stamp;
  bool enabled = false;
  bool operator==(const DualAuthPolicy&) const = default;
};
// The first of the two authorizations that deleting a key with dual authorization needs.
struct DeletionAuthorization {
  std::string by;  // iam id
  Timestamp given;
  Timestamp lapses;
  bool operator==(const DeletionAuthorization&) const = default;
};
struct MigrationIntent {
  Uuid id;
  std::string target_key_crn;
  std::string created_by;
  Timestamp created;
  bool operator==(const MigrationIntent&) const = default;
};

// What only some keys have.
struct KeyPolicies {
  std::optional<RotationPolicy> rotation;
  std::optional<DualAuthPolicy> dual_auth;
  std::optional<DeletionAuthorization> authorization;  // may have lapsed
  std::optional<MigrationIntent> migration_intent;
  Timestamp synced;  // last sync; 0: never
  bool operator==(const KeyPolicies&) const = default;
};

struct KeyRecord {
  InstanceId instance;
  KeyId id;
  std::uint64_t revision = 0;  // set by the store; 0 = not stored yet
  KeyKind kind = KeyKind::RootKey;
  KeyState state = KeyState::Active;
  bool imported = false;
  std::string name;
  std::string description;
  std::vector<std::string> tags;
  std::vector<std::string> aliases;  // creation order
  std::string key_ring = "default";
  Timestamp created;
  std::string created_by;
  Timestamp updated;
  std::string updated_by;
  Timestamp rotated;        // 0: never
  Timestamp expires;        // 0: never
  Timestamp state_changed;  // last disable, delete ... (waiting times count from it)
  Timestamp deleted;
  std::string deleted_by;
  std::vector<KeyVersion> versions;  // oldest first; standard keys have exactly one
  // Shared among the snapshots of one key, which seldom has any; null: none. Read by policies(),
  // changed by set_policies().
  std::shared_ptr<const KeyPolicies> policies_or_null;

  const KeyVersion& newest() const { return versions.back(); }
  const KeyPolicies& policies() const noexcept;
  void set_policies(KeyPolicies policies);
  const KeyVersion* find(const unit::Commitment& commitment) const noexcept;
};
using KeyRecordPtr = std::shared_ptr<const KeyRecord>;

// The canonical encoding of a record, versioned and unambiguous: what the store keeps and what a
// later MAC by the unit will cover (docs/protocols/key-record.md). decode(encode(x)) == x. decode
// reads format 1 too, which had no policies. Errors of decode: Internal (stored data damaged).
Bytes encode(const KeyRecord& record);
Result<KeyRecord> decode_key_record(ByteView bytes);

struct KeyRing {
  InstanceId instance;
  std::string id;
  Timestamp created;  // 0 for "default"
  std::string created_by;
};

}  // namespace keyhaven::keys
