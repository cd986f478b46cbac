// What an OpenID provider answers, decoded. The provider is somebody else's program: all functions
// are total, bound what they take, and refuse an object that has a member twice.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/secret_bytes.h"
#include "crypto/p256.h"
#include "crypto/rsa.h"
#include "oidc/endpoint.h"

namespace keyhaven::oidc {

inline constexpr std::size_t kMaxDocumentBytes = 256 * 1024;
inline constexpr std::size_t kMaxIdTokenBytes = 16 * 1024;
inline constexpr std::size_t kMaxKeys = 100;

enum class ClientAuthentication : std::uint8_t { Basic, Post };

// OpenID Connect Discovery 1.0 section 3.
struct ProviderMetadata {
  Endpoint authorization;
  Endpoint token;
  Endpoint keys;
  ClientAuthentication authentication = ClientAuthentication::Basic;  // of a client with a secret
  bool sends_issuer = false;  // its answers always carry `iss` (RFC 9207 section 3)
};

// Errors: Unauthenticated when `json` is not the configuration of exactly that issuer, or it cannot
// do what we need: the code flow, PKCE with S256, a signature algorithm that we verify.
Result<ProviderMetadata> parse_metadata(std::string_view json, std::string_view issuer);

// A key that signs ID tokens. Its algorithm is its own and never a token's.
class SigningKey {
 public:
  using Ed25519Key = std::array<std::uint8_t, 32>;
  using Material = std::variant<crypto::RsaPublicKey, crypto::P256PublicKey, Ed25519Key>;

  SigningKey(std::string id, std::string_view algorithm, Material material)
      : id_(std::move(id)), algorithm_(algorithm), material_(std::move(material)) {}
  const std::string& id() const noexcept { return id_; }
  std::string_view algorithm() const noexcept { return algorithm_; }  // "RS256" …
  bool verify(ByteView message, ByteView signature) const;

 private:
  std::string id_;
  std::string_view algorithm_;  // of a literal
  Material material_;
};

// The keys of a JWK set (RFC 7517) that can verify ID tokens: RSA for RS256 or, when the key says
// so, PS256; P-256 for ES256; Ed25519 for EdDSA. Keys of other kinds, for other uses, or without an
// id are left out. Errors: Unauthenticated when `json` is no such set, it has more than kMaxKeys
// keys, or two usable ones share an id.
Result<std::vector<SigningKey>> parse_key_set(std::string_view json);

// The member id_token of a successful token answer (OpenID Connect Core 1.0 section 3.1.3.3). The
// other tokens in it are of no use to us; what was parsed is wiped. Errors: Unauthenticated.
Result<std::string> parse_token_answer(std::string_view json);

// The error word of a failed token answer when it is one of RFC 6749 section 5.2, else "no known
// error": no other text of the provider goes into a record of ours.
std::string_view token_error_of(std::string_view json);

}  // namespace keyhaven::oidc
