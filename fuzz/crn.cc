// Cloud resource names.
#include "instances/crn.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";
  const std::string_view text = as_text(in);
  const auto crn = instances::parse_crn(text);
  if (crn) {
    for (const std::string_view part : {crn->service, crn->region, crn->account, crn->instance,
                                        crn->resource_type, crn->resource}) {
      KH_ASSERT(part.empty() || (part.data() >= text.data() &&
                                 part.data() + part.size() <= text.data() + text.size()));
    }
  }
  if (const auto instance = instances::instance_named_by(text, kAccount)) {
    const std::string name = instances::instance_crn("region", kAccount, *instance);
    KH_ASSERT(instances::instance_named_by(name, kAccount).value() == *instance);
  }
}
