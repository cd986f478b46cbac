// Key rings (key-management-api.md 10). Rights on rings are rights on the whole instance.
#include <algorithm>

#include "http/key_front.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kRingType = "application/vnd.ibm.kms.key_ring+json";

Result<Response> ring_page(Call& call, KeyFront& front) {
  const auto limit = static_cast<std::size_t>(KH_TRY(call.query_integer("limit", 1, 5000, 100)));
  const auto offset =
      static_cast<std::size_t>(KH_TRY(call.query_integer("offset", 0, 1'000'000'000, 0)));
  const bool with_total = KH_TRY(call.query_bool("totalCount", false));
  const auto rings = front.service.directory().rings(call.instance().id);
  const std::size_t begin = std::min(offset, rings.size());
  const std::size_t end = begin + std::min(limit, rings.size() - begin);
  std::string body;
  JsonWriter json(body);
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", kRingType).field("collectionTotal", end - begin);
  if (with_total) json.field("totalCount", rings.size());
  json.end_object().key("resources").begin_array();
  for (std::size_t i = begin; i < end; ++i) {
    const keys::KeyRing& ring = rings[i];
    json.begin_object().field("id", ring.id);
    if (ring.created.is_set()) json.date_field("creationDate", ring.created);
    json.text_field_if("createdBy", ring.created_by).end_object();
  }
  end_envelope(json);
  return json_response(200, std::move(body));
}

void list_rings(const CallPtr& call, KeyFront& front) {
  auto response = ring_page(*call, front);
  if (!response) return call->fail(response.error());
  call->finish(std::move(response).value());
}

Result<Response> create_ring(Call& call, KeyFront& front) {
  KH_TRY(run_change(call, 201, [&](keys::Change& change) {
    return front.service.create_ring(call.instance().id, call.param("ring"), change);
  }));
  return empty_response(201);  // Go fails on a body here (real-clients.md 4)
}

Result<Response> remove_ring(Call& call, KeyFront& front) {
  const bool force = KH_TRY(call.query_bool("force", false));
  // Destroyed keys move to "default", which is a change of theirs.
  const InstanceId& instance = call.instance().id;
  if (force) {
    KH_TRY(call.authorize(iam::Action::SecretsPatch,
                          {.instance = &instance, .key_ring = {}, .key = nullptr}));
  }
  const auto how = force ? keys::Force::Yes : keys::Force::No;
  KH_TRY(run_change(call, 204, [&](keys::Change& change) {
    return front.service.remove_ring(instance, call.param("ring"), how, change);
  }));
  return empty_response(204);
}

}  // namespace

Routes key_ring_routes(KeyFront& front) {
  using iam::Action;
  return {
      on_loop(Method::Get, "/api/v2/key_rings", Action::KeyRingsList, Check::Instance,
              [&front](const CallPtr& call) { list_rings(call, front); }),
      blocking(Method::Post, "/api/v2/key_rings/{ring}", Action::KeyRingsCreate, Check::Instance,
               [&front](Call& call) { return create_ring(call, front); }),
      blocking(Method::Delete, "/api/v2/key_rings/{ring}", Action::KeyRingsDelete, Check::Instance,
               [&front](Call& call) { return remove_ring(call, front); }),
  };
}

}  // namespace keyhaven::http
