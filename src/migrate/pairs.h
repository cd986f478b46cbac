// The vendor's pair file: keys of the target exist already, and only DEKs and services move to
// them.
#pragma once

#include "migrate/plan.h"
#include "migrate/planner.h"

namespace keyhaven::migrate {

struct CrnPair {
  std::uint64_t line = 0;
  std::string source_crn;
  std::string source;  // key id
  std::string target_crn;
  std::string target;
};

// CSV without a header: source CRN, target CRN. Every row names keys of these two instances, and a
// source key once. At most 1,000,000 rows. Errors: Io, InvalidArgument (line and cause).
Result<std::vector<CrnPair>> load_pairs(const std::string& path, const std::string& source_instance,
                                        const std::string& target_instance);

// A plan of the pairs' keys only. A pair that cannot work (a key that is not there, is no root key,
// or a target that is not active) is blocked in it. Errors: as make_plan.
Result<Plan> make_pair_plan(const Side& source, const Side& target, const EndpointRef& source_ref,
                            const EndpointRef& target_ref, const std::string& plan_id,
                            const std::vector<CrnPair>& pairs, const InventoryCount& inventory,
                            Timestamp now, unsigned jobs);

}  // namespace keyhaven::migrate
