// Proves the result: every DEK is opened by both sides and compared; standard keys and metadata
// likewise.
#pragma once

#include <optional>

#include "migrate/dek_routes.h"
#include "migrate/inventory.h"
#include "migrate/side.h"
#include "tables/table.h"

namespace keyhaven::migrate {

struct VerifyOptions {
  std::string inventory;  // the old one, as in RewrapOptions; empty: keys only
  std::string name_rule;
  std::string rewrapped;                   // what rewrap made of it
  std::optional<tables::TableSpec> table;  // instead of inventories
  std::string record;                      // of the table: TableOptions
  unsigned jobs = 4;
  std::uint64_t every = 1;        // 1: all DEKs; n: each n-th
  bool enable_suspended = false;  // as in RewrapOptions
};

struct VerifyResult {
  std::uint64_t deks = 0;
  std::uint64_t deks_equal = 0;
  std::uint64_t deks_different = 0;
  std::uint64_t deks_unverifiable = 0;  // one side did not open it, or it was refused at rewrap
  std::uint64_t deks_not_sampled = 0;
  std::uint64_t deks_of_target = 0;  // in a table: made under the target's keys, and openable
  std::uint64_t standard_keys = 0;
  std::uint64_t standard_equal = 0;
  std::uint64_t keys_compared = 0;
  std::uint64_t metadata_differences = 0;
  std::uint64_t keys_missing = 0;   // planned, but not carried yet
  std::uint64_t still_enabled = 0;  // as in RewrapResult

  // Everything that was looked at is as it should be. What a sample left out is not looked at.
  bool finds_nothing_wrong() const noexcept {
    return deks_different == 0 && deks_unverifiable == 0 && standard_equal == standard_keys &&
           metadata_differences == 0 && keys_missing == 0 && still_enabled == 0;
  }
};

// The old wrapped DEK is opened by the source, the new one by the target under the key that the new
// inventory names, as the application will; both are compared in constant time in locked memory.
// Payloads are compared by HMAC under a key made for this run. What differs is named to the
// observer, never shown. Errors: Io, Conflict (the two inventories do not belong together), those
// of the journal and of the connections' set-up.
Result<VerifyResult> verify(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const VerifyOptions& options, Observer& observer);

}  // namespace keyhaven::migrate
