// The part of a key change that is about registrations and lifecycle events.
#pragma once

#include "keys/key_store.h"
#include "store/sqlite.h"

namespace keyhaven::store {

// On the writer thread, within the change's savepoint; keys come first. Errors: Conflict,
// StoreUnavailable.
Result<void> change_registrations(Connection& db, const keys::KeyChange& change);
Result<void> change_events(Connection& db, const keys::KeyChange& change);

}  // namespace keyhaven::store
