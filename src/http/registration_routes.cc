// Registrations (key-management-api.md 13.1 and 13.2).
#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/registration_front.h"
#include "net/header_text.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kRegistrationType = "application/vnd.ibm.kms.registration+json";
constexpr std::string_view kQueryParameter = "urlEncodedResourceCRNQuery";
constexpr std::size_t kTextBytes = 4096;  // generous; the limits in characters are in keys/
constexpr std::size_t kMaxDeactivated = 100;

bool is_service(const Call& call) { return !call.caller()->service_crn.empty(); }

// --- Entity tags: creation and revision, so that a registration made anew has others ---

std::string etag_of(const keys::Registration& registration) {
  return "\"" + std::to_string(registration.created.us) + "-" +
         std::to_string(registration.revision) + "\"";
}

std::function<bool(const keys::Registration&)> precondition_of(const Call& call) {
  const auto header = call.header("If-Match");
  if (!header) return {};
  return [tags = std::string(*header)](const keys::Registration& registration) {
    return net::names_tag(tags, etag_of(registration));
  };
}

// --- The answer ---

void write_version(JsonWriter& json, const keys::KeyRecord& key, const VersionId& id) {
  json.key("keyVersion").begin_object().field("id", id.text());
  const auto version = std::find_if(key.versions.begin(), key.versions.end(),
                                    [&](const keys::KeyVersion& each) { return each.id == id; });
  if (version != key.versions.end()) json.date_field("creationDate", version->created);
  json.end_object();
}

void write_registration(JsonWriter& json, const keys::Registration& registration,
                        const keys::KeyRecord& key, bool for_service) {
  json.begin_object().field("keyId", registration.key.text()).field("keyName", key.name);
  json.field("resourceCrn", registration.resource_crn);
  json.field("createdBy", registration.created_by);
  json.date_field("creationDate", registration.created);
  json.field("updatedBy", registration.updated_by);
  json.date_field("lastUpdated", registration.updated);
  json.text_field_if("description", registration.description);
  if (for_service) json.text_field_if("registrationMetadata", registration.metadata);
  json.field("preventKeyDeletion", registration.prevent_key_deletion);
  write_version(json, key, registration.version);
  json.end_object();
}

// A registration together with the key it is of.
using Shown = std::pair<keys::RegistrationPtr, keys::KeyRecordPtr>;

Response registrations_response(const Call& call, const std::vector<Shown>& shown,
                                const Paging& paging, std::size_t total) {
  std::string body;
  body.reserve(128 + shown.size() * 640);
  JsonWriter json(body);
  begin_page(json, kRegistrationType, shown.size(), paging, total);
  for (const auto& [registration, key] : shown)
    write_registration(json, *registration, *key, is_service(call));
  end_envelope(json);
  Response response = json_response(200, std::move(body));
  if (shown.size() == 1 && is_service(call))
    response.headers.emplace_back("ETag", etag_of(*shown.front().first));
  return response;
}

Response one_response(const Call& call, const keys::RegistrationPtr& registration,
                      const keys::KeyRecordPtr& key) {
  return registrations_response(call, {{registration, key}}, {}, 1);
}

// --- Reading ---

// What both lists ask for. A service sees its own resources only: metadata are between it and us.
Result<keys::RegistrationQuery> read_query(const Call& call, const Paging& paging) {
  keys::RegistrationQuery out;
  out.limit = paging.limit;
  out.offset = paging.offset;
  if (call.query("preventKeyDeletion"))
    out.prevent_key_deletion = KH_TRY(call.query_bool("preventKeyDeletion", false));
  if (const auto text = call.query(kQueryParameter); text && !text->empty())
    out.resource = KH_TRY(keys::CrnQuery::parse(decoded_crn(*text)));
  const std::string& service = call.caller()->service_crn;
  if (service.empty()) return out;
  if (!out.resource) out.resource = keys::CrnQuery::all_of(service);
  out.resource->restrict_to(service);
  return out;
}

Response page_response(Call& call, const RegistrationFront& front,
                       const keys::RegistrationQuery& query, const Paging& paging) {
  const keys::RegistrationPage page = front.registrations.list(call.instance().id, query);
  std::vector<Shown> shown;
  for (const keys::RegistrationPtr& registration : page.registrations) {
    // The key may have been purged just now.
    if (auto key = front.keys.service.directory().find(registration->instance, registration->key))
      shown.emplace_back(registration, std::move(key));
  }
  call.detail("responseData.totalResources", std::to_string(shown.size()));
  return registrations_response(call, shown, paging, page.total);
}

Result<Response> list_of_key(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  const Paging paging = KH_TRY(paging_of(call));
  keys::RegistrationQuery query = KH_TRY(read_query(call, paging));
  query.key = key.get();
  return page_response(call, front, query, paging);
}

Result<Response> list_all(Call& call, RegistrationFront& front) {
  const KeyFilter visible = KH_TRY(visible_keys(call, front));
  const Paging paging = KH_TRY(paging_of(call));
  keys::RegistrationQuery query = KH_TRY(read_query(call, paging));
  query.visible = [&visible](const keys::Registration& one) { return visible(one.key); };
  return page_response(call, front, query, paging);
}

// --- Writing ---

Error one_resource() {
  return {Reason::BadBody, "the request holds exactly one registration in resources", "resources"};
}

Result<keys::RegistrationInput> read_input(Call& call) {
  keys::RegistrationInput out;
  std::size_t count = 0;
  const auto member = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "keyversionid") {
      out.version = KH_TRY(read_version(value, "keyVersionId"));
    } else if (value.is_null()) {
      return {};
    } else if (name == "description") {
      out.description = KH_TRY(value.text("description", kTextBytes));
    } else if (name == "registrationmetadata") {
      out.metadata = KH_TRY(value.text("registrationMetadata", kTextBytes));
    } else if (name == "preventkeydeletion") {
      out.prevent_key_deletion = KH_TRY(value.boolean("preventKeyDeletion"));
    }
    return {};
  };
  const auto resource = [&](JsonValue& value) -> Result<void> {
    if (++count > 1) return one_resource();
    return value.object(member);
  };
  KH_TRY(read_envelope(call.body(), resource));
  if (count == 0) return one_resource();
  return out;
}

// Refused before the body is looked at, like every call of somebody who may not.
Result<void> require_service(const Call& call) {
  if (is_service(call)) return {};
  return Error{Reason::ServiceOnly, "only services write registrations", ""};
}

Result<Response> create(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  KH_TRY(require_service(call));
  const std::string crn = decoded_crn(call.param("crn"));
  keys::RegistrationInput input;
  if (!call.body().empty()) input = KH_TRY(read_input(call));
  const auto made = KH_TRY(run_change(call, 200, [&](keys::Change& change) {
    return front.registrations.create(*key, {call.caller()->service_crn, crn, {}}, input, change);
  }));
  return one_response(call, made, key);
}

Result<Response> write(Call& call, RegistrationFront& front, keys::Registrations::Write kind) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  KH_TRY(require_service(call));
  const std::string crn = decoded_crn(call.param("crn"));
  const keys::RegistrationInput input = KH_TRY(read_input(call));
  const keys::RegistrationTarget target{call.caller()->service_crn, crn, precondition_of(call)};
  const auto written = KH_TRY(run_change(call, 200, [&](keys::Change& change) {
    return front.registrations.write(kind, *key, target, input, change);
  }));
  return one_response(call, written, key);
}

Result<Response> remove(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  KH_TRY(require_service(call));
  const std::string crn = decoded_crn(call.param("crn"));
  const keys::RegistrationTarget target{call.caller()->service_crn, crn, precondition_of(call)};
  const bool shown = preferred_return(call) == Return::Representation;
  const auto removed = KH_TRY(run_change(call, shown ? 200 : 204, [&](keys::Change& change) {
    return front.registrations.remove(*key, target, change);
  }));
  if (!shown) return empty_response(204);
  return one_response(call, removed, key);
}

Result<std::vector<std::string>> read_crns(Call& call) {
  std::vector<std::string> out;
  const auto resource = [&](JsonValue& value) -> Result<void> {
    if (out.size() == kMaxDeactivated) {
      return Error{Reason::BadBody,
                   "at most " + std::to_string(kMaxDeactivated) + " resources at once",
                   "resources"};
    }
    std::string crn;
    const auto member = [&](std::string_view name, JsonValue& text) -> Result<void> {
      if (name == "resourcecrn") crn = KH_TRY(text.text("resourceCrn", kTextBytes));
      return {};
    };
    KH_TRY(value.object(member));
    out.push_back(decoded_crn(std::move(crn)));
    return {};
  };
  KH_TRY(read_envelope(call.body(), resource));
  return out;
}

Result<Response> deactivate(Call& call, RegistrationFront& front) {
  const keys::KeyRecordPtr key = KH_TRY(authorized_key(call, front.keys));
  KH_TRY(require_service(call));
  const std::vector<std::string> crns = KH_TRY(read_crns(call));
  const auto all = KH_TRY(run_change(call, 200, [&](keys::Change& change) {
    return front.registrations.deactivate(*key, call.caller()->service_crn, crns, change);
  }));
  std::vector<Shown> shown;
  for (const keys::RegistrationPtr& one : all) shown.emplace_back(one, key);
  return registrations_response(call, shown, {}, shown.size());
}

}  // namespace

Routes registration_routes(RegistrationFront& front) {
  using iam::Action;
  using Write = keys::Registrations::Write;
  constexpr std::string_view of_key = "/api/v2/keys/{id}/registrations";
  constexpr std::string_view one = "/api/v2/keys/{id}/registrations/{crn}";
  const auto row = [&front](Method method, std::string_view pattern, Action action,
                            Result<Response> (*handler)(Call&, RegistrationFront&),
                            std::string_view legacy_action = {}) {
    return blocking(
        method, pattern, action, Check::Key,
        [&front, handler](Call& call) { return handler(call, front); }, legacy_action);
  };
  return {
      row(Method::Get, of_key, Action::RegistrationsList, list_of_key),
      row(Method::Get, "/api/v2/keys/registrations", Action::RegistrationsList, list_all),
      row(Method::Post, of_key, Action::RegistrationsDeactivate, deactivate, "deactivate"),
      row(Method::Post, one, Action::RegistrationsCreate, create),
      blocking(Method::Put, one, Action::RegistrationsReplace, Check::Key,
               [&front](Call& call) { return write(call, front, Write::Replace); }),
      blocking(Method::Patch, one, Action::RegistrationsUpdate, Check::Key,
               [&front](Call& call) { return write(call, front, Write::Update); }),
      row(Method::Delete, one, Action::RegistrationsDelete, remove),
  };
}

}  // namespace keyhaven::http
