// One wrapped DEK from the source to the target: opened there, wrapped here, same AAD. What every
// kind of inventory and every table is re-wrapped with.
#pragma once

#include <string>
#include <vector>

#include "migrate/dek_routes.h"
#include "migrate/inventory.h"
#include "migrate/side.h"

namespace keyhaven::migrate {

// The connections of one thread.
struct DekWorker {
  client::ApiClient from;
  client::ApiClient to;
};

// `jobs` is taken as 1 to 32. Errors: those of the connections' set-up.
Result<std::vector<DekWorker>> connect_workers(const Side& source, const Side& target,
                                               unsigned jobs);

struct MovedDek {
  std::string key;         // what names the target's key in the row's place: alias or id
  std::string wdek;        // base64, as the target gave it
  std::string problem;     // why it could not be moved and what to do; the members above are empty
  bool is_outage = false;  // the problem is a service's, not the row's: it may work later
};

// Reads key, wdek and aad of the row. The DEK itself is in locked memory only, and wiped.
MovedDek move_dek(DekWorker& worker, const DekRoutes& routes, const InventoryRow& row);

// Why the row is refused before any service is asked; empty if it is not.
std::string refusal_of(const DekRoutes& routes, const InventoryRow& row);

// What a refused call says to the owner of the row: which side, why, and the remedy where there is
// one.
std::string problem_text(const char* side, const Error& error);

// Whether a call failed for a reason that has nothing to do with what was asked: no connection, no
// answer in time, a service that is down or does not know the caller any more.
bool is_outage(Reason reason) noexcept;

}  // namespace keyhaven::migrate
