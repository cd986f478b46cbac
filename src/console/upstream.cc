#include "console/upstream.h"

#include <algorithm>
#include <array>

#include "console/answers.h"
#include "net/url.h"

namespace keyhaven::console {
namespace {

// Headers of the page's call that the server needs; never Cookie, Authorization or Origin.
constexpr std::array<std::string_view, 9> kToServer = {
    "Accept",         "Content-Type", "Bluemix-Instance", "X-Kms-Key-Ring", "Prefer",
    "Correlation-Id", "If-Match",     "If-None-Match",    "Accept-Language"};

// Headers of its answer: as HttpClient names them, as we send them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kToPage = {{
    {"correlation-id", "Correlation-Id"},
    {"key-total", "Key-Total"},
    {"etag", "ETag"},
    {"retry-after", "Retry-After"},
    {"allow", "Allow"},
    {"warning", "Warning"},
    {"cache-control", "Cache-Control"},
}};

constexpr std::array<std::string_view, 6> kMethods = {"GET", "HEAD",  "POST",
                                                      "PUT", "PATCH", "DELETE"};
constexpr std::array<std::string_view, 8> kRoots = {"api",      "v1",      "v2",     "crypto_v2",
                                                    "identity", "metrics", "readyz", "healthz"};

template <class List>
bool contains(const List& list, std::string_view text) noexcept {
  return std::find(list.begin(), list.end(), text) != list.end();
}

std::string_view data_type_of(std::string_view type) noexcept {
  if (type.starts_with("application/json")) return "application/json";
  if (type.starts_with("text/plain")) return "text/plain; charset=utf-8";
  return "application/octet-stream";
}

net::Response to_page(const net::ClientResponse& answer) {
  net::Response response;
  response.status = answer.status;
  response.content_type = data_type_of(answer.header("content-type"));
  for (const auto& [theirs, ours] : kToPage) {
    std::string value = answer.header(theirs);
    if (!value.empty()) response.headers.emplace_back(ours, std::move(value));
  }
  add_data_headers(response);
  response.body = as_text(answer.body.expose());
  return response;
}

}  // namespace

bool is_passed_on(std::string_view method, std::string_view path) {
  if (!contains(kMethods, method) || !path.starts_with('/')) return false;
  path.remove_prefix(1);
  const std::string_view root = path.substr(0, path.find('/'));
  if (!contains(kRoots, root)) return false;
  if (root == "identity" && method != "GET") return false;
  while (true) {
    const std::size_t slash = path.find('/');
    const auto part = net::percent_decode(path.substr(0, slash));
    if (!part || part->empty() || *part == "." || *part == "..") return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

Result<Upstream> Upstream::create(ServerAddresses addresses,
                                  std::shared_ptr<client::TokenSource> tokens) {
  for (std::string* url :
       {&addresses.url, &addresses.iam_url, &addresses.tke_url, &addresses.resource_url}) {
    while (!url->empty() && url->back() == '/') url->pop_back();
  }
  Upstream out(std::move(addresses), std::move(tokens));
  for (const std::string* url : {&out.addresses_.url, &out.addresses_.iam_url,
                                 &out.addresses_.tke_url, &out.addresses_.resource_url}) {
    if (url->empty()) continue;
    net::HttpClient* made = KH_TRY(out.connection(*url));  // a bad URL or CA shows now
    static_cast<void>(made);
  }
  return out;
}

const std::string& Upstream::url_of(std::string_view path) const noexcept {
  const auto below = [path](std::string_view prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
  };
  const std::string* chosen = &addresses_.url;
  if (below("/identity") || below("/v1/serviceids") || below("/v1/apikeys") ||
      below("/v1/policies")) {
    chosen = &addresses_.iam_url;
  } else if (below("/crypto_v2") || below("/v1/tke")) {
    chosen = &addresses_.tke_url;
  } else if (below("/v2")) {
    chosen = &addresses_.resource_url;
  }
  return chosen->empty() ? addresses_.url : *chosen;
}

Result<net::HttpClient*> Upstream::connection(const std::string& url) {
  for (auto& [known, http] : connections_) {
    if (known == url) return &http;
  }
  net::ClientOptions options;
  options.base_url = url;
  options.ca_pem = addresses_.ca_pem;
  net::HttpClient http = KH_TRY(net::HttpClient::create(std::move(options)));
  connections_.emplace_back(url, std::move(http));
  return &connections_.back().second;
}

// A token that was revoked, or of a server that was restarted with another key, is renewed once: a
// refused call had no effect.
Result<net::ClientResponse> Upstream::send(const std::string& url, net::ClientRequest request) {
  may_have_been_sent_ = false;
  net::HttpClient* http = KH_TRY(connection(url));
  request.authorization = KH_TRY(tokens_->authorization());
  auto answer = http->send(request);
  if (answer && answer->status == 401 && tokens_->refused(request.authorization)) {
    request.authorization = KH_TRY(tokens_->authorization());
    answer = http->send(request);
  }
  may_have_been_sent_ = !answer && http->may_have_been_sent();
  return answer;
}

net::Response Upstream::pass_on(const net::Request& request) {
  net::ClientRequest out;
  out.method = request.method;
  out.target = request.path;
  if (!request.query.empty()) out.target.append("?").append(request.query);
  for (const std::string_view name : kToServer) {
    // Both of a doubled header, so that the server refuses it as it does for every client.
    for (const net::Header& header : request.headers) {
      const bool same = std::equal(header.name.begin(), header.name.end(), name.begin(), name.end(),
                                   [](char a, char b) { return (a | 0x20) == (b | 0x20); });
      if (same) out.headers.emplace_back(name, header.value);
    }
  }
  out.headers.emplace_back("User-Agent", "keyhaven-console/" KH_VERSION);
  out.has_body = !request.body.empty();
  out.body = SecretBytes::copy_of(std::span<const std::uint8_t>(request.body));
  const bool changes = request.method != "GET" && request.method != "HEAD";

  const auto answer = send(url_of(request.path), std::move(out));
  if (answer) return to_page(*answer);
  const Error& error = answer.error();
  if (error.reason == Reason::UnknownApiKey || error.reason == Reason::Unauthenticated) {
    return refusal_response({401, "LOGIN_REFUSED_ERR",
                             "the server does not take the login of this console's profile: " +
                                 error.message + "; run keyhaven login and start it again"});
  }
  if (error.reason == Reason::InvalidArgument)
    return refusal_response({400, "BAD_REQUEST_ERR", error.message});
  return refusal_response({502, "SERVER_UNREACHABLE_ERR",
                           "the server gave no answer: " + error.message +
                               (changes && may_have_been_sent_
                                    ? "; whether it did what was asked is not known, so look first"
                                    : "")});
}

}  // namespace keyhaven::console
