// One HTTPS request to the provider. The edge of the world: tests put a provider of their own here.
#pragma once

#include <atomic>
#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/http_client.h"
#include "oidc/endpoint.h"

namespace keyhaven::oidc {

struct ProviderAnswer {
  int status = 0;
  SecretBytes body;  // at most kMaxDocumentBytes
};

// Thread-safe; blocks within deadlines of its own, besides those of the system's resolver.
class Transport {
 public:
  virtual ~Transport() = default;
  // A GET. Errors: Io, DeadlineExceeded, TooLarge.
  virtual Result<ProviderAnswer> get(const Endpoint& endpoint) = 0;
  // A POST of a form. `authorization` is the header's value; empty: none. Errors: as above.
  virtual Result<ProviderAnswer> post_form(const Endpoint& endpoint, SecretBytes form,
                                           SecretBytes authorization) = 0;
};

// A fresh, verified TLS connection for each request; no redirect is followed.
class HttpsTransport final : public Transport {
 public:
  // `ca_pem` empty: the system's roots.
  explicit HttpsTransport(std::string ca_pem) : ca_pem_(std::move(ca_pem)) {}
  Result<ProviderAnswer> get(const Endpoint& endpoint) override;
  Result<ProviderAnswer> post_form(const Endpoint& endpoint, SecretBytes form,
                                   SecretBytes authorization) override;
  // Requests that begin from now on fail with DeadlineExceeded: the server is stopping.
  void stop() noexcept { is_stopped_ = true; }

 private:
  Result<ProviderAnswer> send(const Endpoint& endpoint, net::ClientRequest request);

  const std::string ca_pem_;
  std::atomic<bool> is_stopped_ = false;
};

}  // namespace keyhaven::oidc
