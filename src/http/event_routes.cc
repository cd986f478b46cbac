// Lifecycle events of services, their acknowledgement, and sync (key-management-api.md 6.3, 13.3).
//
// The vendor tells services over an internal bus whose format is not public; here they ask:
// GET /api/v2/lifecycle_events is ours.
#include <string>
#include <utility>

#include "http/registration_front.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kEventType = "application/vnd.keyhaven.lifecycle_event+json";
constexpr std::size_t kTextBytes = 128;

Result<void> require_service(const Call& call) {
  if (!call.caller()->service_crn.empty()) return {};
  return Error{Reason::ServiceOnly, "lifecycle events are for services only", ""};
}

void write_event(JsonWriter& json, const keys::LifecycleEvent& event) {
  json.begin_object().field("id", event.id.text()).field("kind", name_of(event.kind));
  json.field("keyId", event.key.text());
  json.key("keyVersion").begin_object().field("id", event.version.text()).end_object();
  json.field("resourceCrn", event.resource_crn);
  json.date_field("creationDate", event.created).date_field("deadline", event.deadline);
  if (event.acknowledged.is_set()) {
    json.date_field("acknowledged", event.acknowledged);
    json.field("acknowledgedBy", event.acknowledged_by);
    json.field("adopterKeyState", event.adopter_key_state);
  }
  json.end_object();
}

Result<Response> list_events(Call& call, RegistrationFront& front) {
  const KeyFilter visible = KH_TRY(visible_keys(call, front));
  KH_TRY(require_service(call));
  const Paging paging = KH_TRY(paging_of(call));
  keys::EventQuery query;
  query.service_crn = call.caller()->service_crn;
  query.acknowledged = KH_TRY(call.query_bool("acknowledged", false));
  query.visible = [&visible](const keys::LifecycleEvent& event) { return visible(event.key); };
  query.limit = paging.limit;
  query.offset = paging.offset;
  const keys::EventPage page = front.registrations.events(call.instance().id, query);
  call.detail("responseData.totalResources", std::to_string(page.events.size()));
  std::string body;
  JsonWriter json(body);
  begin_page(json, kEventType, page.events.size(), paging, page.total);
  for (const keys::LifecycleEventPtr& event : page.events) write_event(json, *event);
  end_envelope(json);
  return json_response(200, std::move(body));
}

struct AckRequest {
  keys::Acknowledgement acknowledgement;
  bool has_event = false;
};

Result<void> read_member(std::string_view name, JsonValue& value, AckRequest& out) {
  if (value.is_null()) return {};
  if (name == "eventid") {
    const auto id = Uuid::parse(KH_TRY(value.text("eventId", kTextBytes)));
    if (!id)
      return Error{Reason::InvalidField, "eventId must be the id of a lifecycle event", "eventId"};
    out.acknowledgement.event = id.value();
    out.has_event = true;
  } else if (name == "adopterkeystate") {
    out.acknowledgement.adopter_key_state = KH_TRY(value.text("adopterKeyState", kTextBytes));
  } else if (name == "timestamp") {
    KH_TRY(value.date("timestamp"));
  } else if (name == "keystatedata") {
    return value.object([&](std::string_view inner, JsonValue& member) -> Result<void> {
      if (inner == "rewrappedkeyversion") {
        out.acknowledgement.rewrapped_version = KH_TRY(read_version(member, "rewrappedKeyVersion"));
      }
      return {};
    });
  }
  return {};
}

Result<keys::Acknowledgement> read_acknowledgement(Call& call) {
  AckRequest out;
  std::size_t count = 0;
  const auto resource = [&](JsonValue& value) -> Result<void> {
    if (++count > 1)
      return Error{Reason::BadBody, "one event is acknowledged at a time", "resources"};
    return value.object(
        [&](std::string_view name, JsonValue& member) { return read_member(name, member, out); });
  };
  KH_TRY(read_envelope(call.body(), resource));
  if (count == 0) return Error{Reason::BadBody, "resources names no event", "resources"};
  if (!out.has_event) return Error{Reason::InvalidField, "eventId is missing", "eventId"};
  return std::move(out.acknowledgement);
}

// Authorised like the list: the event of a key that the caller may not see is as good as unknown.
Result<Response> acknowledge(Call& call, RegistrationFront& front) {
  const KeyFilter visible = KH_TRY(visible_keys(call, front));
  KH_TRY(require_service(call));
  keys::Acknowledgement request = KH_TRY(read_acknowledgement(call));
  request.service_crn = call.caller()->service_crn;
  const InstanceId& instance = call.instance().id;
  const keys::LifecycleEventPtr event = front.registrations.find_event(instance, request.event);
  if (!event || !visible(event->key)) {
    return Error{Reason::LifecycleEventNotFound, "the service has no such event", "eventId"};
  }
  call.set_target(key_crn(front.keys.account, call.instance(), event->key));
  call.detail("requestData.eventId", request.event.text());
  call.detail("requestData.adopterKeyState", request.adopter_key_state);
  if (request.rewrapped_version)
    call.detail("requestData.rewrappedKeyVersionId", request.rewrapped_version->text());
  KH_TRY(run_change(call, 204, [&](keys::Change& change) {
    return front.registrations.acknowledge(instance, request, change);
  }));
  return empty_response(204);
}

Result<Response> sync(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  // Nothing is read from the body, but it must be JSON as with the other actions.
  KH_TRY(read_json(call.body(), [](std::string_view, JsonValue&) -> Result<void> { return {}; }));
  KH_TRY(run_change(call, 204,
                    [&](keys::Change& change) { return front.registrations.sync(*key, change); }));
  return empty_response(204);
}

}  // namespace

Routes lifecycle_event_routes(RegistrationFront& front) {
  using iam::Action;
  const auto row = [&front](Method method, std::string_view pattern, Action action,
                            Result<Response> (*handler)(Call&, RegistrationFront&)) {
    return blocking(method, pattern, action, Check::Key,
                    [&front, handler](Call& call) { return handler(call, front); });
  };
  return {
      row(Method::Get, "/api/v2/lifecycle_events", Action::LifecycleEventsList, list_events),
      row(Method::Post, "/api/v2/event_ack", Action::SecretsEventAck, acknowledge),
      row(Method::Post, "/api/v2/keys/{id}/actions/sync", Action::SecretsSync, sync),
  };
}

}  // namespace keyhaven::http
