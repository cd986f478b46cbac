// What a check of the stored records against the crypto unit's seals has found, and what must offer
// such a check.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/id.h"
#include "unit/record_guard.h"

namespace keyhaven::instances {

// Why a record is not used.
enum class RecordFault : std::uint8_t {
  Forged = 1,  // not sealed by the unit for this content in this place
  Old,         // an earlier state of the record, put back
  Returned,    // had been removed, put back
  Newer,       // the unit's own state is older than the store
  Missing,     // taken away
  Damaged,     // does not decode, or its index columns differ from its record
  StrayAlias,  // a row of the alias index that no key record has, or the other way round
};
std::string_view name_of(RecordFault fault) noexcept;  // "forged", "old" ...

struct SuspectRecord {
  std::string table;    // "keys", "key_rings", "grants" ...
  InstanceId instance;  // all zero: of the deployment
  // As people know it: a key id, a ring, an iam id. Of a missing row that is known by a hash only:
  // "#" and its 32 hexadecimal digits.
  std::string id;
  std::optional<KeyId> key;  // of keys, aliases and registrations, where it is known
  RecordFault fault = RecordFault::Forged;
};

inline constexpr std::size_t kMaxNamedSuspects = 5000;

struct RecordCheck {
  Timestamp at;
  std::uint64_t records = 0;  // looked at
  std::uint64_t faults = 0;
  std::vector<SuspectRecord> suspects;  // the first kMaxNamedSuspects
  // What a quorum (of an instance) or the machine's administrator (of the deployment) can accept.
  std::vector<unit::ScopeDifference> differences;
};

// Thread-safe.
class StoredRecords {
 public:
  virtual ~StoredRecords() = default;
  // Holds the whole store against the unit's seals as it is now; service goes on meanwhile. Errors:
  // UnitUnavailable, StoreUnavailable, Conflict (another check is under way).
  virtual Result<RecordCheck> check_records() = 0;
  // What was found when the store was opened: those records are not in use until the next start.
  virtual const RecordCheck& found_at_start() const noexcept = 0;
  // Makes the seals of an instance's records anew under a new key. Ends early with success when
  // nothing is left to do; a run that a crash ended is taken up at the next start.
  virtual Result<void> renew_seals(const InstanceId& instance) = 0;
};

}  // namespace keyhaven::instances
