// Whether new keys may be sealed now: not while the stored keys of an instance go from one master
// key to another (docs/adr/0020-master-key-rotation.md).
#pragma once

#include <memory>

#include "base/id.h"
#include "base/result.h"

namespace keyhaven::keys {

class SealGate {
 public:
  // Held from before the unit seals a blob until its commit is done. Meanwhile no master key of the
  // instance changes and no rotation begins. Null is never returned.
  using Pass = std::shared_ptr<const void>;

  virtual ~SealGate() = default;
  // May wait for a change of the units that is under way. Thread-safe. To be taken before any lock
  // of a key, never under one. Errors: MasterKeyRotationInProgress, UnitUnavailable (the effect of
  // the last change of the units is not known yet).
  virtual Result<Pass> pass(const InstanceId& instance) = 0;
};

}  // namespace keyhaven::keys
