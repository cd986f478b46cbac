// The bulk work: every wrapped DEK of an inventory is unwrapped by the source and wrapped by the
// target, same AAD.
#pragma once

#include <chrono>

#include "migrate/dek_routes.h"
#include "migrate/inventory.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

struct RewrapOptions {
  std::string inventory;  // a file, or a directory with a file per wrapped DEK
  std::string name_rule;  // of a directory: NameRule; empty: sidecars
  std::string out;        // a file or a directory, as the inventory is
  unsigned jobs = 4;      // 1 to 32, each with its own connections
  bool enable_suspended =
      false;  // enable disabled keys on both sides for the run, and disable them again
  std::vector<std::string> program;  // told each row, and its answer awaited (RowProgram); or empty
  std::chrono::milliseconds program_patience{60'000};
  std::uint64_t checkpoint_rows = 4096;  // a quarter of it with a program
};

struct RewrapResult {
  std::uint64_t rows = 0;
  std::uint64_t rewrapped = 0;
  std::uint64_t refused = 0;        // in OUT.errors.csv: line,key,ref,problem
  std::uint64_t still_enabled = 0;  // keys that could not be disabled again; the next run tries too
  std::uint64_t went_on_after = 0;  // rows that an interrupted run had done
};

// Where the refused rows of an output are listed.
std::string errors_path(const std::string& out);

// Writes the file OUT whole or not at all; rows keep their order, refused ones are left out and
// listed. In a directory OUT each file is whole or not there. DEKs are in locked memory only. A run
// that was interrupted goes on where it was, unless the part of the inventory that was done, the
// partial output or where the DEKs go has changed: then it starts anew. A block of rows of which
// none could be moved because a service is down ends the run, to be gone on with. Errors: Io,
// StoreUnavailable, InvalidArgument when OUT is the inventory itself, Conflict (the program, the
// output belongs to another plan), those of the services when they are down, of the journal and of
// the connections' set-up.
Result<RewrapResult> rewrap(const Plan& plan, const Side& source, const Side& target,
                            Journal& journal, const RewrapOptions& options, Observer& observer);

}  // namespace keyhaven::migrate
