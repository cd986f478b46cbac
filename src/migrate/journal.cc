#include "migrate/journal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace keyhaven::migrate {
namespace {

constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS journal (format INTEGER NOT NULL, plan TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS steps (key TEXT NOT NULL, step TEXT NOT NULL, done INTEGER NOT "
    "NULL, detail TEXT NOT NULL,"
    " PRIMARY KEY (key, step)) STRICT;"
    "CREATE TABLE IF NOT EXISTS runs (kind TEXT PRIMARY KEY, at INTEGER NOT NULL, result TEXT NOT "
    "NULL) STRICT;";

Error io(const std::string& what) {
  return Error{Reason::Io, what + ": " + std::strerror(errno), {}};
}

}  // namespace

// One prepared statement, finalised at the end of the scope.
class Journal::Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    ok_ = sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) == SQLITE_OK;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }
  Statement& bind(std::string_view text) {
    ok_ = ok_ && sqlite3_bind_text64(statement_, ++bound_, text.data(), text.size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
    return *this;
  }
  Statement& bind(std::int64_t number) {
    ok_ = ok_ && sqlite3_bind_int64(statement_, ++bound_, number) == SQLITE_OK;
    return *this;
  }
  // SQLITE_ROW, SQLITE_DONE or an error.
  int step() { return ok_ ? sqlite3_step(statement_) : SQLITE_ERROR; }
  std::string text(int column) const {
    const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return value == nullptr
               ? std::string()
               : std::string(value,
                             static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::int64_t number(int column) const { return sqlite3_column_int64(statement_, column); }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int bound_ = 0;
  bool ok_ = false;
};

Journal::~Journal() {
  sqlite3_close(database_);
  if (lock_ >= 0) ::close(lock_);
}

Error Journal::failure(const char* what) const {
  return Error{Reason::StoreUnavailable,
               std::string("the journal cannot be ") + what + ": " + sqlite3_errmsg(database_),
               {}};
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path,
                                               const std::string& plan_id) {
  return prepare(path, plan_id, true);
}

Result<std::unique_ptr<Journal>> Journal::open_existing(const std::string& path,
                                                        const std::string& plan_id) {
  if (::access(path.c_str(), F_OK) != 0) return std::unique_ptr<Journal>();
  return prepare(path, plan_id, false);
}

Result<std::unique_ptr<Journal>> Journal::prepare(const std::string& path,
                                                  const std::string& plan_id, bool create) {
  int lock = -1;
  if (create) {  // a writer: alone, and the file is nobody else's to read
    lock = ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return io("cannot make " + path + ".lock");
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
      ::close(lock);
      return Error{Reason::AlreadyExists,
                   "another keyhaven migrate is at work with the journal " + path,
                   {}};
    }
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) {
      ::close(lock);
      return io("cannot make the journal " + path);
    }
    ::close(file);
  }
  sqlite3* database = nullptr;
  const int flags = (create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) |
                    SQLITE_OPEN_NOMUTEX;
  const int opened = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  std::unique_ptr<Journal> journal(new Journal(database, lock));
  if (opened != SQLITE_OK) return journal->failure("opened");
  sqlite3_busy_timeout(database, 5000);
  if (create) {
    // Rollback journal with EXTRA: the directory entry is synced too, so a commit that returned
    // survives power loss.
    for (const char* sql : {"PRAGMA journal_mode=DELETE", "PRAGMA synchronous=EXTRA", kSchema}) {
      if (sqlite3_exec(database, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        return journal->failure("prepared");
    }
  }
  std::string owner;
  {
    Statement select(database, "SELECT plan FROM journal");
    const int row = select.step();
    if (row == SQLITE_ROW) owner = select.text(0);
    if (row != SQLITE_ROW && row != SQLITE_DONE) return journal->failure("read");
  }
  if (owner.empty() && create) {
    Statement insert(database, "INSERT INTO journal VALUES (1, ?)");
    if (insert.bind(plan_id).step() != SQLITE_DONE) return journal->failure("written");
    owner = plan_id;
  }
  if (owner != plan_id) {
    return Error{Reason::Conflict,
                 "the journal " + path + " belongs to plan " + owner + ", not to " + plan_id,
                 {}};
  }
  return journal;
}

Result<std::optional<JournalStep>> Journal::find(std::string_view key, std::string_view step) {
  const std::lock_guard lock(mutex_);
  Statement select(database_, "SELECT done, detail FROM steps WHERE key = ? AND step = ?");
  const int row = select.bind(key).bind(step).step();
  if (row == SQLITE_DONE) return std::optional<JournalStep>();
  if (row != SQLITE_ROW) return failure("read");
  return std::optional<JournalStep>(
      {std::string(key), std::string(step), select.number(0) != 0, select.text(1)});
}

Result<void> Journal::put(std::string_view key, std::string_view step, bool done,
                          std::string_view detail) {
  const std::lock_guard lock(mutex_);
  Statement insert(database_,
                   "INSERT INTO steps VALUES (?, ?, ?, ?) ON CONFLICT (key, step) DO UPDATE SET "
                   "done = excluded.done, "
                   "detail = excluded.detail");
  insert.bind(key).bind(step).bind(std::int64_t{done}).bind(detail);
  if (insert.step() != SQLITE_DONE) return failure("written");
  return {};
}

Result<void> Journal::intend(std::string_view key, std::string_view step) {
  return put(key, step, false, "");
}

Result<void> Journal::finish(std::string_view key, std::string_view step, std::string_view detail) {
  return put(key, step, true, detail);
}

Result<std::vector<JournalStep>> Journal::steps() {
  const std::lock_guard lock(mutex_);
  std::vector<JournalStep> out;
  Statement select(database_, "SELECT key, step, done, detail FROM steps ORDER BY key, step");
  int row = select.step();
  for (; row == SQLITE_ROW; row = select.step()) {
    out.push_back({select.text(0), select.text(1), select.number(2) != 0, select.text(3)});
  }
  if (row != SQLITE_DONE) return failure("read");
  return out;
}

Result<void> Journal::record_run(std::string_view kind, std::string_view json, Timestamp at) {
  const std::lock_guard lock(mutex_);
  Statement insert(database_,
                   "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT (kind) DO UPDATE SET at = "
                   "excluded.at, result = "
                   "excluded.result");
  if (insert.bind(kind).bind(at.us).bind(json).step() != SQLITE_DONE) return failure("written");
  return {};
}

Result<std::optional<std::string>> Journal::last_run(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  Statement select(database_, "SELECT result FROM runs WHERE kind = ?");
  const int row = select.bind(kind).step();
  if (row == SQLITE_DONE) return std::optional<std::string>();
  if (row != SQLITE_ROW) return failure("read");
  return std::optional<std::string>(select.text(0));
}

}  // namespace keyhaven::migrate
