// GET /v1/permissions: what the caller may do, for clients that offer only what will not be refused
// (the console). docs/operations/console.md.
#pragma once

#include "http/route.h"

namespace keyhaven::http {

// Answered on the loop, from the caller's grants and the authorisation table alone: no look-up of
// the instance, so one that does not exist and one of others give the same answer.
Routes permission_routes();

}  // namespace keyhaven::http
