// The audit log's public side: the key that verifies its checkpoints, and a checkpoint on demand.
// Administrators only.
#pragma once

#include <array>

#include "audit/log.h"
#include "http/route.h"

namespace keyhaven::http {

// GET /v1/audit/public_key: {"algorithm":"Ed25519","public_key":"<64 hex digits>"}; POST
// /v1/audit/checkpoint: 204 once the heads of all streams are signed. `log` must outlive the
// routes.
Routes audit_routes(audit::Log& log, const std::array<std::uint8_t, 32>& public_key);

}  // namespace keyhaven::http
