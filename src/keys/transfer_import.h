// The target's side of a sealed transfer: keys of another deployment come in under their own ids,
// with everything that was said of them there.
//
// The quorum of the instance's administrators has consented to just these chunks, which the unit
// holds them against; so what an instance's policies say about who may create and import keys
// (keyCreateImportAccess), and what new keys inherit, does not apply. Its limits do.
#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "keys/dependents.h"
#include "keys/instance_rules.h"
#include "keys/key_changes.h"
#include "keys/seal_gate.h"
#include "keys/transfer_record.h"
#include "unit/key_transfer.h"

namespace keyhaven::keys {

enum class TransferOutcome : std::uint8_t { Imported, Present, Refused };
std::string_view name_of(TransferOutcome outcome) noexcept;  // "imported" ...

struct TransferredKey {
  KeyId id;
  std::string name;  // empty when its record does not say
  TransferOutcome outcome = TransferOutcome::Refused;
  std::optional<Error> refusal;
};

// Thread-safe, blocks. The unit opens chunks beside each other, storing them goes one by one.
class TransferImport {
 public:
  struct Parts {
    KeyChanges& changes;
    Dependents& dependents;
    unit::KeyTransfer& unit;
    SealGate& gate;
    const InstanceSettings& settings;
    const Clock& clock;
  };
  explicit TransferImport(Parts parts) : parts_(parts) {}

  struct Request {
    InstanceId instance;
    Uuid transfer;
    ByteView manifest;
    std::uint32_t index = 0;
    ByteView chunk;
  };
  // Opens the chunk and stores its keys: all that can come in one transaction, with their rings and
  // registrations. A key that is there already with these versions, perhaps with later ones, is
  // Present and stays as it is, so that a repeated call does nothing twice. The others are Refused,
  // each with its reason: InvalidField (its record), AlreadyExists (the instance has another
  // key of this id), RecordNotAuthentic, AliasNotUnique, AliasLimit, KeyLimit,
  // KeyRingNotFound (just being deleted), KeyRingExists (just being made), KeyRingLimit,
  // RegistrationLimit, Conflict. Dates, states and who did what stay as they were in the source;
  // what time has done since then is left to the sweep.
  //
  // Outcomes in the order of the chunk; `change` gets them as details, recorded or not. Errors:
  // those of KeyTransfer::import_chunk (DecryptFailed as InvalidField: a stored key is not
  // damaged), of SealGate and of KeyStore::commit but for those of one key: nothing was changed,
  // except that after StoreUnavailable in a chunk that took several transactions some keys may be
  // there.
  Result<std::vector<TransferredKey>> import_chunk(const Request& request, Change& change);

 private:
  struct Arrival;
  class Batch;
  static Arrival receive(const InstanceId& instance, const unit::TransferKey& key);
  static std::vector<TransferredKey> results_of(const std::vector<Arrival>& arrivals);
  Result<void> require_consent(const Request& request);
  Result<std::vector<unit::TransferKey>> open(const Request& request);
  Result<void> store(const InstanceId& instance, std::vector<Arrival>& arrivals, Change& change);
  Result<void> store_one_by_one(const InstanceId& instance, std::vector<Arrival>& arrivals,
                                const Change& change);
  void judge(const InstanceId& instance, Arrival& arrival, const Limits& limits) const;

  Parts parts_;
  // Held while keys are stored: chunks that arrive at once may bring keys of the same new ring.
  std::mutex storing_;
};

}  // namespace keyhaven::keys
