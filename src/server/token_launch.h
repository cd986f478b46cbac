// What the unit is started with when its master keys are in a PKCS#11 token
// (unitd/token_backend.h).
#pragma once

#include "server/config.h"
#include "server/unit_launcher.h"

namespace keyhaven::server {

// Sets the fields of the back end; names and paths, never the PIN.
void launch_with_backend(const Config& config, UnitLaunchOptions& options);

}  // namespace keyhaven::server
