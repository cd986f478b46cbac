// keyhavend --list-routes: the router's own list as JSON, for tests that must reach every route and
// for people.
#pragma once

#include <string>

#include "base/result.h"

namespace keyhaven::server {

// Builds the API over an empty store in a temporary directory, without network and unit, and
// describes its routes. Errors: Io and those of the parts.
Result<std::string> list_routes();

}  // namespace keyhaven::server
