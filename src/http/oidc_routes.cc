#include "http/oidc_routes.h"

#include <algorithm>
#include <optional>

#include "crypto/hash.h"
#include "http/call.h"
#include "http/console_session.h"
#include "net/header_text.h"
#include "net/url.h"
#include "web/cookies.h"
#include "web/own_page.h"
#include "web/web_files.h"

namespace keyhaven::http {
namespace {

// --- Where the browser goes ---

// What the log-in page is told; web/src/login has the words.
enum class Trouble : std::uint8_t {
  Begin,        // not begun by our page
  Address,      // begun at another address than the public one
  State,        // no log-in of this browser, or a second answer to one
  Cancelled,    // the person said no at the provider
  Refused,      // the provider said no, or its answer is not to be believed
  Unreachable,  // the provider does not answer
  Busy,         // too many log-ins at once
  Unlinked,     // nobody here is that person
};

std::string_view word_of(Trouble trouble) {
  switch (trouble) {
    case Trouble::Begin:
      return "begin";
    case Trouble::Address:
      return "address";
    case Trouble::State:
      return "state";
    case Trouble::Cancelled:
      return "cancelled";
    case Trouble::Refused:
      return "refused";
    case Trouble::Unreachable:
      return "unreachable";
    case Trouble::Busy:
      return "busy";
    case Trouble::Unlinked:
      return "unlinked";
  }
  fatal(__FILE__, __LINE__, "unknown Trouble");
}

constexpr std::string_view kLoginCookieAttributes =
    "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=";

std::string login_cookie(std::string_view value, std::int64_t seconds) {
  return std::string(kLoginCookie)
      .append("=")
      .append(value)
      .append(kLoginCookieAttributes)
      .append(std::to_string(seconds));
}

Response lead_to(int status, std::string location) {
  Response response;
  response.status = status;
  response.content_type = "";
  response.headers.emplace_back("Location", std::move(location));
  response.headers.emplace_back("Cache-Control", "no-store");
  // The address of the callback holds the code.
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

struct Refusal {
  Trouble trouble;
  Error error;
  std::string return_path = std::string(web::kRoot) + "/";
  std::string subject = {};  // of Trouble::Unlinked
};

// Back to the page, which says it. The state's cookie goes, whatever it was.
Response lead_back(Call& call, const Refusal& refusal) {
  call.set_refused(refusal.error);
  call.detail("requestData.credential", "oidc");
  call.detail("reason.reasonForFailure",
              std::string(word_of(refusal.trouble)) + ": " + refusal.error.message);
  std::string location = refusal.return_path;
  location.append("#openid=").append(word_of(refusal.trouble));
  if (!refusal.subject.empty())
    location.append("&subject=").append(net::percent_encode(refusal.subject));
  location.append("&id=").append(call.correlation_id());
  Response response = lead_to(303, std::move(location));
  response.headers.emplace_back("Set-Cookie", login_cookie("", 0));
  return response;
}

Error refused(std::string message) { return {Reason::Unauthenticated, std::move(message), {}}; }

// Of what a call to the provider failed with.
Refusal refusal_of(const Error& error, std::string path) {
  const bool unreachable = error.reason == Reason::Io || error.reason == Reason::TooLarge ||
                           error.reason == Reason::DeadlineExceeded;
  // Not a 5xx in the record: the server itself is well.
  return {unreachable ? Trouble::Unreachable : Trouble::Refused,
          unreachable ? refused(error.message) : error, std::move(path)};
}

// --- One thread that asks ---

// Held by a task for the worker pool, and given back with its last copy.
class Asking {
 public:
  static std::shared_ptr<Asking> begin(OidcFront& front) {
    if (front.asking.fetch_add(1) < front.asking_limit) return std::make_shared<Asking>(front);
    --front.asking;
    return nullptr;
  }
  explicit Asking(OidcFront& front) : front_(front) {}
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;
  ~Asking() { --front_.asking; }

 private:
  OidcFront& front_;
};

Refusal busy(std::string path) {
  return {
      Trouble::Busy, {Reason::TooManyRequests, "too many log-ins at once", {}}, std::move(path)};
}

// --- The two calls ---

bool is_public_address(Call& call, const OidcFront& front) {
  const auto url = net::parse_https_url(front.public_url);
  const auto host = call.header("Host");
  return url && host && call.request().count("Host") == 1 &&
         net::equals_ignoring_case(*host, url->authority);
}

Response lead_to_provider(OidcFront& front, std::string address, const oidc::LoginState& login) {
  Response response = lead_to(302, std::move(address));
  response.headers.emplace_back("Set-Cookie",
                                login_cookie(front.states.seal(login), oidc::kLoginSeconds));
  return response;
}

void start(OidcFront& front, const CallPtr& call) {
  std::string path = return_path(call->query("return").value_or(""));
  // Another site must not log a person in without their asking.
  if (const auto own = web::check_same_origin(call->request(), web::Scheme::Https); !own)
    return call->finish(lead_back(*call, {Trouble::Begin, own.error()}));
  // The cookie would stay at the other address.
  if (!is_public_address(*call, front)) {
    return call->finish(lead_back(
        *call, {Trouble::Address, refused("not the public address of this service"), path}));
  }
  const oidc::LoginState login = front.states.begin(std::move(path));
  if (auto address = front.provider.known_authorization_url(login))
    return call->finish(lead_to_provider(front, std::move(*address), login));
  auto asking = Asking::begin(front);
  if (!asking) return call->finish(lead_back(*call, busy(login.return_path)));
  call->run_blocking([&front, login, asking](Call& of) -> Result<Response> {
    auto address = front.provider.authorization_url(login);
    if (!address) return lead_back(of, refusal_of(address.error(), login.return_path));
    return lead_to_provider(front, std::move(address).value(), login);
  });
}

// The log-in that this browser began and that the answer is to. Costs no more than a decryption.
Result<oidc::LoginState> begun_login(OidcFront& front, Call& call) {
  const auto [count, sealed] = web::cookies_named(call.request(), kLoginCookie);
  const auto states = call.query_all("state");
  if (count != 1 || states.size() != 1)
    return refused("the answer belongs to no log-in of this browser");
  auto login = KH_TRY(front.states.open(sealed));
  if (!crypto::equal_constant_time(as_bytes(states.front()), as_bytes(login.state)))
    return refused("the answer belongs to another log-in");
  return login;
}

// The single value of a parameter; nothing when it is absent. Errors: Unauthenticated (several).
Result<std::optional<std::string>> single(const Call& call, std::string_view name) {
  auto values = call.query_all(name);
  if (values.size() > 1) return refused("the answer has a parameter twice");
  if (values.empty()) return std::optional<std::string>();
  return std::optional(std::move(values.front()));
}

// What the provider sent, checked as far as that needs no asking.
struct Sent {
  std::optional<std::string> error;
  oidc::Provider::Answer answer;
};
Result<Sent> read_answer(const OidcFront& front, const Call& call) {
  const auto issuer = KH_TRY(single(call, "iss"));
  KH_TRY(front.provider.check_answer_issuer(issuer));
  Sent out;
  out.error = KH_TRY(single(call, "error"));
  const auto code = KH_TRY(single(call, "code"));
  out.answer = {code.value_or(""), issuer.has_value()};
  if (!out.error && (out.answer.code.empty() || out.answer.code.size() > oidc::kMaxCodeBytes))
    return refused("the answer holds no code");
  return out;
}

// Asks the provider who it was, and opens the session.
Response finish(OidcFront& front, Call& call, const oidc::Provider::Answer& answer,
                const oidc::LoginState& login) {
  const auto subject = front.provider.finish(answer, login);
  if (!subject) return lead_back(call, refusal_of(subject.error(), login.return_path));
  call.detail("requestData.oidcSubject", *subject);
  auto exchange = front.authority.exchange_oidc(*subject);
  if (!exchange) {
    return lead_back(call,
                     {Trouble::Unlinked, refused("no identity is linked to the person's subject"),
                      login.return_path, *subject});
  }
  call.set_initiator(exchange->iam_id, exchange->name);
  call.detail("requestData.credential", "oidc");
  Response response = lead_to(303, login.return_path);
  response.headers.emplace_back("Set-Cookie", login_cookie("", 0));
  std::string& token = exchange->token.access_token;
  response.headers.emplace_back("Set-Cookie",
                                session_cookie(token, call.clock().now(), exchange->token.expires));
  wipe(token);
  return response;
}

void callback(OidcFront& front, const CallPtr& call) {
  auto login = begun_login(front, *call);
  if (!login) return call->finish(lead_back(*call, {Trouble::State, login.error()}));
  auto sent = read_answer(front, *call);
  if (!sent)
    return call->finish(lead_back(*call, {Trouble::Refused, sent.error(), login->return_path}));
  if (sent->error) {
    const bool cancelled = *sent->error == "access_denied";
    return call->finish(
        lead_back(*call, {cancelled ? Trouble::Cancelled : Trouble::Refused,
                          refused(cancelled ? "the person or the provider declined (access_denied)"
                                            : "the provider answered with an error"),
                          login->return_path}));
  }
  auto asking = Asking::begin(front);
  if (!asking) return call->finish(lead_back(*call, busy(login->return_path)));
  if (!front.states.use(*login)) {
    return call->finish(lead_back(
        *call, {Trouble::State, refused("the log-in was answered before"), login->return_path}));
  }
  call->run_blocking([&front, login = *login, answer = sent->answer, asking](Call& of) {
    return Result<Response>(finish(front, of, answer, login));
  });
}

}  // namespace

std::string return_path(std::string_view wanted) {
  const std::string root = std::string(web::kRoot) + "/";
  const bool is_plain =
      wanted.size() <= oidc::kMaxReturnPathBytes && wanted.starts_with(root) &&
      std::all_of(wanted.begin(), wanted.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '\\' && c != '#' && c != '"' && c != '<' && c != '>';
      });
  if (!is_plain) return root;
  std::string_view path = wanted.substr(0, wanted.find('?'));
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const auto segment = net::percent_decode(path.substr(0, slash));
    if (!segment || *segment == "." || *segment == "..") return root;
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return std::string(wanted);
}

Routes oidc_routes(OidcFront* front) {
  const auto row = [front](std::string_view pattern, iam::Action action,
                           void (*handler)(OidcFront&, const CallPtr&)) {
    return on_loop(
        Method::Get, pattern, action, Check::Handler, [front, handler](const CallPtr& call) {
          if (front != nullptr) return handler(*front, call);
          call->fail({Reason::FeatureRestricted,
                      "this deployment has no OpenID provider; log in with an API key", ""});
        });
  };
  return {row("/v1/console/oidc/start", iam::Action::ConsoleOidcStart, start),
          row(kOidcCallbackPath, iam::Action::ConsoleOidcFinish, callback)};
}

}  // namespace keyhaven::http
