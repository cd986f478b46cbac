// The table of stored records of this process: its journal found, read and noted, or begun anew.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "unit/domain_table.h"
#include "unit/record_table.h"
#include "unitd/record_file.h"

namespace keyhaven::unitd {

struct RecordOptions {
  std::string state_directory;
  // A journal that cannot be used is put aside and an empty one begun: every stored record then
  // counts as returned and is accepted, or not, by those who may (docs/operations/records.md).
  bool begin_anew = false;
  // The state is an older copy that the operator has named by this counter; 0: it is not.
  std::uint64_t accepted_state = 0;
  std::uint64_t state_counter = 0;  // of the state that is in use
  // Accepted for the deployment at the end of the first check.
  std::optional<Digest> accept;
};

struct Records {
  std::unique_ptr<RecordFile> file;
  std::unique_ptr<unit::RecordTable> table;
  std::string note;  // what an operator should know; empty: nothing
};

// `keys` keeps the records' keys and must outlive the result, as must `tell`'s captures; the caller
// holds the lock on the directory. Errors, with a message for the operator; nothing was destroyed:
// InvalidArgument, NotFound, Conflict, RecordNotAuthentic (a person must decide), StoreUnavailable,
// Io, and what saving the keys gives.
Result<Records> open_records(unit::DomainTable& keys, const RecordOptions& options,
                             std::function<void(const std::string&)> tell);

}  // namespace keyhaven::unitd
