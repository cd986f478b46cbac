#include "http/audit_routes.h"

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {

Routes audit_routes(audit::Log& log, const std::array<std::uint8_t, 32>& public_key) {
  const auto read_key = [public_key](const CallPtr& call) {
    Response response;
    JsonWriter json(response.body);
    json.begin_object()
        .field("algorithm", "Ed25519")
        .field("public_key", to_hex(public_key))
        .end_object();
    call->finish(std::move(response));
  };
  const auto checkpoint = [&log](Call&) -> Result<Response> {
    KH_TRY(log.checkpoint());
    Response response;
    response.status = 204;
    return response;
  };
  return {
      on_loop(Method::Get, "/v1/audit/public_key", iam::Action::AuditRead, Check::Account,
              read_key),
      blocking(Method::Post, "/v1/audit/checkpoint", iam::Action::AuditVerify, Check::Account,
               checkpoint),
  };
}

}  // namespace keyhaven::http
