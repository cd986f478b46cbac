// How far a rewrap into a file has come, in the journal: what an interrupted run goes on from.
#pragma once

#include <optional>
#include <string>

#include "migrate/journal.h"
#include "migrate/output.h"

namespace keyhaven::migrate {

struct Checkpoint {
  std::string routes;       // DekRoutes::digest when the run began
  std::uint64_t rows = 0;   // of the inventory that are done
  std::string rows_digest;  // of those rows as they were read
  std::uint64_t rewrapped = 0;
  std::uint64_t refused = 0;
  OutputMark out;
  OutputMark errors;
};

// The checkpoint of the output file `out`. Errors: those of the journal.
Result<void> save_checkpoint(Journal& journal, const std::string& out, const Checkpoint& at);
// nullopt: there is none, or it is not readable.
Result<std::optional<Checkpoint>> load_checkpoint(Journal& journal, const std::string& out);
Result<void> clear_checkpoint(Journal& journal, const std::string& out);

}  // namespace keyhaven::migrate
