#include "http/identity_routes.h"

#include "crypto/hash.h"
#include "http/call.h"
#include "http/form.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kApiKeyGrant = "urn:ibm:params:oauth:grant-type:apikey";

struct TokenRefusal {
  std::string_view code;
  std::string_view message;
};

// Every member of `context` is a text: Go fails to decode others (key-management-api.md 15). Always
// 400: Go repeats a 429 or 5xx four times.
Response refuse(Call& call, const TokenRefusal& refusal) {
  call.detail("reason.reasonForFailure", std::string(refusal.code));
  Response response;
  response.status = 400;
  JsonWriter json(response.body);
  json.begin_object().field("errorCode", refusal.code).field("errorMessage", refusal.message);
  json.key("context").begin_object();
  json.field("requestId", call.correlation_id()).field("requestType", "incoming.Identity_Token");
  json.field("userAgent", call.header("User-Agent").value_or("")).field("url", call.request().path);
  json.field("instanceId", "keyhaven");
  json.date_field("startTime", call.clock().now()).date_field("endTime", call.clock().now());
  json.field("elapsedTime", "0").field("locale", "en_US").end_object().end_object();
  return response;
}

Response token_response(const iam::IssuedToken& token) {
  Response response;
  JsonWriter json(response.body);
  response.body.reserve(token.access_token.size() +
                        256);  // no reallocation leaves a copy of the token behind
  json.begin_object()
      .field("access_token", token.access_token)
      .field("refresh_token", "not_supported");
  json.field("ims_user_id", 0).field("token_type", "Bearer");
  json.field("expires_in", token.expires.seconds() - token.issued.seconds());
  json.field("expiration", token.expires.seconds()).field("scope", "ibm openid").end_object();
  return response;
}

// What clients send beside the credential (client ids, response_type, scope, "Basic Yng6Yng=") is
// ignored.
Result<Response> create_token(const iam::Authority& authority, Call& call) {
  const auto form = Form::decode(call.body());
  if (!form) return refuse(call, {"BXNIM0109E", form.error().message});
  const auto grant_type = form->field("grant_type");
  if (!grant_type) return refuse(call, {"BXNIM0109E", "Property missing or empty: grant_type"});
  if (*grant_type == "refresh_token") {
    return refuse(call,
                  {"BXNIM0408E", "Refresh tokens are not issued here; use the API key grant."});
  }
  if (*grant_type != kApiKeyGrant) {
    return refuse(call,
                  {"BXNIM0137E",
                   "The grant type is not supported; use urn:ibm:params:oauth:grant-type:apikey."});
  }
  const auto api_key = form->field("apikey");
  if (!api_key || api_key->empty())
    return refuse(call, {"BXNIM0109E", "Property missing or empty: apikey"});
  auto exchange = authority.exchange(*api_key);
  if (!exchange) return refuse(call, {"BXNIM0415E", exchange.error().message});
  call.set_initiator(exchange->iam_id, exchange->name);
  Response response = token_response(exchange->token);
  wipe(exchange->token.access_token);
  return response;
}

}  // namespace

Routes identity_routes(const iam::Authority& authority) {
  using enum Method;
  const auto token = [&authority](Call& call) { return create_token(authority, call); };
  const auto key_set = [&authority](const CallPtr& call) {
    Response response;
    response.body = authority.issuer().key_set_json();
    call->finish(std::move(response));
  };
  return {
      blocking(Post, "/identity/token", iam::Action::TokenCreate, Check::Handler, token),
      blocking(Post, "/oidc/token", iam::Action::TokenCreate, Check::Handler, token),
      on_loop(Get, "/identity/keys", iam::Action::KeysetRead, Check::Handler, key_set),
      on_loop(Get, "/.well-known/jwks.json", iam::Action::KeysetRead, Check::Handler, key_set),
  };
}

TokenAuthenticator::TokenAuthenticator(const iam::Authority& authority, const Clock& clock,
                                       unsigned loops)
    : authority_(authority) {
  for (unsigned loop = 0; loop < loops; ++loop) {
    caches_.push_back(std::make_unique<iam::TokenCache>(authority, clock));
  }
}

Result<iam::CallerPtr> TokenAuthenticator::authenticate(unsigned loop,
                                                        std::string_view bearer_token) {
  return caches_.at(loop)->authenticate(bearer_token);
}

Result<iam::CallerPtr> TokenAuthenticator::again(const iam::CallerPtr& caller,
                                                 std::string_view bearer_token) {
  const bool nothing_revoked = caller->revocation_epoch == authority_.revocation_epoch() &&
                               !authority_.has_ended(crypto::sha256(as_bytes(bearer_token)));
  if (nothing_revoked) return caller;
  return authority_.caller_for(bearer_token);
}

}  // namespace keyhaven::http
