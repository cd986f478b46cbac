#include "http/registration_front.h"

#include <set>

#include "http/router.h"

namespace keyhaven::http {
namespace {

constexpr std::int64_t kPageLimit = 5000;
constexpr std::int64_t kDefaultPage = 200;
constexpr std::int64_t kMaxOffset = 1'000'000'000;
constexpr int kMaxDecodings = 2;  // after the router's or the query's own
constexpr std::size_t kMaxIdText = 64;

}  // namespace

Result<KeyFilter> visible_keys(Call& call, const RegistrationFront& front) {
  const InstanceId instance = call.instance().id;
  const keys::Directory& directory = front.keys.service.directory();
  const std::string_view wanted = ring_header(call);
  const iam::CallerPtr& caller = call.caller();
  const auto may = [&](std::string_view ring) {
    return caller->may(call.action(), {.instance = &instance, .key_ring = ring, .key = nullptr});
  };
  if (wanted.empty() && may({})) {
    KH_TRY(call.authorize({.instance = &instance, .key_ring = {}, .key = nullptr}));
    return KeyFilter([](const KeyId&) { return true; });
  }
  std::set<std::string, std::less<>> rings;
  for (const keys::KeyRing& ring : directory.rings(instance)) {
    if ((wanted.empty() || ring.id == wanted) && may(ring.id)) rings.insert(ring.id);
  }
  const std::string_view named = rings.empty() ? wanted : std::string_view(*rings.begin());
  KH_TRY(call.authorize({.instance = &instance, .key_ring = named, .key = nullptr}));
  return KeyFilter([&directory, instance, rings = std::move(rings)](const KeyId& id) {
    const keys::KeyRecordPtr key = directory.find(instance, id);
    return key && rings.contains(key->key_ring);
  });
}

Result<Paging> paging_of(const Call& call) {
  Paging out;
  out.limit =
      static_cast<std::size_t>(KH_TRY(call.query_integer("limit", 1, kPageLimit, kDefaultPage)));
  out.offset = static_cast<std::size_t>(KH_TRY(call.query_integer("offset", 0, kMaxOffset, 0)));
  out.with_total = KH_TRY(call.query_bool("totalCount", false));
  return out;
}

void begin_page(JsonWriter& json, std::string_view type, std::size_t count, const Paging& paging,
                std::size_t total) {
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", type).field("collectionTotal", count);
  if (paging.with_total) json.field("totalCount", total);
  json.end_object().key("resources").begin_array();
}

std::string decoded_crn(std::string text) {
  std::string out = text;
  for (int i = 0; i < kMaxDecodings && !out.starts_with("crn:"); ++i) {
    auto decoded = percent_decode(out, Plus::Literal);
    if (!decoded) return text;
    out = *std::move(decoded);
  }
  return out.starts_with("crn:") ? out : text;
}

Result<std::optional<VersionId>> read_version(JsonValue& value, std::string_view field) {
  if (value.is_null()) return std::optional<VersionId>();
  const std::string text = KH_TRY(value.text(field, kMaxIdText));
  if (text.empty()) return std::optional<VersionId>();
  const auto id = VersionId::parse(text);
  if (!id) {
    return Error{Reason::InvalidField,
                 std::string(field) + " must be the id of a version of the key",
                 std::string(field)};
  }
  return std::optional(id.value());
}

}  // namespace keyhaven::http
