// Crypto-unit administration: the list of units, and the frames that an administrator's tool
// exchanges with one of them (instances-tke-iam.md 3.1).
#pragma once

#include <functional>

#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

// GET /v1/tke/{instance}/hsms, POST /v1/tke/{instance}/hsms/{hsm}, GET /v1/tke/attestation_root.
// `service` must outlive the routes.
// `forget` is called after a frame that may have ended the use of a master key (zeroize, clear, set
// immediate): every engine of the unit wipes what it still holds opened. An engine never uses such
// a copy again by itself; this only makes sure that it is gone. May be empty.
Routes tke_routes(instances::InstanceService& service, std::function<Result<void>()> forget = {});

}  // namespace keyhaven::http
