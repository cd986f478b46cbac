#include "migrate/table_rewrap.h"

#include <algorithm>
#include <set>

#include "migrate/enabled_keys.h"
#include "migrate/rewrap_run.h"
#include "migrate/row_blocks.h"

namespace keyhaven::migrate {
namespace {

constexpr std::size_t kMaxNames = 100'000;

// The name of a row in the record: numbers and texts are different ids.
std::string record_id(const tables::Row& row) { return (row.id_is_number ? "#" : "=") + row.id; }

InventoryRow inventory_row(const tables::Row& row, std::uint64_t number, client::AadList aad) {
  InventoryRow out;
  out.line = number;
  out.key = row.key;
  out.wdek = row.wdek;
  out.aad = std::move(aad);
  out.ref = row.id;
  return out;
}

// One row on its way.
struct Task {
  tables::Row row;
  std::uint64_t number = 0;
  client::AadList aad;
  std::string problem;  // of its cells
  // What was recorded for exactly this old form, and never written or lost: used again.
  std::optional<RecordedRow> recorded;
};

struct Done {
  Task task;
  RowOutcome outcome;
  bool is_of_target = false;
};

// A row that the source does not open may have been written by the application under the target's
// key already.
bool is_of_target(DekWorker& worker, const DekRoutes& routes, const InventoryRow& row) {
  const std::string* target = routes.target_of(row.key);
  return target != nullptr && worker.to.unwrap(*target, row.wdek, row.aad).has_value();
}

Done work_on(DekWorker& worker, const DekRoutes& routes, Task&& task) {
  Done out;
  out.outcome.line = task.number;
  out.outcome.row = inventory_row(task.row, task.number, task.aad);
  MovedDek& moved = out.outcome.moved;
  if (!task.problem.empty()) {
    moved.problem = task.problem;
  } else if (task.recorded) {
    moved.key = task.recorded->new_key;
    moved.wdek = task.recorded->new_wdek;
  } else {
    moved = move_dek(worker, routes, out.outcome.row);
    const bool may_be = !moved.problem.empty() && !moved.is_outage;
    if (may_be && is_of_target(worker, routes, out.outcome.row)) {
      out.is_of_target = true;
      moved.problem.clear();
    }
  }
  out.task = std::move(task);
  return out;
}

class TableRewrap {
 public:
  TableRewrap(const DekRoutes& routes, std::vector<DekWorker>& workers, tables::Table& table,
              TableRecord& record, const TableOptions& options, Observer& observer)
      : routes_(routes),
        workers_(workers),
        table_(table),
        record_(record),
        options_(options),
        observer_(observer) {}

  Result<TableResult> carry_out() {
    while (true) {
      const bool is_last = KH_TRY(pass());
      if (is_last) return result_;
    }
  }

 private:
  // True when there is nothing to be done any more, or no pass is left.
  Result<bool> pass() {
    ++result_.passes;
    table_.rewind();
    rows_ = done_ = of_target_ = refused_ = moved_ = lost_ = 0;
    AtomicOutput errors = KH_TRY(AtomicOutput::create(options_.errors));
    ProblemList problems(errors, observer_);
    KH_TRY(problems.begin());
    KH_TRY((work_in_blocks<Task, Done>(
        workers_, [this](std::size_t) { return read(); },
        [this](DekWorker& worker, Task& task) { return work_on(worker, routes_, std::move(task)); },
        [&](std::vector<Done>&& block) { return emit(block, problems); })));
    if (result_.passes == 1) result_.done_before = done_;
    result_.rows = rows_;
    result_.of_target = of_target_;
    result_.refused = refused_;
    result_.rewrapped += moved_;
    result_.unsettled = moved_ + lost_;
    const bool is_last = result_.unsettled == 0 || result_.passes >= options_.most_passes;
    if (is_last) KH_TRY(errors.finish());
    return is_last;
  }

  // A page of the table without what is done; pages that are wholly done are passed over.
  Result<std::vector<Task>> read() {
    std::vector<Task> tasks;
    while (tasks.empty()) {
      std::vector<tables::Row> page = KH_TRY(table_.next(options_.table.batch));
      if (page.empty()) break;
      for (tables::Row& row : page) {
        observer_.progress(++rows_, 0);
        std::optional<Task> task = KH_TRY(task_of(std::move(row)));
        if (task) {
          tasks.push_back(std::move(*task));
        } else {
          ++done_;
        }
      }
    }
    return tasks;
  }

  // nullopt: the row holds what was recorded for it.
  Result<std::optional<Task>> task_of(tables::Row&& row) {
    std::optional<RecordedRow> recorded = KH_TRY(record_.find(record_id(row)));
    if (recorded && recorded->new_wdek == row.wdek) return std::optional<Task>();
    Task task;
    task.number = rows_;
    auto aad = parse_aad(row.aad);
    if (!row.problem.empty()) {
      task.problem = row.problem;
    } else if (!aad) {
      task.problem = aad.error().message + "; select it as a JSON list, e.g. to_json(aad)::text";
    } else if (row.key.empty()) {
      task.problem = "key is empty; let the query name a key id, alias or CRN";
    } else {
      task.aad = std::move(*aad);
    }
    if (recorded && recorded->old_wdek == row.wdek && recorded->old_key == row.key &&
        recorded->aad == row.aad && is_current(*recorded))
      task.recorded = std::move(recorded);
    task.row = std::move(row);
    return std::optional<Task>(std::move(task));
  }

  // Whether the key's DEKs still go where they went when this was recorded.
  bool is_current(const RecordedRow& recorded) const {
    const DekRoute& route = routes_.find(recorded.old_key);
    return route.refusal.empty() &&
           DekRoutes::target_name(route, recorded.old_key) == recorded.new_key;
  }

  Result<void> emit(std::vector<Done>& block, ProblemList& problems) {
    std::vector<tables::Change> changes;
    std::vector<RecordedRow> records;
    std::vector<Done*> changing;
    for (Done& one : block) {
      if (one.is_of_target) {
        ++of_target_;
      } else if (!one.outcome.moved.problem.empty()) {
        failed_.push_back(std::move(one.outcome));
      } else {
        changing.push_back(&one);
        changes.push_back(change_of(one));
        if (!one.task.recorded) records.push_back(recorded_row(one));
      }
    }
    if (changing.empty() && of_target_ == 0) KH_TRY(check_outage(failed_));
    for (const RowOutcome& outcome : failed_) {
      ++refused_;
      KH_TRY(problems.add(outcome));
    }
    failed_.clear();
    if (changes.empty()) return {};
    KH_TRY(record_.put(records));
    return apply(changes, changing, problems);
  }

  Result<void> apply(const std::vector<tables::Change>& changes, const std::vector<Done*>& rows,
                     ProblemList& problems) {
    const auto outcomes = KH_TRY(table_.change(changes));
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      switch (outcomes[i].kind) {
        case tables::Outcome::Kind::Changed:
          ++moved_;
          break;
        case tables::Outcome::Kind::NotAsRead:
          ++lost_;
          break;
        case tables::Outcome::Kind::Refused:
          ++refused_;
          rows[i]->outcome.moved.problem = outcomes[i].problem;
          KH_TRY(problems.add(rows[i]->outcome));
          break;
      }
    }
    return {};
  }

  static tables::Change change_of(const Done& one) {
    return {one.task.row.id,       one.task.row.id_is_number, one.task.row.key,
            one.outcome.moved.key, one.task.row.wdek,         one.outcome.moved.wdek};
  }
  static RecordedRow recorded_row(const Done& one) {
    return {record_id(one.task.row), one.task.row.key,      one.task.row.wdek,
            one.task.row.aad,        one.outcome.moved.key, one.outcome.moved.wdek};
  }

  const DekRoutes& routes_;
  std::vector<DekWorker>& workers_;
  tables::Table& table_;
  TableRecord& record_;
  const TableOptions& options_;
  Observer& observer_;
  TableResult result_;
  std::vector<RowOutcome> failed_;  // of the block
  // Of the pass.
  std::uint64_t rows_ = 0, done_ = 0, of_target_ = 0, refused_ = 0, moved_ = 0, lost_ = 0;
};

class TablePairs final : public DekPairs {
 public:
  TablePairs(std::unique_ptr<tables::Table> table, const tables::TableSpec& spec,
             const DekRoutes& routes, TableRecord& record)
      : table_(std::move(table)), spec_(spec), routes_(routes), record_(record) {}

  Result<std::optional<DekPair>> next() override {
    if (at_ == page_.size()) {
      page_ = KH_TRY(table_->next(spec_.batch));
      at_ = 0;
      if (page_.empty()) return std::optional<DekPair>();
    }
    tables::Row& row = page_[at_++];
    std::optional<RecordedRow> recorded = KH_TRY(record_.find(record_id(row)));
    return std::optional<DekPair>(pair_of(row, recorded));
  }

 private:
  DekPair pair_of(const tables::Row& row, const std::optional<RecordedRow>& recorded) {
    DekPair pair;
    pair.line = ++number_;
    pair.name = "row " + row.id;
    auto aad = parse_aad(row.aad);
    if (!row.problem.empty() || !aad) {
      pair.refused = row.problem.empty() ? aad.error().message : row.problem;
      return pair;
    }
    pair.after = inventory_row(row, number_, std::move(*aad));
    if (recorded && recorded->new_wdek == row.wdek) {
      // The key as the application will find it: in its table, if it is kept there.
      if (!spec_.changes_key()) pair.after.key = recorded->new_key;
      pair.before.key = recorded->old_key;
      pair.before.wdek = recorded->old_wdek;
      auto old_aad = parse_aad(recorded->aad);
      if (old_aad) pair.before.aad = std::move(*old_aad);
      return pair;
    }
    const std::string* target = routes_.target_of(row.key);
    if (target == nullptr) {
      pair.refused = "not migrated: its key " + row.key + " is not one that the plan carries";
      return pair;
    }
    if (!spec_.changes_key()) pair.after.key = *target;
    pair.is_new = true;
    return pair;
  }

  std::unique_ptr<tables::Table> table_;
  tables::TableSpec spec_;
  const DekRoutes& routes_;
  TableRecord& record_;
  std::vector<tables::Row> page_;
  std::size_t at_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace

Result<std::set<std::string>> names_in_table(const tables::TableSpec& spec, TableRecord* record) {
  const auto table = KH_TRY(tables::open_table(spec));
  std::set<std::string> names;
  while (true) {
    const auto page = KH_TRY(table->next(spec.batch));
    if (page.empty()) return names;
    for (const tables::Row& row : page) {
      if (names.size() >= kMaxNames) break;
      std::optional<RecordedRow> recorded;
      if (record != nullptr) recorded = KH_TRY(record->find(record_id(row)));
      const bool is_done = recorded && recorded->new_wdek == row.wdek;
      names.insert(is_done ? recorded->old_key : row.key);
    }
  }
}

Result<std::unique_ptr<DekPairs>> open_table_pairs(const tables::TableSpec& spec,
                                                   const DekRoutes& routes, TableRecord& record) {
  auto table = KH_TRY(tables::open_table(spec));
  return std::unique_ptr<DekPairs>(
      std::make_unique<TablePairs>(std::move(table), spec, routes, record));
}

Result<TableResult> rewrap_table(const Plan& plan, const Side& source, const Side& target,
                                 Journal& journal, const TableOptions& options,
                                 Observer& observer) {
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  const auto record = KH_TRY(TableRecord::open(options.record, plan.id, options.table.name));
  const auto table = KH_TRY(tables::open_table(options.table));
  std::vector<DekWorker> workers = KH_TRY(connect_workers(source, target, options.jobs));
  EnabledKeys enabled(journal, workers[0].from, workers[0].to, observer);
  KH_TRY(enabled.settle());
  if (options.enable_suspended) {
    const std::set<std::string> names = KH_TRY(names_in_table(options.table));
    KH_TRY(enabled.enable(plan, routes, names));
  }
  auto result = TableRewrap(routes, workers, *table, *record, options, observer).carry_out();
  const std::uint64_t still_enabled = KH_TRY(enabled.settle());
  if (result) result->still_enabled = still_enabled;
  return result;
}

Result<TableResult> undo_table(const Plan& plan, const TableOptions& options, Observer& observer) {
  const auto record = KH_TRY(TableRecord::open(options.record, plan.id, options.table.name));
  const auto table = KH_TRY(tables::open_table(options.table));
  TableResult result;
  do {
    ++result.passes;
    result.rows = result.unsettled = 0;
    table->rewind();
    while (true) {
      const auto page = KH_TRY(table->next(options.table.batch));
      if (page.empty()) break;
      std::vector<tables::Change> changes;
      for (const tables::Row& row : page) {
        observer.progress(++result.rows, 0);
        const auto recorded = KH_TRY(record->find(record_id(row)));
        if (!recorded || recorded->new_wdek != row.wdek) continue;
        changes.push_back(
            {row.id, row.id_is_number, row.key, recorded->old_key, row.wdek, recorded->old_wdek});
      }
      if (changes.empty()) continue;
      for (const tables::Outcome& outcome : KH_TRY(table->change(changes))) {
        result.rewrapped += outcome.kind == tables::Outcome::Kind::Changed;
        result.refused += outcome.kind == tables::Outcome::Kind::Refused;
        result.unsettled += outcome.kind == tables::Outcome::Kind::NotAsRead;
      }
    }
  } while (result.unsettled > 0 && result.passes < options.most_passes);
  return result;
}

}  // namespace keyhaven::migrate
