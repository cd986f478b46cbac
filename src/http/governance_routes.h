// GET /governance/v1/configs: how instances and keys are configured, for compliance scanners
// (key-management-api.md 14).
#pragma once

#include "http/key_front.h"
#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

Routes governance_routes(const KeyFront& front, const instances::InstanceService& instances);

}  // namespace keyhaven::http
