#include "oidc/transport.h"

#include "oidc/provider_documents.h"

namespace keyhaven::oidc {
namespace {

constexpr std::chrono::milliseconds kConnectLimit{5'000};
constexpr std::chrono::milliseconds kRequestLimit{10'000};

}  // namespace

Result<ProviderAnswer> HttpsTransport::send(const Endpoint& endpoint, net::ClientRequest request) {
  if (is_stopped_) return Error{Reason::DeadlineExceeded, "the server is stopping", {}};
  net::ClientOptions options;
  options.base_url = endpoint.origin;
  options.ca_pem = ca_pem_;
  options.connect_timeout = kConnectLimit;
  options.request_timeout = kRequestLimit;
  options.max_response_bytes = kMaxDocumentBytes;
  net::HttpClient client = KH_TRY(net::HttpClient::create(std::move(options)));
  request.target = endpoint.target;
  request.headers.emplace_back("Accept", "application/json");
  net::ClientResponse response = KH_TRY(client.send(request));
  return ProviderAnswer{response.status, std::move(response.body)};
}

Result<ProviderAnswer> HttpsTransport::get(const Endpoint& endpoint) { return send(endpoint, {}); }

Result<ProviderAnswer> HttpsTransport::post_form(const Endpoint& endpoint, SecretBytes form,
                                                 SecretBytes authorization) {
  net::ClientRequest request;
  request.method = "POST";
  request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}};
  request.authorization = std::move(authorization);
  request.body = std::move(form);
  request.has_body = true;
  return send(endpoint, std::move(request));
}

}  // namespace keyhaven::oidc
