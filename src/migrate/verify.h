// Proves the result: every DEK is opened by both sides and compared; standard keys and metadata
// likewise.
#pragma once

#include "migrate/dek_routes.h"
#include "migrate/inventory.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

struct VerifyOptions {
  std::string inventory;  // the old one; empty: keys only
  std::string rewrapped;  // what rewrap made of it
  unsigned jobs = 4;
  std::uint64_t every = 1;  // 1: all DEKs; n: each n-th
};

struct VerifyResult {
  std::uint64_t deks = 0;
  std::uint64_t deks_equal = 0;
  std::uint64_t deks_different = 0;
  std::uint64_t deks_unverifiable = 0;  // one side did not open it, or it was refused at rewrap
  std::uint64_t deks_not_sampled = 0;
  std::uint64_t standard_keys = 0;
  std::uint64_t standard_equal = 0;
  std::uint64_t keys_compared = 0;
  std::uint64_t metadata_differences = 0;
  std::uint64_t keys_missing = 0;  // planned, but not carried yet

  bool proves_everything() const noexcept {
    return deks_different == 0 && deks_unverifiable == 0 && standard_equal == standard_keys &&
           metadata_differences == 0 && keys_missing == 0;
  }
};

// Both unwraps are compared in constant time in locked memory; payloads by HMAC under a key made
// for this run. What differs is named to the observer, never shown. Errors: Io, Conflict (the two
// inventories do not belong together), those of the connections' set-up.
Result<VerifyResult> verify(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const VerifyOptions& options, Observer& observer);

// Differences between a key and its copy, field by field, in words; the plan's own decisions are
// none. Pure.
std::vector<std::string> metadata_differences(const PlannedKey& plan, const client::Key& source,
                                              const client::Key& target);

}  // namespace keyhaven::migrate
