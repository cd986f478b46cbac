#include "migrate/table_record.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keyhaven::migrate {
namespace {

// WAL: one fsync a commit, and a killed process loses nothing that was committed.
constexpr const char* kPrepare =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
    "CREATE TABLE IF NOT EXISTS record (format INTEGER NOT NULL, plan TEXT NOT NULL, name TEXT NOT "
    "NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, old_key TEXT NOT NULL, old_wdek TEXT "
    "NOT "
    "NULL, aad TEXT NOT NULL, new_key TEXT NOT NULL, new_wdek TEXT NOT NULL) STRICT, WITHOUT "
    "ROWID;";

}  // namespace

class TableRecord::Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    sqlite3_prepare_v3(database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement_, nullptr);
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }
  // Binds and takes the first step.
  int run(std::initializer_list<const std::string*> values) {
    if (statement_ == nullptr) return SQLITE_ERROR;
    int index = 0;
    for (const std::string* value : values)
      sqlite3_bind_text64(statement_, ++index, value->data(), value->size(), SQLITE_STATIC,
                          SQLITE_UTF8);
    return sqlite3_step(statement_);
  }
  std::string text(int column) const {
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return value == nullptr ? std::string() : std::string(value, size);
  }
  void reset() { sqlite3_reset(statement_); }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

Error TableRecord::failure(const char* what) const {
  return Error{
      Reason::StoreUnavailable,
      std::string("the record of the table cannot be ") + what + ": " + sqlite3_errmsg(database_),
      {}};
}

TableRecord::TableRecord(sqlite3* database) : database_(database) {}

TableRecord::~TableRecord() {
  find_.reset();
  put_.reset();
  sqlite3_close(database_);
}

Result<std::unique_ptr<TableRecord>> TableRecord::open(const std::string& path,
                                                       const std::string& plan,
                                                       const std::string& table) {
  // Made here and not by SQLite: 0600, and never through a link that somebody planted.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0)
    return Error{Reason::Io, "cannot make the record " + path + ": " + std::strerror(errno), {}};
  ::close(file);
  sqlite3* database = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  const int opened = sqlite3_open_v2(path.c_str(), &database, kFlags, nullptr);
  std::unique_ptr<TableRecord> record(new TableRecord(database));
  if (opened != SQLITE_OK) return record->failure("opened");
  KH_TRY(record->prepare(path, plan, table));
  return record;
}

Result<void> TableRecord::prepare(const std::string& path, const std::string& plan,
                                  const std::string& table) {
  sqlite3_busy_timeout(database_, 5000);
  if (sqlite3_exec(database_, kPrepare, nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure("prepared");
  Statement owner(database_, "SELECT plan, name FROM record");
  const int row = owner.run({});
  if (row == SQLITE_ROW && (owner.text(0) != plan || owner.text(1) != table)) {
    return Error{Reason::Conflict,
                 "the record " + path + " belongs to table " + owner.text(1) + " of plan " +
                     owner.text(0) + "; name another by --record",
                 {}};
  }
  if (row == SQLITE_DONE) {
    Statement insert(database_, "INSERT INTO record VALUES (1, ?, ?)");
    if (insert.run({&plan, &table}) != SQLITE_DONE) return failure("written");
  } else if (row != SQLITE_ROW) {
    return failure("read");
  }
  find_ = std::make_unique<Statement>(
      database_, "SELECT old_key, old_wdek, aad, new_key, new_wdek FROM rows WHERE id = ?");
  put_ = std::make_unique<Statement>(database_, "INSERT OR REPLACE INTO rows VALUES (?,?,?,?,?,?)");
  return {};
}

Result<std::optional<RecordedRow>> TableRecord::find(const std::string& id) {
  const int row = find_->run({&id});
  std::optional<RecordedRow> out;
  if (row == SQLITE_ROW) {
    out = RecordedRow{
        id, find_->text(0), find_->text(1), find_->text(2), find_->text(3), find_->text(4)};
  }
  find_->reset();
  if (row != SQLITE_ROW && row != SQLITE_DONE) return failure("read");
  return out;
}

Result<void> TableRecord::put(const std::vector<RecordedRow>& rows) {
  if (rows.empty()) return {};
  const auto run = [this](const char* sql) {
    return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  if (!run("BEGIN IMMEDIATE")) return failure("written");
  for (const RecordedRow& row : rows) {
    const int done =
        put_->run({&row.id, &row.old_key, &row.old_wdek, &row.aad, &row.new_key, &row.new_wdek});
    put_->reset();
    if (done != SQLITE_DONE) {
      Error error = failure("written");
      run("ROLLBACK");
      return error;
    }
  }
  if (run("COMMIT")) return {};
  Error error = failure("written");
  run("ROLLBACK");
  return error;
}

}  // namespace keyhaven::migrate
