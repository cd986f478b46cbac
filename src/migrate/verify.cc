#include "migrate/verify.h"

#include "migrate/enabled_keys.h"
#include "migrate/inventory_count.h"
#include "migrate/table_rewrap.h"
#include "migrate/verify_deks.h"
#include "migrate/verify_keys.h"

namespace keyhaven::migrate {
Result<VerifyResult> verify(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const VerifyOptions& options, Observer& observer) {
  const DekRoutes routes = KH_TRY(DekRoutes::make(plan, journal));
  std::vector<DekWorker> workers = KH_TRY(connect_workers(source, target, options.jobs));
  EnabledKeys enabled(journal, workers[0].from, workers[0].to, observer);
  KH_TRY(enabled.settle());
  VerifyResult result;
  KH_TRY(verify_keys(plan, source, target, options.jobs, journal, result, observer));
  if (options.inventory.empty() && !options.table) return result;
  std::unique_ptr<TableRecord> record;
  if (options.table)
    record = KH_TRY(TableRecord::open(options.record, plan.id, options.table->name));
  if (options.enable_suspended) {
    const auto names = options.table ? names_in_table(*options.table, record.get())
                                     : names_in(options.inventory, options.name_rule);
    if (!names) return names.error();
    KH_TRY(enabled.enable(plan, routes, *names));
  }
  const auto compare = [&]() -> Result<void> {
    std::unique_ptr<DekPairs> pairs;
    if (options.table) {
      pairs = KH_TRY(open_table_pairs(*options.table, routes, *record));
    } else {
      pairs = KH_TRY(open_pairs(options, routes));
    }
    return verify_deks(workers, routes, *pairs, options.every, result, observer);
  };
  const auto verified = compare();
  result.still_enabled = KH_TRY(enabled.settle());
  if (!verified) return verified.error();
  return result;
}

}  // namespace keyhaven::migrate
