// One call over HTTPS with token, correlation id and bounded repeats: what all typed calls of
// ApiClient share.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/api_client.h"
#include "client/decode.h"
#include "net/http_client.h"

namespace keyhaven::client {

enum class Base : std::uint8_t { Keys, Identity, Units, Resources };
enum class Authenticate : std::uint8_t { Yes, No };

struct CallSpec {
  Base base = Base::Keys;
  std::string method = "GET";
  std::string target;  // path and query, encoded
  SecretBytes body;
  bool has_body = false;
  Repeat repeat = Repeat::Safe;
  Authenticate authenticate = Authenticate::Yes;
  bool instance_header = false;
  std::string ring;
  bool representation = false;  // Prefer: return=representation
  std::string what;             // "list keys": starts the message of an error
};

struct ApiClient::State {
  Endpoint endpoint;
  std::shared_ptr<TokenSource> tokens;
  ClientSettings settings;
  Decoder decoder;
  ApiFailure failure;
  std::string correlation_id;
  unsigned attempts = 0;                                             // of the last call
  std::vector<std::pair<std::string, net::HttpClient>> connections;  // by base URL; at most four

  // Errors as ApiClient says; a success is any 2xx.
  Result<net::ClientResponse> call(const CallSpec& spec);
  // The same for calls of the instance: sets header and path prefix /api/v2.
  Result<net::ClientResponse> key_call(CallSpec spec);
  // One attempt without token or repeats, whatever its status (health).
  Result<net::ClientResponse> probe(std::string target);
  // Whether the last call was tried more than once: then "already so" means done.
  bool repeated() const noexcept { return attempts > 1; }
  // The connection to a base URL, made on first use. Errors: InvalidArgument.
  Result<net::HttpClient*> connection(const std::string& url);
  // Forgets the failure of a call that turned out to be done.
  Result<void> done() {
    failure = {};
    return {};
  }

 private:
  const std::string& base_url(Base base) const noexcept;
  Result<net::ClientRequest> request_of(const CallSpec& spec) const;
  Error refused(const CallSpec& spec, const net::ClientResponse& response);
  Error broken(const CallSpec& spec, Error error, bool may_have_been_sent);
};

// A body without its secrets, as text for the decoder.
inline std::string_view text_of(const SecretBytes& body) {
  const auto bytes = body.expose();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A version 4 UUID whose first hex digits are `prefix`.
std::string make_correlation_id(std::string_view prefix);

}  // namespace keyhaven::client
