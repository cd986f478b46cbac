#include "store/sqlite.h"

namespace keyhaven::store {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// Turns the error that `db` has just met into ours.
Error storage_error(sqlite3* db) {
  const int code = sqlite3_extended_errcode(db);
  const auto unavailable = [](const char* what) {
    return Error{Reason::StoreUnavailable, what, {}};
  };
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
    fatal(__FILE__, __LINE__, "fsync of the database failed");
  }
  switch (code & 0xff) {
    case SQLITE_FULL:
      return unavailable("the disk of the store is full; free some space, then repeat the call");
    case SQLITE_IOERR:
      return unavailable("the disk of the store fails to read or write; see the system log");
    case SQLITE_READONLY:
      return unavailable("the store is read-only; check its mount and its permissions");
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return unavailable("a file of the store cannot be opened; check its permissions");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return unavailable("the store's file is damaged or no database; restore a backup");
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:
    case SQLITE_LOCKED:
      return unavailable("the store is locked by another program");
    case SQLITE_NOMEM:
      fatal(__FILE__, __LINE__, "out of memory in SQLite");
    default:
      fatal(__FILE__, __LINE__, sqlite3_errmsg(db));
  }
}

}  // namespace

Query::~Query() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::blob(ByteView value) {
  // A null pointer would bind NULL.
  const void* data = value.empty() ? static_cast<const void*>("") : value.data();
  KH_ASSERT(sqlite3_bind_blob64(statement_, ++bound_, data, value.size(), SQLITE_STATIC) ==
            SQLITE_OK);
  return *this;
}

Query& Query::text(std::string_view value) {
  const char* data = value.empty() ? "" : value.data();
  KH_ASSERT(sqlite3_bind_text64(statement_, ++bound_, data, value.size(), SQLITE_STATIC,
                                SQLITE_UTF8) == SQLITE_OK);
  return *this;
}

Query& Query::number(std::uint64_t value) {
  KH_ASSERT(value <= INT64_MAX);
  KH_ASSERT(sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value)) ==
            SQLITE_OK);
  return *this;
}

Result<Execution> Query::execute() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_DONE || code == SQLITE_ROW) return Execution::Done;
  switch (sqlite3_extended_errcode(db_)) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
    case SQLITE_CONSTRAINT_UNIQUE:
      return Execution::NotUnique;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
      return Execution::NoParent;
    default:
      return storage_error(db_);
  }
}

Result<bool> Query::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return storage_error(db_);
}

ByteView Query::blob_at(int column) const {
  const auto* data = static_cast<const std::uint8_t*>(sqlite3_column_blob(statement_, column));
  const int size = sqlite3_column_bytes(statement_, column);
  return data == nullptr ? ByteView{} : ByteView{data, static_cast<std::size_t>(size)};
}

std::string_view Query::text_at(int column) const { return as_text(blob_at(column)); }

std::uint64_t Query::number_at(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  sqlite3* db = nullptr;
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW |
                    (access == Access::ReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  const int code = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(db));
  if (code != SQLITE_OK) return storage_error(db);
  sqlite3_busy_timeout(db, kBusyTimeoutMs);
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const auto on_commit = [](void* pages, sqlite3*, const char*, int count) {
    *static_cast<int*>(pages) = count;
    return SQLITE_OK;
  };
  sqlite3_wal_hook(db, on_commit, &connection->wal_pages_);  // replaces automatic checkpoints
  return connection;
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql, unsigned flags) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()), flags, &statement,
                         nullptr) != SQLITE_OK) {
    return storage_error(db_.get());
  }
  return statement;
}

Query Connection::query(const char* sql) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    auto prepared = prepare(sql, SQLITE_PREPARE_PERSISTENT);
    // The schema was read when the connection opened, so only a wrong statement fails here.
    if (!prepared) fatal(__FILE__, __LINE__, sqlite3_errmsg(db_.get()));
    found = statements_.emplace(sql, StatementPtr(*prepared, &sqlite3_finalize)).first;
  }
  return Query(db_.get(), found->second.get());
}

Result<void> Connection::run(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return storage_error(db_.get());
}

Result<std::string> Connection::value(const std::string& sql) {
  const StatementPtr statement(KH_TRY(prepare(sql, 0)), &sqlite3_finalize);
  Query query(db_.get(), statement.get());
  const bool found = KH_TRY(query.step());
  return found ? std::string(query.text_at(0)) : std::string();
}

Result<void> Connection::checkpoint_wal() {
  int log_pages = 0;
  int moved_pages = 0;
  const int code = sqlite3_wal_checkpoint_v2(db_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             &log_pages, &moved_pages);
  if (code != SQLITE_OK) return storage_error(db_.get());
  wal_pages_ = log_pages - moved_pages;
  return {};
}

}  // namespace keyhaven::store
