// Crypto-unit administration: the list of units, and the frames that an administrator's tool
// exchanges with one of them (instances-tke-iam.md 3.1).
#pragma once

#include <functional>

#include "http/route.h"
#include "instances/master_key_rotation.h"

namespace keyhaven::http {

// GET /v1/tke/{instance}/hsms, POST /v1/tke/{instance}/hsms/{hsm}, GET /v1/tke/attestation_root.
// Both services must outlive the routes; frames go through `rotations`, which refuses those that
// would take away a master key that stored keys need.
// `forget` is called after a frame that may have ended the use of a master key (zeroize, clear, set
// immediate): every engine of the unit wipes what it still holds opened. An engine never uses such
// a copy again by itself; this only makes sure that it is gone. May be empty.
Routes tke_routes(instances::InstanceService& service, instances::MasterKeyRotations& rotations,
                  std::function<Result<void>()> forget = {});

// "operational", "recovery", "failover".
std::string_view name_of(unit::UnitType type) noexcept;

}  // namespace keyhaven::http
