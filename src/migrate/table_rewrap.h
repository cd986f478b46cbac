// Rewrap in place: an application's table of wrapped DEKs in PostgreSQL or SQLite, while the
// application goes on writing it.
#pragma once

#include <memory>
#include <set>

#include "migrate/rewrap.h"
#include "migrate/table_record.h"
#include "migrate/verify_deks.h"
#include "tables/table.h"

namespace keyhaven::migrate {

struct TableOptions {
  tables::TableSpec table;
  std::string record;  // file of the TableRecord
  std::string errors;  // CSV line,key,ref,problem; ref is the id
  unsigned jobs = 4;
  bool enable_suspended = false;
  // Passes over the table, the last ones for rows that were written meanwhile. When rows are still
  // found after so many, the application goes on writing under the source's keys.
  unsigned most_passes = 10;
};

struct TableResult {
  std::uint64_t rows = 0;         // in the last pass
  std::uint64_t rewrapped = 0;    // by this run
  std::uint64_t done_before = 0;  // were done when this run began
  std::uint64_t of_target = 0;    // written under the target's keys by the application
  std::uint64_t refused = 0;
  std::uint64_t unsettled = 0;  // still changing in the last pass
  std::uint64_t passes = 0;
  std::uint64_t still_enabled = 0;
};

// Each row is recorded, then updated only if it is still as it was read: a row that somebody writes
// meanwhile is read again in the next pass. A row is done when it holds what was recorded for it;
// so a run that dies anywhere is gone on with by the same call, and no row is lost or moved twice.
// Errors: those of the table, the record, the journal and the services when they are down.
Result<TableResult> rewrap_table(const Plan& plan, const Side& source, const Side& target,
                                 Journal& journal, const TableOptions& options, Observer& observer);

// Puts the old wrapped DEK back into each row that holds what was recorded for it; asks no service.
Result<TableResult> undo_table(const Plan& plan, const TableOptions& options, Observer& observer);

// The pairs of a table: what its rows hold now, and what was recorded as their old form. A row of
// the target's own has no old form. `routes` and `record` must outlive them.
Result<std::unique_ptr<DekPairs>> open_table_pairs(const tables::TableSpec& spec,
                                                   const DekRoutes& routes, TableRecord& record);

// The names of keys in a table; with a record, of each row that is done the name that it had
// before. Errors: those of table and record.
Result<std::set<std::string>> names_in_table(const tables::TableSpec& spec,
                                             TableRecord* record = nullptr);

}  // namespace keyhaven::migrate
