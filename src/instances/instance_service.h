// The life of service instances: create, find, list, change, delete; and their crypto units.
//
// Order of things, so that a crash at any line leaves something whole: the record is committed
// first, then its units are made; deleting removes the units first (the unit refuses unless all are
// zeroized), then the record. An active record without units, which only a crash in between can
// leave, gets them the next time its units are listed: create_units is idempotent. So there are
// never units without a record, and nothing has to be cleaned up at start. Another number of units
// is made or removed in the units first, then recorded; after a crash in between the record holds,
// which never asks for more than units in imprint mode to come or go: nobody was told their ids.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "instances/instance_record.h"
#include "unit/crypto_unit.h"

namespace keyhaven::instances {

inline constexpr std::size_t kMaxInstances = 1000;
inline constexpr std::uint32_t kMaxUnits = 6;
inline constexpr std::uint32_t kMaxRecoveryUnits = 2;
inline constexpr std::uint32_t kAdvisedUnits =
    2;  // with fewer, one failing unit stops the instance
inline constexpr std::int64_t kMaxRotationIntervalSeconds = 366 * 86'400;

struct InstanceOptions {
  std::string account;  // 32 hex digits, as in CRNs
  std::string region =
      "local";  // of instances that do not name one: lower-case letters, digits and hyphens
  std::string public_url;   // "https://host:port", what clients use
  std::string private_url;  // empty: the public one
  // Whether there is a private listener, without which "private-only" would lock everybody out.
  bool private_network = false;
  // TCP port of the private endpoint (of the public one if there is none), for allowed_ip_port.
  std::uint16_t private_port = 443;
  InstanceLimits default_limits;  // of instances that do not say otherwise
};

struct InstanceSpec {
  std::string name;               // 1 to 180 bytes without control characters
  std::string plan = "standard";  // or "beta"
  std::string region;             // empty: the deployment's
  std::string resource_group = "default";
  std::int64_t units = 2;                              // 1 to kMaxUnits
  std::int64_t failover_units = 0;                     // 0 to `units`
  std::int64_t recovery_units = 0;                     // 0 to kMaxRecoveryUnits
  std::string allowed_network = "public-and-private";  // or "private-only"
  std::int64_t rotation_interval_seconds = 3600;       // 0 to kMaxRotationIntervalSeconds
  LimitChanges limits;
  std::string created_by;
};

struct InstanceUpdate {
  std::optional<std::string> name;
  std::optional<std::string> plan;
  std::optional<std::string> allowed_network;  // sets the policy allowedNetwork
  std::optional<std::int64_t> rotation_interval_seconds;
  std::optional<std::int64_t> units;
  std::optional<std::int64_t> failover_units;
  std::optional<std::int64_t> recovery_units;
  LimitChanges limits;
  // Disables the policy allowedIP: the way back for an administrator whose own address it shuts out
  // (docs/adr/0017-network-policies.md).
  bool reset_allowed_ip = false;
};

// Thread-safe. `find` never blocks; the others may wait for store and unit.
class InstanceService {
 public:
  // How many keys that are not deleted an instance has.
  using LiveKeyCount = std::function<std::size_t(const InstanceId&)>;

  // Loads everything. Borrows `store`, `unit` and `clock` for its life. Errors: those of
  // load_instances.
  static Result<std::unique_ptr<InstanceService>> load(InstanceOptions options,
                                                       InstanceStore& store, unit::CryptoUnit& unit,
                                                       LiveKeyCount live_keys, const Clock& clock);

  // The active instance of this id, or null. For event loops: one atomic read while no instance has
  // changed.
  InstanceRecordPtr find(const InstanceId& id) const;
  // The active instance named by a GUID or CRN (decoded). Errors: InstanceNotFound.
  Result<InstanceRecordPtr> find_named(std::string_view guid_or_crn) const;
  // The active instances in order of creation.
  std::vector<InstanceRecordPtr> list() const;

  // Errors: InvalidField (target names it), FeatureRestricted, InstanceLimit, UnitUnavailable and
  // other errors of create_units, StoreUnavailable. `event` is committed with the record; its
  // target becomes the CRN.
  Result<InstanceRecordPtr> create(const InstanceSpec& spec, audit::Event event);
  // New units are in imprint mode and serve when they hold the master key; only units in imprint
  // mode are removed. Errors: InstanceNotFound, InvalidField, FeatureRestricted ("private-only"
  // without a private listener), UnitsNotZeroized (too few units to remove), UnitUnavailable,
  // Conflict, StoreUnavailable.
  Result<InstanceRecordPtr> update(const InstanceId& id, const InstanceUpdate& update,
                                   audit::Event event);
  // Sets policies, all or none, at most one of each type; the others stay as they are. They are in
  // force for every request that begins after the return. The event's initiator is who set them;
  // it gets requestData.initialValue.* and .newValue.* (key-management-api.md 18). Errors: those of
  // update; ResourceCount (a type twice).
  Result<InstanceRecordPtr> set_policies(const InstanceId& id, std::vector<PolicyUpdate> updates,
                                         audit::Event event);
  // Commits where the rotation of the master key stands; the event's target becomes the CRN.
  // Errors: InstanceNotFound, StoreUnavailable.
  Result<InstanceRecordPtr> set_rotation(const InstanceId& id, const MasterKeyRotation& rotation,
                                         audit::Event event);
  // Errors: InstanceNotFound, InstanceNotEmpty, UnitsNotZeroized, UnitUnavailable,
  // StoreUnavailable.
  Result<void> remove(const InstanceId& id, audit::Event event);

  // The units of an active instance, made or removed if a crash prevented it. Errors:
  // InstanceNotFound, UnitUnavailable.
  Result<std::vector<unit::UnitStatus>> units_of(const InstanceId& id);
  // Passes one administration frame on, whatever it does to stored keys: who serves callers uses
  // MasterKeyRotations::administer. Errors: InstanceNotFound, those of CryptoUnit::administer.
  Result<std::string> administer(const InstanceId& id, const UnitId& unit_id,
                                 const std::string& request);
  Result<Bytes> attestation_root() { return unit_.attestation_root(); }

  std::string crn_of(const InstanceRecord& record) const;
  const InstanceOptions& options() const noexcept { return options_; }

 private:
  using Snapshot = std::map<InstanceId, InstanceRecordPtr>;
  using SnapshotPtr =
      std::shared_ptr<const Snapshot>;  // shared: each thread keeps the one it last used

  InstanceService(InstanceOptions options, InstanceStore& store, unit::CryptoUnit& unit,
                  LiveKeyCount live_keys, const Clock& clock);
  const Snapshot& snapshot() const;
  Result<InstanceRecordPtr> require(const InstanceId& id) const;
  Result<void> check_network(AllowedNetwork network) const;
  Result<void> set_policy(InstanceRecord& record, PolicyUpdate update, audit::Event& event) const;
  Result<void> set_network(InstanceRecord& record, std::string_view name,
                           audit::Event& event) const;
  Result<std::vector<unit::UnitStatus>> ensure_units(const InstanceRecord& record);
  Result<void> resize(const InstanceRecord& current, unit::UnitCounts counts, audit::Event& event);
  void set_limits(InstanceRecord& record, const LimitChanges& changes) const;
  Result<InstanceRecordPtr> commit(InstanceRecord record, const audit::Event& event);

  const InstanceOptions options_;
  InstanceStore& store_;
  unit::CryptoUnit& unit_;
  const LiveKeyCount live_keys_;
  const Clock& clock_;
  const std::uint64_t serial_;                // of this object: what the threads' copies belong to
  std::mutex changing_;                       // one change at a time
  mutable std::shared_mutex snapshot_mutex_;  // guards the pointer only
  SnapshotPtr snapshot_ = std::make_shared<Snapshot>();
  std::atomic<std::uint64_t> epoch_{1};
};

}  // namespace keyhaven::instances
