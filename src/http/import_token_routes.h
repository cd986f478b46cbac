// Import tokens (key-management-api.md 8).
#pragma once

#include "http/route.h"
#include "keys/import_tokens.h"

namespace keyhaven::http {

// `tokens` must outlive the routes.
Routes import_token_routes(keys::ImportTokens& tokens);

}  // namespace keyhaven::http
