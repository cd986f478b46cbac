#include "store/schema.h"

#include <charconv>

namespace keyhaven::store {
namespace {

// The instance comes first in every key, so that an engine can shard by it. `record` is the
// canonical encoding of the row (rows.h) and `checksum` covers it; `seal` is the crypto unit's
// (sealed_rows.h), NULL until there is one; the other columns only index the record.
// Tables with large rows have a rowid (WITHOUT ROWID is slow there). A key does not reference its
// instance or ring: the domain decides what may outlive what.
constexpr Migration kMigrations[] = {
    {1, R"sql(
CREATE TABLE keys (
  instance BLOB NOT NULL,
  id       BLOB NOT NULL,
  revision INTEGER NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (instance, id)
) STRICT;
CREATE TABLE aliases (
  instance BLOB NOT NULL,
  alias    TEXT NOT NULL,
  key      BLOB NOT NULL,
  PRIMARY KEY (instance, alias),
  FOREIGN KEY (instance, key) REFERENCES keys (instance, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX aliases_of_key ON aliases (instance, key);
CREATE TABLE key_rings (
  instance BLOB NOT NULL,
  id       TEXT NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (instance, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE instances (
  id       BLOB NOT NULL PRIMARY KEY,
  revision INTEGER NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
CREATE TABLE identities (
  iam_id   TEXT NOT NULL PRIMARY KEY,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE api_keys (
  id          TEXT NOT NULL PRIMARY KEY,
  iam_id      TEXT NOT NULL REFERENCES identities (iam_id) ON DELETE CASCADE,
  secret_hash BLOB NOT NULL UNIQUE,
  record      BLOB NOT NULL,
  checksum    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_keys_of_identity ON api_keys (iam_id);
CREATE TABLE grants (
  id       TEXT NOT NULL PRIMARY KEY,
  iam_id   TEXT NOT NULL REFERENCES identities (iam_id) ON DELETE CASCADE,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_of_identity ON grants (iam_id);
CREATE TABLE settings (
  name     TEXT NOT NULL PRIMARY KEY,
  value    TEXT NOT NULL,
  checksum BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE outbox (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  event    TEXT NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
)sql"},
    {2, R"sql(
CREATE TABLE registrations (
  instance     BLOB NOT NULL,
  key          BLOB NOT NULL,
  resource_crn TEXT NOT NULL,
  record       BLOB NOT NULL,
  checksum     BLOB NOT NULL,
  PRIMARY KEY (instance, key, resource_crn),
  FOREIGN KEY (instance, key) REFERENCES keys (instance, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE lifecycle_events (
  instance BLOB NOT NULL,
  id       BLOB NOT NULL,
  key      BLOB NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (instance, id),
  FOREIGN KEY (instance, key) REFERENCES keys (instance, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX lifecycle_events_of_key ON lifecycle_events (instance, key);
CREATE TABLE import_tokens (
  instance BLOB NOT NULL PRIMARY KEY,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL
) STRICT;
)sql"},
    {3, R"sql(
CREATE TABLE tke_proposals (
  instance BLOB NOT NULL,
  id       BLOB NOT NULL,
  created  INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (instance, id)
) STRICT;
CREATE INDEX tke_proposals_in_order ON tke_proposals (instance, created);
CREATE TABLE tke_transcript (
  instance BLOB NOT NULL,
  sequence INTEGER NOT NULL,
  record   BLOB NOT NULL,
  checksum BLOB NOT NULL,
  PRIMARY KEY (instance, sequence)
) STRICT;
)sql"},
    {4, R"sql(
ALTER TABLE keys ADD COLUMN seal BLOB;
ALTER TABLE key_rings ADD COLUMN seal BLOB;
ALTER TABLE registrations ADD COLUMN seal BLOB;
ALTER TABLE import_tokens ADD COLUMN seal BLOB;
ALTER TABLE instances ADD COLUMN seal BLOB;
ALTER TABLE identities ADD COLUMN seal BLOB;
ALTER TABLE api_keys ADD COLUMN seal BLOB;
ALTER TABLE grants ADD COLUMN seal BLOB;
ALTER TABLE settings ADD COLUMN seal BLOB;
)sql"},
    {5, R"sql(
ALTER TABLE identities ADD COLUMN oidc_link TEXT;
CREATE UNIQUE INDEX identities_by_oidc_link ON identities (oidc_link);
)sql"},
    {6, R"sql(
CREATE TABLE ended_tokens (
  digest  BLOB PRIMARY KEY,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)sql"},
};

Result<std::uint64_t> current_version(Connection& db) {
  const std::string tables = KH_TRY(db.value("SELECT count(*) FROM sqlite_schema"));
  if (tables == "0") return std::uint64_t{0};
  const std::string ours =
      KH_TRY(db.value("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"));
  std::uint64_t version = 0;
  if (ours == "1") {
    const std::string text = KH_TRY(db.value("SELECT version FROM schema_version"));
    std::from_chars(text.data(), text.data() + text.size(), version);
  }
  if (version == 0) {
    return Error{Reason::StoreUnavailable,
                 "the store's file belongs to another program: it has no schema version",
                 {}};
  }
  return version;
}

}  // namespace

std::span<const Migration> migrations() { return kMigrations; }

Result<void> migrate(Connection& db, std::span<const Migration> steps) {
  const std::uint64_t version = KH_TRY(current_version(db));
  const std::uint64_t newest = steps.back().version;
  if (version > newest) {
    return Error{Reason::StoreUnavailable,
                 "the store was written by a newer Keyhaven (schema " + std::to_string(version) +
                     "; this program knows up to " + std::to_string(newest) +
                     "): install that version, or restore a backup from before the upgrade",
                 {}};
  }
  for (const Migration& step : steps.subspan(version)) {
    const std::string number = std::to_string(step.version);
    const std::string note = step.version == 1
                                 ? "CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;"
                                   "INSERT INTO schema_version VALUES (1);"
                                 : "UPDATE schema_version SET version = " + number + ";";
    const Result<void> done = db.run("BEGIN IMMEDIATE;" + std::string(step.sql) + note + "COMMIT;");
    if (!done) {
      if (db.in_transaction()) KH_TRY(db.run("ROLLBACK"));
      return done;
    }
  }
  return {};
}

}  // namespace keyhaven::store
