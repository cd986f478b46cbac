// `rewrap --table` and what `verify --table` needs of it.
#pragma once

#include <string>

#include "cli/context.h"
#include "migrate/plan.h"

namespace CLI {
class App;
}

namespace keyhaven::cli {

struct TableArguments {
  std::string name;    // of the plan's table; empty: it is about an inventory
  std::string record;  // empty: beside the plan
  bool undo = false;
};

// --table and --record.
void add_table_options(CLI::App& command, TableArguments& arguments);

// Errors: InvalidArgument (the plan has no such table).
Result<tables::TableSpec> table_of(const migrate::Plan& plan, const std::string& name);
std::string record_path(const std::string& plan_path, const TableArguments& arguments);

struct TableRun {
  std::string plan;
  std::string journal;
  TableArguments table;
  unsigned jobs = 4;
  bool enable_suspended = false;
};

Result<void> run_rewrap_table(Context& context, const TableRun& run);

}  // namespace keyhaven::cli
