// A key as it is stored: attributes, state and sealed versions; never clear material.
#pragma once

#include <memory>
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

  const KeyVersion& newest() const { return versions.back(); }
  const KeyVersion* find(const unit::Commitment& commitment) const noexcept;
};
using KeyRecordPtr = std::shared_ptr<const KeyRecord>;

// The canonical encoding of a record, versioned and unambiguous: what the store keeps and what a
// later MAC by the unit will cover (docs/protocols/key-record.md). decode(encode(x)) == x. Errors
// of decode: Internal (stored data damaged).
Bytes encode(const KeyRecord& record);
Result<KeyRecord> decode_key_record(ByteView bytes);

struct KeyRing {
  InstanceId instance;
  std::string id;
  Timestamp created;  // 0 for "default"
  std::string created_by;
};

}  // namespace keyhaven::keys
