#include "oidc/id_token.h"

#include <algorithm>

#include "crypto/hash.h"
#include "iam/authority.h"
#include "iam/jwt.h"

namespace keyhaven::oidc {
namespace {

using iam::JsonMembers;

Error refused(std::string_view why) {
  return {Reason::Unauthenticated, "the ID token " + std::string(why), {}};
}

Result<const SigningKey*> key_of(const JsonMembers& header, const std::vector<SigningKey>& keys) {
  const auto id = header.text("kid");
  if (!id) return refused("does not name its key (kid)");
  const auto key = std::find_if(keys.begin(), keys.end(),
                                [&](const SigningKey& one) { return one.id() == *id; });
  if (key == keys.end())
    return Error{Reason::NotFound, "the ID token is signed by a key that the provider lacks", {}};
  // The key decides. "crit" would name extensions that we do not know (RFC 7515 section 4.1.11).
  if (header.text("alg") != key->algorithm() || header.has("crit"))
    return refused("has another algorithm than its key, or critical extensions");
  return &*key;
}

// One audience and no other: whom else a token is given to could use it here.
bool is_for(const JsonMembers& claims, std::string_view client_id) {
  if (claims.has("azp") && claims.text("azp") != client_id) return false;
  if (claims.text("aud") == client_id) return true;
  const auto list = claims.texts("aud");
  return list && list->size() == 1 && list->front() == client_id;
}

Result<void> check_times(const JsonMembers& claims, Timestamp now) {
  const std::int64_t seconds = now.seconds();
  const auto expires = claims.integer("exp");
  if (!expires || *expires <= seconds - kClockSkewSeconds) return refused("has expired");
  const auto issued = claims.integer("iat");
  if (!issued || *issued > seconds + kClockSkewSeconds ||
      *issued < seconds - kMaxIdTokenAgeSeconds) {
    return refused("was not issued just now; compare the clocks of provider and server");
  }
  if (!claims.has("nbf")) return {};
  const auto begins = claims.integer("nbf");
  if (!begins || *begins > seconds + kClockSkewSeconds) return refused("is not valid yet");
  return {};
}

Result<void> check_authentication(const JsonMembers& claims, const ExpectedToken& expected,
                                  Timestamp now) {
  if (expected.max_age_seconds > 0) {
    const auto at = claims.integer("auth_time");
    const std::int64_t seconds = now.seconds();
    if (!at || *at > seconds + kClockSkewSeconds ||
        *at < seconds - expected.max_age_seconds - kClockSkewSeconds) {
      return refused("is of a log-in at the provider longer ago than oidc.max_age_seconds");
    }
  }
  const auto acr = claims.text("acr");
  const auto& wanted = expected.acr_values;
  if (wanted.empty() || (acr && std::find(wanted.begin(), wanted.end(), *acr) != wanted.end()))
    return {};
  return refused("does not say that one of oidc.acr_values was met");
}

}  // namespace

Result<std::string> verify_id_token(std::string_view token, const std::vector<SigningKey>& keys,
                                    const ExpectedToken& expected, Timestamp now) {
  iam::Jwt jwt;
  if (token.size() > kMaxIdTokenBytes || !jwt.parse(token))
    return refused("is not a JSON Web Token, or is too large");
  const SigningKey* const key = KH_TRY(key_of(jwt.header(), keys));
  const auto signature = jwt.signature();
  if (!signature || !key->verify(jwt.signed_text(), *signature))
    return refused("has a wrong signature");

  const JsonMembers& claims = jwt.claims();
  if (claims.text("iss") != expected.issuer) return refused("comes from another issuer");
  if (!is_for(claims, expected.client_id)) return refused("is not for this client alone");
  KH_TRY(check_times(claims, now));
  const auto nonce = claims.text("nonce");
  if (!nonce || !crypto::equal_constant_time(as_bytes(*nonce), as_bytes(expected.nonce)))
    return refused("answers another log-in (nonce)");
  KH_TRY(check_authentication(claims, expected, now));
  const auto subject = claims.text("sub");
  if (!subject || !iam::is_oidc_subject(*subject))
    return refused("has no subject of 1 to 255 characters");
  return std::string(*subject);
}

}  // namespace keyhaven::oidc
