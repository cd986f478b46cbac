// What may be done to the master key registers of an instance, given what is stored under which
// master key: pure functions, each the rule of that name in docs/models/master_key_rotation.pml,
// which shows that with all of them no stored key ever becomes unreadable.
//
// A master key is named by the first half of its verification pattern, as key blobs name it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "instances/instance_record.h"
#include "unit/crypto_unit.h"

namespace keyhaven::instances {

// What is stored under one master key; deleted keys count, for they can be restored.
struct StoredUnder {
  unit::BlobPattern master_key{};
  std::size_t blobs = 0;      // key versions, and the import token
  std::size_t keys = 0;       // keys with at least one of them
  std::size_t live_keys = 0;  // those of the keys that are not deleted
  bool import_token = false;  // one that can still be used
};
struct StoredCensus {
  std::vector<StoredUnder> rows;  // one for each master key with a blob
  std::size_t keys = 0;           // of the instance
  // Records that the crypto unit sealed and that are not in use, because the store has something
  // else: which master key they need is not known.
  std::size_t unsettled_records = 0;
};

// All that the rules look at. Borrows.
struct Registers {
  const std::vector<unit::UnitStatus>& units;
  const MasterKeyRotation& rotation;
  const StoredCensus& stored;
};

unit::BlobPattern blob_pattern(
    const std::array<std::uint8_t, unit::kVerificationPatternSize>& pattern) noexcept;
// The first eight hexadecimal digits, as messages name a master key.
std::string short_name(const unit::BlobPattern& master_key);
bool all_under(const StoredCensus& stored, const unit::BlobPattern& master_key) noexcept;

// --- Frames for one unit. Errors: MasterKeyStillNeeded; the message says how many keys need which
// master key, and what to do. RecordNotAuthentic while there are unsettled records, unless the unit
// has nothing to give up or the loss is accepted. ---

// Set immediate with this pattern. Every stored blob must be under it, or the unit would give up a
// key that is needed; while a rotation is under way, it must be the rotation's new key.
Result<void> may_finalize(const Registers& registers, const unit::UnitStatus& unit,
                          const unit::BlobPattern& pending);
Result<void> may_clear_pending(const Registers& registers, const unit::UnitStatus& unit);

enum class Loss : std::uint8_t { Refuse, Accept };  // of keys that are not deleted
// These two may take the last copy of a master key when only deleted keys need it, as deleting the
// instance does.
Result<void> may_clear_current(const Registers& registers, const unit::UnitStatus& unit, Loss loss);
Result<void> may_zeroize(const Registers& registers, const unit::UnitStatus& unit, Loss loss);

// --- Steps of a rotation ---

struct MasterKeyPair {
  unit::BlobPattern from{};
  unit::BlobPattern to{};
};
// The keys of a rotation that may begin now. Errors: MasterKeyRotationState, saying which unit
// lacks what; RecordNotAuthentic while there are unsettled records.
Result<MasterKeyPair> may_begin(const Registers& registers);
// While every unit could still go on with the old key. Errors: MasterKeyRotationState.
Result<void> may_abandon(const Registers& registers);
// Whether all units that serve have set the new key immediate.
bool all_switched(const Registers& registers) noexcept;

}  // namespace keyhaven::instances
