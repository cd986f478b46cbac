#include "store/database.h"

#include <algorithm>

#include "store/group_commit.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/sqlite.h"

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
  if (found == "ok") return {};
  return Error{Reason::StoreUnavailable,
               "the store's file is damaged; restore a backup (" + found + ")",
               {}};
}

constexpr const char* kUpsertSetting = R"sql(
    INSERT INTO settings (name, value, checksum) VALUES (?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, checksum = excluded.checksum)sql";

Checksum setting_checksum(std::string_view name, std::string_view value) {
  return checksum_of("settings", as_bytes(std::string(name) + '\0' + std::string(value)));
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(DatabaseOptions options, audit::Log& log) {
  KH_TRY(make_directory(options.directory, 0700));
  std::unique_ptr<Database> database(new Database());
  if (options.lock_directory) {
    database->lock_.emplace(KH_TRY(DirectoryLock::acquire(options.directory)));
  }
  const std::string path = options.directory + kFileName;
  KH_TRY(make_private_file(path));
  auto db = KH_TRY(Connection::open(path, Access::ReadWrite));
  KH_TRY(set_up(*db, options.max_bytes));
  KH_TRY(check_file(*db));
  KH_TRY(migrate(*db, migrations()));
  database->writer_ = KH_TRY(GroupCommit::start(std::move(db), log));
  database->loader_ = KH_TRY(Connection::open(path, Access::ReadOnly));
  return database;
}

Database::~Database() {
  loader_.reset();  // the last connection to close moves the write-ahead log into the file
  writer_.reset();
}

Result<void> Database::health() const { return writer_->health(); }

Result<std::optional<std::string>> Database::setting(const std::string& name) {
  const std::lock_guard lock(loader_mutex_);
  Query query = loader_->query("SELECT value, checksum FROM settings WHERE name = ?");
  query.text(name);
  const bool found = KH_TRY(query.step());
  if (!found) return std::optional<std::string>();
  std::string value(query.text_at(0));
  if (!std::ranges::equal(query.blob_at(1), setting_checksum(name, value))) {
    return damaged_row("setting", name, "checksum differs");
  }
  return std::optional(std::move(value));
}

Result<void> Database::put_setting(const std::string& name, const std::string& value) {
  const Checksum checksum = setting_checksum(name, value);
  return writer_->submit(
      [&](Connection& db) -> Result<void> {
        KH_TRY(db.query(kUpsertSetting).text(name).text(value).blob(checksum).execute());
        return {};
      },
      {});
}

}  // namespace keyhaven::store
