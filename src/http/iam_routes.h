// Management of identities, API keys and access policies. Administrators only.
#pragma once

#include "http/route.h"
#include "iam/authority.h"

namespace keyhaven::http {

// POST, GET /v1/serviceids; DELETE /v1/serviceids/{id}; the same for /v1/apikeys and /v1/policies.
// PATCH /v1/serviceids/{id} sets or removes the link of a user to the OpenID provider.
// Lists take ?iam_id=. A policy has the vendor's form: subjects (attribute iam_id), roles (role_id
// or display_name) and resources (attributes serviceInstance, keyRing, resource). `authority` must
// outlive the routes.
Routes iam_routes(iam::Authority& authority);

}  // namespace keyhaven::http
