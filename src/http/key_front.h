// What the route tables about keys share: their services, and the first steps of every call on one
// key.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/call.h"
#include "http/key_json.h"
#include "http/route.h"
#include "keys/key_service.h"
#include "unit/async_unit.h"

namespace keyhaven::http {

// Built by server/; lives as long as the Api.
struct KeyFront {
  keys::KeyService& service;
  std::vector<unit::AsyncUnit*> units;  // one per loop, by index
  std::string account;                  // 32 hex digits, for CRNs

  unit::AsyncUnit& unit_of(const Call& call) const { return *units.at(call.loop_index()); }
};

// The tables of this folder about keys.
Routes key_routes(KeyFront& front);       // key_routes.cc: create, get, change, delete
Routes key_list_routes(KeyFront& front);  // key_list_routes.cc: list and count
Routes key_action_routes(
    KeyFront& front);  // key_action_routes.cc: wrap, unwrap, rotate … in both spellings
Routes key_ring_routes(KeyFront& front);    // key_ring_routes.cc
Routes key_policy_routes(KeyFront& front);  // key_policy_routes.cc

// --- Steps ---

// The ring of the X-Kms-Key-Ring header; empty when absent.
std::string_view ring_header(const Call& call);

// The key of the path parameter {id} (id or alias, in the ring of the header if that is given),
// after the caller's right to action() on it was checked. Without the right the refusal is the same
// whether or not the key exists. Errors: Unauthorized, KeyNotFound,
// RecordNotAuthentic.
Result<keys::KeyRecordPtr> authorized_key(Call& call, const KeyFront& front);

enum class Return : std::uint8_t { Unsaid, Minimal, Representation };
Return preferred_return(const Call& call);

KeyView view_of(const Call& call, const KeyFront& front,
                KeyView::Moment moment = KeyView::Moment::Later);

Response json_response(int status, std::string body);
Response empty_response(int status);

// Runs a change with the event that is committed with it, and remembers whether it was.
template <class Operation>
auto run_change(Call& call, int status, Operation operation) {
  keys::Change change{call.caller()->iam_id, call.success_event(status), false};
  auto result = operation(change);
  if (change.recorded) call.set_event_recorded();
  return result;
}

}  // namespace keyhaven::http
