#include "http/key_front.h"

namespace keyhaven::http {

std::string_view ring_header(const Call& call) {
  return call.header("X-Kms-Key-Ring").value_or(std::string_view());
}

Result<keys::KeyRecordPtr> authorized_key(Call& call, const KeyFront& front) {
  const InstanceId& instance = call.instance().id;
  const std::string_view ring = ring_header(call);
  keys::KeyRecordPtr key = front.service.directory().resolve(instance, call.param("id"), ring);
  if (!key) {
    KH_TRY(call.authorize({.instance = &instance, .key_ring = ring, .key = nullptr}));
    if (const auto id = KeyId::parse(call.param("id")))
      KH_TRY(front.service.directory().quarantine().check_key(instance, id.value()));
    return Error{Reason::KeyNotFound, "the instance has no key of this id or alias", ""};
  }
  KH_TRY(call.authorize({.instance = &instance, .key_ring = key->key_ring, .key = &key->id}));
  call.set_target(key_crn(front.account, call.instance(), key->id));
  return key;
}

Return preferred_return(const Call& call) {
  const std::string_view prefer = call.header("Prefer").value_or(std::string_view());
  if (prefer.find("return=minimal") != std::string_view::npos) return Return::Minimal;
  if (prefer.find("return=representation") != std::string_view::npos) return Return::Representation;
  return Return::Unsaid;
}

KeyView view_of(const Call& call, const KeyFront& front, KeyView::Moment moment) {
  return {front.account,      call.instance(), front.service.times(),
          call.clock().now(), moment,          !call.caller()->service_crn.empty()};
}

Response json_response(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

Response empty_response(int status) { return json_response(status, {}); }

}  // namespace keyhaven::http
