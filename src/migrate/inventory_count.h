// What an inventory, file or directory, holds per key.
#pragma once

#include <set>
#include <string>

#include "migrate/planner.h"

namespace keyhaven::migrate {

// `rule`: the NameRule of a directory. Errors: those of the readers.
Result<InventoryCount> count_rows(const std::string& path, const std::string& rule);
// The different names of keys; as many as are kept apart.
Result<std::set<std::string>> names_in(const std::string& path, const std::string& rule);

}  // namespace keyhaven::migrate
