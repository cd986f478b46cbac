#include "store/row_passes.h"

#include <algorithm>

#include "store/load.h"

namespace keyhaven::store {
namespace {

bool equals(ByteView column, ByteView expected) { return std::ranges::equal(column, expected); }

// What the row's record says, if its checksum fits it and its columns fit what it says. The text of
// the error is for nobody: the row is a suspect, which has a name of its own.
template <class Decode, class Fits>
auto intact_record(const Query& row, const TableShape& shape, Decode decode, Fits fits)
    -> decltype(decode(ByteView{})) {
  auto record = checked_record(row, shape.record_column, shape.record_column + 1, shape.name,
                               shape.name, "", decode);
  if (record && !fits(*record))
    return damaged_row(shape.name, "", "its index columns differ from its record");
  return record;
}

template <class Record, class Decode, class Fits>
Result<void> pass(Connection& db, RowCheck& check, SealedTable table,
                  const std::function<void(Record)>& use, Decode decode, Fits fits) {
  const TableShape& shape = shape_of(table);
  RowBatch<Record> batch(check, table, use);
  Query row = db.query(shape.select);
  while (KH_TRY(row.step())) {
    const auto check_columns = [&](const Record& record) { return fits(row, record); };
    KH_TRY(batch.add(row, intact_record(row, shape, decode, check_columns)));
  }
  return batch.finish();
}

}  // namespace

Result<void> pass_keys(Connection& db, RowCheck& check,
                       const std::function<void(keys::KeyRecord)>& use) {
  KH_TRY(check.aliases().read_index(db));
  const std::function<void(keys::KeyRecord)> see_and_use = [&](keys::KeyRecord key) {
    check.aliases().see(key);
    use(std::move(key));
  };
  const auto fits = [](const Query& row, const keys::KeyRecord& key) {
    return equals(row.blob_at(0), key.instance.view()) && equals(row.blob_at(1), key.id.view()) &&
           row.number_at(2) == key.revision;
  };
  KH_TRY(pass(db, check, SealedTable::Keys, see_and_use, keys::decode_key_record, fits));
  return check.aliases().name_strays(db);
}

Result<void> pass_rings(Connection& db, RowCheck& check,
                        const std::function<void(keys::KeyRing)>& use) {
  const auto fits = [](const Query& row, const keys::KeyRing& ring) {
    return equals(row.blob_at(0), ring.instance.view()) && row.text_at(1) == ring.id;
  };
  return pass(db, check, SealedTable::KeyRings, use, decode_ring, fits);
}

Result<void> pass_registrations(Connection& db, RowCheck& check,
                                const std::function<void(keys::Registration)>& use) {
  const auto fits = [](const Query& row, const keys::Registration& registration) {
    return equals(row.blob_at(0), registration.instance.view()) &&
           equals(row.blob_at(1), registration.key.view()) &&
           row.text_at(2) == registration.resource_crn;
  };
  return pass(db, check, SealedTable::Registrations, use, keys::decode_registration, fits);
}

Result<void> pass_import_tokens(Connection& db, RowCheck& check,
                                const std::function<void(keys::ImportToken)>& use) {
  const auto fits = [](const Query& row, const keys::ImportToken& token) {
    return equals(row.blob_at(0), token.instance.view());
  };
  return pass(db, check, SealedTable::ImportTokens, use, keys::decode_import_token, fits);
}

Result<void> pass_instances(Connection& db, RowCheck& check,
                            const std::function<void(instances::InstanceRecord)>& use) {
  const auto fits = [](const Query& row, const instances::InstanceRecord& record) {
    return equals(row.blob_at(0), record.id.view()) && row.number_at(1) == record.revision;
  };
  return pass(db, check, SealedTable::Instances, use, instances::decode_instance_record, fits);
}

Result<void> pass_identities(Connection& db, RowCheck& check,
                             const std::function<void(iam::Identity)>& use) {
  const auto fits = [](const Query& row, const iam::Identity& identity) {
    return row.text_at(0) == identity.iam_id;
  };
  return pass(db, check, SealedTable::Identities, use, decode_identity, fits);
}

Result<void> pass_api_keys(Connection& db, RowCheck& check,
                           const std::function<void(iam::ApiKey)>& use) {
  const auto fits = [](const Query& row, const iam::ApiKey& key) {
    return row.text_at(0) == key.id && row.text_at(1) == key.iam_id &&
           equals(row.blob_at(2), key.secret_hash);
  };
  return pass(db, check, SealedTable::ApiKeys, use, decode_api_key, fits);
}

Result<void> pass_grants(Connection& db, RowCheck& check,
                         const std::function<void(iam::Grant)>& use) {
  const auto fits = [](const Query& row, const iam::Grant& grant) {
    return row.text_at(0) == grant.id && row.text_at(1) == grant.iam_id;
  };
  return pass(db, check, SealedTable::Grants, use, decode_grant, fits);
}

Result<void> pass_settings(Connection& db, RowCheck& check,
                           const std::function<void(Setting)>& use) {
  RowBatch<Setting> batch(check, SealedTable::Settings, use);
  Query row = db.query(shape_of(SealedTable::Settings).select);
  while (KH_TRY(row.step())) {
    Setting setting{std::string(row.text_at(0)), std::string(row.text_at(1))};
    Result<Setting> record = std::move(setting);
    if (!equals(row.blob_at(2), setting_checksum(record->name, record->value)))
      record = damaged_row("setting", "", "checksum differs");
    KH_TRY(batch.add(row, std::move(record)));
  }
  return batch.finish();
}

Result<void> pass_table(Connection& db, RowCheck& check, SealedTable table) {
  const auto nothing = [](const auto&) {};
  switch (table) {
    case SealedTable::Keys:
      return pass_keys(db, check, nothing);
    case SealedTable::KeyRings:
      return pass_rings(db, check, nothing);
    case SealedTable::Registrations:
      return pass_registrations(db, check, nothing);
    case SealedTable::ImportTokens:
      return pass_import_tokens(db, check, nothing);
    case SealedTable::Instances:
      return pass_instances(db, check, nothing);
    case SealedTable::Identities:
      return pass_identities(db, check, nothing);
    case SealedTable::ApiKeys:
      return pass_api_keys(db, check, nothing);
    case SealedTable::Grants:
      return pass_grants(db, check, nothing);
    case SealedTable::Settings:
      return pass_settings(db, check, nothing);
  }
  fatal(__FILE__, __LINE__, "unknown SealedTable");
}

}  // namespace keyhaven::store
