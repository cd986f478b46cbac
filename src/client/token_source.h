// Turns an API key into bearer tokens and keeps them fresh.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "client/retry.h"

namespace keyhaven::client {

struct TokenOptions {
  std::string iam_url;  // "https://host[:port]", without /identity/token
  std::string ca_pem;   // empty: the system's roots
  SecretBytes api_key;
  RetryPolicy retry;
  const Clock* clock = nullptr;  // null: the system's; must outlive the source
};

// Thread-safe, shared by the clients of all threads: whoever finds the token near its end fetches a
// new one, the others wait for it. Renewed 60 s before expiry (half of the lifetime when that is
// under 120 s).
class TokenSource {
 public:
  // Makes no call yet. Errors: InvalidArgument for a URL or CA that does not parse or an empty API
  // key.
  static Result<std::shared_ptr<TokenSource>> create(TokenOptions options);
  virtual ~TokenSource() = default;

  // "Bearer <token>". Errors: UnknownApiKey (with the endpoint's words), Io, DeadlineExceeded,
  // TooManyRequests, BadBody. A renewal that fails while the old token still lives yields the old
  // token.
  virtual Result<SecretBytes> authorization() = 0;

  // Says that a server refused `used` (the value authorization() gave). True when a fresh token is
  // worth one more try: the refused token was fetched at least a minute ago, or another thread has
  // replaced it already.
  virtual bool refused(const SecretBytes& used) = 0;
};

}  // namespace keyhaven::client
