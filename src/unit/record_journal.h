// The entries of a RecordTable's journal to the byte: docs/protocols/record-seal.md.
#pragma once

#include <variant>
#include <vector>

#include "unit/record_map.h"

namespace keyhaven::unit {

inline constexpr std::size_t kMaxRecordEntryBytes = 128 * 1024;

// A change of a record that waits for its group; seal 0: the record goes.
struct SealedChange {
  RecordScope scope;
  RecordName name;
  PackedSeal seal = 0;
};
struct SealedEntry {
  std::uint64_t group = 0;
  std::vector<SealedChange> changes;  // at most kMaxRecordsPerCall
};
struct SettledEntry {
  std::uint64_t group = 0;
  bool committed = false;
};
// Of a snapshot: the number of a scope in the entries that follow, and its next sequence.
struct ScopeEntry {
  std::uint16_t number = 0;
  RecordScope scope;
  std::uint64_t next_sequence = 1;
};
// Of a snapshot: records with their newest seals.
struct RecordsEntry {
  struct Record {
    ScopedName name;
    PackedSeal seal = 0;
  };
  std::vector<Record> records;  // at most kMaxRecordsPerCall
};
// The number of the last start (RecordKeys::run) and of the last settled group.
struct MarkEntry {
  std::uint64_t run = 0;
  std::uint64_t last_group = 0;
};
using RecordEntry = std::variant<SealedEntry, SettledEntry, ScopeEntry, RecordsEntry, MarkEntry>;

// Bytes that a snapshot takes for each, for the size of what matters in a journal.
inline constexpr std::uint64_t kSnapshotRecordBytes = 27;
inline constexpr std::uint64_t kSnapshotScopeBytes = 27;

Bytes encode(const RecordEntry& entry);
// Total: any bytes give an entry that encodes to the same bytes, or an error. Errors:
// InvalidArgument.
Result<RecordEntry> decode_record_entry(ByteView bytes);

}  // namespace keyhaven::unit
