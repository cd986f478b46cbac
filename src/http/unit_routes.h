// The crypto units' own state: how it is sealed on the disk. Administrators of the account only.
#pragma once

#include "http/route.h"
#include "unit/crypto_unit.h"

namespace keyhaven::http {

// GET /v1/unit/sealing: {"method":"file","reference":"…","saves":7,"detects_old_state":false,
// "advice":"…"}; PUT the same with {"method":"tpm2","reference":"pcrs=7"}: 200 once the state is
// durable under the new method. `unit` must outlive the routes; a change may take seconds.
Routes unit_routes(unit::CryptoUnit& unit);

}  // namespace keyhaven::http
