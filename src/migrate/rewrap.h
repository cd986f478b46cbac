// The bulk work: every wrapped DEK of an inventory is unwrapped by the source and wrapped by the
// target, same AAD.
#pragma once

#include "migrate/dek_routes.h"
#include "migrate/inventory.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

struct RewrapOptions {
  std::string inventory;
  std::string out;
  unsigned jobs = 4;  // 1 to 32, each with its own connections
  bool enable_suspended =
      false;  // enable disabled keys on both sides for the run, and disable them again
};

struct RewrapResult {
  std::uint64_t rows = 0;
  std::uint64_t rewrapped = 0;
  std::uint64_t refused = 0;        // in OUT.errors.csv: line,key,ref,problem
  std::uint64_t still_enabled = 0;  // keys that could not be disabled again; the next run tries too
};

// Where the refused rows of an output are listed.
std::string errors_path(const std::string& out);

// Writes OUT whole or not at all; rows keep their order, refused ones are left out and listed. DEKs
// are in locked memory only. A run that was interrupted starts from the beginning: wrapping again
// is harmless, and nothing half is left. Errors: Io, StoreUnavailable, InvalidArgument when OUT is
// the inventory itself, those of the journal and of the connections' set-up.
Result<RewrapResult> rewrap(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const RewrapOptions& options, Observer& observer);

}  // namespace keyhaven::migrate
