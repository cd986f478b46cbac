// Policies of an instance (key-management-api.md 12, real-clients.md 4).
#pragma once

#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

// GET and PUT /api/v2/instance/policies, GET /api/v2/instance/allowed_ip_port. `service` must
// outlive the routes.
Routes instance_policy_routes(instances::InstanceService& service);

}  // namespace keyhaven::http
