// The part of verify that looks at keys: metadata field by field, payloads of standard keys by a
// keyed digest.
#pragma once

#include "migrate/progress.h"
#include "migrate/verify.h"

namespace keyhaven::migrate {

// Compares every carried key of the plan and counts in `result`. What differs is named to the
// observer. Errors: the journal's.
Result<void> verify_keys(const Plan& plan, const Side& source, const Side& target, unsigned jobs,
                         Journal& journal, VerifyResult& result, Observer& observer);

// Differences between a key of the target and what it was to become, field by field, in words. What
// the plan says counts: it was reviewed, and may say otherwise than the source. `progress` tells
// what cutover has done by now. Pure.
std::vector<std::string> metadata_differences(const PlannedKey& plan, const client::Key& source,
                                              const client::Key& target,
                                              const KeyProgress& progress = {});

// Fields in which the plan says otherwise than the source does now: edited by the reviewer, or
// changed in the source since. Pure.
std::vector<std::string> plan_decisions(const PlannedKey& plan, const client::Key& source);

}  // namespace keyhaven::migrate
