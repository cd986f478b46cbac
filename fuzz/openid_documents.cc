// What an OpenID provider answers: its configuration, its keys, its token answer, and ID tokens,
// also with hostile claims under a good signature. Whatever comes, only what keeps the rules is
// taken.
#include "crypto/p256.h"
#include "fuzz.h"
#include "oidc/id_token.h"

using namespace keyhaven;

namespace {

constexpr std::string_view kIssuer = "https://id.example";
constexpr std::string_view kHeader = R"({"alg":"ES256","kid":"k"})";
constexpr Timestamp kNow = Timestamp{1'800'000'000'000'000};

struct Signer {
  crypto::P256PrivateKey key = crypto::P256PrivateKey::generate();
  std::vector<oidc::SigningKey> keys = {
      {"k", "ES256", crypto::P256PublicKey::from_coordinates(key.x(), key.y()).value()}};

  std::string sign(ByteView header, ByteView claims) const {
    const std::string text = to_base64url(header) + "." + to_base64url(claims);
    return text + "." + to_base64url(key.sign_sha256(as_bytes(text)));
  }
};

const Signer& signer() {
  static const Signer instance;
  return instance;
}

Result<std::string> verify(std::string_view token) {
  const oidc::ExpectedToken expected{
      .issuer = kIssuer, .client_id = "keyhaven", .nonce = "n", .acr_values = {"mfa"}};
  return oidc::verify_id_token(token, signer().keys, expected, kNow);
}

}  // namespace

KH_FUZZ_TARGET(in) {
  switch (fuzz::take_byte(in) % 6) {
    case 0:
      if (const auto metadata = oidc::parse_metadata(as_text(in), kIssuer)) {
        for (const oidc::Endpoint* endpoint :
             {&metadata->authorization, &metadata->token, &metadata->keys}) {
          KH_ASSERT(endpoint->url().starts_with("https://") && endpoint->target.starts_with("/"));
          KH_ASSERT(endpoint->url().find_first_of(" \r\n#") == std::string::npos);
        }
      }
      break;
    case 1:
      if (const auto keys = oidc::parse_key_set(as_text(in))) {
        KH_ASSERT(keys->size() <= oidc::kMaxKeys);
        for (const oidc::SigningKey& key : *keys)
          KH_ASSERT(!key.id().empty() && !key.verify(as_bytes("m"), as_bytes("not a signature")));
      }
      break;
    case 2:
      if (const auto token = oidc::parse_token_answer(as_text(in)))
        KH_ASSERT(!token->empty() && token->size() <= oidc::kMaxIdTokenBytes);
      KH_ASSERT(!oidc::token_error_of(as_text(in)).empty());
      break;
    case 3:
      KH_ASSERT(!verify(as_text(in)));  // nobody else has the key
      break;
    case 4:
      if (const auto subject = verify(signer().sign(as_bytes(kHeader), in)))
        KH_ASSERT(!subject->empty() && subject->size() <= oidc::kMaxSubjectBytes);
      break;
    default:
      static_cast<void>(verify(signer().sign(in, as_bytes("{}"))));
      break;
  }
}
