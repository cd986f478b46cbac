// What a RecordTable needs around it: where its keys rest, where its journal rests, and who may
// have a difference between store and table accepted.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/secret_bytes.h"
#include "unit/record_guard.h"

namespace keyhaven::unit {

inline constexpr std::size_t kRecordKeySize = 32;
inline constexpr std::size_t kMaxRecordEpochs = 8;  // keys of one scope that are still needed

inline constexpr std::uint32_t kMaxRecordEpoch = 65'535;

struct RecordKey {
  std::uint32_t epoch = 0;  // from 1, at most kMaxRecordEpoch
  SecretBytes key;          // kRecordKeySize random bytes
};

// The part of the seals that is in the unit's sealed state (docs/protocols/unit-state.md). It is
// small and rarely changes: the table itself is in the journal.
struct RecordKeys {
  bool guarding = false;
  // How many journals were lost: sequences begin above those of every lost one.
  std::uint8_t losses = 0;
  // Of the last start that noted it in state and journal: neither of them is put back alone.
  std::uint64_t run = 0;
  SecretBytes journal_key;  // empty until the first journal
  // Ascending epochs, the newest seals; at most kMaxRecordEpochs.
  std::map<RecordScope, std::vector<RecordKey>> scopes;

  RecordKeys clone() const;
};

// Keeps the keys. Called by one thread at a time, with no lock that accept_records takes.
class RecordKeySink {
 public:
  virtual ~RecordKeySink() = default;
  // Stores the keys durably. An error means that the old ones are still the stored ones.
  virtual Result<void> save_record_keys(const RecordKeys& keys) = 0;
  // Whether the instance has crypto units; a scope without units and records is given up.
  virtual bool has_units(const InstanceId& instance) const = 0;
};

// Keeps what the table remembers, entry by entry (record_journal.h), for RecordTable::replay after
// a restart. Called with the table's lock held; must not call the table.
class RecordSink {
 public:
  enum class Durability : std::uint8_t { Process, Power };  // survives the end of which
  virtual ~RecordSink() = default;
  // Adds an entry of at most kMaxRecordEntryBytes. An error means that nothing was added.
  virtual Result<void> append(ByteView entry, Durability durability) = 0;
  // Replaces everything by the entries that `next` gives until there are none, durably. An error
  // means that the old ones are still there.
  using Entries = std::function<std::optional<Bytes>()>;
  virtual Result<void> replace(const Entries& next) = 0;
  // Whether it is time to replace entries by the `live_bytes` that matter.
  virtual bool is_oversized(std::uint64_t live_bytes) const = 0;
};

// The quorum's word on records that differ (tke::kAcceptRecords).
class RecordAcceptance {
 public:
  virtual ~RecordAcceptance() = default;
  // What the last ended check found in the scope; nothing: no check, or no difference.
  virtual std::optional<Digest> difference_of(const RecordScope& scope) const = 0;
  // Makes what that check found in the store the good state of the scope; durable. Ends a check
  // under way. Errors: Conflict (not this difference, or a group is between its phases), what the
  // journal gives.
  virtual Result<void> accept_records(const RecordScope& scope, const Digest& difference) = 0;
};

}  // namespace keyhaven::unit
