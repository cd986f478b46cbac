// The rotation of an instance's master key: start, progress, abandon.
#pragma once

#include "http/route.h"
#include "instances/master_key_rotation.h"

namespace keyhaven::http {

// GET, POST and DELETE /v1/tke/{instance}/rotation. Both services must outlive the routes.
Routes rotation_routes(const instances::InstanceService& service,
                       instances::MasterKeyRotations& rotations);

}  // namespace keyhaven::http
