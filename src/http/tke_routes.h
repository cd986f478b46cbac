// Crypto-unit administration: the list of units, and the frames that an administrator's tool
// exchanges with one of them (instances-tke-iam.md 3.1).
#pragma once

#include "http/route.h"
#include "http/tke_frames.h"

namespace keyhaven::http {

// GET /v1/tke/{instance}/hsms, POST /v1/tke/{instance}/hsms/{hsm}, GET /v1/tke/attestation_root.
// `front` must outlive the routes.
Routes tke_routes(const FrameFront& front);

// "operational", "recovery", "failover".
std::string_view name_of(unit::UnitType type) noexcept;

}  // namespace keyhaven::http
