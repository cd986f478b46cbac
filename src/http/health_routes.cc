#include "http/health_routes.h"

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

Response readiness(const std::vector<HealthCheck>& checks) {
  std::string causes;
  JsonWriter json(causes);
  json.begin_object();
  bool ready = true;
  for (const HealthCheck& part : checks) {
    const auto result = part.check();
    ready = ready && (result.has_value() || !part.essential);
    json.field(part.name, result ? std::string("ok") : result.error().message);
  }
  json.end_object();
  Response response;
  response.status = ready ? 200 : 503;
  response.body = ready ? R"({"status":"ready","causes":)" : R"({"status":"not_ready","causes":)";
  response.body.append(causes).append("}");
  if (!ready) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

Routes health_routes(std::vector<HealthCheck> checks) {
  const auto alive = [](const CallPtr& call) {
    Response response;
    response.body = R"({"status":"alive"})";
    call->finish(std::move(response));
  };
  const auto ready = [checks = std::move(checks)](Call&) -> Result<Response> {
    return readiness(checks);
  };
  return {
      on_loop(Method::Get, "/healthz", iam::Action::HealthRead, Check::Handler, alive),
      blocking(Method::Get, "/readyz", iam::Action::HealthRead, Check::Handler, ready),
  };
}

}  // namespace keyhaven::http
