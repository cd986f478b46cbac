#include <algorithm>

#include "crypto/hash.h"
#include "crypto/random.h"
#include "iam/token.h"

namespace keyhaven::iam {
namespace {

bool needs_no_escape(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}

void member(std::string& out, std::string_view name, std::string_view value) {
  out.append(out.back() == '{' ? "\"" : ",\"")
      .append(name)
      .append("\":\"")
      .append(value)
      .append("\"");
}
void member(std::string& out, std::string_view name, std::int64_t value) {
  out.append(",\"").append(name).append("\":").append(std::to_string(value));
}

// "iam-ServiceId-x" has realm "iam" and subject "ServiceId-x"; "IBMid-x" has realm "IBMid" and
// itself as subject.
void append_subject(std::string& out, std::string_view iam_id) {
  const bool service = iam_id.starts_with("iam-");
  const std::string_view subject = service ? iam_id.substr(4) : iam_id;
  member(out, "iam_id", iam_id);
  member(out, "id", iam_id);
  member(out, "realmid", service ? "iam" : "IBMid");
  member(out, "identifier", subject);
  member(out, "sub", subject);
  if (service) member(out, "sub_type", "ServiceId");
}

std::string claims_json(const TokenIssuer& issuer, const TokenSubject& subject, Timestamp issued,
                        Timestamp expires) {
  std::string out = "{";
  append_subject(out, subject.iam_id);
  member(out, "jti", crypto::random_uuid().text());
  const bool by_api_key = !subject.api_key_id.empty();
  if (by_api_key) member(out, "apikey_id", subject.api_key_id);
  if (!by_api_key) member(out, "oidc_link_id", subject.oidc_link_id);
  out.append(",\"unique_instance_crns\":[],\"account\":{\"valid\":true,\"bss\":\"")
      .append(issuer.account())
      .append("\"}");
  member(out, "iat", issued.seconds());
  member(out, "exp", expires.seconds());
  member(out, "iss", issuer.issuer());
  member(out, "grant_type",
         by_api_key ? "urn:ibm:params:oauth:grant-type:apikey" : "authorization_code");
  member(out, "scope", "ibm openid");
  member(out, "client_id", "default");
  member(out, "acr", 1);
  out.append(by_api_key ? R"(,"amr":["pwd"]})" : R"(,"amr":["oidc"]})");
  return out;
}

}  // namespace

std::string key_thumbprint(const crypto::RsaPublicKey& key) {
  std::string canonical = "{";
  member(canonical, "e", to_base64url(key.exponent()));
  member(canonical, "kty", "RSA");
  member(canonical, "n", to_base64url(key.modulus()));
  canonical += '}';
  return to_base64url(crypto::sha256(as_bytes(canonical)));
}

Result<TokenIssuer> TokenIssuer::create(crypto::RsaPrivateKey key, std::string issuer,
                                        std::string account, std::int64_t lifetime_seconds) {
  if (lifetime_seconds <= 60 || lifetime_seconds > kMaxTokenLifetimeSeconds) {
    return Error{Reason::InvalidArgument, "the token lifetime must be 61 to 86400 seconds",
                 "lifetime"};
  }
  if (issuer.empty() || !needs_no_escape(issuer)) {
    return Error{Reason::InvalidArgument, "the issuer must be a plain URL", "issuer"};
  }
  if (account.empty() || !needs_no_escape(account)) {
    return Error{Reason::InvalidArgument, "the account must be 32 hexadecimal digits", "account"};
  }
  return TokenIssuer(std::move(key), std::move(issuer), std::move(account), lifetime_seconds);
}

TokenIssuer::TokenIssuer(crypto::RsaPrivateKey key, std::string issuer, std::string account,
                         std::int64_t lifetime_seconds)
    : key_(std::move(key)),
      issuer_(std::move(issuer)),
      account_(std::move(account)),
      lifetime_seconds_(lifetime_seconds),
      key_id_(key_thumbprint(key_.public_key())) {
  key_set_json_ = "{\"keys\":[{";
  member(key_set_json_, "kty", "RSA");
  member(key_set_json_, "n", to_base64url(key_.public_key().modulus()));
  member(key_set_json_, "e", to_base64url(key_.public_key().exponent()));
  member(key_set_json_, "alg", "RS256");
  member(key_set_json_, "use", "sig");
  member(key_set_json_, "kid", key_id_);
  key_set_json_ += "}]}";
}

IssuedToken TokenIssuer::issue(const TokenSubject& subject, Timestamp now) const {
  KH_ASSERT(needs_no_escape(subject.iam_id) && needs_no_escape(subject.api_key_id) &&
            needs_no_escape(subject.oidc_link_id));
  KH_ASSERT(subject.api_key_id.empty() != subject.oidc_link_id.empty());
  IssuedToken out;
  out.issued = Timestamp::from_seconds(now.seconds());
  out.expires = out.issued.plus_seconds(lifetime_seconds_);
  std::string header = "{";
  member(header, "kid", key_id_);
  member(header, "alg", "RS256");
  member(header, "typ", "JWT");
  header += '}';
  out.access_token = to_base64url(as_bytes(header));
  out.access_token += '.';
  out.access_token += to_base64url(as_bytes(claims_json(*this, subject, out.issued, out.expires)));
  const Bytes signature = key_.sign_sha256(as_bytes(out.access_token));
  out.access_token += '.';
  out.access_token += to_base64url(signature);
  return out;
}

}  // namespace keyhaven::iam
