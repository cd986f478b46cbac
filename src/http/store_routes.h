// Whether the store has what the crypto unit sealed last. Administrators of the account only.
#pragma once

#include "http/route.h"
#include "instances/record_check.h"

namespace keyhaven::http {

// GET /v1/store/verification: what was found when the store was opened; POST: holds the whole store
// against the seals now, which takes seconds for a million records. Both answer
//   {"checked_at":…,"records":n,"faults":n,"unnamed":n,
//    "suspects":[{"table":"keys","instance_id":…,"id":…,"fault":"old"}],
//    "differences":[{"instance_id":…,"forged":n,"old":n,"returned":n,"newer":n,"missing":n,
//                    "difference":"<64 hex digits>"}]}
// without instance_id for records of the deployment. `records` must outlive the routes.
Routes store_routes(instances::StoredRecords& records);

}  // namespace keyhaven::http
