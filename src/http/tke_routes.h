// Crypto-unit administration: the list of units, and the frames that an administrator's tool
// exchanges with one of them (instances-tke-iam.md 3.1).
#pragma once

#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

// GET /v1/tke/{instance}/hsms, POST /v1/tke/{instance}/hsms/{hsm}, GET /v1/tke/attestation_root.
// `service` must outlive the routes.
Routes tke_routes(instances::InstanceService& service);

}  // namespace keyhaven::http
