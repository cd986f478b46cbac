// iam::IamStore: identities, API keys and grants.
#include "store/group_commit.h"
#include "store/load.h"

namespace keyhaven::store {
namespace {

constexpr const char* kPutIdentity = R"sql(
    INSERT INTO identities (iam_id, record, checksum) VALUES (?, ?, ?)
    ON CONFLICT (iam_id) DO UPDATE SET record = excluded.record, checksum = excluded.checksum)sql";
constexpr const char* kPutApiKey = R"sql(
    INSERT INTO api_keys (id, iam_id, secret_hash, record, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET iam_id = excluded.iam_id, secret_hash = excluded.secret_hash,
                                   record = excluded.record, checksum = excluded.checksum)sql";
constexpr const char* kPutGrant = R"sql(
    INSERT INTO grants (id, iam_id, record, checksum) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET iam_id = excluded.iam_id, record = excluded.record,
                                   checksum = excluded.checksum)sql";

struct PreparedChange {
  const iam::IamChange& change;
  std::vector<StoredRow> identities;
  std::vector<StoredRow> api_keys;
  std::vector<StoredRow> grants;
};

PreparedChange prepare(const iam::IamChange& change) {
  PreparedChange out{change, {}, {}, {}};
  for (const auto& identity : change.put_identities)
    out.identities.push_back(make_row("identities", encode(identity)));
  for (const auto& key : change.put_api_keys)
    out.api_keys.push_back(make_row("api_keys", encode(key)));
  for (const auto& grant : change.put_grants)
    out.grants.push_back(make_row("grants", encode(grant)));
  return out;
}

Error no_identity(const std::string& iam_id) {
  return {Reason::IdentityNotFound, "there is no identity '" + iam_id + "'", "iam_id"};
}

// `sql` deletes by one text; `absent` is the error when there is nothing to delete.
Result<void> remove_one(Connection& db, const char* sql, const std::string& id, Error absent) {
  KH_TRY(db.query(sql).text(id).execute());
  if (db.changed_rows() == 0) return absent;
  return {};
}

Result<void> remove_all(Connection& db, const iam::IamChange& change) {
  for (const std::string& id : change.remove_grants) {
    KH_TRY(remove_one(db, "DELETE FROM grants WHERE id = ?", id,
                      {Reason::NotFound, "there is no grant '" + id + "'", "id"}));
  }
  for (const std::string& id : change.remove_api_keys) {
    KH_TRY(remove_one(db, "DELETE FROM api_keys WHERE id = ?", id,
                      {Reason::NotFound, "there is no API key '" + id + "'", "id"}));
  }
  for (const std::string& id : change.remove_identities) {
    KH_TRY(remove_one(db, "DELETE FROM identities WHERE iam_id = ?", id, no_identity(id)));
  }
  return {};
}

Result<void> put_api_key(Connection& db, const iam::ApiKey& key, const StoredRow& row) {
  const Execution done = KH_TRY(db.query(kPutApiKey)
                                    .text(key.id)
                                    .text(key.iam_id)
                                    .blob(key.secret_hash)
                                    .blob(row.record)
                                    .blob(row.checksum)
                                    .execute());
  if (done == Execution::NoParent) return no_identity(key.iam_id);
  if (done == Execution::NotUnique) {
    return Error{Reason::AlreadyExists, "another API key has the same secret", {}};
  }
  return {};
}

Result<void> apply(Connection& db, const PreparedChange& prepared) {
  const iam::IamChange& change = prepared.change;
  KH_TRY(remove_all(db, change));
  for (std::size_t i = 0; i < change.put_identities.size(); ++i) {
    const StoredRow& row = prepared.identities[i];
    KH_TRY(db.query(kPutIdentity)
               .text(change.put_identities[i].iam_id)
               .blob(row.record)
               .blob(row.checksum)
               .execute());
  }
  for (std::size_t i = 0; i < change.put_api_keys.size(); ++i) {
    KH_TRY(put_api_key(db, change.put_api_keys[i], prepared.api_keys[i]));
  }
  for (std::size_t i = 0; i < change.put_grants.size(); ++i) {
    const iam::Grant& grant = change.put_grants[i];
    const StoredRow& row = prepared.grants[i];
    const Execution done = KH_TRY(db.query(kPutGrant)
                                      .text(grant.id)
                                      .text(grant.iam_id)
                                      .blob(row.record)
                                      .blob(row.checksum)
                                      .execute());
    if (done == Execution::NoParent) return no_identity(grant.iam_id);
  }
  return {};
}

// The id column of a row and the id in its record have to be the same.
template <class T>
Result<void> keep(std::vector<T>& out, T value, const std::string& id_in_record,
                  const std::string& id, std::string_view kind) {
  if (id_in_record != id) return damaged_row(kind, id, "its index column differs from its record");
  out.push_back(std::move(value));
  return {};
}

}  // namespace

Result<void> Database::commit_iam(const iam::IamChange& change, const audit::Event& event) {
  const PreparedChange prepared = prepare(change);
  std::string event_json;
  audit::append_json(event_json, event);
  return writer_->submit([&](Connection& db) { return apply(db, prepared); },
                         std::move(event_json));
}

Result<iam::IamStore::Everything> Database::load_iam() {
  Everything out;
  const auto take_identity = [&](const Query& row) -> Result<void> {
    const std::string id(row.text_at(0));
    iam::Identity identity =
        KH_TRY(checked_record(row, 1, 2, "identities", "identity", id, decode_identity));
    const std::string in_record = identity.iam_id;
    return keep(out.identities, std::move(identity), in_record, id, "identity");
  };
  const auto take_api_key = [&](const Query& row) -> Result<void> {
    const std::string id(row.text_at(0));
    iam::ApiKey key = KH_TRY(checked_record(row, 1, 2, "api_keys", "API key", id, decode_api_key));
    const std::string in_record = key.id;
    return keep(out.api_keys, std::move(key), in_record, id, "API key");
  };
  const auto take_grant = [&](const Query& row) -> Result<void> {
    const std::string id(row.text_at(0));
    iam::Grant grant = KH_TRY(checked_record(row, 1, 2, "grants", "grant", id, decode_grant));
    const std::string in_record = grant.id;
    return keep(out.grants, std::move(grant), in_record, id, "grant");
  };
  KH_TRY(load("SELECT iam_id, record, checksum FROM identities", take_identity));
  KH_TRY(load("SELECT id, record, checksum FROM api_keys", take_api_key));
  KH_TRY(load("SELECT id, record, checksum FROM grants", take_grant));
  return out;
}

}  // namespace keyhaven::store
