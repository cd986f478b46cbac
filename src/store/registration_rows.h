// The part of a key change that is about registrations and lifecycle events.
#pragma once

#include "keys/key_store.h"
#include "store/touched_rows.h"

namespace keyhaven::store {

SealedRow make_registration_row(const keys::Registration& registration);

// On the writer thread, within the change's savepoint; keys come first. `rows` are those of
// `put_registrations`. Errors: Conflict, StoreUnavailable.
Result<void> change_registrations(Connection& db, const keys::KeyChange& change,
                                  const std::vector<SealedRow>& rows, TouchedRows& touched);
Result<void> change_events(Connection& db, const keys::KeyChange& change);

}  // namespace keyhaven::store
