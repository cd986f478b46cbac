#include "store/database.h"

#include <algorithm>

#include "store/group_commit.h"
#include "store/row_check.h"
#include "store/row_walk.h"
#include "store/schema.h"

namespace keyhaven::store {
namespace {

constexpr const char* kFileName = "/keyhaven.db";

// SQLite gives its other files the mode of the database file, so it is made here, before SQLite
// sees it.
Result<void> make_private_file(const std::string& path) {
  const Result<void> made = create_file(path, {}, 0600);
  if (!made && made.error().reason != Reason::AlreadyExists) return made;
  return {};
}

Result<void> set_up(Connection& db, std::uint64_t max_bytes) {
  // WAL with FULL: one fsync a commit, nothing acknowledged is lost by a power failure.
  const std::string mode = KH_TRY(db.value("PRAGMA journal_mode = WAL"));
  if (mode != "wal") {
    return Error{
        Reason::StoreUnavailable, "the store's file system does not support a write-ahead log", {}};
  }
  KH_TRY(
      db.run("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"
             "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = "
             "67108864"));
  if (max_bytes == 0) return {};
  const std::string page_size = KH_TRY(db.value("PRAGMA page_size"));
  const std::uint64_t pages = std::max<std::uint64_t>(1, max_bytes / std::stoull(page_size));
  return db.run("PRAGMA max_page_count = " + std::to_string(pages));
}

Result<void> check_file(Connection& db) {
  const std::string found = KH_TRY(db.value("PRAGMA quick_check(1)"));
  if (found != "ok") {
    return Error{Reason::StoreUnavailable,
                 "the store's file is damaged; restore a backup (" + found + ")",
                 {}};
  }
  // A trigger of somebody else's would run with our writes.
  const std::string foreign =
      KH_TRY(db.value("SELECT count(*) FROM sqlite_schema WHERE type NOT IN ('table', 'index')"));
  if (foreign == "0") return {};
  return Error{Reason::StoreUnavailable,
               "the store's file has triggers or views that are not Keyhaven's; restore a backup",
               {}};
}

constexpr const char* kUpsertSetting = R"sql(
    INSERT INTO settings (name, value, checksum) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, checksum = excluded.checksum)sql";

}  // namespace

Database::Database(unit::RecordGuard& guard, const Clock& clock) : guard_(guard), clock_(clock) {}

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options, audit::Log& log,
                                                 unit::RecordGuard& guard, const Clock& clock) {
  KH_TRY(make_directory(options.directory, 0700));
  std::unique_ptr<Database> database(new Database(guard, clock));
  if (options.lock_directory) {
    database->lock_.emplace(KH_TRY(DirectoryLock::acquire(options.directory)));
  }
  database->path_ = options.directory + kFileName;
  KH_TRY(make_private_file(database->path_));
  auto db = KH_TRY(Connection::open(database->path_, Access::ReadWrite));
  KH_TRY(set_up(*db, options.max_bytes));
  KH_TRY(check_file(*db));
  KH_TRY(migrate(*db, migrations()));
  auto sealer = std::make_unique<GroupSealer>(guard, clock);
  const unit::RecordGuardStatus status = KH_TRY(guard.record_status());
  sealer->begin_behind(std::max(status.last_group, status.unsettled_group.value_or(0)));
  if (!status.guarding) database->sealed_at_open_ = KH_TRY(put_under_guard(*db, *sealer, status));
  database->writer_ = KH_TRY(GroupCommit::start(std::move(db), log, std::move(sealer)));
  database->loader_ = KH_TRY(Connection::open(database->path_, Access::ReadOnly));
  const bool is_check_due = status.unsettled_group || status.accepts_next;
  KH_TRY(database->begin_start(status.guarding && is_check_due));
  return database;
}

Database::~Database() {
  loader_.reset();  // the last connection to close moves the write-ahead log into the file
  writer_.reset();
}

Result<void> Database::health() const { return writer_->health(); }

Result<void> Database::put_setting(const std::string& name, const std::string& value) {
  const RowKey key = setting_row(name);
  const Digest digest = record_digest(key, as_bytes(value));
  const Checksum checksum = setting_checksum(name, value);
  const auto apply = [&](Connection& db, TouchedRows& touched) -> Result<void> {
    KH_TRY(db.query(kUpsertSetting).text(name).text(value).blob(checksum).execute());
    touched.put(key, digest);
    return {};
  };
  KH_TRY(writer_->submit(apply, {}));
  const std::lock_guard lock(settings_mutex_);
  settings_[name] = value;
  return {};
}

}  // namespace keyhaven::store
