#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "iam/token.h"

namespace keyhaven::iam {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kMaxJsonDepth = 8;

Error not_a_token() {
  return {Reason::BearerSubExtraction, "the bearer token is not a JSON Web Token with a subject",
          "Authorization"};
}
Error refused(std::string_view why) {
  return {Reason::Unauthenticated, std::string(why), "Authorization"};
}

struct Parts {
  std::string_view header, claims, signature, signed_text;
};

// header.claims.signature, none empty, nothing else.
std::optional<Parts> split(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return std::nullopt;
  Parts parts{token.substr(0, first), token.substr(first + 1, second - first - 1),
              token.substr(second + 1), token.substr(0, second)};
  if (parts.header.empty() || parts.claims.empty() || parts.signature.empty()) return std::nullopt;
  return parts;
}

// One JSON object out of a base64url part. The parser belongs to the object: strings point into it.
class JsonPart {
 public:
  // False for anything but an object with distinct members.
  bool parse(std::string_view base64url) {
    auto bytes = from_base64url(base64url);
    if (!bytes) return false;
    text_ = simdjson::padded_string(as_text(*bytes));
    parser_ = dom::parser();
    if (parser_.allocate(text_.size() + 1, kMaxJsonDepth) != simdjson::SUCCESS) return false;
    if (parser_.parse(text_).get(object_) != simdjson::SUCCESS) return false;
    return members_are_distinct();
  }
  std::optional<std::string_view> text(std::string_view name) const {
    std::string_view out;
    if (object_.at_key(name).get(out) != simdjson::SUCCESS) return std::nullopt;
    return out;
  }
  std::optional<std::int64_t> integer(std::string_view name) const {
    std::int64_t out = 0;
    if (object_.at_key(name).get(out) != simdjson::SUCCESS) return std::nullopt;
    return out;
  }
  std::string_view account() const {
    std::string_view out;
    dom::object account;
    if (object_.at_key("account").get(account) != simdjson::SUCCESS) return {};
    return account.at_key("bss").get(out) == simdjson::SUCCESS ? out : std::string_view{};
  }
  bool has(std::string_view name) const {
    return object_.at_key(name).error() == simdjson::SUCCESS;
  }

 private:
  bool members_are_distinct() const {
    std::vector<std::string_view> names;
    for (const dom::key_value_pair member : object_) names.push_back(member.key);
    std::sort(names.begin(), names.end());
    return std::adjacent_find(names.begin(), names.end()) == names.end();
  }
  simdjson::padded_string text_;
  dom::parser parser_;
  dom::object object_;
};

Result<TokenClaims> read_claims(const JsonPart& claims, std::string_view issuer, Timestamp now) {
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
  return TokenClaims{std::string(*iam_id), std::string(claims.text("apikey_id").value_or("")),
                     std::string(claims.account()), Timestamp::from_seconds(*issued),
                     Timestamp::from_seconds(*expires)};
}

}  // namespace

void TokenVerifier::trust(std::string key_id, crypto::RsaPublicKey key) {
  trusted_.push_back({std::move(key_id), std::move(key)});
}

Result<TokenClaims> TokenVerifier::verify(std::string_view token, Timestamp now) const {
  if (token.size() > kMaxTokenBytes) return not_a_token();
  const auto parts = split(token);
  if (!parts) return not_a_token();
  JsonPart header;
  JsonPart claims;
  if (!header.parse(parts->header) || !claims.parse(parts->claims)) return not_a_token();

  const auto key_id = header.text("kid");
  const auto key = std::find_if(trusted_.begin(), trusted_.end(),
                                [&](const Trusted& trusted) { return key_id == trusted.key_id; });
  if (key == trusted_.end()) return refused("the token is signed by an unknown key");
  // The key decides the algorithm. "crit" would name extensions that we do not know (RFC 7515
  // section 4.1.11).
  if (header.text("alg") != "RS256" || header.has("crit"))
    return refused("the token's algorithm is not its key's");
  const auto signature = from_base64url(parts->signature);
  if (!signature || !key->key.verify_sha256(as_bytes(parts->signed_text), *signature)) {
    return refused("the token's signature is wrong");
  }
  return read_claims(claims, issuer_, now);
}

}  // namespace keyhaven::iam
