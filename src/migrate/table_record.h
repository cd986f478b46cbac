// What a migration of a table was about to write, row by row, before it wrote it: the old and the
// new wrapped DEK of each. A run that goes on knows by it which rows are done, verify finds the old
// DEKs in it, and --undo puts them back. Wrapped DEKs only, no secret.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

struct sqlite3;

namespace keyhaven::migrate {

struct RecordedRow {
  std::string id;  // of the table; of a number: with '#' before it
  std::string old_key;
  std::string old_wdek;
  std::string aad;  // as in the table
  std::string new_key;
  std::string new_wdek;
};

// Not thread-safe; the journal's lock keeps other processes out. Errors: StoreUnavailable.
class TableRecord {
 public:
  // Opens or makes `path` (0600) for one table of one plan. Errors: Conflict when it is another's.
  static Result<std::unique_ptr<TableRecord>> open(const std::string& path, const std::string& plan,
                                                   const std::string& table);
  ~TableRecord();
  TableRecord(const TableRecord&) = delete;
  TableRecord& operator=(const TableRecord&) = delete;

  Result<std::optional<RecordedRow>> find(const std::string& id);
  // Durable before it returns; a row of the same id is replaced.
  Result<void> put(const std::vector<RecordedRow>& rows);

 private:
  class Statement;
  explicit TableRecord(sqlite3* database);
  Result<void> prepare(const std::string& path, const std::string& plan, const std::string& table);
  Error failure(const char* what) const;
  sqlite3* database_;
  std::unique_ptr<Statement> find_;
  std::unique_ptr<Statement> put_;
};

}  // namespace keyhaven::migrate
