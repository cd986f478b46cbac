// A blocking HTTPS client for tools: one keep-alive connection, verified TLS, bounded answers,
// buffers in secret memory.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::net {

struct ClientOptions {
  std::string base_url;  // "https://host[:port][/prefix]"
  std::string ca_pem;    // empty: the system's roots
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds request_timeout{30'000};
  std::size_t max_response_bytes = 64 * 1024 * 1024;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target;  // path and query, already encoded; appended to the prefix
  std::vector<std::pair<std::string, std::string>> headers;
  SecretBytes authorization;  // value of the Authorization header; empty: none
  SecretBytes body;
  bool has_body = false;  // a request with an empty body sends Content-Length: 0 for POST/PUT
};

struct ClientResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;  // names lower-cased
  SecretBytes body;
  std::string header(std::string_view lower_case_name) const;  // empty when absent
};

// Not thread-safe: one per thread.
class HttpClient {
 public:
  // Errors: InvalidArgument for a URL or CA that does not parse; http:// is refused.
  static Result<HttpClient> create(ClientOptions options);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // Sends one request and reads its answer. A dead idle connection is replaced once, and only when
  // not one byte of an answer came; whether that repeats a non-idempotent call is told by
  // `may_have_been_sent` of the error below. Errors: Io (cannot connect, TLS, reset),
  // DeadlineExceeded, TooLarge.
  Result<ClientResponse> send(const ClientRequest& request);

  // After a failed send: whether request bytes may have reached the server.
  bool may_have_been_sent() const noexcept;

 private:
  struct State;
  explicit HttpClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace keyhaven::net
