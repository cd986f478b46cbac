#include "client/connection.h"

#include <algorithm>

#include "crypto/random.h"

namespace keyhaven::client {
namespace {

constexpr std::size_t kMaxInstanceText = 64;

double random_fraction() {
  std::array<std::uint8_t, 2> bytes{};
  crypto::random_nonce(bytes);
  return static_cast<double>(bytes[0] << 8 | bytes[1]) / 65536.0;
}

// What the caller learns without looking at last_failure().
std::string compose(std::string_view what, std::string_view message, std::string_view code,
                    int status, std::string_view correlation_id) {
  std::string out(what);
  out += ": ";
  out += message;
  out += " (";
  if (!code.empty()) {
    out += code;
    out += ", ";
  }
  if (status != 0) {
    out += "HTTP ";
    out += std::to_string(status);
    out += ", ";
  }
  out += "correlation id ";
  out += correlation_id;
  out += ')';
  return out;
}

bool is_success(int status) { return status >= 200 && status < 300; }

}  // namespace

std::string make_correlation_id(std::string_view prefix) {
  std::string id = crypto::random_uuid().text();
  std::size_t at = 0;
  for (const char digit : prefix) {
    if (id[at] == '-') ++at;
    id[at++] = digit;
  }
  return id;
}

const std::string& ApiClient::State::base_url(Base base) const noexcept {
  const std::string* chosen = &endpoint.url;
  switch (base) {
    case Base::Keys:
      break;
    case Base::Identity:
      chosen = &endpoint.iam_url;
      break;
    case Base::Units:
      chosen = &endpoint.tke_url;
      break;
    case Base::Resources:
      chosen = &endpoint.resource_url;
      break;
  }
  return chosen->empty() ? endpoint.url : *chosen;
}

Result<net::HttpClient*> ApiClient::State::connection(const std::string& url) {
  for (auto& [known, client] : connections) {
    if (known == url) return &client;
  }
  net::ClientOptions options;
  options.base_url = url;
  options.ca_pem = endpoint.ca_pem;
  options.connect_timeout = settings.connect_timeout;
  options.request_timeout = settings.request_timeout;
  net::HttpClient client = KH_TRY(net::HttpClient::create(std::move(options)));
  connections.emplace_back(url, std::move(client));
  return &connections.back().second;
}

Result<net::ClientRequest> ApiClient::State::request_of(const CallSpec& spec) const {
  net::ClientRequest request;
  request.method = spec.method;
  request.target = spec.target;
  request.headers = {{"Accept", "application/json"},
                     {"User-Agent", "keyhaven/" KH_VERSION},
                     {"Correlation-Id", correlation_id}};
  if (spec.has_body) request.headers.emplace_back("Content-Type", "application/json");
  if (spec.instance_header) {
    if (endpoint.instance.empty()) {
      return Error{Reason::InvalidArgument,
                   spec.what + ": no instance is chosen; name it with --instance or KH_INSTANCE",
                   "instance"};
    }
    request.headers.emplace_back("Bluemix-Instance", endpoint.instance);
  }
  if (!spec.ring.empty()) request.headers.emplace_back("X-Kms-Key-Ring", spec.ring);
  if (spec.representation) request.headers.emplace_back("Prefer", "return=representation");
  for (const auto& [name, value] : request.headers) {
    const bool is_clean = std::all_of(value.begin(), value.end(),
                                      [](char byte) { return byte >= 0x20 && byte < 0x7f; });
    if (!is_clean)
      return Error{Reason::InvalidHeader, spec.what + ": " + name + " must be printable ASCII",
                   name};
  }
  request.body = spec.body.clone();
  request.has_body = spec.has_body;
  return request;
}

Error ApiClient::State::refused(const CallSpec& spec, const net::ClientResponse& response) {
  ErrorBody body = decoder.error(text_of(response.body));
  if (body.message.empty()) body.message = "the server answered without a reason";
  failure.status = response.status;
  failure.code = body.code;
  failure.message = body.message;
  failure.correlation_id = correlation_id;
  failure.may_have_happened =
      failure.may_have_happened ||
      (response.status >= 500 && response.status != 501 && spec.method != "GET");
  return {reason_of(response.status, body.code),
          compose(spec.what, body.message, body.code, response.status, correlation_id),
          body.target};
}

Error ApiClient::State::broken(const CallSpec& spec, Error error, bool may_have_been_sent) {
  failure.status = 0;
  failure.code.clear();
  failure.message = printable(error.message, 1024);
  failure.correlation_id = correlation_id;
  failure.may_have_happened = failure.may_have_happened || may_have_been_sent;
  error.message = compose(spec.what, failure.message, {}, 0, correlation_id);
  return error;
}

Result<net::ClientResponse> ApiClient::State::call(const CallSpec& spec) {
  failure = {};
  attempts = 0;
  correlation_id = make_correlation_id(settings.correlation_prefix);
  net::HttpClient* http = KH_TRY(connection(base_url(spec.base)));
  net::ClientRequest request = KH_TRY(request_of(spec));
  bool token_renewed = false;
  for (;;) {
    if (spec.authenticate == Authenticate::Yes && tokens)
      request.authorization = KH_TRY(tokens->authorization());
    ++attempts;
    auto sent = http->send(request);
    Attempt attempt;
    attempt.number = attempts;
    std::string retry_after;
    Error error;
    if (sent) {
      if (is_success(sent.value().status)) {
        failure = {};
        return sent;
      }
      attempt.status = sent.value().status;
      retry_after = sent.value().header("retry-after");
      attempt.retry_after = retry_after;
      error = refused(spec, sent.value());
      if (attempt.status == 401 && tokens && !token_renewed &&
          tokens->refused(request.authorization)) {
        token_renewed = true;  // revoked or a restarted issuer: a refused call had no effect
        continue;
      }
    } else {
      error = std::move(sent).error();
      attempt.local_failure =
          error.reason != Reason::Io && error.reason != Reason::DeadlineExceeded;
      attempt.may_have_been_sent = http->may_have_been_sent();
      error = broken(spec, std::move(error), attempt.may_have_been_sent);
    }
    const auto wait = next_wait(settings.retry, attempt, spec.repeat, random_fraction());
    if (!wait) return error;
    wait_for(settings.retry, *wait);
  }
}

Result<net::ClientResponse> ApiClient::State::key_call(CallSpec spec) {
  spec.target = "/api/v2" + spec.target;
  spec.instance_header = true;
  return call(spec);
}

Result<net::ClientResponse> ApiClient::State::probe(std::string target) {
  failure = {};
  attempts = 1;
  correlation_id = make_correlation_id(settings.correlation_prefix);
  CallSpec spec;
  spec.target = std::move(target);
  spec.what = "ask for health";
  net::HttpClient* http = KH_TRY(connection(base_url(Base::Keys)));
  const net::ClientRequest request = KH_TRY(request_of(spec));
  auto sent = http->send(request);
  if (!sent) return broken(spec, std::move(sent).error(), false);
  return sent;
}

ApiClient::ApiClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
ApiClient::ApiClient(ApiClient&&) noexcept = default;
ApiClient& ApiClient::operator=(ApiClient&&) noexcept = default;
ApiClient::~ApiClient() = default;

Result<ApiClient> ApiClient::create(Endpoint endpoint, std::shared_ptr<TokenSource> tokens,
                                    ClientSettings settings) {
  for (std::string* url :
       {&endpoint.url, &endpoint.iam_url, &endpoint.tke_url, &endpoint.resource_url}) {
    while (!url->empty() && url->back() == '/')
      url->pop_back();  // a base URL ending in '/' gives //api/v2
  }
  if (endpoint.url.empty()) {
    return Error{Reason::InvalidArgument,
                 "no service URL; give --url or KH_URL (https://host[:port])", "url"};
  }
  if (endpoint.instance.size() > kMaxInstanceText) {
    return Error{Reason::InvalidArgument, "the instance id is too long for one", "instance"};
  }
  auto state = std::make_unique<State>();
  const std::string prefix = std::move(settings.correlation_prefix);
  state->endpoint = std::move(endpoint);
  state->tokens = std::move(tokens);
  state->settings = std::move(settings);
  ApiClient client(std::move(state));
  KH_TRY(client.set_correlation_prefix(prefix));
  net::HttpClient* http =
      KH_TRY(client.state_->connection(client.state_->endpoint.url));  // a bad URL or CA shows now
  static_cast<void>(http);
  return client;
}

const Endpoint& ApiClient::endpoint() const noexcept { return state_->endpoint; }
void ApiClient::set_instance(std::string guid) { state_->endpoint.instance = std::move(guid); }
const ApiFailure& ApiClient::last_failure() const noexcept { return state_->failure; }
const std::string& ApiClient::last_correlation_id() const noexcept {
  return state_->correlation_id;
}

Result<void> ApiClient::set_correlation_prefix(std::string_view hex) {
  const bool is_hex = std::all_of(hex.begin(), hex.end(), [](char digit) {
    return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
  });
  if (hex.size() > 12 || !is_hex) {
    return Error{
        Reason::InvalidArgument, "a correlation prefix is 0 to 12 lower-case hex digits", {}};
  }
  state_->settings.correlation_prefix = hex;
  return {};
}

}  // namespace keyhaven::client
