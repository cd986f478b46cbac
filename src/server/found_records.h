// What becomes of stored records that are not as the crypto unit sealed them last.
#pragma once

#include <map>

#include "audit/event.h"
#include "instances/record_check.h"
#include "keys/quarantine.h"

namespace keyhaven::server {

// Tells the key domain what it must do without.
void quarantine(keys::Quarantine& out, const instances::RecordCheck& found);

// Records that are not in use; a stray row of the alias index keeps nothing from being used.
// Success when there is none. Errors: RecordNotAuthentic, with their number and what to do.
Result<void> records_in_use(const instances::RecordCheck& found);

// How many there are of each fault, by its word; those that are not named count as "unnamed".
std::map<std::string, std::uint64_t> counts_of(const instances::RecordCheck& found);

// The events of a start: something is suspect; a store was put under guard as it was found.
audit::Event suspect_event(const instances::RecordCheck& found, Timestamp now);
audit::Event sealed_event(std::uint64_t records, Timestamp now);

}  // namespace keyhaven::server
