// What rewrapping a file and rewrapping a directory have in common.
#pragma once

#include <optional>

#include "migrate/dek_mover.h"
#include "migrate/output.h"
#include "migrate/rewrap.h"
#include "migrate/row_program.h"

namespace keyhaven::migrate {

struct RewrapRun {
  const DekRoutes& routes;
  std::vector<DekWorker>& workers;
  Journal& journal;
  const RewrapOptions& options;
  Observer& observer;
};

// What became of one row.
struct RowOutcome {
  InventoryRow row;  // as it was read
  std::uint64_t line = 0;
  MovedDek moved;
};

// Moves a row, or hands its problem on.
RowOutcome move_item(DekWorker& worker, const DekRoutes& routes, InventoryItem&& item);

// An error when none of the rows was moved and a service is down: then it is no matter of rows.
Result<void> check_outage(const std::vector<RowOutcome>& block);

// Null when the options name no program. Errors: those of RowProgram::start.
Result<std::optional<RowProgram>> start_program(const RewrapOptions& options);

// Tells the program each row that was moved; what it refuses becomes the row's problem. Errors:
// those of RowProgram::tell.
Result<void> tell_program(RowProgram& program, std::vector<RowOutcome>& block);

// Notes the first problems, and writes each into the list of errors.
class ProblemList {
 public:
  ProblemList(AtomicOutput& out, Observer& observer) : out_(out), observer_(observer) {}
  // Errors: those of AtomicOutput::write.
  Result<void> begin();
  Result<void> add(const RowOutcome& outcome);

 private:
  AtomicOutput& out_;
  Observer& observer_;
  std::uint64_t noted_ = 0;
};

Result<RewrapResult> rewrap_file(const RewrapRun& run);
Result<RewrapResult> rewrap_directory(const RewrapRun& run);

}  // namespace keyhaven::migrate
