// Two questions that the key service asks the server around it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "unit/crypto_unit.h"

namespace keyhaven::keys {

// Makes a change take effect. Called after the change is committed and published, before it is
// acknowledged.
class Fence {
 public:
  virtual ~Fence() = default;
  // Returns when every event loop has gone past the change, all calls that loops made before are
  // answered, and the unit has forgotten its opened copies of `drop` (may be empty: the barrier
  // alone). So nothing that starts or ends after the return used the old state. Thread-safe,
  // blocks. Errors: UnitUnavailable, DeadlineExceeded: the change stays committed, but the caller
  // must not be told that it has taken effect.
  virtual Result<void> fence(const std::vector<unit::KeyBlob>& drop) = 0;
};

// Settings of an instance that decide about its keys. Thread-safe.
class InstanceSettings {
 public:
  virtual ~InstanceSettings() = default;
  // Least time between two rotations of a key; 0: none.
  virtual std::int64_t rotation_interval_seconds(const InstanceId& instance) const = 0;
};

}  // namespace keyhaven::keys
