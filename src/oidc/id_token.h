// Whether an ID token is good: OpenID Connect Core 1.0 sections 2 and 3.1.3.7, with the choices
// that the standard leaves open made strictly. The decoder is that of our own tokens (iam/jwt.h).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "oidc/provider_documents.h"

namespace keyhaven::oidc {

inline constexpr std::int64_t kClockSkewSeconds = 60;
// A token is made for the code that was just exchanged; an older one was kept by somebody.
inline constexpr std::int64_t kMaxIdTokenAgeSeconds = 600;

struct ExpectedToken {
  std::string_view issuer;
  std::string_view client_id;
  std::string_view nonce;
  std::int64_t max_age_seconds = 0;  // since the person proved who they are; 0: not asked for
  std::vector<std::string> acr_values = {};  // one of them must be met; empty: not asked for
};

// The subject of a token that one of `keys` has signed and that is meant for us, now, in answer to
// this nonce. Errors: NotFound (its `kid` is none of `keys`: they may have changed),
// Unauthenticated (everything else; the message says what).
Result<std::string> verify_id_token(std::string_view token, const std::vector<SigningKey>& keys,
                                    const ExpectedToken& expected, Timestamp now);

}  // namespace keyhaven::oidc
