// Plans as people may have edited them.
#include "migrate/plan.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto plan = migrate::plan_from_yaml(std::string(as_text(in)));
  if (!plan) return;
  const std::string yaml = migrate::to_yaml(*plan);
  const auto same = migrate::plan_from_yaml(yaml);
  KH_ASSERT(same.has_value());
  KH_ASSERT(migrate::to_yaml(*same) == yaml);
}
