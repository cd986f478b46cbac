#include <algorithm>

#include "iam/jwt.h"
#include "iam/token.h"

namespace keyhaven::iam {
namespace {

Error not_a_token() {
  return {Reason::BearerSubExtraction, "the bearer token is not a JSON Web Token with a subject",
          "Authorization"};
}
Error refused(std::string_view why) {
  return {Reason::Unauthenticated, std::string(why), "Authorization"};
}

std::string text_of(const JsonMembers& claims, std::string_view name) {
  return std::string(claims.text(name).value_or(""));
}

std::string account_of(const JsonMembers& claims) {
  const auto account = claims.object("account");
  return account ? text_of(*account, "bss") : std::string();
}

Result<TokenClaims> read_claims(const JsonMembers& claims, std::string_view issuer, Timestamp now) {
  if (claims.text("iss") != issuer) return refused("the token comes from another issuer");
  const auto expires = claims.integer("exp");
  const auto issued = claims.integer("iat");
  const std::int64_t seconds = now.seconds();
  if (!expires || *expires <= seconds) return refused("the token has expired");
  // The lower bound keeps the difference below from overflowing.
  if (!issued || *issued < 0 || *issued > seconds + kClockSkewSeconds ||
      *expires - *issued > kMaxTokenLifetimeSeconds) {
    return refused("the token's dates are not those of this issuer");
  }
  const auto iam_id = claims.text("iam_id");
  const auto subject = claims.text("sub");
  if (!iam_id || iam_id->empty() || !subject || subject->empty()) return not_a_token();
  return TokenClaims{
      std::string(*iam_id), text_of(claims, "apikey_id"),     text_of(claims, "oidc_link_id"),
      account_of(claims),   Timestamp::from_seconds(*issued), Timestamp::from_seconds(*expires)};
}

}  // namespace

void TokenVerifier::trust(std::string key_id, crypto::RsaPublicKey key) {
  trusted_.push_back({std::move(key_id), std::move(key)});
}

Result<TokenClaims> TokenVerifier::verify(std::string_view token, Timestamp now) const {
  if (token.size() > kMaxTokenBytes) return not_a_token();
  Jwt jwt;
  if (!jwt.parse(token)) return not_a_token();

  const auto key_id = jwt.header().text("kid");
  const auto key = std::find_if(trusted_.begin(), trusted_.end(),
                                [&](const Trusted& trusted) { return key_id == trusted.key_id; });
  if (key == trusted_.end()) return refused("the token is signed by an unknown key");
  // The key decides the algorithm. "crit" would name extensions that we do not know (RFC 7515
  // section 4.1.11).
  if (jwt.header().text("alg") != "RS256" || jwt.header().has("crit"))
    return refused("the token's algorithm is not its key's");
  const auto signature = jwt.signature();
  if (!signature || !key->key.verify_sha256(jwt.signed_text(), *signature)) {
    return refused("the token's signature is wrong");
  }
  return read_claims(jwt.claims(), issuer_, now);
}

}  // namespace keyhaven::iam
