// Access tokens: hostile texts, and hostile claims under a good signature. Only a token of the form
// that we issue is accepted, and a changed one never is.
#include "iam/token.h"

#include "fuzz.h"

using namespace keyhaven;

namespace {

constexpr std::string_view kIssuer = "https://localhost/identity";
constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";
constexpr Timestamp kNow = Timestamp{1'800'000'000'000'000};

struct Deployment {
  crypto::RsaPrivateKey signer;  // the same key as the issuer's
  iam::TokenIssuer issuer;
  iam::TokenVerifier verifier;
  std::string header;  // with its dot
  std::string good;
};

const Deployment& deployment() {
  static const Deployment instance = [] {
    crypto::RsaPrivateKey key = crypto::RsaPrivateKey::generate_2048();
    const SecretBytes pem = key.pem();
    auto issuer =
        iam::TokenIssuer::create(std::move(key), std::string(kIssuer), std::string(kAccount))
            .value();
    const std::string good = issuer
                                 .issue({"iam-ServiceId-11111111-1111-4111-8111-111111111111",
                                         "ApiKey-22222222-2222-4222-8222-222222222222"},
                                        kNow)
                                 .access_token;
    iam::TokenVerifier verifier(issuer);
    KH_ASSERT(verifier.verify(good, kNow).has_value());
    return Deployment{crypto::RsaPrivateKey::from_pem(pem).value(), std::move(issuer),
                      std::move(verifier), good.substr(0, good.find('.') + 1), good};
  }();
  return instance;
}

}  // namespace

KH_FUZZ_TARGET(in) {
  const Deployment& here = deployment();
  switch (fuzz::take_byte(in) % 4) {
    case 0:
      KH_ASSERT(!here.verifier.verify(as_text(in), kNow));
      break;
    case 1: {  // claims under a good signature
      const std::string covered = here.header + to_base64url(in);
      const std::string token =
          covered + "." + to_base64url(here.signer.sign_sha256(as_bytes(covered)));
      const auto claims = here.verifier.verify(token, kNow);
      if (claims) {
        KH_ASSERT(!claims->iam_id.empty() && claims->expires > kNow);
        KH_ASSERT(claims->issued <= kNow.plus_seconds(iam::kClockSkewSeconds));
        KH_ASSERT(token.size() <= iam::kMaxTokenBytes);
      }
      break;
    }
    case 2: {  // a header under a good signature
      const std::string covered =
          to_base64url(in) +
          here.good.substr(here.header.size() - 1, here.good.rfind('.') - here.header.size() + 1);
      const std::string token =
          covered + "." + to_base64url(here.signer.sign_sha256(as_bytes(covered)));
      static_cast<void>(here.verifier.verify(token, kNow));
      break;
    }
    default: {  // one change of a good token
      std::string token = here.good;
      const std::size_t at =
          (fuzz::take_byte(in) * std::size_t{256} + fuzz::take_byte(in)) % token.size();
      token.replace(at, 1, as_text(in));
      KH_ASSERT(token == here.good || !here.verifier.verify(token, kNow));
      break;
    }
  }
}
