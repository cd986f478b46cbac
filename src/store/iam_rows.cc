// iam::IamStore: identities, API keys and grants.
#include <unordered_set>

#include "store/database.h"
#include "store/group_commit.h"
#include "store/row_passes.h"

namespace keyhaven::store {
namespace {

constexpr const char* kPutIdentity = R"sql(
    INSERT INTO identities (iam_id, oidc_link, record, checksum) VALUES (?, nullif(?, ''), ?, ?)
    ON CONFLICT (iam_id) DO UPDATE SET oidc_link = excluded.oidc_link, record = excluded.record,
                                       checksum = excluded.checksum)sql";
constexpr const char* kPutApiKey = R"sql(
    INSERT INTO api_keys (id, iam_id, secret_hash, record, checksum) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET iam_id = excluded.iam_id, secret_hash = excluded.secret_hash,
                                   record = excluded.record, checksum = excluded.checksum)sql";
constexpr const char* kPutGrant = R"sql(
    INSERT INTO grants (id, iam_id, record, checksum) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET iam_id = excluded.iam_id, record = excluded.record,
                                   checksum = excluded.checksum)sql";

// What an ended token leaves has no checksum: with a row damaged or taken out, it counts again
// until it expires, and who can write to the store could take the row out anyway.
constexpr const char* kEndToken =
    "INSERT INTO ended_tokens (digest, expires) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING";

struct PreparedChange {
  const iam::IamChange& change;
  std::vector<SealedRow> identities;
  std::vector<SealedRow> api_keys;
  std::vector<SealedRow> grants;
};

PreparedChange prepare(const iam::IamChange& change) {
  PreparedChange out{change, {}, {}, {}};
  for (const auto& identity : change.put_identities)
    out.identities.push_back(make_sealed_row(identity_row(identity.iam_id), encode(identity)));
  for (const auto& key : change.put_api_keys)
    out.api_keys.push_back(make_sealed_row(api_key_row(key.id), encode(key)));
  for (const auto& grant : change.put_grants)
    out.grants.push_back(make_sealed_row(grant_row(grant.id), encode(grant)));
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

// The API keys and grants of an identity go with it. A row whose column was edited so that it goes
// too is not noted: the unit misses its record then.
Result<void> note_dependents(Connection& db, const std::string& iam_id, TouchedRows& touched) {
  Query keys = db.query("SELECT id, record FROM api_keys WHERE iam_id = ?");
  keys.text(iam_id);
  while (KH_TRY(keys.step())) {
    const auto key = decode_api_key(keys.blob_at(1));
    if (key && key->iam_id == iam_id) touched.remove(api_key_row(keys.text_at(0)));
  }
  Query grants = db.query("SELECT id, record FROM grants WHERE iam_id = ?");
  grants.text(iam_id);
  while (KH_TRY(grants.step())) {
    const auto grant = decode_grant(grants.blob_at(1));
    if (grant && grant->iam_id == iam_id) touched.remove(grant_row(grants.text_at(0)));
  }
  return {};
}

Result<void> remove_all(Connection& db, const iam::IamChange& change, TouchedRows& touched) {
  for (const std::string& id : change.remove_grants) {
    KH_TRY(remove_one(db, "DELETE FROM grants WHERE id = ?", id,
                      {Reason::NotFound, "there is no grant '" + id + "'", "id"}));
    touched.remove(grant_row(id));
  }
  for (const std::string& id : change.remove_api_keys) {
    KH_TRY(remove_one(db, "DELETE FROM api_keys WHERE id = ?", id,
                      {Reason::NotFound, "there is no API key '" + id + "'", "id"}));
    touched.remove(api_key_row(id));
  }
  for (const std::string& id : change.remove_identities) {
    KH_TRY(note_dependents(db, id, touched));
    KH_TRY(remove_one(db, "DELETE FROM identities WHERE iam_id = ?", id, no_identity(id)));
    touched.remove(identity_row(id));
  }
  return {};
}

// The column only holds one subject to one identity: what counts is the record. An issuer has no
// blank.
Result<void> put_identity(Connection& db, const iam::Identity& identity, const SealedRow& row) {
  const std::string link =
      identity.oidc ? identity.oidc->issuer + " " + identity.oidc->subject : std::string();
  const Execution done = KH_TRY(db.query(kPutIdentity)
                                    .text(identity.iam_id)
                                    .text(link)
                                    .blob(row.record)
                                    .blob(row.checksum)
                                    .execute());
  if (done == Execution::NotUnique) {
    return Error{Reason::AlreadyExists, "another identity is linked to this subject",
                 "oidc_subject"};
  }
  return {};
}

Result<void> put_api_key(Connection& db, const iam::ApiKey& key, const SealedRow& row) {
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

Result<void> put_ended_tokens(Connection& db, const iam::IamChange& change) {
  for (const Digest& digest : change.forget_tokens)
    KH_TRY(db.query("DELETE FROM ended_tokens WHERE digest = ?").blob(digest).execute());
  for (const iam::EndedToken& token : change.end_tokens)
    KH_TRY(db.query(kEndToken)
               .blob(token.digest)
               .number(static_cast<std::uint64_t>(token.expires.us))
               .execute());
  return {};
}

Result<std::vector<iam::EndedToken>> load_ended_tokens(Connection& db) {
  std::vector<iam::EndedToken> out;
  Query rows = db.query("SELECT digest, expires FROM ended_tokens LIMIT ?");
  rows.number(iam::kMaxEndedTokens);  // rows of others than the service do not grow its memory
  while (KH_TRY(rows.step())) {
    const ByteView digest = rows.blob_at(0);
    if (digest.size() != std::tuple_size_v<Digest>) continue;  // damaged: of no token
    iam::EndedToken& token = out.emplace_back();
    std::copy(digest.begin(), digest.end(), token.digest.begin());
    token.expires = {static_cast<std::int64_t>(rows.number_at(1))};
  }
  return out;
}

Result<void> apply(Connection& db, const PreparedChange& prepared, TouchedRows& touched) {
  const iam::IamChange& change = prepared.change;
  KH_TRY(remove_all(db, change, touched));
  for (const auto* rows : {&prepared.identities, &prepared.api_keys, &prepared.grants}) {
    for (const SealedRow& row : *rows) touched.put(row);
  }
  for (std::size_t i = 0; i < change.put_identities.size(); ++i) {
    KH_TRY(put_identity(db, change.put_identities[i], prepared.identities[i]));
  }
  for (std::size_t i = 0; i < change.put_api_keys.size(); ++i) {
    KH_TRY(put_api_key(db, change.put_api_keys[i], prepared.api_keys[i]));
  }
  for (std::size_t i = 0; i < change.put_grants.size(); ++i) {
    const iam::Grant& grant = change.put_grants[i];
    const SealedRow& row = prepared.grants[i];
    const Execution done = KH_TRY(db.query(kPutGrant)
                                      .text(grant.id)
                                      .text(grant.iam_id)
                                      .blob(row.record)
                                      .blob(row.checksum)
                                      .execute());
    if (done == Execution::NoParent) return no_identity(grant.iam_id);
  }
  return put_ended_tokens(db, change);
}

}  // namespace

Result<void> Database::commit_iam(const iam::IamChange& change, const audit::Event& event) {
  const PreparedChange prepared = prepare(change);
  std::string event_json;
  audit::append_json(event_json, event);
  const auto write = [&](Connection& db, TouchedRows& touched) {
    return apply(db, prepared, touched);
  };
  return writer_->submit(write, std::move(event_json));
}

Result<iam::IamStore::Everything> Database::load_iam() {
  Everything out;
  KH_TRY(load_sealed(SealedTable::Identities, [&](Connection& db, RowCheck& check) {
    return pass_identities(
        db, check, [&](iam::Identity identity) { out.identities.push_back(std::move(identity)); });
  }));
  KH_TRY(load_sealed(SealedTable::ApiKeys, [&](Connection& db, RowCheck& check) {
    return pass_api_keys(db, check,
                         [&](iam::ApiKey key) { out.api_keys.push_back(std::move(key)); });
  }));
  KH_TRY(load_sealed(SealedTable::Grants, [&](Connection& db, RowCheck& check) {
    return pass_grants(db, check,
                       [&](iam::Grant grant) { out.grants.push_back(std::move(grant)); });
  }));
  {
    const std::lock_guard lock(loader_mutex_);
    out.ended_tokens = KH_TRY(load_ended_tokens(*loader_));
  }
  // Of an identity that is not authentic nothing is in use.
  std::unordered_set<std::string> known;
  for (const iam::Identity& identity : out.identities) known.insert(identity.iam_id);
  std::erase_if(out.api_keys, [&](const iam::ApiKey& key) { return !known.contains(key.iam_id); });
  std::erase_if(out.grants, [&](const iam::Grant& grant) { return !known.contains(grant.iam_id); });
  return out;
}

}  // namespace keyhaven::store
