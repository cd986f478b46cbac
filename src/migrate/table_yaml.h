// The tables of a plan in YAML.
#pragma once

#include <yaml-cpp/yaml.h>

#include <vector>

#include "tables/table.h"

namespace keyhaven::migrate {

void emit_tables(YAML::Emitter& out, const std::vector<tables::TableSpec>& specs);
// Not there: none. Errors: InvalidArgument (line, table and what is expected).
Result<std::vector<tables::TableSpec>> read_tables(const YAML::Node& node);

}  // namespace keyhaven::migrate
