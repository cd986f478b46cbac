// The status of a migration as JSON: what `keyhaven migrate status --output json` prints, for who
// shows it otherwise.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "base/result.h"

namespace keyhaven::cli {

// From the plan and its journal; asks no service. `journal_file` empty: beside the plan. Errors:
// those of the plan and the journal.
Result<boost::json::object> migration_status(const std::string& plan_path,
                                             const std::string& journal_file);

}  // namespace keyhaven::cli
