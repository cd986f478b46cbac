#include "http/call.h"
#include "http/console_session.h"
#include "http/json.h"
#include "http/web_routes.h"
#include "web/own_page.h"

namespace keyhaven::http {
namespace {

using iam::Authority;

constexpr std::size_t kMaxApiKeyText = 256;  // ours have 44 characters
constexpr int kEnded = 204;

// What the page may know of its session; never the token.
Response session_response(const iam::Caller& caller, int status) {
  const bool is_service = caller.iam_id.starts_with("iam-ServiceId-");
  Response response;
  response.status = status;
  response.headers.emplace_back("Cache-Control", "no-store");
  JsonWriter json(response.body);
  json.begin_object()
      .field("id", caller.iam_id)
      .field("name", caller.name)
      .field("kind", is_service ? "serviceid" : "user")
      .field("account", caller.account)
      .date_field("expires_at", caller.token_expires)
      .end_object();
  return response;
}

// The text of an API key is short-lived here and wiped; the request's buffer is wiped by net/.
class ApiKeyText {
 public:
  ApiKeyText() = default;
  ApiKeyText(const ApiKeyText&) = delete;
  ApiKeyText& operator=(const ApiKeyText&) = delete;
  ~ApiKeyText() { wipe(text); }
  std::string text;
};

// Also a log-in must come from our page, or another site could log a person in as somebody else.
Result<Response> create(Authority& authority, Call& call) {
  KH_TRY(web::check_own_page(call.request(), web::Scheme::Https));
  ApiKeyText key;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name != "apikey") return unknown_field(value);
    key.text = KH_TRY(value.text("apikey", kMaxApiKeyText));
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  if (key.text.empty())
    return Error{Reason::InvalidField, "apikey must hold the text of an API key", "apikey"};
  auto exchange = authority.exchange(key.text);
  if (!exchange) return exchange.error();
  call.set_initiator(exchange->iam_id, exchange->name);
  std::string& token = exchange->token.access_token;
  auto caller = authority.caller_for(token);
  if (!caller) {
    wipe(token);
    return caller.error();
  }
  Response response = session_response(**caller, 201);
  response.headers.emplace_back("Set-Cookie",
                                session_cookie(token, call.clock().now(), exchange->token.expires));
  wipe(token);
  return response;
}

// Of a cookie, or of a bearer token: whoever asks learns who it is.
void read(const CallPtr& call) { call->finish(session_response(*call->caller(), 200)); }

// Ends the cookie's token; a client with an Authorization header has none of ours to end.
Result<Response> end(Authority& authority, Call& call) {
  if (call.request().count("Authorization") == 0) {
    const auto token = KH_TRY(session_token(call.request()));
    if (token && KH_TRY(authority.end_token(*token, call.success_event(kEnded))))
      call.set_event_recorded();
  }
  Response response;
  response.status = kEnded;
  response.headers.emplace_back("Set-Cookie", ended_session_cookie());
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

}  // namespace

Routes console_session_routes(Authority& authority) {
  using enum Method;
  constexpr std::string_view kPath = "/v1/console/session";
  return {
      blocking(Post, kPath, iam::Action::ConsoleSessionCreate, Check::Handler,
               [&authority](Call& call) { return create(authority, call); }),
      on_loop(Get, kPath, iam::Action::ConsoleSessionRead, Check::Handler, read),
      blocking(Delete, kPath, iam::Action::ConsoleSessionDelete, Check::Handler,
               [&authority](Call& call) { return end(authority, call); }),
  };
}

}  // namespace keyhaven::http
