#include "migrate/journal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iterator>

namespace keyhaven::migrate {
namespace {

constexpr const char* kSchema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS journal (format INTEGER NOT NULL, plan TEXT NOT NULL, source TEXT "
    "NOT NULL, target TEXT NOT NULL) STRICT;"
    "CREATE TABLE IF NOT EXISTS steps (key TEXT NOT NULL, step TEXT NOT NULL, intent TEXT NOT "
    "NULL, done INTEGER NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (key, step)) STRICT;"
    "CREATE TABLE IF NOT EXISTS notes (key TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, "
    "PRIMARY KEY (key, kind)) STRICT;"
    "CREATE TABLE IF NOT EXISTS runs (kind TEXT PRIMARY KEY, at INTEGER NOT NULL, result TEXT NOT "
    "NULL) STRICT;"
    "COMMIT;";

Error io(const std::string& what) {
  return Error{Reason::Io, what + ": " + std::strerror(errno), {}};
}

}  // namespace

// A line of `steps` to be written: an intent, or a result.
struct Journal::Row {
  std::string key;
  std::string step;
  std::string text;
  bool is_result = false;
};

struct Journal::Batch {
  std::vector<Row> rows;
  bool is_done = false;
  Result<void> result;
};

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
    if (text.data() == nullptr) text = "";  // SQLite would take it for NULL
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

Result<int> Journal::take_lock(const std::string& path) {
  const int lock =
      ::open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) return io("cannot make " + path + ".lock");
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error{
        Reason::AlreadyExists, "another keyhaven migrate is at work with the journal " + path, {}};
  }
  return lock;
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& path, const JournalOwner& owner) {
  const int lock = KH_TRY(take_lock(path));
  std::unique_ptr<Journal> journal(new Journal(nullptr, lock));
  // Made here and not by SQLite: 0600, and never through a link that somebody planted.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return io("cannot make the journal " + path);
  ::close(file);
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &journal->database_, kFlags, nullptr) != SQLITE_OK)
    return journal->failure("opened");
  KH_TRY(journal->prepare(owner));
  return journal;
}

Result<std::unique_ptr<Journal>> Journal::open_existing(const std::string& path,
                                                        const JournalOwner& owner) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return std::unique_ptr<Journal>();
  std::unique_ptr<Journal> journal(new Journal(nullptr, -1));
  // Not read-only: after a kill, SQLite must be able to roll back what was half written.
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(path.c_str(), &journal->database_, kFlags, nullptr) != SQLITE_OK)
    return journal->failure("opened");
  sqlite3_busy_timeout(journal->database_, 5000);
  const bool has_owner = KH_TRY(journal->check_owner(path, owner));
  if (!has_owner) return std::unique_ptr<Journal>();
  KH_TRY(journal->execute(kSchema, "prepared"));  // one that an older version began
  return journal;
}

Result<void> Journal::prepare(const JournalOwner& owner) {
  sqlite3_busy_timeout(database_, 5000);
  // Rollback journal with EXTRA: the directory entry is synced too, so a commit that returned
  // survives power loss.
  for (const char* sql : {"PRAGMA journal_mode=DELETE", "PRAGMA synchronous=EXTRA", kSchema}) {
    if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
      return failure("prepared");
  }
  const char* path = sqlite3_db_filename(database_, "main");
  const bool has_owner = KH_TRY(check_owner(path == nullptr ? "" : path, owner));
  if (has_owner) return {};
  Statement insert(database_, "INSERT INTO journal VALUES (1, ?, ?, ?)");
  if (insert.bind(owner.plan).bind(owner.source).bind(owner.target).step() != SQLITE_DONE)
    return failure("written");
  return {};
}

Result<bool> Journal::check_owner(const std::string& path, const JournalOwner& owner) {
  Statement select(database_, "SELECT format, plan, source, target FROM journal");
  const int row = select.step();
  if (row == SQLITE_DONE) return false;
  if (row != SQLITE_ROW) return failure("read");
  if (select.number(0) != 1) {
    return Error{Reason::NotSupported,
                 "the journal " + path + " was written by a newer version of keyhaven",
                 {}};
  }
  if (select.text(1) != owner.plan) {
    return Error{
        Reason::Conflict,
        "the journal " + path + " belongs to plan " + select.text(1) + ", not to " + owner.plan,
        {}};
  }
  if (select.text(2) != owner.source || select.text(3) != owner.target) {
    return Error{Reason::Conflict,
                 "the journal " + path + " is of a migration from instance " + select.text(2) +
                     " to " + select.text(3) + "; the plan now names others: make a new plan",
                 {}};
  }
  return true;
}

Result<std::optional<JournalStep>> Journal::find(std::string_view key, std::string_view step) {
  const std::lock_guard lock(mutex_);
  Statement select(database_, "SELECT intent, done, detail FROM steps WHERE key = ? AND step = ?");
  const int row = select.bind(key).bind(step).step();
  if (row == SQLITE_DONE) return std::optional<JournalStep>();
  if (row != SQLITE_ROW) return failure("read");
  return std::optional<JournalStep>(
      {std::string(key), std::string(step), select.text(0), select.number(1) != 0, select.text(2)});
}

// Joins the batch that is open; whoever finds nobody writing writes it, for all who joined.
Result<void> Journal::write(std::vector<Row> rows) {
  std::unique_lock lock(batch_mutex_);
  if (!open_) open_ = std::make_shared<Batch>();
  const std::shared_ptr<Batch> batch = open_;
  std::move(rows.begin(), rows.end(), std::back_inserter(batch->rows));
  written_.wait(lock, [&] { return batch->is_done || !is_writing_; });
  if (batch->is_done) return batch->result;
  is_writing_ = true;
  open_.reset();
  lock.unlock();
  Result<void> result = commit(batch->rows);
  lock.lock();
  batch->result = result;
  batch->is_done = true;
  is_writing_ = false;
  written_.notify_all();
  return result;
}

Result<void> Journal::execute(const char* sql, const char* what) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return failure(what);
  return {};
}

Result<void> Journal::commit(const std::vector<Row>& rows) {
  const std::lock_guard lock(mutex_);
  if (probe_) probe_(WritePoint::Before);
  KH_TRY(execute("BEGIN IMMEDIATE", "written"));
  Result<void> written = insert(rows);
  if (written) written = execute("COMMIT", "written");
  if (!written) {
    // The words of the failure are taken already; a rollback that fails leaves nothing either.
    sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
    return written;
  }
  if (probe_) probe_(WritePoint::After);
  return {};
}

Result<void> Journal::insert(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    const char* const sql =
        row.is_result
            ? "INSERT INTO steps VALUES (?, ?, '', 1, ?) ON CONFLICT (key, step) DO UPDATE SET "
              "done = 1, detail = excluded.detail"
            : "INSERT INTO steps VALUES (?, ?, ?, 0, '') ON CONFLICT (key, step) DO UPDATE SET "
              "intent = excluded.intent, done = 0, detail = ''";
    Statement statement(database_, sql);
    if (statement.bind(row.key).bind(row.step).bind(row.text).step() != SQLITE_DONE)
      return failure("written");
  }
  return {};
}

Result<void> Journal::intend(std::string_view key, std::string_view step, std::string_view intent) {
  return write({{std::string(key), std::string(step), std::string(intent), false}});
}

Result<void> Journal::finish(std::string_view key, std::string_view step, std::string_view detail) {
  return write({{std::string(key), std::string(step), std::string(detail), true}});
}

Result<void> Journal::finish_all(std::string_view key, const std::vector<Finished>& steps,
                                 std::string_view next) {
  std::vector<Row> rows;
  for (const auto& [step, detail] : steps) rows.push_back({std::string(key), step, detail, true});
  if (!next.empty()) rows.push_back({std::string(key), std::string(next), {}, false});
  return write(std::move(rows));
}

Result<void> Journal::note(const std::vector<JournalNote>& notes) {
  const std::lock_guard lock(mutex_);
  KH_TRY(execute("BEGIN IMMEDIATE", "written"));
  bool is_written = true;
  for (const JournalNote& one : notes) {
    Statement statement(database_,
                        one.text.empty()
                            ? "DELETE FROM notes WHERE key = ? AND kind = ?"
                            : "INSERT INTO notes VALUES (?, ?, ?) ON CONFLICT (key, kind) DO "
                              "UPDATE SET text = excluded.text");
    statement.bind(one.key).bind(one.kind);
    if (!one.text.empty()) statement.bind(one.text);
    is_written = is_written && statement.step() == SQLITE_DONE;
  }
  if (is_written) return execute("COMMIT", "written");
  Error error = failure("written");
  sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr);
  return error;
}

Result<std::vector<JournalNote>> Journal::notes() {
  const std::lock_guard lock(mutex_);
  std::vector<JournalNote> out;
  Statement select(database_, "SELECT key, kind, text FROM notes ORDER BY rowid");
  int row = select.step();
  for (; row == SQLITE_ROW; row = select.step())
    out.push_back({select.text(0), select.text(1), select.text(2)});
  if (row != SQLITE_DONE) return failure("read");
  return out;
}

Result<std::vector<JournalStep>> Journal::steps() {
  const std::lock_guard lock(mutex_);
  std::vector<JournalStep> out;
  Statement select(database_, "SELECT key, step, intent, done, detail FROM steps ORDER BY rowid");
  int row = select.step();
  for (; row == SQLITE_ROW; row = select.step()) {
    out.push_back(
        {select.text(0), select.text(1), select.text(2), select.number(3) != 0, select.text(4)});
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
  auto run = KH_TRY(last_run_with_time(kind));
  return run ? std::optional(std::move(run->json)) : std::optional<std::string>();
}

Result<std::optional<JournalRun>> Journal::last_run_with_time(std::string_view kind) {
  const std::lock_guard lock(mutex_);
  Statement select(database_, "SELECT result, at FROM runs WHERE kind = ?");
  const int row = select.bind(kind).step();
  if (row == SQLITE_DONE) return std::optional<JournalRun>();
  if (row != SQLITE_ROW) return failure("read");
  return std::optional<JournalRun>(JournalRun{select.text(0), {select.number(1)}});
}

}  // namespace keyhaven::migrate
