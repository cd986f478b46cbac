#include "cli/migrate_table.h"

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/migrate_session.h"
#include "migrate/table_rewrap.h"

namespace keyhaven::cli {
namespace {

namespace json = boost::json;

json::object summary_of(const migrate::TableResult& result, const std::string& table) {
  return {{"table", table},
          {"rows", result.rows},
          {"rewrapped", result.rewrapped},
          {"done_before", result.done_before},
          {"of_target", result.of_target},
          {"refused", result.refused},
          {"unsettled", result.unsettled},
          {"passes", result.passes},
          {"still_enabled", result.still_enabled}};
}

// Why the run has not done it all; empty: it has.
std::string left_over(const migrate::TableResult& result, const std::string& errors) {
  std::string out;
  if (result.refused > 0)
    out += "; " + std::to_string(result.refused) + " row(s) are refused: see " + errors;
  if (result.unsettled > 0) {
    out += "; " + std::to_string(result.unsettled) +
           " row(s) were still being written: let the application write under the target's keys, "
           "then run the same command again";
  }
  if (result.still_enabled > 0) {
    out += "; " + std::to_string(result.still_enabled) +
           " key(s) could not be disabled again: run the command again, or disable them";
  }
  return out;
}

}  // namespace

void add_table_options(CLI::App& command, TableArguments& arguments) {
  command.add_option("--table", arguments.name,
                     "instead of an inventory: one of the plan's tables, in place");
  command.add_option("--record", arguments.record,
                     "with --table: what was and is in each row (default: PLAN.NAME.record)");
}

Result<tables::TableSpec> table_of(const migrate::Plan& plan, const std::string& name) {
  for (const tables::TableSpec& spec : plan.tables)
    if (spec.name == name) return spec;
  return Error{Reason::InvalidArgument,
               "the plan has no table " + name + "; write it under `tables` in the plan", "table"};
}

std::string record_path(const std::string& plan_path, const TableArguments& arguments) {
  return arguments.record.empty() ? plan_path + "." + arguments.name + ".record" : arguments.record;
}

Result<void> run_rewrap_table(Context& context, const TableRun& run) {
  Session session = KH_TRY(begin(context, run.plan, run.journal));
  migrate::TableOptions options;
  options.table = KH_TRY(table_of(session.plan, run.table.name));
  options.record = record_path(run.plan, run.table);
  options.errors = options.record + ".errors.csv";
  options.jobs = run.jobs;
  options.enable_suspended = run.enable_suspended;
  migrate::TableResult result;
  {
    Reporter reporter(context, "rows", 0);
    if (run.table.undo) {
      result = KH_TRY(migrate::undo_table(session.plan, options, reporter));
    } else {
      result = KH_TRY(migrate::rewrap_table(session.plan, session.source, session.target,
                                            *session.journal, options, reporter));
    }
  }
  const json::object summary = summary_of(result, run.table.name);
  KH_TRY(session.journal->record_run(run.table.undo ? "undo" : "rewrap", json::serialize(summary),
                                     SystemClock().now()));
  std::string words =
      std::to_string(result.rewrapped) +
      (run.table.undo ? " row(s) put back in table " : " row(s) re-wrapped in table ") +
      run.table.name;
  if (result.done_before > 0) words += ", " + std::to_string(result.done_before) + " done before";
  if (result.of_target > 0)
    words += ", " + std::to_string(result.of_target) + " written under the target already";
  const std::string left = left_over(result, options.errors);
  if (!left.empty()) return failed(words + left);
  return show_done(context, words + ".", summary);
}

}  // namespace keyhaven::cli
