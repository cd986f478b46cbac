// An application's own table of wrapped DEKs, read page by page and changed in place, row by row,
// where it is still as it was read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace keyhaven::tables {

inline constexpr std::size_t kMaxCellBytes = 64 * 1024;

// What a plan says of a table. It holds no secret.
struct TableSpec {
  std::string name;           // in the plan
  std::string kind;           // "postgresql" or "sqlite"
  std::string connection;     // PostgreSQL: URI or "host=... service=..."; SQLite: the file
  std::string password_file;  // PostgreSQL, mode 0600; empty: PGPASSFILE, a service file or none
  // A SELECT that names its columns id (unique, not null), key, wdek (base64 text) and, optionally,
  // aad (a JSON list of strings). Rows whose wdek is null are passed over.
  std::string query;
  // An UPDATE with :new_wdek, :id and :old_wdek, and with :new_key and :old_key where the table
  // holds the key. It must change the row :id only if its wdek is :old_wdek.
  std::string update;
  std::uint32_t batch = 500;  // rows in a transaction, 1 to 10,000

  bool operator==(const TableSpec&) const = default;
  bool changes_key() const;  // the update has :new_key
};

// Errors: InvalidArgument (what is missing and how it should be).
Result<void> check(const TableSpec& spec);

struct Row {
  std::string id;             // as text
  bool id_is_number = false;  // SQLite: text and number are different ids
  std::string key;
  std::string wdek;
  std::string aad;      // empty for null
  std::string problem;  // set: a cell cannot be used, and why
};

struct Change {
  std::string id;
  bool id_is_number = false;
  std::string old_key;
  std::string new_key;
  std::string old_wdek;
  std::string new_wdek;
};

struct Outcome {
  enum class Kind : std::uint8_t {
    Changed,
    NotAsRead,  // written by somebody else meanwhile, locked, or its transaction was lost: read
                // again
    Refused,    // by the database, for a reason that will not go away
  };
  Kind kind = Kind::NotAsRead;
  std::string problem;  // of Refused
};

// Not thread-safe. Errors of every call: StoreUnavailable (the database is away, also after waiting
// for it), InvalidArgument (a statement is not one, a column is missing, ids are not unique).
class Table {
 public:
  virtual ~Table() = default;
  // The next rows in the order of their id, at most `most`; none at the end.
  virtual Result<std::vector<Row>> next(std::size_t most) = 0;
  // next() begins with the first row again.
  virtual void rewind() = 0;
  // Each change happens or not; what happened is committed when this returns. One outcome for each.
  virtual Result<std::vector<Outcome>> change(const std::vector<Change>& changes) = 0;
};

// Connects. Errors: InvalidArgument (a password in the connection among others), Io (the password
// file), StoreUnavailable.
Result<std::unique_ptr<Table>> open_table(const TableSpec& spec);

// --- for the implementations ---

// What an update may name; a change has a value for each.
inline constexpr std::string_view kParameters[] = {":new_wdek", ":id", ":old_wdek", ":new_key",
                                                   ":old_key"};

struct NumberedSql {
  std::string sql;                      // with $1, $2 ... for the names
  std::vector<std::size_t> parameters;  // which of kParameters each number stands for
};
// Replaces the names outside of quotes, casts and comments. Errors: InvalidArgument (another name).
Result<NumberedSql> with_numbers(std::string_view sql);

// A query without white space and semicolon at its end.
std::string trimmed(std::string_view sql);

Result<std::unique_ptr<Table>> open_postgresql(const TableSpec& spec);
Result<std::unique_ptr<Table>> open_sqlite(const TableSpec& spec);

}  // namespace keyhaven::tables
