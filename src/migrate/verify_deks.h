// The part of verify that opens every wrapped DEK on both sides and compares.
#pragma once

#include <memory>
#include <vector>

#include "migrate/dek_mover.h"
#include "migrate/verify.h"

namespace keyhaven::migrate {

// The old and the new form of one DEK.
struct DekPair {
  InventoryRow before;
  InventoryRow after;
  std::string refused;  // set: there is no new form, and why
  bool is_new = false;  // there is no old form: it was made under the target's key
  std::uint64_t line = 0;
  std::string name;  // set: what to call it instead of its line
};

// Where the pairs come from. Not thread-safe.
class DekPairs {
 public:
  virtual ~DekPairs() = default;
  // nullopt at the end. Errors: Io, Conflict (old and new do not belong together).
  virtual Result<std::optional<DekPair>> next() = 0;
};

// Of two inventories, files or directories. Errors: Io, InvalidArgument, Conflict.
Result<std::unique_ptr<DekPairs>> open_pairs(const VerifyOptions& options, const DekRoutes& routes);

// Counts into `result`; what is not equal is named to the observer. Errors: those of the pairs.
Result<void> verify_deks(std::vector<DekWorker>& workers, const DekRoutes& routes, DekPairs& pairs,
                         std::uint64_t every, VerifyResult& result, Observer& observer);

}  // namespace keyhaven::migrate
