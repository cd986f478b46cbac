// What the settings and policies of an instance say about its keys (key-management-api.md 12, 19).
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/id.h"

namespace keyhaven::keys {

// Per instance (key-management-api.md 19).
struct Limits {
  std::size_t keys = 50'000;
  std::size_t rings = 50;  // "default" included
  std::size_t aliases = 1'000;
  std::size_t aliases_per_key = 5;
  std::size_t registrations_per_key = 1'000;
  std::size_t standard_key_bytes = 7'500;
};

struct InstanceRules {
  Limits limits;
  std::int64_t rotation_interval_seconds = 3'600;  // least time between two manual rotations
  std::int64_t sync_interval_seconds = 3'600;      // ... and between sync and what came before it
  // Policy keyCreateImportAccess.
  bool create_root_key = true;
  bool create_standard_key = true;
  bool import_root_key = true;
  bool import_standard_key = true;
  bool enforce_token = false;  // material may come in under an import token only
  // Policies that new keys inherit.
  bool dual_auth_delete = false;
  unsigned rotation_months = 0;  // 0: none
};

// Thread-safe.
class InstanceSettings {
 public:
  virtual ~InstanceSettings() = default;
  // The rules now; the defaults for an unknown instance.
  virtual InstanceRules rules(const InstanceId& instance) const = 0;
};

}  // namespace keyhaven::keys
