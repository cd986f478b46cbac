#include "net/http_client.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "net/response_parser.h"
#include "net/tls.h"
#include "net/tls_channel.h"

namespace keyhaven::net {
namespace {

constexpr std::size_t kReceiveBytes = 16 * 1024;

Error invalid(std::string message) {
  return Error{Reason::InvalidArgument, std::move(message), {}};
}

bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool is_field_value(std::string_view text) noexcept {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

bool is_idempotent(std::string_view method) noexcept {  // RFC 9110 section 9.2.2
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS";
}

// Nothing that a caller passes may end a line or add one.
Result<void> check(const ClientRequest& request) {
  if (!is_token(request.method)) return invalid("the method is not valid");
  if (!request.target.empty() && request.target[0] != '/' && request.target[0] != '?') {
    return invalid("the request target must begin with '/'");
  }
  for (char c : request.target) {
    if (c <= ' ' || c > '~') return invalid("the request target is not encoded");
  }
  for (const auto& [name, value] : request.headers) {
    if (!is_token(name) || !is_field_value(value)) return invalid("a header is not valid");
  }
  if (!is_field_value(as_text(request.authorization.expose()))) {
    return invalid("the authorization value is not valid");
  }
  return {};
}

// The request in one piece of secret memory, because it holds the token and perhaps a DEK.
SecretBytes serialise(const ClientRequest& request, const HttpsUrl& url) {
  std::string target = url.prefix + request.target;
  if (!target.starts_with('/')) target.insert(0, "/");
  std::string head = request.method + " " + target + " HTTP/1.1\r\nHost: " + url.authority + "\r\n";
  bool has_agent = false;
  for (const auto& [name, value] : request.headers) {
    head += name + ": " + value + "\r\n";
    has_agent = has_agent || name == "User-Agent" || name == "user-agent";
  }
  if (!has_agent) head += "User-Agent: keyhaven/" KH_VERSION "\r\n";
  const bool announces_body = request.has_body || !request.body.empty() ||
                              request.method == "POST" || request.method == "PUT" ||
                              request.method == "PATCH";
  if (announces_body) head += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";

  constexpr std::string_view kAuthorization = "Authorization: ";
  std::vector<ByteView> pieces{as_bytes(head)};
  if (!request.authorization.empty()) {
    pieces.insert(pieces.end(),
                  {as_bytes(kAuthorization), request.authorization.expose(), as_bytes("\r\n")});
  }
  pieces.insert(pieces.end(), {as_bytes("\r\n"), request.body.expose()});
  std::size_t size = 0;
  for (ByteView piece : pieces) size += piece.size();
  SecretBytes out(size);
  auto at = out.expose_mutable().begin();
  for (ByteView piece : pieces) at = std::copy(piece.begin(), piece.end(), at);
  return out;
}

}  // namespace

std::string ClientResponse::header(std::string_view lower_case_name) const {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

struct HttpClient::State {
  Result<ClientResponse> exchange(const SecretBytes& request, ResponseParser::Body body,
                                  TlsChannel::Deadline deadline);
  Result<ClientResponse> receive(ResponseParser& parser, TlsChannel::Deadline deadline);
  Result<void> connect();

  ClientOptions options;
  HttpsUrl url;
  SslContext context;
  std::optional<TlsChannel> channel;
  SecretBytes received{kReceiveBytes};  // grows while a head is longer
  std::size_t received_size = 0;
  bool answer_began = false;  // of the current request
  bool may_have_been_sent = false;
};

HttpClient::HttpClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<HttpClient> HttpClient::create(ClientOptions options) {
  ignore_sigpipe();
  auto state = std::make_unique<State>();
  state->url = KH_TRY(parse_https_url(options.base_url));
  state->context = KH_TRY(make_client_context(options.ca_pem));
  state->options = std::move(options);
  return HttpClient(std::move(state));
}

bool HttpClient::may_have_been_sent() const noexcept { return state_->may_have_been_sent; }

Result<ClientResponse> HttpClient::send(const ClientRequest& request) {
  State& state = *state_;
  state.may_have_been_sent = false;
  KH_TRY(check(request));
  const SecretBytes bytes = serialise(request, state.url);
  const auto body =
      request.method == "HEAD" ? ResponseParser::Body::None : ResponseParser::Body::Expected;

  if (state.channel && !state.channel->looks_alive()) state.channel.reset();
  const bool reused = state.channel.has_value();
  if (!reused) KH_TRY(state.connect());
  const auto deadline = std::chrono::steady_clock::now() + state.options.request_timeout;
  auto answer = state.exchange(bytes, body, deadline);
  if (answer) return answer;
  state.channel.reset();
  // The server may have closed the idle connection just as the request left. Any other failure is
  // the caller's to judge.
  const bool connection_lost = answer.error().reason == Reason::Io && reused && !state.answer_began;
  if (!connection_lost || (state.may_have_been_sent && !is_idempotent(request.method))) {
    return answer;
  }
  KH_TRY(state.connect());
  answer = state.exchange(bytes, body, deadline);
  if (!answer) state.channel.reset();
  return answer;
}

Result<void> HttpClient::State::connect() {
  channel = KH_TRY(TlsChannel::open(context.get(), url,
                                    std::chrono::steady_clock::now() + options.connect_timeout));
  return {};
}

Result<ClientResponse> HttpClient::State::exchange(const SecretBytes& request,
                                                   ResponseParser::Body body,
                                                   TlsChannel::Deadline deadline) {
  answer_began = false;
  received_size = 0;
  const std::uint64_t sent_before = channel->bytes_sent();
  const auto written = channel->write(request.expose(), deadline);
  may_have_been_sent = may_have_been_sent || channel->bytes_sent() > sent_before;
  // A server that refuses a body (413) answers and closes while we still write: its answer is worth
  // more than our error.
  if (!written && written.error().reason != Reason::Io) return written.error();
  ResponseParser parser(body, options.max_response_bytes);
  auto answer = receive(parser, deadline);
  wipe(received.expose_mutable());
  if (received.size() > kReceiveBytes) received = SecretBytes(kReceiveBytes);
  if (!answer && !written && !answer_began) return written.error();
  if (!answer) return answer;
  if (!written || !parser.keep_alive()) channel.reset();
  return answer;
}

Result<ClientResponse> HttpClient::State::receive(ResponseParser& parser,
                                                  TlsChannel::Deadline deadline) {
  using Outcome = ResponseParser::Outcome;
  for (;;) {
    if (received_size == received.size()) {  // a long head; the parser limits it
      SecretBytes bigger(2 * received.size());
      std::copy_n(received.expose().begin(), received_size, bigger.expose_mutable().begin());
      received = std::move(bigger);
    }
    const std::size_t count =
        KH_TRY(channel->read(received.expose_mutable().subspan(received_size), deadline));
    Outcome outcome = Outcome::NeedMore;
    if (count == 0) {
      if (!answer_began) {
        return Error{Reason::Io, "the server closed the connection without an answer", {}};
      }
      outcome = parser.end_of_stream();
      channel.reset();
    }
    answer_began = answer_began || count > 0;
    received_size += count;
    std::size_t done = 0;
    while (outcome == Outcome::NeedMore) {
      const auto step = parser.advance(received.expose().subspan(done, received_size - done));
      outcome = step.outcome;
      if (step.consumed == 0) break;
      done += step.consumed;
    }
    auto bytes = received.expose_mutable();
    std::memmove(bytes.data(), bytes.data() + done, received_size - done);
    received_size -= done;
    switch (outcome) {
      case Outcome::NeedMore:
        break;
      case Outcome::Malformed:
        return Error{Reason::Io, "the server's answer is not valid HTTP/1.1 or ended early", {}};
      case Outcome::TooLarge:
        return Error{Reason::TooLarge,
                     "the server's answer is larger than " +
                         std::to_string(options.max_response_bytes) + " bytes",
                     {}};
      case Outcome::Complete: {
        // More than we asked for: the two ends do not agree, so the connection is not used again.
        if (received_size > 0) channel.reset();
        ClientResponse response;
        response.status = parser.status();
        response.headers = std::move(parser.headers());
        response.body = parser.take_body();
        return response;
      }
    }
  }
}

}  // namespace keyhaven::net
