// Reading the audit log over the API: searching its records, its state, and a check of the whole
// log by the server itself. Administrators only.
#pragma once

#include <array>
#include <string>

#include "audit/log.h"
#include "base/clock.h"
#include "http/route.h"

namespace keyhaven::http {

struct AuditReading {
  audit::Log& log;
  std::string directory;  // of the log
  std::array<std::uint8_t, 32> public_key;
  const Clock& clock;
};

// GET /v1/audit/records: one page of a search (audit/search.h); two at a time, so that the workers
// are there for others; the third is refused with 429.
// GET /v1/audit/status: streams, newest checkpoint, health, the check that runs or ran last.
// POST /v1/audit/check: 202; starts a check, or answers that one runs already.
// What `reading` refers to must outlive the routes; a check that runs ends with them.
Routes audit_reading_routes(const AuditReading& reading);

}  // namespace keyhaven::http
