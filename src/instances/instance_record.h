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

namespace keyhaven::instances {

enum class InstanceState : std::uint8_t { Active = 1, Removed = 2 };

struct InstanceRecord {
  InstanceId id;
  std::uint64_t revision = 0;  // set by the store; 0 = not stored yet
  std::string name;
  std::string plan;  // "standard", "beta"
  std::string region;
  std::string resource_group;
  std::uint32_t units = 2;
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

  bool operator==(const InstanceRecord&) const = default;
};
using InstanceRecordPtr = std::shared_ptr<const InstanceRecord>;

// The canonical encoding, format 2; decode also reads format 1. decode(encode(x)) == x when the
// limits that are not the instance's own have their built-in defaults, and encode(decode(y)) == y
// for every y of format 2 (docs/protocols/instance-record.md). Errors of decode: Internal (stored
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
