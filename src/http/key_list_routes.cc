// Listing and counting keys (key-management-api.md 5.2).
#include <functional>

#include "http/key_front.h"
#include "keys/key_filter.h"
#include "keys/key_list.h"
#include "keys/key_search.h"

namespace keyhaven::http {
namespace {

constexpr std::int64_t kPageLimit = 5000;
constexpr std::int64_t kDefaultPage = 200;
constexpr std::int64_t kMaxOffset = 1'000'000'000;

// The rings whose keys the caller may see: ring and instance grants count, grants on single keys do
// not (key-management-api.md 5.2). Without any right the list is empty, not refused.
std::function<bool(std::string_view)> visible_to(Call& call) {
  call.set_authorized();
  const iam::CallerPtr caller = call.caller();
  const InstanceId instance = call.instance().id;
  if (caller->may(call.action(), {.instance = &instance, .key_ring = {}, .key = nullptr})) {
    return [](std::string_view) { return true; };
  }
  return [caller, instance, action = call.action()](std::string_view ring) {
    return caller->may(action, {.instance = &instance, .key_ring = ring, .key = nullptr});
  };
}

Result<keys::StateSet> states_of(const Call& call) {
  const auto lists = call.query_all("state");
  if (lists.empty()) return keys::kListedByDefault;
  keys::StateSet states = 0;
  for (const std::string& list : lists) {
    states = static_cast<keys::StateSet>(states | KH_TRY(keys::parse_states(list)));
  }
  return states;
}

// A query with what it points to.
struct Listing {
  keys::ListQuery query;
  std::optional<keys::KeySearch> search;
  std::optional<keys::KeyFilter> filter;
};

Error named_twice(std::string_view name) {
  return {Reason::InvalidQueryParam,
          std::string(name) + " may stand in filter or in a parameter of its own, not in both",
          "filter"};
}

Result<void> read_selection(Call& call, Listing& out) {
  const auto search = call.query("search");
  // The Go client adds a comma to every search, also to an empty one.
  if (search && !search->empty() && *search != ",") {
    out.search = KH_TRY(keys::KeySearch::parse(*search));
    out.query.search = &*out.search;
  }
  if (const auto filter = call.query("filter")) {
    out.filter = KH_TRY(keys::KeyFilter::parse(*filter));
    out.query.filter = &*out.filter;
  }
  const bool has_state = call.query("state").has_value();
  if (out.filter && out.filter->names_state()) {
    if (has_state) return named_twice("state");
    out.query.states = keys::kEveryState;
  } else {
    out.query.states = KH_TRY(states_of(call));
  }
  if (call.query("extractable")) {
    if (out.filter && out.filter->names_extractable()) return named_twice("extractable");
    const bool extractable = KH_TRY(call.query_bool("extractable", false));
    out.query.kind = extractable ? keys::KeyKind::StandardKey : keys::KeyKind::RootKey;
  }
  return {};
}

// Fills `out`, which stays where it is: the query points into it.
Result<void> read_listing(Call& call, Listing& out) {
  out.query.limit =
      static_cast<std::size_t>(KH_TRY(call.query_integer("limit", 1, kPageLimit, kDefaultPage)));
  out.query.offset =
      static_cast<std::size_t>(KH_TRY(call.query_integer("offset", 0, kMaxOffset, 0)));
  KH_TRY(read_selection(call, out));
  if (const auto sort = call.query("sort")) out.query.sort = KH_TRY(keys::parse_sort(*sort));
  out.query.ring = ring_header(call);
  out.query.visible = visible_to(call);
  return {};
}

void write_search(JsonWriter& json, const keys::KeySearch& search, bool incomplete) {
  json.key("searchQuery").begin_object().field("query", search.text());
  json.key("scopes").begin_array();
  if (search.by_name()) json.value("name");
  if (search.by_alias()) json.value("alias");
  json.end_array().field("not", search.negated()).field("exact", search.exact()).end_object();
  if (incomplete) json.field("incompleteSearch", true);
}

// On the pool: ordering or filtering 50,000 keys takes milliseconds.
Result<Response> list_keys(Call& call, KeyFront& front) {
  Listing listing;
  KH_TRY(read_listing(call, listing));
  const KeyView view = view_of(call, front);
  const keys::KeyPage page = KH_TRY(
      keys::list_keys(front.service.directory(), call.instance().id, listing.query, view.now));
  call.detail("responseData.totalResources", std::to_string(page.keys.size()));
  std::string body;
  body.reserve(128 + page.keys.size() * 1024);
  JsonWriter json(body);
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", kKeyType).field("collectionTotal", page.keys.size());
  if (listing.search) write_search(json, *listing.search, page.incomplete_search);
  json.end_object().key("resources").begin_array();
  for (const keys::KeyRecordPtr& key : page.keys) write_key(json, *key, view);
  end_envelope(json);
  return json_response(200, std::move(body));
}

Result<Response> count_keys(Call& call, KeyFront& front) {
  Listing listing;
  KH_TRY(read_listing(call, listing));
  const std::size_t total = KH_TRY(keys::count_keys(front.service.directory(), call.instance().id,
                                                    listing.query, call.clock().now()));
  call.detail("responseData.totalResources", std::to_string(total));
  Response response = empty_response(200);
  response.headers.emplace_back("Key-Total", std::to_string(total));
  return response;
}

}  // namespace

Routes key_list_routes(KeyFront& front) {
  using iam::Action;
  return {
      blocking(Method::Get, "/api/v2/keys", Action::SecretsList, Check::Key,
               [&front](Call& call) { return list_keys(call, front); }),
      blocking(Method::Head, "/api/v2/keys", Action::SecretsHead, Check::Key,
               [&front](Call& call) { return count_keys(call, front); }),
  };
}

}  // namespace keyhaven::http
