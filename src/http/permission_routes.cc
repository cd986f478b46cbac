#include "http/permission_routes.h"

#include "http/call.h"
#include "http/json.h"
#include "iam/permissions.h"

namespace keyhaven::http {
namespace {

void write_actions(JsonWriter& json, std::string_view name, const iam::Actions& actions) {
  json.key(name).begin_array();
  for (const iam::Action action : actions) json.value(iam::info(action).event);
  json.end_array();
}

void write_place(JsonWriter& json, const iam::Place& place) {
  json.begin_object().text_field_if("key_ring", place.key_ring);
  if (place.key) json.field("key", place.key->text());
  json.end_object();
}

void write_instance(JsonWriter& json, const iam::Caller& caller, const InstanceId& instance) {
  json.key("instance").begin_object().field("id", instance.text());
  write_actions(json, "actions", iam::actions_on(caller, {.instance = &instance}));
  json.key("parts").begin_array();
  for (const iam::Part& part : iam::parts_of(caller, instance)) {
    json.begin_object().key("places").begin_array();
    for (const iam::Place& place : part.places) write_place(json, place);
    json.end_array();
    write_actions(json, "actions", part.actions);
    json.end_object();
  }
  json.end_array().end_object();
}

// The same for everybody: so that a client can say which role is missing without a table of its
// own.
void write_requirements(JsonWriter& json) {
  json.key("requirements").begin_array();
  for (const iam::Requirement& one : iam::requirements()) {
    json.begin_object().key("roles").begin_array();
    for (std::size_t index = 0; index < iam::kRoleCount; ++index) {
      const auto role = static_cast<iam::Role>(index);
      if ((one.roles & iam::bit(role)) != 0) json.value(iam::name_of(role));
    }
    json.end_array();
    write_actions(json, "actions", one.actions);
    json.end_object();
  }
  json.end_array();
}

Result<std::optional<InstanceId>> asked_instance(const Call& call) {
  const auto text = call.query("instance");
  if (!text) return std::optional<InstanceId>();
  const auto id = InstanceId::parse(*text);
  if (!id) {
    return Error{Reason::InvalidQueryParam,
                 "instance must be the id of an instance, a UUID of 36 characters", "instance"};
  }
  return std::optional(id.value());
}

void read(const CallPtr& call) {
  const auto instance = asked_instance(*call);
  if (!instance) return call->fail(instance.error());
  const iam::Caller& caller = *call->caller();
  if (*instance) call->detail("requestData.instanceId", (*instance)->text());
  Response response;
  response.status = 200;
  response.headers.emplace_back("Cache-Control", "no-store");
  JsonWriter json(response.body);
  json.begin_object();
  write_actions(json, "account", iam::actions_on(caller, {}));
  if (*instance) write_instance(json, caller, **instance);
  write_requirements(json);
  json.end_object();
  call->finish(std::move(response));
}

}  // namespace

Routes permission_routes() {
  return {
      on_loop(Method::Get, "/v1/permissions", iam::Action::PermissionsRead, Check::Handler, read)};
}

}  // namespace keyhaven::http
