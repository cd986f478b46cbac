#include "migrate/rewrap.h"

#include <algorithm>

#include "migrate/enabled_keys.h"
#include "migrate/planner.h"
#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

struct Worker {
  client::ApiClient from;
  client::ApiClient to;
};

struct Outcome {
  InventoryRow row;
  std::uint64_t line = 0;
  std::string problem;  // empty: the row is re-wrapped
};

Outcome move_one(Worker& worker, const DekRoutes& routes, InventoryItem& item) {
  Outcome out;
  out.line = item.line;
  if (!item.row) {
    out.problem = item.problem;
    return out;
  }
  out.row = std::move(*item.row);
  const DekRoute& route = routes.find(out.row.key);
  if (!route.refusal.empty()) {
    out.problem = route.refusal;
    return out;
  }
  auto opened = worker.from.unwrap(route.key->source, out.row.wdek, out.row.aad);
  if (!opened) {
    out.problem = "source: " + opened.error().message;
    return out;
  }
  if (opened->plaintext.empty()) {  // wrapping nothing would make a new DEK
    out.problem = "source: the DEK is empty";
    return out;
  }
  auto wrapped = worker.to.wrap(route.target, opened->plaintext, out.row.aad);
  if (!wrapped) {
    out.problem = "target: " + wrapped.error().message;
    return out;
  }
  out.row.wdek = std::move(wrapped->ciphertext);
  out.row.key = DekRoutes::target_name(route, out.row.key);
  return out;
}

Result<std::vector<Worker>> connect(const Side& source, const Side& target, unsigned jobs) {
  std::vector<Worker> workers;
  for (unsigned i = 0; i < std::clamp(jobs, 1U, 32U); ++i) {
    client::ApiClient from = KH_TRY(source.connect());
    client::ApiClient to = KH_TRY(target.connect());
    workers.push_back({std::move(from), std::move(to)});
  }
  return workers;
}

// Everything but the keys that are enabled for it.
Result<RewrapResult> move_all(const DekRoutes& routes, std::vector<Worker>& workers,
                              const RewrapOptions& options, Observer& observer) {
  const auto reader = KH_TRY(InventoryReader::open(options.inventory));
  AtomicOutput out = KH_TRY(AtomicOutput::create(options.out));
  AtomicOutput errors = KH_TRY(AtomicOutput::create(errors_path(options.out)));
  KH_TRY(out.write(header_of(reader->layout())));
  KH_TRY(errors.write("line,key,ref,problem\n"));
  RewrapResult result;
  const auto read = [&](std::size_t most) -> Result<std::vector<InventoryItem>> {
    std::vector<InventoryItem> items;
    while (items.size() < most) {
      std::optional<InventoryItem> item = KH_TRY(reader->next());
      if (!item) break;
      items.push_back(std::move(*item));
    }
    return items;
  };
  const auto emit = [&](Outcome&& outcome) -> Result<void> {
    std::string text;
    observer.progress(++result.rows, 0);
    if (outcome.problem.empty()) {
      ++result.rewrapped;
      append_row(text, reader->layout(), outcome.row);
      return out.write(text);
    }
    ++result.refused;
    if (result.refused <= 20)
      observer.note("line " + std::to_string(outcome.line) + ": " + outcome.problem);
    append_csv(text,
               {std::to_string(outcome.line), outcome.row.key, outcome.row.ref, outcome.problem});
    return errors.write(text);
  };
  KH_TRY((work_in_blocks<InventoryItem, Outcome>(
      workers, read,
      [&](Worker& worker, InventoryItem& item) { return move_one(worker, routes, item); }, emit)));
  KH_TRY(errors.finish());
  KH_TRY(out.finish());
  return result;
}

}  // namespace

std::string errors_path(const std::string& out) { return out + ".errors.csv"; }

Result<RewrapResult> rewrap(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const RewrapOptions& options, Observer& observer) {
  // The old wrapped DEKs are not ours to replace.
  if (is_same_file(options.inventory, options.out) ||
      is_same_file(options.inventory, errors_path(options.out))) {
    return Error{Reason::InvalidArgument,
                 "the output would replace the inventory itself; give --out another name", "out"};
  }
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  std::vector<Worker> workers = KH_TRY(connect(source, target, options.jobs));
  EnabledKeys enabled(journal, workers[0].from, workers[0].to, observer);
  KH_TRY(enabled.settle());
  if (options.enable_suspended) {
    const std::set<std::string> names = KH_TRY(names_in(options.inventory));
    KH_TRY(enabled.enable(plan, routes, names));
  }
  auto result = move_all(routes, workers, options, observer);
  const std::uint64_t still_enabled = KH_TRY(enabled.settle());
  if (result) result->still_enabled = still_enabled;
  return result;
}

}  // namespace keyhaven::migrate
