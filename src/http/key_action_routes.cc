// Using keys: wrap, unwrap, rewrap on the event loops, rotate, disable, enable on the pool; each in
// the new spelling /keys/{id}/actions/<action> and the legacy one /keys/{id}?action=<action>
// (key-management-api.md 6).
//
// The hot path is cut at the one awaited call to the crypto unit
// (docs/adr/0001-async-decide-finish.md): the functions below decide, hand the work to the loop's
// AsyncUnit, and finish in its callback.
#include "http/key_front.h"
#include "http/key_requests.h"
#include "keys/key_use.h"

namespace keyhaven::http {
namespace {

void write_version(JsonWriter& json, std::string_view name, const keys::VersionRef& version) {
  json.key(name).begin_object().field("id", version.version->id.text()).end_object();
}

// Room for everything, so that the string never grows and leaves a copy of the DEK behind.
std::string body_for(std::size_t secret_bytes, std::size_t public_bytes) {
  std::string body;
  body.reserve(256 + base64_size(secret_bytes) + base64_size(public_bytes));
  return body;
}

// --- Wrap ---

void finish_wrap(Call& call, const keys::VersionRef& version, Result<unit::WrapResult> result) {
  if (!result) return call.fail(result.error());
  const unit::WrapResult& wrapped = result.value();
  call.detail("responseData.keyVersionId", version.version->id.text());
  std::string body = body_for(wrapped.generated_dek.size(), wrapped.wrapped_dek.size());
  JsonWriter json(body);
  json.begin_object();
  if (!wrapped.generated_dek.empty()) json.key("plaintext").base64(wrapped.generated_dek.expose());
  json.key("ciphertext").base64(wrapped.wrapped_dek);
  write_version(json, "keyVersion", version);
  json.end_object();
  call.finish(json_response(200, std::move(body)));
}

// Of wrap only: what was wrapped under a higher limit must still open.
Result<void> check_dek_size(const Call& call, std::size_t size) {
  const std::uint64_t limit = call.instance().limits.dek_bytes;
  if (size <= limit) return {};
  return Error{Reason::InvalidField,
               "plaintext has " + std::to_string(size) + " bytes; the instance takes at most " +
                   std::to_string(limit) + " (its limit dek_bytes)",
               "plaintext"};
}

void wrap(const CallPtr& call, KeyFront& front) {
  auto key = authorized_key(*call, front);
  if (!key) return call->fail(key.error());
  auto request = read_wrap(call->body());
  if (!request) return call->fail(request.error());
  if (const auto fits = check_dek_size(*call, request->plaintext.size()); !fits)
    return call->fail(fits.error());
  auto version = keys::decide_wrap(std::move(key).value(), call->clock().now());
  if (!version) return call->fail(version.error());
  front.unit_of(*call).wrap(version->binding(), version->blob(), request->plaintext.expose(),
                            request->aad,
                            [call, with = version.value()](Result<unit::WrapResult> result) {
                              finish_wrap(*call, with, std::move(result));
                            });
}

// --- Unwrap and rewrap ---

// A refusal about the bytes themselves names the field they came in.
Error about_ciphertext(Error error) {
  if (error.reason == Reason::NotACiphertext && error.target.empty()) error.target = "ciphertext";
  return error;
}

void finish_unwrap(Call& call, const keys::UnwrapPlan& plan, Result<unit::UnwrapResult> result) {
  if (!result) return call.fail(about_ciphertext(result.error()));
  const unit::UnwrapResult& unwrapped = result.value();
  call.detail("responseData.keyVersionId", plan.with.version->id.text());
  std::string body = body_for(unwrapped.dek.size(), unwrapped.rewrapped.size());
  JsonWriter json(body);
  json.begin_object().key("plaintext").base64(unwrapped.dek.expose());
  write_version(json, "keyVersion", plan.with);
  // Only for an old version: Go's callers take a ciphertext as "store this".
  if (plan.rewraps()) {
    json.key("ciphertext").base64(unwrapped.rewrapped);
    write_version(json, "rewrappedKeyVersion", plan.newest);
    call.detail("responseData.rewrappedKeyVersionId", plan.newest.version->id.text());
  }
  json.end_object();
  call.finish(json_response(200, std::move(body)));
}

void finish_rewrap(Call& call, const keys::UnwrapPlan& plan, Result<Bytes> result) {
  if (!result) return call.fail(about_ciphertext(result.error()));
  call.detail("responseData.keyVersionId", plan.with.version->id.text());
  call.detail("responseData.rewrappedKeyVersionId", plan.newest.version->id.text());
  std::string body = body_for(0, result.value().size());
  JsonWriter json(body);
  json.begin_object().key("ciphertext").base64(result.value());
  write_version(json, "keyVersion", plan.with);
  write_version(json, "rewrappedKeyVersion", plan.newest);
  json.end_object();
  call.finish(json_response(200, std::move(body)));
}

using Decide = Result<keys::UnwrapPlan> (*)(keys::KeyRecordPtr, ByteView, Timestamp);

struct Unwrapping {
  UnwrapRequest request;
  keys::UnwrapPlan plan;
};

Result<Unwrapping> prepare(Call& call, KeyFront& front, Decide decide) {
  keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  UnwrapRequest request = KH_TRY(read_unwrap(call.body()));
  auto plan = decide(std::move(key), request.ciphertext, call.clock().now());
  if (!plan) return about_ciphertext(std::move(plan).error());
  return Unwrapping{std::move(request), std::move(plan).value()};
}

void unwrap(const CallPtr& call, KeyFront& front) {
  const auto prepared = prepare(*call, front, keys::decide_unwrap);
  if (!prepared) return call->fail(prepared.error());
  const keys::UnwrapPlan& plan = prepared->plan;
  const unit::CryptoUnit::Newest newest{plan.newest.binding(), &plan.newest.blob()};
  front.unit_of(*call).unwrap(plan.with.binding(), plan.with.blob(), prepared->request.ciphertext,
                              prepared->request.aad, plan.rewraps() ? &newest : nullptr,
                              [call, plan](Result<unit::UnwrapResult> result) {
                                finish_unwrap(*call, plan, std::move(result));
                              });
}

void rewrap(const CallPtr& call, KeyFront& front) {
  const auto prepared = prepare(*call, front, keys::decide_rewrap);
  if (!prepared) return call->fail(prepared.error());
  const keys::UnwrapPlan& plan = prepared->plan;
  const unit::CryptoUnit::Newest newest{plan.newest.binding(), &plan.newest.blob()};
  front.unit_of(*call).rewrap(plan.with.binding(), plan.with.blob(), prepared->request.ciphertext,
                              prepared->request.aad, newest, [call, plan](Result<Bytes> result) {
                                finish_rewrap(*call, plan, std::move(result));
                              });
}

// --- Management ---

Result<Response> rotate(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  const keys::Material material = KH_TRY(read_rotate(call.body()));
  KH_TRY(run_change(call, 204, [&](keys::Change& change) {
    return front.service.rotate(*key, material, change);
  }));
  return empty_response(204);
}

// Absent, null and {} are no parameters (Go sends null); anything else must at least be JSON.
Result<void> ignore_body(Call& call) {
  KH_TRY(read_json(call.body(), [](std::string_view, JsonValue&) -> Result<void> { return {}; }));
  return {};
}

// A change that needs nothing but the key.
using PlainChange = Result<keys::KeyRecordPtr> (keys::KeyService::*)(const keys::KeyRecord&,
                                                                     keys::Change&);
template <PlainChange Operation>
Result<Response> plain_change(Call& call, KeyFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front));
  KH_TRY(ignore_body(call));
  KH_TRY(run_change(
      call, 204, [&](keys::Change& change) { return (front.service.*Operation)(*key, change); }));
  return empty_response(204);
}

// POST /keys/{id} with no or an unknown ?action=.
void unknown_action(const CallPtr& call, KeyFront& front) {
  if (auto key = authorized_key(*call, front); !key) return call->fail(key.error());
  call->fail({Reason::InvalidQueryParam,
              "action must be one of disable, enable, restore, rewrap, rotate, setKeyForDeletion, "
              "unsetKeyForDeletion, unwrap, wrap",
              "action"});
}

}  // namespace

Routes key_action_routes(KeyFront& front) {
  using iam::Action;
  Routes routes;
  const auto add_blocking = [&](std::string_view pattern, std::string_view legacy, Action action,
                                Result<Response> (*handler)(Call&, KeyFront&)) {
    const BlockingHandler run = [&front, handler](Call& call) { return handler(call, front); };
    routes.push_back(blocking(Method::Post, pattern, action, Check::Key, run));
    routes.push_back(blocking(Method::Post, "/api/v2/keys/{id}", action, Check::Key, run, legacy));
  };
  const auto add_on_loop = [&](std::string_view pattern, std::string_view legacy, Action action,
                               void (*handler)(const CallPtr&, KeyFront&)) {
    const LoopHandler run = [&front, handler](const CallPtr& call) { handler(call, front); };
    routes.push_back(on_loop(Method::Post, pattern, action, Check::Key, run));
    routes.push_back(on_loop(Method::Post, "/api/v2/keys/{id}", action, Check::Key, run, legacy));
  };
  add_on_loop("/api/v2/keys/{id}/actions/wrap", "wrap", Action::SecretsWrap, wrap);
  add_on_loop("/api/v2/keys/{id}/actions/unwrap", "unwrap", Action::SecretsUnwrap, unwrap);
  add_on_loop("/api/v2/keys/{id}/actions/rewrap", "rewrap", Action::SecretsRewrap, rewrap);
  add_blocking("/api/v2/keys/{id}/actions/rotate", "rotate", Action::SecretsRotate, rotate);
  using keys::KeyService;
  add_blocking("/api/v2/keys/{id}/actions/disable", "disable", Action::SecretsDisable,
               plain_change<&KeyService::disable>);
  add_blocking("/api/v2/keys/{id}/actions/enable", "enable", Action::SecretsEnable,
               plain_change<&KeyService::enable>);
  add_blocking("/api/v2/keys/{id}/actions/setKeyForDeletion", "setKeyForDeletion",
               Action::SecretsSetForDeletion, plain_change<&KeyService::set_for_deletion>);
  add_blocking("/api/v2/keys/{id}/actions/unsetKeyForDeletion", "unsetKeyForDeletion",
               Action::SecretsUnsetForDeletion, plain_change<&KeyService::unset_for_deletion>);
  routes.push_back(on_loop(Method::Post, "/api/v2/keys/{id}", Action::SecretsUnknown, Check::Key,
                           [&front](const CallPtr& call) { unknown_action(call, front); }));
  return routes;
}

}  // namespace keyhaven::http
