// The rotation of an instance's master key, and everything else that may take a master key away:
// phases, frames for its crypto units, and the work in between
// (docs/adr/0020-master-key-rotation.md, docs/models/README.md).
//
// Whatever decides from registers and stored keys together excludes the makers of keys at the
// UnitGate from the look at both until its effect: an instance record committed, or the unit's
// answer to a frame.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "instances/instance_service.h"
#include "instances/register_rules.h"
#include "instances/unit_gate.h"

namespace keyhaven::instances {

// A stored blob that cannot be sealed anew.
struct UnopenedBlob {
  KeyId key;
  VersionId version;
  std::string cause;
};

// The stored keys, as a rotation sees them; implemented over keys/ by the server. Thread-safe.
class StoredKeys {
 public:
  // The sealing anew of all keys from one master key under another; what is left follows from the
  // blobs. One thread.
  class Run {
   public:
    struct Step {
      bool finished = false;  // nothing is left that this run found
      std::vector<UnopenedBlob> unopened;
    };
    virtual ~Run() = default;
    // The next batch, committed. Errors: those of the unit and of the store.
    virtual Result<Step> step() = 0;
  };
  virtual ~StoredKeys() = default;
  virtual StoredCensus census(const InstanceId& instance) const = 0;
  virtual std::unique_ptr<Run> begin(const InstanceId& instance, const unit::BlobPattern& from,
                                     const unit::BlobPattern& to) = 0;
};

// What operators see.
struct RotationStatus {
  MasterKeyRotation rotation;
  StoredCensus stored;
  std::vector<unit::UnitStatus> units;  // empty while the units do not answer
  std::string message;
  std::string waiting_for;             // what stops the work now; empty: nothing
  std::vector<UnopenedBlob> unopened;  // the first kShownUnopened
  std::size_t unopened_total = 0;
  double keys_per_second = 0;  // of the work under way
  // Keys with a blob that still has to go.
  std::size_t keys_left() const noexcept;
};
inline constexpr std::size_t kShownUnopened = 20;

// Thread-safe. Calls may wait for the unit, the store, and those who share the gate.
class MasterKeyRotations {
 public:
  // Makes sure that no call decided before it is still under way (keys::Fence without blobs).
  using Barrier = std::function<Result<void>()>;
  // The seals of the instance's stored records, which a rotation makes anew (record_check.h).
  struct RecordSeals {
    // New ones are made under a new key from now on.
    std::function<Result<void>(const InstanceId&)> begin_renewal;
    // Makes those of older keys anew.
    std::function<Result<void>(const InstanceId&)> renew;
  };
  struct Parts {
    InstanceService& instances;
    unit::CryptoUnit& unit;
    UnitGate& gate;
    StoredKeys& stored;
    Barrier barrier;
    const Clock& clock;
    RecordSeals seals = {};  // without functions: there are none
  };
  explicit MasterKeyRotations(Parts parts) : parts_(std::move(parts)) {}

  // For whoever makes blobs; as keys::SealGate::pass.
  Result<UnitGate::Hold> pass(const InstanceId& id);

  // --- Calls. `event` is committed with a change of phase; `recorded` tells whether there was one.
  // Errors of all: InstanceNotFound, UnitUnavailable, StoreUnavailable. ---

  // Begins, or goes on at once with what waits after an error. Errors: MasterKeyRotationState.
  Result<RotationStatus> start(const InstanceId& id, audit::Event event, bool& recorded);
  // Turns back; without a rotation nothing changes. Errors: MasterKeyRotationState.
  Result<RotationStatus> abandon(const InstanceId& id, audit::Event event, bool& recorded);
  // Also ends a rotation whose units have all switched.
  Result<RotationStatus> status(const InstanceId& id);

  // Passes one administration frame on, unaltered, if nothing that is stored is lost by it; loss of
  // keys that the caller accepts is none. Errors: MasterKeyStillNeeded, those of
  // CryptoUnit::administer.
  Result<std::string> administer(const InstanceId& id, const UnitId& unit_id,
                                 const std::string& frame, Loss loss);

  // --- For the worker: one thread ---
  enum class Work : std::uint8_t {
    None,     // nothing to do
    More,     // at once
    Waiting,  // something failed, or blobs do not open: later
  };
  Work work(const InstanceId& id);
  // There are seals of older keys: work() makes them anew. Thread-safe.
  void renew_seals(const InstanceId& id);
  bool is_renewing_seals(const InstanceId& id) const;
  // Called when there is new work. Set before the first call.
  void set_wake(std::function<void(const InstanceId&)> wake) { wake_ = std::move(wake); }
  // Instances whose rotation is stopped by an error, with the first cause; for health.
  Result<void> health() const;

 private:
  struct Progress {
    std::string waiting_for;
    std::vector<UnopenedBlob> unopened;
    std::size_t unopened_total = 0;
    Timestamp since;
    std::size_t keys_left_then = 0;
    double keys_per_second = 0;
  };
  struct Running {
    MasterKeyRotation rotation;  // that it works for
    std::unique_ptr<StoredKeys::Run> run;
    std::vector<UnopenedBlob> unopened;
    std::size_t unopened_total = 0;
  };

  Result<InstanceRecordPtr> require(const InstanceId& id) const;
  Result<void> settle_frame(const InstanceId& id);
  Result<std::vector<unit::UnitStatus>> units_at_rest(const InstanceId& id);
  Result<void> commit(const InstanceRecord& record, RotationPhase phase, audit::Event event);
  // The gate must be excluded.
  Result<void> finish_if_switched(const InstanceId& id);
  Result<RotationStatus> describe(const InstanceId& id);
  Result<bool> run_batch(const InstanceId& id, Running& running);
  Result<bool> complete(const InstanceId& id);
  Work work_on_seals(const InstanceId& id);
  void note(const InstanceId& id, const Running& running, std::string waiting_for);

  Parts parts_;
  std::function<void(const InstanceId&)> wake_ = [](const InstanceId&) {};
  std::map<InstanceId, Running> running_;  // of the worker's thread
  mutable std::mutex mutex_;               // of what follows
  std::map<InstanceId, Progress> progress_;
  std::set<InstanceId> renewing_;   // seals of older keys are left
  std::set<InstanceId> unsettled_;  // a frame without an answer may still be carried out
};

}  // namespace keyhaven::instances
