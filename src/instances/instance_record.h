// A service instance as stored, and what its store must offer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "audit/event.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "instances/instance_limits.h"
#include "instances/instance_policies.h"
#include "unit/crypto_unit.h"

namespace keyhaven::instances {

enum class InstanceState : std::uint8_t { Active = 1, Removed = 2 };

// Where the sealing of an instance's stored keys under a new master key stands
// (docs/models/README.md; the states of the model have these names).
enum class RotationPhase : std::uint8_t {
  None = 0,
  Resealing = 1,  // stored keys go from `from` to `to`
  Resealed = 2,   // all are under `to`; the units may set it immediate
  Reverting = 3,  // the rotation was abandoned: stored keys go back from `to` to `from`
};
struct MasterKeyRotation {
  RotationPhase phase = RotationPhase::None;
  unit::BlobPattern from{};
  unit::BlobPattern to{};
  std::string started_by;
  Timestamp started;
  bool operator==(const MasterKeyRotation&) const = default;
};

struct InstanceRecord {
  InstanceId id;
  std::uint64_t revision = 0;  // set by the store; 0 = not stored yet
  std::string name;
  std::string plan;  // "standard", "beta"
  std::string region;
  std::string resource_group;
  unit::UnitCounts units = 2;
  std::int64_t rotation_interval_seconds =
      3600;  // least time between two rotations of a key; 0: none
  InstanceState state = InstanceState::Active;
  Timestamp created;
  std::string created_by;
  Timestamp updated;
  InstancePolicies policies;  // allowedNetwork is also the parameter allowed_network
  // Only those of `own_limits` are stored; the service fills in the deployment's for the others.
  InstanceLimits limits;
  LimitSet own_limits = 0;
  MasterKeyRotation rotation;  // phase None: the other fields are of the last one

  bool operator==(const InstanceRecord&) const = default;
};
using InstanceRecordPtr = std::shared_ptr<const InstanceRecord>;

// The canonical encoding, format 3; decode also reads formats 1 and 2. decode(encode(x)) == x when
// the limits that are not the instance's own have their built-in defaults, and encode(decode(y)) ==
// y for every y of format 3 (docs/protocols/instance-record.md). Errors of decode: Internal (stored
// data damaged).
Bytes encode(const InstanceRecord& record);
Result<InstanceRecord> decode_instance_record(ByteView bytes);

// Thread-safe; durable like keys::KeyStore. Errors of commit: Conflict, StoreUnavailable.
class InstanceStore {
 public:
  virtual ~InstanceStore() = default;
  virtual Result<void> load_instances(const std::function<void(InstanceRecord)>& sink) = 0;
  virtual Result<std::uint64_t> commit_instance(const InstanceRecord& record,
                                                const audit::Event& event) = 0;
};

}  // namespace keyhaven::instances
