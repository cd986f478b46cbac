// The report of a migration into an instance, recorded by its hash: who reads the report later can
// hold it against this service's audit log.
#pragma once

#include <array>

#include "audit/log.h"
#include "http/route.h"

namespace keyhaven::http {

// POST /api/v2/migration_reports with the header Bluemix-Instance of the target:
//   {"plan_id":"<uuid>","report_sha256":"<64 hex>","plan_sha256":…,"journal_sha256":…,
//    "result":"verified"|"incomplete","source_instance":"<uuid>"}
// answers 201 {"record":"…","checkpoint":"…","public_key":"<64 hex>"}: an audit receipt
// (audit/receipt.h) whose event holds what was sent. Nothing else is kept. `log` must outlive the
// routes.
Routes migration_report_routes(audit::Log& log, const std::array<std::uint8_t, 32>& public_key);

}  // namespace keyhaven::http
