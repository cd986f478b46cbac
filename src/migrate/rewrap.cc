#include "migrate/rewrap.h"

#include <boost/json.hpp>
#include <filesystem>

#include "migrate/enabled_keys.h"
#include "migrate/inventory_count.h"
#include "migrate/rewrap_run.h"

namespace keyhaven::migrate {
namespace {

constexpr std::uint64_t kNotedProblems = 20;

// What the program is told, without the number that RowProgram adds.
std::string object_of(const RowOutcome& outcome) {
  const InventoryRow& row = outcome.row;
  return boost::json::serialize(
      boost::json::object{{"line", outcome.line},
                          {"ref", row.ref},
                          {"aad", boost::json::array(row.aad.begin(), row.aad.end())},
                          {"key", row.key},
                          {"wdek", row.wdek},
                          {"new_key", outcome.moved.key},
                          {"new_wdek", outcome.moved.wdek}});
}

}  // namespace

std::string errors_path(const std::string& out) {
  return (out.size() > 1 && out.ends_with('/') ? out.substr(0, out.size() - 1) : out) +
         ".errors.csv";
}

RowOutcome move_item(DekWorker& worker, const DekRoutes& routes, InventoryItem&& item) {
  RowOutcome out;
  out.line = item.line;
  if (item.row) {
    out.row = std::move(*item.row);
    out.moved = move_dek(worker, routes, out.row);
  } else {
    out.row.ref = std::move(item.ref);
    out.moved.problem = std::move(item.problem);
  }
  return out;
}

Result<void> check_outage(const std::vector<RowOutcome>& block) {
  const RowOutcome* down = nullptr;
  for (const RowOutcome& outcome : block) {
    if (outcome.moved.problem.empty()) return {};
    if (outcome.moved.is_outage && down == nullptr) down = &outcome;
  }
  if (down == nullptr) return {};
  return Error{Reason::UnitUnavailable,
               "stopped at line " + std::to_string(down->line) + ", since a service is down: " +
                   down->moved.problem + "; run the same command again to go on from here",
               {}};
}

Result<std::optional<RowProgram>> start_program(const RewrapOptions& options) {
  if (options.program.empty()) return std::optional<RowProgram>();
  auto started = RowProgram::start(options.program, options.program_patience);
  if (!started) return std::move(started).error();
  return std::optional<RowProgram>(std::move(*started));
}

Result<void> tell_program(RowProgram& program, std::vector<RowOutcome>& block) {
  std::vector<std::string> objects;
  std::vector<RowOutcome*> told;
  for (RowOutcome& outcome : block) {
    if (!outcome.moved.problem.empty()) continue;
    objects.push_back(object_of(outcome));
    told.push_back(&outcome);
  }
  const std::vector<RowAnswer> answers = KH_TRY(program.tell(objects));
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].refusal.empty()) told[i]->moved.problem = "program: " + answers[i].refusal;
  }
  return {};
}

Result<void> ProblemList::begin() { return out_.write("line,key,ref,problem\n"); }

Result<void> ProblemList::add(const RowOutcome& outcome) {
  if (++noted_ <= kNotedProblems)
    observer_.note("line " + std::to_string(outcome.line) + ": " + outcome.moved.problem);
  std::string text;
  append_csv(text, {std::to_string(outcome.line), outcome.row.key, outcome.row.ref,
                    outcome.moved.problem});
  return out_.write(text);
}

Result<RewrapResult> rewrap(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const RewrapOptions& options, Observer& observer) {
  // The old wrapped DEKs are not ours to replace.
  if (is_same_file(options.inventory, options.out) ||
      is_same_file(options.inventory, errors_path(options.out))) {
    return Error{
        Reason::InvalidArgument, "the new inventory must be another file than the old one", {}};
  }
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  std::vector<DekWorker> workers = KH_TRY(connect_workers(source, target, options.jobs));
  EnabledKeys enabled(journal, workers[0].from, workers[0].to, observer);
  KH_TRY(enabled.settle());
  if (options.enable_suspended) {
    const std::set<std::string> names = KH_TRY(names_in(options.inventory, options.name_rule));
    KH_TRY(enabled.enable(plan, routes, names));
  }
  const RewrapRun run{routes, workers, journal, options, observer};
  std::error_code none;
  auto result = std::filesystem::is_directory(options.inventory, none) ? rewrap_directory(run)
                                                                       : rewrap_file(run);
  const std::uint64_t still_enabled = KH_TRY(enabled.settle());
  if (result) result->still_enabled = still_enabled;
  return result;
}

}  // namespace keyhaven::migrate
