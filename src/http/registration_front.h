// What the route tables about registrations, lifecycle events and migration intents share
// (key-management-api.md 13).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "http/key_front.h"
#include "keys/registrations.h"

namespace keyhaven::http {

// Built by server/; lives as long as the Api.
struct RegistrationFront {
  KeyFront& keys;
  keys::Registrations& registrations;
};

Routes registration_routes(RegistrationFront& front);      // registration_routes.cc
Routes lifecycle_event_routes(RegistrationFront& front);   // event_routes.cc: also sync
Routes migration_intent_routes(RegistrationFront& front);  // migration_intent_routes.cc

// --- Steps ---

// Whether the caller may see what belongs to a key, for calls on the whole instance: all keys, or
// those in rings it has a right on, or those in the ring of the header. Grants on single keys do
// not count. Errors: Unauthorized when that is no ring at all.
using KeyFilter = std::function<bool(const KeyId&)>;
Result<KeyFilter> visible_keys(Call& call, const RegistrationFront& front);

struct Paging {
  std::size_t limit = 0;
  std::size_t offset = 0;
  bool with_total = false;
};
// limit, offset, totalCount. Errors: InvalidQueryParam.
Result<Paging> paging_of(const Call& call);

// Opens an envelope with metadata, up to the array of resources; end_envelope closes it.
void begin_page(JsonWriter& json, std::string_view type, std::size_t count, const Paging& paging,
                std::size_t total);

// A CRN from a path or query, decoded further until it begins with "crn:": some SDKs encode twice
// (key-management-api.md 13.2). What never does stays as it came.
std::string decoded_crn(std::string text);

// A version's id in a body, or nothing for null and "". Errors: InvalidField.
Result<std::optional<VersionId>> read_version(JsonValue& value, std::string_view field);

}  // namespace keyhaven::http
