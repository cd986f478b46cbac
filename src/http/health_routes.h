// Health: /healthz says that the process answers, /readyz whether it can serve, with a cause per
// part.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/route.h"

namespace keyhaven::http {

// One part that serving depends on. `check` may block for a moment and is called for each /readyz,
// on pool threads.
struct HealthCheck {
  std::string name;  // "unit", "store", "audit": a JSON member name
  std::function<Result<void>()> check;
  // Else its failure is shown, and the server is ready all the same.
  bool essential = true;
};

// GET /healthz: 200 {"status":"alive"}. GET /readyz: 200 or 503
// {"status":"ready"|"not_ready","causes":{"unit":"ok","store":"…why not…"}}. Open to everybody and
// not audited.
Routes health_routes(std::vector<HealthCheck> checks);

}  // namespace keyhaven::http
