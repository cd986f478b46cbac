// Which rows the crypto unit seals, under which names, and what a seal covers
// (unit/record_guard.h, docs/protocols/stored-record.md).
//
// Not sealed: lifecycle_events and outbox (the audit chain has them), tke_proposals (signed by
// administrators), tke_transcript (a chain of its own), aliases (an index: the key records hold
// them) and the setting "store.probe" (written without anybody asking, read by nobody).
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "iam/iam_store.h"
#include "instances/record_check.h"
#include "store/rows.h"
#include "store/sqlite.h"
#include "unit/record_guard.h"

namespace keyhaven::store {

// The numbers are part of what a seal covers: never reused.
enum class SealedTable : std::uint8_t {
  Keys = 1,
  KeyRings = 2,
  Registrations = 3,
  ImportTokens = 4,
  Instances = 5,
  Identities = 6,
  ApiKeys = 7,
  Grants = 8,
  Settings = 9,
};
inline constexpr std::array kSealedTables{
    SealedTable::Settings,      SealedTable::Identities, SealedTable::ApiKeys,
    SealedTable::Grants,        SealedTable::Instances,  SealedTable::ImportTokens,
    SealedTable::Registrations, SealedTable::KeyRings,   SealedTable::Keys};

// The primary key of a row, as the columns hold it: 16 bytes of a UUID, or UTF-8.
struct RowKey {
  SealedTable table = SealedTable::Keys;
  std::array<std::string, 3> columns;  // unused ones are empty
  auto operator<=>(const RowKey&) const = default;
};
RowKey key_row(const InstanceId& instance, const KeyId& id);
RowKey ring_row(const InstanceId& instance, std::string_view id);
RowKey registration_row(const InstanceId& instance, const KeyId& key, std::string_view crn);
RowKey import_token_row(const InstanceId& instance);
RowKey instance_row(const InstanceId& id);
RowKey identity_row(std::string_view iam_id);
RowKey api_key_row(std::string_view id);
RowKey grant_row(std::string_view id);
RowKey setting_row(std::string_view name);

// How a table is read and its seals written.
struct TableShape {
  SealedTable table;
  std::string_view name;
  std::size_t key_columns;
  std::size_t uuid_columns;  // the first ones of the primary key; the others are texts
  // Primary key, other columns, then record, checksum and seal.
  const char* select;
  int record_column;
  // The same in order of the primary key: binds the key to begin behind, and how many.
  const char* select_next;
  const char* set_seal;  // binds the seal and the primary key
};
const TableShape& shape_of(SealedTable table);

// Reads the primary key of a row of `select` or `select_next` into `out`.
void read_key(const TableShape& shape, const Query& row, RowKey& out);
// Binds all columns of the key.
void bind_key(Query& query, const TableShape& shape, const RowKey& key);

// The name has the row's UUID where it has one, else a hash of the primary key, whose digit in the
// place of a UUID's version is 15. Nothing when a column that has to be a UUID is none.
std::optional<unit::RecordName> record_name(const RowKey& key);
// Nothing as above.
std::optional<unit::RecordScope> record_scope(const RowKey& key);
// SHA-256(label ‖ 00 ‖ table's name ‖ 00 ‖ each column of the primary key with a 32-bit length ‖
// record). The record of a setting is its value.
Digest record_digest(const RowKey& key, ByteView record);

// A row to write.
struct SealedRow {
  RowKey key;
  Bytes record;
  Checksum checksum{};
  Digest digest{};
};
SealedRow make_sealed_row(RowKey key, Bytes record);

// The column `seal`, 28 bytes: u32 epoch, u64 sequence, tag.
inline constexpr std::size_t kSealSize = 28;
using SealColumn = std::array<std::uint8_t, kSealSize>;
SealColumn encode(const unit::RecordSeal& seal);
// Nothing for NULL, and for what no unit can have made.
std::optional<unit::RecordSeal> decode_seal(ByteView column);

// For people. Of an id at most kShownIdBytes are shown.
inline constexpr std::size_t kShownIdBytes = 300;
void cut_id(std::string& id);
instances::SuspectRecord describe(const RowKey& key, instances::RecordFault fault);
instances::SuspectRecord describe(const unit::MissingRecord& missing);

}  // namespace keyhaven::store
