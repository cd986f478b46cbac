#include "oidc/provider_documents.h"

#include <algorithm>

#include "crypto/ec.h"
#include "iam/strict_json.h"

namespace keyhaven::oidc {
namespace {

using iam::JsonDocument;
using iam::JsonMembers;

constexpr std::array<std::string_view, 4> kAlgorithms = {"RS256", "PS256", "ES256", "EdDSA"};

Error refused(std::string message) { return {Reason::Unauthenticated, std::move(message), {}}; }

Result<void> parse(JsonDocument& document, std::string_view json, std::string_view what) {
  if (json.size() <= kMaxDocumentBytes && document.parse(json)) return {};
  return refused("the provider's " + std::string(what) +
                 " is not a JSON object with distinct members, or is too large");
}

bool holds(const std::vector<std::string_view>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

// Whether the list named `name` holds `word`; `fallback` when the provider does not give one.
bool supports(const JsonMembers& metadata, std::string_view name, std::string_view word,
              bool fallback) {
  if (!metadata.has(name)) return fallback;
  const auto list = metadata.texts(name);
  return list && holds(*list, word);
}

Result<Endpoint> endpoint_of(const JsonMembers& metadata, std::string_view name) {
  const auto text = metadata.text(name);
  if (!text) return refused("the provider's configuration lacks " + std::string(name));
  auto endpoint = parse_endpoint(*text);
  if (!endpoint) return refused("the provider's " + std::string(name) + " is no https address");
  return endpoint;
}

Result<void> check_abilities(const JsonMembers& metadata) {
  if (!supports(metadata, "response_types_supported", "code", false))
    return refused("the provider does not offer the authorization code flow");
  if (!supports(metadata, "code_challenge_methods_supported", "S256", true))
    return refused("the provider does not offer PKCE with S256");
  const auto algorithms = metadata.texts("id_token_signing_alg_values_supported");
  if (!algorithms || std::none_of(algorithms->begin(), algorithms->end(), [](auto word) {
        return std::find(kAlgorithms.begin(), kAlgorithms.end(), word) != kAlgorithms.end();
      })) {
    return refused("the provider signs ID tokens with none of RS256, PS256, ES256 and EdDSA");
  }
  return {};
}

// --- keys ---

std::optional<Bytes> bytes_of(const JsonMembers& key, std::string_view name) {
  const auto text = key.text(name);
  if (!text) return std::nullopt;
  auto bytes = from_base64url(*text);
  if (!bytes) return std::nullopt;
  return std::move(bytes).value();
}

// Which of ours the key is for; empty: none.
std::string_view algorithm_of(const JsonMembers& key) {
  const std::string_view type = key.text("kty").value_or("");
  const std::string_view curve = key.text("crv").value_or("");
  std::string_view natural;
  if (type == "RSA") natural = "RS256";  // what OpenID Connect has when nothing else is said
  if (type == "EC" && curve == "P-256") natural = "ES256";
  if (type == "OKP" && curve == "Ed25519") natural = "EdDSA";
  if (!key.has("alg")) return natural;
  const auto said = key.text("alg");
  if (type == "RSA" && said == "PS256") return "PS256";
  return said == natural ? natural : std::string_view();
}

bool is_for_signatures(const JsonMembers& key) {
  if (key.has("use") && key.text("use") != "sig") return false;
  if (!key.has("key_ops")) return true;
  const auto operations = key.texts("key_ops");
  return operations && holds(*operations, "verify");
}

std::optional<SigningKey::Material> material_of(const JsonMembers& key,
                                                std::string_view algorithm) {
  if (algorithm == "ES256") {
    const auto x = bytes_of(key, "x");
    const auto y = bytes_of(key, "y");
    if (!x || !y) return std::nullopt;
    auto made = crypto::P256PublicKey::from_coordinates(*x, *y);
    if (!made) return std::nullopt;
    return std::move(made).value();
  }
  if (algorithm == "EdDSA") {
    const auto x = bytes_of(key, "x");
    SigningKey::Ed25519Key raw{};
    if (!x || x->size() != raw.size()) return std::nullopt;
    std::copy(x->begin(), x->end(), raw.begin());
    return raw;
  }
  const auto modulus = bytes_of(key, "n");
  const auto exponent = bytes_of(key, "e");
  if (!modulus || !exponent) return std::nullopt;
  auto made = crypto::RsaPublicKey::from_components(*modulus, *exponent);
  if (!made) return std::nullopt;
  return std::move(made).value();
}

}  // namespace

Result<ProviderMetadata> parse_metadata(std::string_view json, std::string_view issuer) {
  JsonDocument document;
  KH_TRY(parse(document, json, "configuration"));
  const JsonMembers& members = document.members();
  // Or one provider could speak for another (mix-up, RFC 9700 section 4.4).
  if (members.text("issuer") != issuer)
    return refused("the provider's configuration names another issuer than oidc.issuer");
  KH_TRY(check_abilities(members));
  ProviderMetadata out;
  out.authorization = KH_TRY(endpoint_of(members, "authorization_endpoint"));
  out.token = KH_TRY(endpoint_of(members, "token_endpoint"));
  out.keys = KH_TRY(endpoint_of(members, "jwks_uri"));
  constexpr std::string_view kMethods = "token_endpoint_auth_methods_supported";
  if (!supports(members, kMethods, "client_secret_basic", true) &&
      supports(members, kMethods, "client_secret_post", false)) {
    out.authentication = ClientAuthentication::Post;
  }
  out.sends_issuer = members.flag("authorization_response_iss_parameter_supported").value_or(false);
  return out;
}

bool SigningKey::verify(ByteView message, ByteView signature) const {
  if (const auto* rsa = std::get_if<crypto::RsaPublicKey>(&material_)) {
    return algorithm_ == "PS256" ? rsa->verify_pss_sha256(message, signature)
                                 : rsa->verify_sha256(message, signature);
  }
  if (const auto* ec = std::get_if<crypto::P256PublicKey>(&material_))
    return ec->verify_sha256(message, signature);
  return crypto::ed25519_verify(std::get<Ed25519Key>(material_), message, signature);
}

Result<std::vector<SigningKey>> parse_key_set(std::string_view json) {
  JsonDocument document;
  KH_TRY(parse(document, json, "key set"));
  const auto listed = document.members().objects("keys");
  if (!listed || listed->size() > kMaxKeys)
    return refused("the provider's key set has no list of at most 100 keys");
  std::vector<SigningKey> out;
  for (const JsonMembers& key : *listed) {
    const auto id = key.text("kid");
    const std::string_view algorithm = algorithm_of(key);
    if (!id || id->empty() || algorithm.empty() || !is_for_signatures(key)) continue;
    auto material = material_of(key, algorithm);
    if (!material) continue;
    if (std::any_of(out.begin(), out.end(), [&](const SigningKey& one) { return one.id() == *id; }))
      return refused("the provider's key set has two keys of one id");
    out.emplace_back(std::string(*id), algorithm, std::move(*material));
  }
  return out;
}

Result<std::string> parse_token_answer(std::string_view json) {
  JsonDocument document;
  const auto parsed = parse(document, json, "token answer");
  Result<std::string> out = refused("the provider's token answer holds no ID token");
  if (!parsed) {
    out = parsed.error();
  } else if (const auto token = document.members().text("id_token");
             token && !token->empty() && token->size() <= kMaxIdTokenBytes) {
    out = std::string(*token);
  }
  document.wipe();
  return out;
}

std::string_view token_error_of(std::string_view json) {
  static constexpr std::array<std::string_view, 6> kErrors = {
      "invalid_request",     "invalid_client",         "invalid_grant",
      "unauthorized_client", "unsupported_grant_type", "invalid_scope"};
  JsonDocument document;
  if (json.size() <= kMaxDocumentBytes && document.parse(json)) {
    const auto said = document.members().text("error");
    for (const std::string_view known : kErrors) {
      if (said == known) return known;
    }
  }
  return "no known error";
}

}  // namespace keyhaven::oidc
