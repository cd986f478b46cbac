// Stored records that nobody can forge or put back: the unit seals each record that the store
// keeps, and remembers for each which seal is the newest.
//
// A seal is a MAC over what a record says, where it stands, and a sequence number of its scope. The
// MAC shows what was never stored; the unit's table of newest numbers shows what was stored once
// and has been replaced or removed since, and what is missing. A scope is an instance, or the
// deployment (identities, grants, settings). See docs/protocols/record-seal.md and docs/adr/0025.
//
// What is stored moves in groups, in two phases with the store's transaction:
//   seal_records(g)    the unit notes durably: these records will be, these will go. Both the old
//                      and the new state are good from here on.
//   (the store commits, or not)
//   settle_records(g)  only one of them is good.
// When nobody settles, because the server died, a check of the whole store does.
//
// unit/record_table.h holds the table; unitd/ keeps it on the disk; channel/ is the client.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/id.h"
#include "base/result.h"

namespace keyhaven::unit {

// The instance, or all zero: the deployment.
using RecordScope = InstanceId;

// Where a record stands in its scope. Tables have numbers of the store's (store/sealed_rows.h); the
// id is a UUID where the row has one, else the first 16 bytes of a hash of its primary key.
struct RecordName {
  std::uint8_t table = 0;
  std::array<std::uint8_t, 16> id{};
  auto operator<=>(const RecordName&) const = default;
};

// What is kept beside the record.
inline constexpr std::size_t kRecordTagSize = 16;
struct RecordSeal {
  std::uint32_t epoch = 0;     // which of the scope's MAC keys; from 1
  std::uint64_t sequence = 0;  // of the scope, from 1; never given twice; below 2^48
  std::array<std::uint8_t, kRecordTagSize> tag{};
  bool operator==(const RecordSeal&) const = default;
};

struct RecordChange {
  RecordScope scope;
  RecordName name;
  std::optional<Digest> digest;  // SHA-256 of the record and its table; nothing: the record goes
};

struct StoredRecord {
  RecordScope scope;
  RecordName name;
  Digest digest{};
  std::optional<RecordSeal> seal;
};

enum class RecordVerdict : std::uint8_t {
  Authentic = 1,
  Forged,    // no seal, or one that the unit did not make for this content in this place
  Old,       // was stored once, and has been replaced since
  Returned,  // was stored once, and has been removed since
  Newer,     // sealed later than the unit remembers: the unit's own state has been put back
};

struct MissingRecord {
  RecordScope scope;
  RecordName name;
};

// How the store differs from the table, for one scope with differences. `difference` is what an
// acceptance names: SHA-256 over the scope and every Old, Returned, Newer and missing record.
// Forged records are not part of it: nobody can accept them.
struct ScopeDifference {
  RecordScope scope;
  std::uint64_t forged = 0;
  std::uint64_t old = 0;
  std::uint64_t returned = 0;
  std::uint64_t newer = 0;
  std::uint64_t missing = 0;
  Digest difference{};
  // The unit was started with this difference of the deployment as accepted, so it is the good
  // state from now on: check again and use the records.
  bool accepted = false;
};

struct RecordGuardStatus {
  // False until begin_guarding: a store from before there were seals, or a new one.
  bool guarding = false;
  std::uint64_t records = 0;
  std::uint32_t scopes = 0;
  std::optional<std::uint64_t> unsettled_group;
  std::uint64_t last_group = 0;  // that was settled; 0: none
  // The unit was started with a difference of the deployment that it accepts if the next check
  // that ends finds just that: so end a check before what is stored is used.
  bool accepts_next = false;
};

struct RecordCheckResult {
  std::vector<ScopeDifference> differences;  // those that are not all zero; at most 1,025
  std::vector<MissingRecord> missing;        // at most kMaxNamedMissing; the counts are complete
};

inline constexpr std::size_t kMaxRecordsPerCall = 2048;
inline constexpr std::size_t kMaxNamedMissing = 4096;
inline constexpr std::size_t kMaxRecordScopes = 1025;     // kMaxInstances and the deployment
inline constexpr std::uint64_t kMaxRecords = 16'000'000;  // of all scopes

// Thread-safe. Errors of all: UnitUnavailable (no answer; the unit may have acted).
class RecordGuard {
 public:
  virtual ~RecordGuard() = default;

  virtual Result<RecordGuardStatus> record_status() = 0;

  // Phase one. Seals in the order of `changes` (a removal has an empty seal, epoch 0); durable. At
  // most kMaxRecordsPerCall; a larger group takes several calls with the same number. A name occurs
  // at most once in a group. Group numbers ascend, from 1. Errors: Conflict (another group is not
  // settled), InvalidArgument, LimitExceeded reasons, StoreUnavailable (the unit's disk is full:
  // nothing is noted).
  virtual Result<std::vector<RecordSeal>> seal_records(
      std::uint64_t group, const std::vector<RecordChange>& changes) = 0;
  // Phase two: the group's transaction is durable, or it is undone. A group that is not waiting:
  // success (a repeated call, or one whose seal_records was never heard of). Written but not
  // fsynced: it survives the death of every process; after a power failure the next check settles.
  // Errors: StoreUnavailable.
  virtual Result<void> settle_records(std::uint64_t group, bool committed) = 0;

  // From now on the store is held against the table; what is stored was sealed before, as it was
  // found. Cannot be undone. Durable.
  virtual Result<void> begin_guarding() = 0;

  // A check of the whole store; one at a time, a new one ends the one before. While it runs groups
  // may go on: what is sealed after its begin is neither judged nor missing, so the caller reads
  // from a snapshot taken while no group was between its two phases. Returns the check's number.
  virtual Result<std::uint64_t> begin_record_check() = 0;
  // At most kMaxRecordsPerCall. Errors: Conflict (not the check under way), InvalidArgument.
  virtual Result<std::vector<RecordVerdict>> check_records(
      std::uint64_t check, const std::vector<StoredRecord>& records) = 0;
  // Every record was shown. Settles a group that was waiting when the check began: committed when
  // all its records were seen in their new state, undone when all in their old one; else those in
  // the old state count as Old, Returned or missing. The unit remembers the differences for
  // accept_records until the next check ends. Errors: Conflict.
  virtual Result<RecordCheckResult> end_record_check(std::uint64_t check) = 0;

  // New seals of this scope are made under a new key from now on (after a rotation of the master
  // key). The number of records whose seals are of older keys; seal_records with their unchanged
  // digest makes them anew, and when there is none left the older keys are destroyed. Durable.
  virtual Result<std::uint64_t> renew_record_key(const RecordScope& scope) = 0;
  // How many records of the scope have seals of older keys, and which epoch is the newest.
  struct Renewal {
    std::uint32_t epoch = 0;
    std::uint64_t older = 0;
  };
  virtual Result<Renewal> record_renewal(const RecordScope& scope) = 0;
};

}  // namespace keyhaven::unit
