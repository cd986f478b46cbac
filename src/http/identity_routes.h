// The identity endpoints: tokens for API keys, and the key set that verifies them
// (key-management-api.md 15).
#pragma once

#include <memory>
#include <vector>

#include "http/api.h"
#include "http/route.h"
#include "iam/token_cache.h"

namespace keyhaven::http {

// POST /identity/token and /oidc/token (one behaviour), GET /identity/keys and
// /.well-known/jwks.json. `authority` must outlive the routes.
Routes identity_routes(const iam::Authority& authority);

// The Authenticator of the server: one token cache per loop, each touched by its loop only.
class TokenAuthenticator final : public Authenticator {
 public:
  TokenAuthenticator(const iam::Authority& authority, const Clock& clock, unsigned loops);
  Result<iam::CallerPtr> authenticate(unsigned loop, std::string_view bearer_token) override;
  Result<iam::CallerPtr> again(const iam::CallerPtr& caller,
                               std::string_view bearer_token) override;

 private:
  const iam::Authority& authority_;
  std::vector<std::unique_ptr<iam::TokenCache>> caches_;
};

}  // namespace keyhaven::http
