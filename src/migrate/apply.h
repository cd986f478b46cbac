// Carries a plan out: rings, keys, versions, aliases, policies, registrations, states. Idempotent
// and resumable by the journal. What restricts the target or cannot be taken back is left to
// `cutover` (cutover.h).
#pragma once

#include <functional>

#include "migrate/journal.h"
#include "migrate/material.h"
#include "migrate/plan.h"

namespace keyhaven::migrate {

struct ApplyOptions {
  unsigned jobs = 4;  // keys at a time (1 to 32), each with its own connections
  // Whether to wait until keys whose next version the target does not take yet may rotate again;
  // otherwise they are left for the next run.
  bool wait = true;
  const Clock* clock = nullptr;                          // null: the system's
  std::function<void(std::chrono::seconds)> sleep = {};  // null: sleeps
};

struct ApplyResult {
  std::uint64_t carried = 0;   // keys whose every step is done (now or in an earlier run)
  std::uint64_t reported = 0;  // destroyed keys
  std::uint64_t blocked = 0;
  std::uint64_t failed = 0;   // see the notes given to the observer; run again to go on
  std::uint64_t waiting = 0;  // may rotate again at `next` only
  Timestamp next;
  std::uint64_t unregistered = 0;  // registrations that the caller may not write
};

// A failed key does not stop the others; missing material fails its key only. When the target is
// full no further key is begun. Errors: of rings, journal and the connections' set-up.
Result<ApplyResult> apply(const Plan& plan, const Side& source, const Side& target,
                          Journal& journal, const Material& material, const ApplyOptions& options,
                          Observer& observer);

}  // namespace keyhaven::migrate
