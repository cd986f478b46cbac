#include "http/import_token_routes.h"

#include "base/bytes.h"
#include "http/key_front.h"

namespace keyhaven::http {
namespace {

// A token belongs to the instance, not to a ring; the ring tells under which grant the caller asks,
// "default" when none is named (key-management-api.md 2).
Result<void> authorize(Call& call) {
  const InstanceId& instance = call.instance().id;
  const std::string_view ring = ring_header(call);
  return call.authorize(
      {.instance = &instance, .key_ring = ring.empty() ? "default" : ring, .key = nullptr});
}

Result<keys::ImportTokenRequest> read_request(Call& call) {
  keys::ImportTokenRequest out;
  const auto visit = [&out](std::string_view name, JsonValue& value) -> Result<void> {
    if (value.is_null()) return {};  // as absent: some clients write what they have not set
    if (name == "expiration") {
      out.expiration_seconds = KH_TRY(value.integer("expiration"));
    } else if (name == "maxallowedretrievals") {
      out.max_retrievals = KH_TRY(value.integer("maxAllowedRetrievals"));
    }
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  return out;
}

// Clients decode base64, then PEM, then SubjectPublicKeyInfo (real-clients.md 4).
std::string pem_of(ByteView public_key) {
  constexpr std::size_t kLine = 64;
  const std::string text = to_base64(public_key);
  std::string out = "-----BEGIN PUBLIC KEY-----\n";
  for (std::size_t at = 0; at < text.size(); at += kLine) out += text.substr(at, kLine) + "\n";
  return out + "-----END PUBLIC KEY-----\n";
}

enum class Show : std::uint8_t { Summary, Everything };

Response answer(const keys::ImportToken& token, Show show) {
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("id", token.id.text());
  json.date_field("creationDate", token.created).date_field("expirationDate", token.expires);
  json.field("expiration", token.expires.seconds() - token.created.seconds());
  json.field("maxAllowedRetrievals", std::int64_t{token.max_retrievals});
  json.field("remainingRetrievals", std::int64_t{token.remaining_retrievals});
  if (show == Show::Everything) {
    json.key("payload").base64(as_bytes(pem_of(token.public_key)));
    json.key("nonce").base64(token.nonce);
  }
  json.end_object();
  return json_response(200, std::move(body));
}

Result<Response> create_token(Call& call, keys::ImportTokens& tokens) {
  KH_TRY(authorize(call));
  const keys::ImportTokenRequest request = KH_TRY(read_request(call));
  auto token = run_change(call, 200, [&](keys::Change& change) {
    return tokens.create(call.instance().id, request, change);
  });
  if (!token) return std::move(token).error();
  return answer(**token, Show::Summary);
}

Result<Response> read_token(Call& call, keys::ImportTokens& tokens) {
  KH_TRY(authorize(call));
  auto token = run_change(
      call, 200, [&](keys::Change& change) { return tokens.retrieve(call.instance().id, change); });
  if (!token) return std::move(token).error();
  return answer(**token, Show::Everything);
}

}  // namespace

Routes import_token_routes(keys::ImportTokens& tokens) {
  using iam::Action;
  return {
      blocking(Method::Post, "/api/v2/import_token", Action::ImportTokenCreate, Check::Key,
               [&tokens](Call& call) { return create_token(call, tokens); }),
      blocking(Method::Get, "/api/v2/import_token", Action::ImportTokenRead, Check::Key,
               [&tokens](Call& call) { return read_token(call, tokens); }),
  };
}

}  // namespace keyhaven::http
