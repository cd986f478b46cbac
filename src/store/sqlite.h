// The only wrapper of SQLite's C interface: connections, cached statements, and what its error
// codes mean to us.
//
// A failed fsync is fatal (the kernel may have dropped the pages). A wrong statement is a
// programming error, hence fatal too. Everything else that goes wrong below SQL is
// StoreUnavailable, in words without SQL and paths.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"

namespace keyhaven::store {

// What became of one statement that changes rows.
enum class Execution {
  Done,
  NotUnique,  // a primary key or unique index has the value already
  NoParent,   // a foreign key names a row that is not there
};

// A prepared statement in use: bind in order of the question marks, then execute() or step(). Reset
// when it goes.
class Query {
 public:
  Query(sqlite3* db, sqlite3_stmt* statement) : db_(db), statement_(statement) {}
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;
  ~Query();

  // Bound values must live until the query is gone.
  Query& blob(ByteView value);
  Query& text(std::string_view value);
  Query& number(std::uint64_t value);

  Result<Execution> execute();
  Result<bool> step();  // true: a row is there

  ByteView blob_at(int column) const;
  std::string_view text_at(int column) const;
  std::uint64_t number_at(int column) const;

 private:
  sqlite3* db_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
};

enum class Access { ReadWrite, ReadOnly };

// One connection, used by one thread at a time.
class Connection {
 public:
  // Errors: StoreUnavailable.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Access access);

  // A statement from the cache; `sql` is a literal. One Query per statement at a time.
  Query query(const char* sql);
  // Statements without values and rows, not cached.
  Result<void> run(const std::string& sql);
  // The value of the first column of the first row, as text; empty if there is none.
  Result<std::string> value(const std::string& sql);

  std::uint64_t changed_rows() const {
    return static_cast<std::uint64_t>(sqlite3_changes64(db_.get()));
  }
  std::uint64_t last_row_id() const {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(db_.get()));
  }
  bool in_transaction() const { return sqlite3_get_autocommit(db_.get()) == 0; }
  int wal_pages() const noexcept { return wal_pages_; }
  // Moves what the write-ahead log holds into the database file, as far as no reader is in the way.
  Result<void> checkpoint_wal();

 private:
  explicit Connection(sqlite3* db) : db_(db, &sqlite3_close) {}
  Result<sqlite3_stmt*> prepare(std::string_view sql, unsigned flags);

  using StatementPtr = std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)>;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> db_;
  std::unordered_map<const char*, StatementPtr> statements_;  // by address: literals
  int wal_pages_ = 0;
};

}  // namespace keyhaven::store
