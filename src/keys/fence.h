// How a change of keys takes effect everywhere before it is acknowledged.
#pragma once

#include <vector>

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

}  // namespace keyhaven::keys
