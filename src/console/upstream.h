// Passes a call of the page on to the server, with the login of the profile, and its answer back.
//
// What comes back is data: only some headers pass, the type is JSON or plain text or else unnamed
// bytes, and a policy forbids a browser to run it. So a server that is not to be trusted cannot
// deliver a page or a script under the local console's address.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/token_source.h"
#include "client/types.h"
#include "net/http_client.h"
#include "net/http_server.h"

namespace keyhaven::console {

// Where the parts of the API are; empty ones are `url`.
struct ServerAddresses {
  std::string url;
  std::string iam_url = {};
  std::string tke_url = {};
  std::string resource_url = {};
  std::string ca_pem = {};  // empty: the system's roots
};

// Whether the page may call this: a path of the API, without empty, "." or ".." parts. Token
// endpoints are not among them: the page never sees a token.
bool is_passed_on(std::string_view method, std::string_view path);

// Not thread-safe: one per worker. Blocks for the call.
class Upstream {
 public:
  // Errors: InvalidArgument (a URL or the CA).
  static Result<Upstream> create(ServerAddresses addresses,
                                 std::shared_ptr<client::TokenSource> tokens);

  // The server's answer, or 502 when there is none, 401 when the login is refused. `request` is one
  // that is_passed_on.
  net::Response pass_on(const net::Request& request);

 private:
  Upstream(ServerAddresses addresses, std::shared_ptr<client::TokenSource> tokens)
      : addresses_(std::move(addresses)), tokens_(std::move(tokens)) {}
  Result<net::HttpClient*> connection(const std::string& url);
  const std::string& url_of(std::string_view path) const noexcept;
  Result<net::ClientResponse> send(const std::string& url, net::ClientRequest request);

  ServerAddresses addresses_;
  std::shared_ptr<client::TokenSource> tokens_;
  std::vector<std::pair<std::string, net::HttpClient>> connections_;  // by URL; at most four
  bool may_have_been_sent_ = false;
};

}  // namespace keyhaven::console
