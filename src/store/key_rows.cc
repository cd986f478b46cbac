// keys::KeyStore: keys, their aliases and rings.
#include "store/database.h"
#include "store/group_commit.h"
#include "store/registration_rows.h"
#include "store/row_passes.h"

namespace keyhaven::store {
namespace {

using keys::KeyChange;
using keys::KeyRecord;
using keys::KeyRing;

constexpr const char* kInsertKey = R"sql(
    INSERT INTO keys (instance, id, revision, record, checksum) VALUES (?, ?, ?, ?, ?))sql";
constexpr const char* kUpdateKey = R"sql(
    UPDATE keys SET revision = ?, record = ?, checksum = ?
    WHERE instance = ? AND id = ? AND revision = ?)sql";
constexpr const char* kDeleteKey = "DELETE FROM keys WHERE instance = ? AND id = ?";
constexpr const char* kDeleteAliases = "DELETE FROM aliases WHERE instance = ? AND key = ?";
constexpr const char* kInsertAlias = "INSERT INTO aliases (instance, alias, key) VALUES (?, ?, ?)";
constexpr const char* kInsertRing = R"sql(
    INSERT INTO key_rings (instance, id, record, checksum) VALUES (?, ?, ?, ?))sql";
constexpr const char* kDeleteRing = "DELETE FROM key_rings WHERE instance = ? AND id = ?";

// A change with its rows made already, so that the writer thread only writes.
struct PreparedChange {
  const KeyChange& change;
  std::vector<SealedRow> keys;
  std::vector<SealedRow> rings;
  std::vector<SealedRow> registrations;
};

PreparedChange prepare(const KeyChange& change) {
  PreparedChange out{change, {}, {}, {}};
  for (const KeyRecord& key : change.put) {
    KeyRecord next = key;
    next.revision = key.revision + 1;
    out.keys.push_back(make_sealed_row(key_row(next.instance, next.id), keys::encode(next)));
  }
  for (const KeyRing& ring : change.put_rings)
    out.rings.push_back(make_sealed_row(ring_row(ring.instance, ring.id), encode(ring)));
  for (const keys::Registration& registration : change.put_registrations)
    out.registrations.push_back(make_registration_row(registration));
  return out;
}

Error key_conflict(const KeyId& id) {
  return {Reason::Conflict,
          "key " + id.text() + " was changed by another call in between; read it again",
          {}};
}

// The registrations of a key go with it.
Result<void> note_registrations(Connection& db, const InstanceId& instance, const KeyId& key,
                                TouchedRows& touched) {
  Query query = db.query("SELECT resource_crn FROM registrations WHERE instance = ? AND key = ?");
  query.blob(instance.view()).blob(key.view());
  while (KH_TRY(query.step())) touched.remove(registration_row(instance, key, query.text_at(0)));
  return {};
}

Result<void> remove_keys(Connection& db, const KeyChange& change, TouchedRows& touched) {
  for (const auto& [instance, id] : change.remove) {
    KH_TRY(note_registrations(db, instance, id, touched));
    touched.remove(key_row(instance, id));
    KH_TRY(db.query(kDeleteKey).blob(instance.view()).blob(id.view()).execute());
    if (db.changed_rows() == 0) return key_conflict(id);
  }
  return {};
}

Result<void> put_key(Connection& db, const KeyRecord& key, const SealedRow& row) {
  if (key.revision == 0) {
    const Execution done = KH_TRY(db.query(kInsertKey)
                                      .blob(key.instance.view())
                                      .blob(key.id.view())
                                      .number(1)
                                      .blob(row.record)
                                      .blob(row.checksum)
                                      .execute());
    if (done == Execution::NotUnique) return key_conflict(key.id);
    return {};
  }
  KH_TRY(db.query(kUpdateKey)
             .number(key.revision + 1)
             .blob(row.record)
             .blob(row.checksum)
             .blob(key.instance.view())
             .blob(key.id.view())
             .number(key.revision)
             .execute());
  if (db.changed_rows() == 0) return key_conflict(key.id);
  KH_TRY(db.query(kDeleteAliases).blob(key.instance.view()).blob(key.id.view()).execute());
  return {};
}

Result<void> put_aliases(Connection& db, const KeyRecord& key) {
  for (const std::string& alias : key.aliases) {
    const Execution done = KH_TRY(
        db.query(kInsertAlias).blob(key.instance.view()).text(alias).blob(key.id.view()).execute());
    if (done == Execution::NotUnique) {
      return Error{Reason::AliasNotUnique, "the alias '" + alias + "' names another key already",
                   "alias"};
    }
  }
  return {};
}

Result<void> change_rings(Connection& db, const PreparedChange& prepared, TouchedRows& touched) {
  for (const auto& [instance, id] : prepared.change.remove_rings) {
    touched.remove(ring_row(instance, id));
    KH_TRY(db.query(kDeleteRing).blob(instance.view()).text(id).execute());
    if (db.changed_rows() == 0) {
      return Error{
          Reason::Conflict, "key ring '" + id + "' was removed by another call in between", {}};
    }
  }
  for (std::size_t i = 0; i < prepared.rings.size(); ++i) {
    const KeyRing& ring = prepared.change.put_rings[i];
    const SealedRow& row = prepared.rings[i];
    touched.put(row);
    const Execution done = KH_TRY(db.query(kInsertRing)
                                      .blob(ring.instance.view())
                                      .text(ring.id)
                                      .blob(row.record)
                                      .blob(row.checksum)
                                      .execute());
    if (done == Execution::NotUnique) {
      return Error{Reason::KeyRingExists, "the key ring '" + ring.id + "' exists already", {}};
    }
  }
  return {};
}

// Aliases come after all keys: one change may move an alias from one key to another.
Result<void> apply(Connection& db, const PreparedChange& prepared, TouchedRows& touched) {
  KH_TRY(remove_keys(db, prepared.change, touched));
  for (std::size_t i = 0; i < prepared.keys.size(); ++i) {
    KH_TRY(put_key(db, prepared.change.put[i], prepared.keys[i]));
    touched.put(prepared.keys[i]);
  }
  for (const KeyRecord& key : prepared.change.put) KH_TRY(put_aliases(db, key));
  KH_TRY(change_rings(db, prepared, touched));
  KH_TRY(change_registrations(db, prepared.change, prepared.registrations, touched));
  return change_events(db, prepared.change);
}

}  // namespace

Result<std::vector<std::uint64_t>> Database::commit(const KeyChange& change,
                                                    const audit::Event& event) {
  const PreparedChange prepared = prepare(change);
  std::string event_json;
  audit::append_json(event_json, event);
  const auto write = [&](Connection& db, TouchedRows& touched) {
    return apply(db, prepared, touched);
  };
  KH_TRY(writer_->submit(write, std::move(event_json)));
  std::vector<std::uint64_t> revisions;
  for (const KeyRecord& key : change.put) revisions.push_back(key.revision + 1);
  return revisions;
}

Result<void> Database::load_keys(const std::function<void(KeyRecord)>& sink) {
  return load_sealed(SealedTable::Keys,
                     [&](Connection& db, RowCheck& check) { return pass_keys(db, check, sink); });
}

Result<void> Database::load_rings(const std::function<void(KeyRing)>& sink) {
  return load_sealed(SealedTable::KeyRings,
                     [&](Connection& db, RowCheck& check) { return pass_rings(db, check, sink); });
}

}  // namespace keyhaven::store
