// Registrations tie a root key to a cloud resource that it protects; lifecycle events tell the
// services behind them what happened to the key (key-management-api.md 13).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"

namespace keyhaven::keys {

struct Registration {
  InstanceId instance;
  KeyId key;
  std::string resource_crn;    // unique per key
  std::uint64_t revision = 1;  // counted with each change; the ETag is made of it
  VersionId version;           // of the key
  bool prevent_key_deletion = false;
  bool active = true;  // false once its service deactivated it: blocks no more, gets no events
  std::string description;
  std::string metadata;  // shown to services only
  std::string created_by;
  Timestamp created;
  std::string updated_by;
  Timestamp updated;
  bool operator==(const Registration&) const = default;
};
using RegistrationPtr = std::shared_ptr<const Registration>;

enum class LifecycleKind : std::uint8_t {
  Rotate = 1,
  Delete,
  Restore,
  Enable,
  Disable,
  Sync,
  MigrationIntent
};
std::string_view name_of(LifecycleKind kind) noexcept;  // "rotate" ...

// One event for one registration. Kept until it is acknowledged, and 30 days after its deadline.
struct LifecycleEvent {
  InstanceId instance;
  Uuid id;
  LifecycleKind kind = LifecycleKind::Rotate;
  KeyId key;
  VersionId version;         // newest when it happened
  std::string resource_crn;  // of the registration
  Timestamp created;
  Timestamp deadline;      // services have four hours
  Timestamp acknowledged;  // 0: not yet
  std::string acknowledged_by;
  std::string adopter_key_state;
  bool operator==(const LifecycleEvent&) const = default;
};

// Canonical encodings, versioned; decode(encode(x)) == x. Errors of decode: Internal.
Bytes encode(const Registration& registration);
Result<Registration> decode_registration(ByteView bytes);
Bytes encode(const LifecycleEvent& event);
Result<LifecycleEvent> decode_lifecycle_event(ByteView bytes);

}  // namespace keyhaven::keys
