// An act of which it is not known whether it came to pass: look, and repeat it when it did not.
//
// Only for acts that a service itself carries out once at most, however often it is asked: a name
// that is unique (alias, ring, registration, intent). So an act that was on its way all the time
// and comes to pass late meets its repetition as a refusal, never as a second effect. A rotation is
// no such act.
#pragma once

#include "client/api_client.h"

namespace keyhaven::migrate {

inline constexpr unsigned kMostActs = 4;  // of one act in one run

// Asks `act` (Result<...>) until it is known to have come to pass: by its answer, or because
// `is_there` (Result<bool>) finds what it makes. It is repeated only when its failure leaves open
// whether it happened and what it makes is not there; the look-up, which waits for a service that
// comes back, is the pause between. Errors: that of the last `act`.
template <class Act, class Look>
Result<void> act_or_find(const client::ApiClient& api, Act act, Look is_there) {
  for (unsigned number = 1;; ++number) {
    auto done = act();
    if (done) return {};
    const bool is_open = api.last_failure().may_have_happened;
    const Result<bool> there = is_there();
    if (there && *there) return {};
    if (!there || !is_open || number == kMostActs) return std::move(done).error();
  }
}

}  // namespace keyhaven::migrate
