// Policies and registrations: none can be set yet, so the reads that migration tools and SDKs make
// answer with empty collections, as the vendor's do for a fresh key (key-management-api.md 11 to
// 13). Writes are not routed (405).
#include "http/key_front.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kPolicyType = "application/vnd.ibm.kms.policy+json";
constexpr std::string_view kRegistrationType = "application/vnd.ibm.kms.registration+json";

void answer_empty(Call& call, std::string_view type) {
  std::string body;
  JsonWriter json(body);
  begin_envelope(json, type, 0);
  end_envelope(json);
  call.finish(json_response(200, std::move(body)));
}

LoopHandler empty_for_key(KeyFront& front, std::string_view type) {
  return [&front, type](const CallPtr& call) {
    if (auto key = authorized_key(*call, front); !key) return call->fail(key.error());
    answer_empty(*call, type);
  };
}

LoopHandler empty_for_instance(std::string_view type) {
  return [type](const CallPtr& call) { answer_empty(*call, type); };
}

}  // namespace

Routes key_policy_routes(KeyFront& front) {
  using iam::Action;
  return {
      on_loop(Method::Get, "/api/v2/keys/{id}/policies", Action::PoliciesRead, Check::Key,
              empty_for_key(front, kPolicyType)),
      on_loop(Method::Get, "/api/v2/instance/policies", Action::InstancePoliciesRead,
              Check::Instance, empty_for_instance(kPolicyType)),
      on_loop(Method::Get, "/api/v2/keys/{id}/registrations", Action::RegistrationsList, Check::Key,
              empty_for_key(front, kRegistrationType)),
      on_loop(Method::Get, "/api/v2/keys/registrations", Action::RegistrationsList, Check::Instance,
              empty_for_instance(kRegistrationType)),
  };
}

}  // namespace keyhaven::http
