#include "store/sealed_rows.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"

namespace keyhaven::store {
namespace {

using instances::RecordFault;
using instances::SuspectRecord;

constexpr std::string_view kDigestLabel = "keyhaven-stored-record-1";
constexpr std::string_view kServiceIdPrefix = "iam-ServiceId-";
constexpr std::string_view kApiKeyPrefix = "ApiKey-";
constexpr std::size_t kUuidSize = 16;
constexpr std::size_t kVersionByte = 6;  // of a UUID; its upper digit
constexpr std::uint8_t kVersionMask = 0xf0;
constexpr std::uint8_t kVersion4 = 0x40;
// Of the packed form in the unit's table (unit/record_guard.h).
constexpr std::uint64_t kMaxSequence = (std::uint64_t{1} << 48) - 1;
constexpr std::uint32_t kMaxEpoch = 0xffff;

constexpr std::array<TableShape, 9> kShapes{{
    {SealedTable::Keys, "keys", 2, 2,
     "SELECT instance, id, revision, record, checksum, seal FROM keys", 3,
     "SELECT instance, id, revision, record, checksum, seal FROM keys "
     "WHERE (instance, id) > (?, ?) ORDER BY instance, id LIMIT ?",
     "UPDATE keys SET seal = ? WHERE instance = ? AND id = ?"},
    {SealedTable::KeyRings, "key_rings", 2, 1,
     "SELECT instance, id, record, checksum, seal FROM key_rings", 2,
     "SELECT instance, id, record, checksum, seal FROM key_rings "
     "WHERE (instance, id) > (?, ?) ORDER BY instance, id LIMIT ?",
     "UPDATE key_rings SET seal = ? WHERE instance = ? AND id = ?"},
    {SealedTable::Registrations, "registrations", 3, 2,
     "SELECT instance, key, resource_crn, record, checksum, seal FROM registrations", 3,
     "SELECT instance, key, resource_crn, record, checksum, seal FROM registrations "
     "WHERE (instance, key, resource_crn) > (?, ?, ?) ORDER BY instance, key, resource_crn LIMIT ?",
     "UPDATE registrations SET seal = ? WHERE instance = ? AND key = ? AND resource_crn = ?"},
    {SealedTable::ImportTokens, "import_tokens", 1, 1,
     "SELECT instance, record, checksum, seal FROM import_tokens", 1,
     "SELECT instance, record, checksum, seal FROM import_tokens "
     "WHERE instance > ? ORDER BY instance LIMIT ?",
     "UPDATE import_tokens SET seal = ? WHERE instance = ?"},
    {SealedTable::Instances, "instances", 1, 1,
     "SELECT id, revision, record, checksum, seal FROM instances", 2,
     "SELECT id, revision, record, checksum, seal FROM instances "
     "WHERE id > ? ORDER BY id LIMIT ?",
     "UPDATE instances SET seal = ? WHERE id = ?"},
    {SealedTable::Identities, "identities", 1, 0,
     "SELECT iam_id, record, checksum, seal FROM identities", 1,
     "SELECT iam_id, record, checksum, seal FROM identities "
     "WHERE iam_id > ? ORDER BY iam_id LIMIT ?",
     "UPDATE identities SET seal = ? WHERE iam_id = ?"},
    {SealedTable::ApiKeys, "api_keys", 1, 0,
     "SELECT id, iam_id, secret_hash, record, checksum, seal FROM api_keys", 3,
     "SELECT id, iam_id, secret_hash, record, checksum, seal FROM api_keys "
     "WHERE id > ? ORDER BY id LIMIT ?",
     "UPDATE api_keys SET seal = ? WHERE id = ?"},
    {SealedTable::Grants, "grants", 1, 0, "SELECT id, iam_id, record, checksum, seal FROM grants",
     2, "SELECT id, iam_id, record, checksum, seal FROM grants WHERE id > ? ORDER BY id LIMIT ?",
     "UPDATE grants SET seal = ? WHERE id = ?"},
    {SealedTable::Settings, "settings", 1, 0,
     "SELECT name, value, checksum, seal FROM settings WHERE name <> 'store.probe'", 1,
     "SELECT name, value, checksum, seal FROM settings "
     "WHERE name > ? AND name <> 'store.probe' ORDER BY name LIMIT ?",
     "UPDATE settings SET seal = ? WHERE name = ?"},
}};

std::string text_of(ByteView bytes) { return std::string(as_text(bytes)); }

std::optional<Uuid> uuid_of(std::string_view column) {
  if (column.size() != kUuidSize) return std::nullopt;
  Uuid out;
  std::copy(column.begin(), column.end(), out.bytes.begin());
  return out;
}

// The UUID that follows `prefix` in its one spelling, so that two texts never share it.
std::optional<Uuid> uuid_behind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = text.substr(prefix.size());
  const auto parsed = Uuid::parse(rest);
  if (!parsed || parsed->text() != rest) return std::nullopt;
  if ((parsed->bytes[kVersionByte] & kVersionMask) != kVersion4) return std::nullopt;
  return *parsed;
}

// What stands before the UUID in the texts of a table.
std::string_view prefix_of(SealedTable table) {
  if (table == SealedTable::Identities) return kServiceIdPrefix;
  return table == SealedTable::ApiKeys ? kApiKeyPrefix : std::string_view();
}

bool is_named_by_uuid_text(SealedTable table) {
  return table == SealedTable::Identities || table == SealedTable::ApiKeys ||
         table == SealedTable::Grants;
}

Bytes key_bytes(const RowKey& key) {
  const TableShape& shape = shape_of(key.table);
  Bytes out;
  Writer writer(out);
  writer.raw(as_bytes(shape.name));
  writer.u8(0);
  for (std::size_t i = 0; i < shape.key_columns; ++i) writer.text32(key.columns[i]);
  return out;
}

std::array<std::uint8_t, 16> hashed_id(const RowKey& key) {
  const Digest digest = crypto::sha256(key_bytes(key));
  std::array<std::uint8_t, 16> out{};
  std::copy_n(digest.begin(), out.size(), out.begin());
  out[kVersionByte] |= kVersionMask;  // no UUID of ours looks like that
  return out;
}

bool has_valid_uuids(const RowKey& key) {
  const std::size_t count = shape_of(key.table).uuid_columns;
  return std::all_of(key.columns.begin(), key.columns.begin() + static_cast<std::ptrdiff_t>(count),
                     [](const std::string& column) { return column.size() == kUuidSize; });
}

// A UUID as text; a damaged column in hexadecimal.
std::string readable(const std::string& column) {
  const auto uuid = uuid_of(column);
  return uuid ? uuid->text() : to_hex(as_bytes(column));
}

std::string known_setting(const unit::RecordName& name) {
  for (const std::string_view each : {"account", "region"}) {
    if (record_name(setting_row(each)) == name) return std::string(each);
  }
  return {};
}

std::string id_of_missing(const unit::RecordName& name, SealedTable table) {
  const Uuid uuid{name.id};
  if (table == SealedTable::Keys || table == SealedTable::ImportTokens ||
      table == SealedTable::Instances) {
    return uuid.text();
  }
  if (table == SealedTable::Settings) {
    if (std::string known = known_setting(name); !known.empty()) return known;
  }
  if (is_named_by_uuid_text(table) && (name.id[kVersionByte] & kVersionMask) == kVersion4)
    return std::string(prefix_of(table)) + uuid.text();
  return "#" + to_hex(name.id);
}

}  // namespace

RowKey key_row(const InstanceId& instance, const KeyId& id) {
  return {SealedTable::Keys, {text_of(instance.view()), text_of(id.view()), {}}};
}
RowKey ring_row(const InstanceId& instance, std::string_view id) {
  return {SealedTable::KeyRings, {text_of(instance.view()), std::string(id), {}}};
}
RowKey registration_row(const InstanceId& instance, const KeyId& key, std::string_view crn) {
  return {SealedTable::Registrations,
          {text_of(instance.view()), text_of(key.view()), std::string(crn)}};
}
RowKey import_token_row(const InstanceId& instance) {
  return {SealedTable::ImportTokens, {text_of(instance.view()), {}, {}}};
}
RowKey instance_row(const InstanceId& id) {
  return {SealedTable::Instances, {text_of(id.view()), {}, {}}};
}
RowKey identity_row(std::string_view iam_id) {
  return {SealedTable::Identities, {std::string(iam_id), {}, {}}};
}
RowKey api_key_row(std::string_view id) {
  return {SealedTable::ApiKeys, {std::string(id), {}, {}}};
}
RowKey grant_row(std::string_view id) { return {SealedTable::Grants, {std::string(id), {}, {}}}; }
RowKey setting_row(std::string_view name) {
  return {SealedTable::Settings, {std::string(name), {}, {}}};
}

const TableShape& shape_of(SealedTable table) {
  const auto index = static_cast<std::size_t>(table) - 1;
  KH_ASSERT(index < kShapes.size());
  return kShapes[index];
}

void read_key(const TableShape& shape, const Query& row, RowKey& out) {
  out.table = shape.table;
  for (std::size_t i = 0; i < shape.key_columns; ++i)
    out.columns[i].assign(row.text_at(static_cast<int>(i)));
}

void bind_key(Query& query, const TableShape& shape, const RowKey& key) {
  for (std::size_t i = 0; i < shape.key_columns; ++i) {
    if (i < shape.uuid_columns) {
      query.blob(as_bytes(key.columns[i]));
    } else {
      query.text(key.columns[i]);
    }
  }
}

std::optional<unit::RecordName> record_name(const RowKey& key) {
  if (!has_valid_uuids(key)) return std::nullopt;
  unit::RecordName out;
  out.table = static_cast<std::uint8_t>(key.table);
  if (key.table == SealedTable::Keys) {
    out.id = uuid_of(key.columns[1])->bytes;
  } else if (key.table == SealedTable::ImportTokens || key.table == SealedTable::Instances) {
    out.id = uuid_of(key.columns[0])->bytes;
  } else {
    const auto uuid = is_named_by_uuid_text(key.table)
                          ? uuid_behind(key.columns[0], prefix_of(key.table))
                          : std::nullopt;
    out.id = uuid ? uuid->bytes : hashed_id(key);
  }
  return out;
}

std::optional<unit::RecordScope> record_scope(const RowKey& key) {
  if (!has_valid_uuids(key)) return std::nullopt;
  // An instance's own row decides how its administrators are reached, so it is not theirs to
  // accept.
  if (shape_of(key.table).uuid_columns == 0 || key.table == SealedTable::Instances)
    return unit::RecordScope{};
  return unit::RecordScope{*uuid_of(key.columns[0])};
}

Digest record_digest(const RowKey& key, ByteView record) {
  const std::uint8_t zero[] = {0};
  return crypto::sha256({as_bytes(kDigestLabel), ByteView(zero), key_bytes(key), record});
}

SealedRow make_sealed_row(RowKey key, Bytes record) {
  SealedRow out;
  out.checksum = checksum_of(shape_of(key.table).name, record);
  out.digest = record_digest(key, record);
  out.record = std::move(record);
  out.key = std::move(key);
  return out;
}

SealColumn encode(const unit::RecordSeal& seal) {
  Bytes bytes;
  Writer out(bytes);
  out.u32(seal.epoch);
  out.u64(seal.sequence);
  out.raw(seal.tag);
  SealColumn column{};
  std::copy(bytes.begin(), bytes.end(), column.begin());
  return column;
}

std::optional<unit::RecordSeal> decode_seal(ByteView column) {
  if (column.size() != kSealSize) return std::nullopt;
  Reader in(column);
  unit::RecordSeal seal;
  seal.epoch = in.u32();
  seal.sequence = in.u64();
  std::ranges::copy(in.raw(seal.tag.size()), seal.tag.begin());
  if (seal.epoch == 0 || seal.epoch > kMaxEpoch) return std::nullopt;
  if (seal.sequence == 0 || seal.sequence > kMaxSequence) return std::nullopt;
  return seal;
}

void cut_id(std::string& id) {
  if (id.size() <= kShownIdBytes) return;
  id.resize(kShownIdBytes);
  id += "...";
}

SuspectRecord describe(const RowKey& key, RecordFault fault) {
  const TableShape& shape = shape_of(key.table);
  SuspectRecord out;
  out.table = shape.name;
  out.fault = fault;
  if (shape.uuid_columns > 0) {
    if (const auto uuid = uuid_of(key.columns[0])) out.instance = {*uuid};
  }
  if (shape.uuid_columns > 1) {
    if (const auto uuid = uuid_of(key.columns[1])) out.key = KeyId{*uuid};
  }
  switch (key.table) {
    case SealedTable::Keys:
      out.id = readable(key.columns[1]);
      break;
    case SealedTable::KeyRings:
      out.id = key.columns[1];
      break;
    case SealedTable::Registrations:
      out.id = readable(key.columns[1]) + " " + key.columns[2];
      break;
    case SealedTable::ImportTokens:
    case SealedTable::Instances:
      out.id = readable(key.columns[0]);
      break;
    case SealedTable::Identities:
    case SealedTable::ApiKeys:
    case SealedTable::Grants:
    case SealedTable::Settings:
      out.id = key.columns[0];
      break;
  }
  cut_id(out.id);
  return out;
}

SuspectRecord describe(const unit::MissingRecord& missing) {
  SuspectRecord out;
  out.instance = missing.scope;
  out.fault = RecordFault::Missing;
  const std::size_t number = missing.name.table;
  if (number == 0 || number > kShapes.size()) {  // sealed by a newer version
    out.table = "table " + std::to_string(number);
    out.id = "#" + to_hex(missing.name.id);
    return out;
  }
  const auto table = static_cast<SealedTable>(number);
  out.table = shape_of(table).name;
  out.id = id_of_missing(missing.name, table);
  if (table == SealedTable::Keys) out.key = KeyId{Uuid{missing.name.id}};
  return out;
}

}  // namespace keyhaven::store
