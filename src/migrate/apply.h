// Carries a plan out: rings, keys, versions, aliases, states. Idempotent and resumable by the
// journal.
#pragma once

#include "migrate/journal.h"
#include "migrate/material.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

struct ApplyResult {
  std::uint64_t carried = 0;   // keys whose every step is done (now or in an earlier run)
  std::uint64_t reported = 0;  // destroyed keys
  std::uint64_t blocked = 0;
  std::uint64_t failed = 0;  // see the notes given to the observer; run again to go on
};

// Works on `jobs` keys at a time (1 to 32), each with its own connections. A failed key does not
// stop the others; missing material fails its key only. Errors: of rings, journal and the
// connections' set-up.
Result<ApplyResult> apply(const Plan& plan, const Side& source, const Side& target,
                          Journal& journal, const Material& material, unsigned jobs,
                          Observer& observer);

}  // namespace keyhaven::migrate
