// ApiClient: the rotation of an instance's master key.
#include "client/connection.h"
#include "client/encode.h"

namespace keyhaven::client {
namespace {

CallSpec rotation_call(const Endpoint& endpoint, const char* method, const char* what) {
  CallSpec spec;
  spec.base = Base::Units;
  spec.method = method;
  spec.target = "/v1/tke/" + percent_encode(endpoint.instance) + "/rotation";
  // Beginning what has begun and abandoning what is abandoned change nothing.
  spec.repeat = Repeat::Safe;
  spec.what = what;
  return spec;
}

}  // namespace

Result<MasterKeyRotation> ApiClient::rotation() {
  auto response =
      KH_TRY(state_->call(rotation_call(state_->endpoint, "GET", "get master key rotation")));
  return state_->decoder.rotation(text_of(response.body));
}

Result<MasterKeyRotation> ApiClient::start_rotation() {
  auto response =
      KH_TRY(state_->call(rotation_call(state_->endpoint, "POST", "start master key rotation")));
  return state_->decoder.rotation(text_of(response.body));
}

Result<MasterKeyRotation> ApiClient::abandon_rotation() {
  auto response = KH_TRY(
      state_->call(rotation_call(state_->endpoint, "DELETE", "abandon master key rotation")));
  return state_->decoder.rotation(text_of(response.body));
}

}  // namespace keyhaven::client
