// Access tokens: RS256 JWTs (RFC 7515, 7519) made and checked by the same deployment
// (key-management-api.md 15).
//
// The checker is strict where tokens have been attacked before: the algorithm is fixed by the key
// that `kid` names and a header that says otherwise is refused; parts are strict base64url; sizes
// are bounded before anything is decoded; duplicate members are refused; nothing in the token
// chooses a key source.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "crypto/rsa.h"

namespace keyhaven::iam {

inline constexpr std::int64_t kTokenLifetimeSeconds = 3600;  // unless configured
inline constexpr std::int64_t kMaxTokenLifetimeSeconds = 86'400;
inline constexpr std::size_t kMaxTokenBytes = 4096;
inline constexpr std::int64_t kClockSkewSeconds = 60;  // how far in the future `iat` may lie

// What a token is made for.
struct TokenSubject {
  std::string iam_id;  // "iam-ServiceId-<uuid>" or "IBMid-<uuid>"
  // What the caller logged in with; one of the two is set. Deleting the key, or the link, ends its
  // tokens.
  std::string api_key_id;         // "ApiKey-<uuid>"
  std::string oidc_link_id = {};  // "OidcLink-<uuid>" (iam_store.h)
};

struct IssuedToken {
  std::string access_token;  // a bearer secret: goes into the answer's body, which is wiped after
                             // it is sent
  Timestamp issued;
  Timestamp expires;
};

// What a good token says.
struct TokenClaims {
  std::string iam_id;
  std::string api_key_id;    // empty: not of an API key
  std::string oidc_link_id;  // empty: not of a log-in at an OpenID provider
  std::string account;
  Timestamp issued;
  Timestamp expires;
};

// Makes tokens. Immutable, thread-safe.
class TokenIssuer {
 public:
  // `issuer` is the public address of the identity endpoint, `account` 32 hex digits (as in CRNs).
  // Clients that renew a minute early ask for a token per call when the lifetime is 60 seconds or
  // less. Errors: InvalidArgument when a text holds a character that JSON would have to escape, or
  // the lifetime is not 61 to kMaxTokenLifetimeSeconds.
  static Result<TokenIssuer> create(crypto::RsaPrivateKey key, std::string issuer,
                                    std::string account,
                                    std::int64_t lifetime_seconds = kTokenLifetimeSeconds);

  // One RSA signature, about 0.7 ms. `subject` holds ids of ours only.
  IssuedToken issue(const TokenSubject& subject, Timestamp now) const;
  // The key set (RFC 7517): {"keys":[{"kty","n","e","alg","kid","use"}]}.
  const std::string& key_set_json() const noexcept { return key_set_json_; }
  const std::string& key_id() const noexcept { return key_id_; }
  const std::string& issuer() const noexcept { return issuer_; }
  const std::string& account() const noexcept { return account_; }
  const crypto::RsaPublicKey& public_key() const noexcept { return key_.public_key(); }

 private:
  TokenIssuer(crypto::RsaPrivateKey key, std::string issuer, std::string account,
              std::int64_t lifetime_seconds);
  crypto::RsaPrivateKey key_;
  std::string issuer_;
  std::string account_;
  std::int64_t lifetime_seconds_;
  std::string key_id_;
  std::string key_set_json_;
};

// Checks tokens. Immutable after the last trust(), thread-safe then.
class TokenVerifier {
 public:
  explicit TokenVerifier(std::string issuer) : issuer_(std::move(issuer)) {}
  explicit TokenVerifier(const TokenIssuer& issuer) : issuer_(issuer.issuer()) {
    trust(issuer.key_id(), issuer.public_key());
  }
  // Accepts RS256 signatures of `key` under this id.
  void trust(std::string key_id, crypto::RsaPublicKey key);

  // About 20 us. Total on hostile input.
  // Errors: BearerSubExtraction (no JWT, or a good one without subject), Unauthenticated (unknown
  // key, other algorithm, wrong signature, foreign issuer, expired, from the future).
  Result<TokenClaims> verify(std::string_view token, Timestamp now) const;

 private:
  struct Trusted {
    std::string key_id;
    crypto::RsaPublicKey key;
  };
  std::string issuer_;
  std::vector<Trusted> trusted_;
};

// RFC 7638 thumbprint of an RSA key, base64url: the `kid`.
std::string key_thumbprint(const crypto::RsaPublicKey& key);

}  // namespace keyhaven::iam
