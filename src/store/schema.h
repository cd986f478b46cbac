// Numbered migrations. A released one is never edited; a new one is appended.
#pragma once

#include <span>

#include "store/sqlite.h"

namespace keyhaven::store {

struct Migration {
  std::uint64_t version;  // 1, 2, 3 ...
  const char* sql;
};
std::span<const Migration> migrations();

// Brings the schema to the newest of `steps`, each step in a transaction of its own. Errors:
// StoreUnavailable when a newer version wrote the file, or another program.
Result<void> migrate(Connection& db, std::span<const Migration> steps);

}  // namespace keyhaven::store
