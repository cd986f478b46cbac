#include "iam/token.h"

#include <gtest/gtest.h>

#include "crypto/hash.h"

namespace keyhaven::iam {
namespace {

constexpr std::string_view kIssuer = "https://localhost:8443/identity";
constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";
const TokenSubject kSubject{"iam-ServiceId-11111111-1111-4111-8111-111111111111",
                            "ApiKey-22222222-2222-4222-8222-222222222222"};

std::string part(std::string_view text) { return to_base64url(as_bytes(text)); }

std::string replace(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  return text.replace(at, from.size(), to);
}

class TokenTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
    issuer_ = new TokenIssuer(
        TokenIssuer::create(*key_, std::string(kIssuer), std::string(kAccount)).value());
  }
  static void TearDownTestSuite() {
    delete issuer_;
    delete key_;
  }
  void SetUp() override {
    token_ = issuer_->issue(kSubject, now_).access_token;
    const std::size_t first = token_.find('.');
    header_ = std::string(as_text(from_base64url(token_.substr(0, first)).value()));
    claims_ = std::string(
        as_text(from_base64url(token_.substr(first + 1, token_.rfind('.') - first - 1)).value()));
  }
  // A token of these texts, signed by the trusted key.
  static std::string sign(std::string_view header, std::string_view claims) {
    const std::string text = part(header) + "." + part(claims);
    return text + "." + to_base64url(key_->sign_sha256(as_bytes(text)));
  }
  Reason refusal(std::string_view token, std::int64_t seconds_later = 0) const {
    const auto result = TokenVerifier(*issuer_).verify(token, now_.plus_seconds(seconds_later));
    EXPECT_FALSE(result) << token;
    return result ? Reason::Internal : result.error().reason;
  }

  static inline crypto::RsaPrivateKey* key_ = nullptr;
  static inline TokenIssuer* issuer_ = nullptr;
  const Timestamp now_ = Timestamp::from_seconds(1'800'000'000);
  std::string token_, header_, claims_;
};

TEST_F(TokenTest, ATokenSaysWhoForHowLong) {
  const TokenClaims claims = TokenVerifier(*issuer_).verify(token_, now_).value();
  EXPECT_EQ(claims.iam_id, kSubject.iam_id);
  EXPECT_EQ(claims.api_key_id, kSubject.api_key_id);
  EXPECT_EQ(claims.account, kAccount);
  EXPECT_EQ(claims.issued, now_);
  EXPECT_EQ(claims.expires, now_.plus_seconds(3600));
}

TEST_F(TokenTest, ATokenOfAProvidersLogInNamesTheLinkAndNoApiKey) {
  const IssuedToken issued =
      issuer_->issue({"IBMid-11111111-1111-4111-8111-111111111111", {}, "OidcLink-1"}, now_);
  const TokenClaims claims = TokenVerifier(*issuer_).verify(issued.access_token, now_).value();
  EXPECT_EQ(claims.iam_id, "IBMid-11111111-1111-4111-8111-111111111111");
  EXPECT_EQ(claims.api_key_id, "");
  EXPECT_EQ(claims.oidc_link_id, "OidcLink-1");
}

TEST_F(TokenTest, ClaimsAreThoseThatClientsRead) {
  for (const std::string_view member :
       {R"("iam_id":"iam-ServiceId-11111111-1111-4111-8111-111111111111")", R"("realmid":"iam")",
        R"("sub":"ServiceId-11111111-1111-4111-8111-111111111111")", R"("sub_type":"ServiceId")",
        R"("account":{"valid":true,"bss":"0123456789abcdef0123456789abcdef"})",
        R"("iat":1800000000)", R"("exp":1800003600)", R"("iss":"https://localhost:8443/identity")",
        R"("scope":"ibm openid")", R"("jti":")",
        R"("grant_type":"urn:ibm:params:oauth:grant-type:apikey")", R"("amr":["pwd"])"}) {
    EXPECT_NE(claims_.find(member), std::string::npos) << member << " in " << claims_;
  }
}

TEST_F(TokenTest, TheKeySetHoldsTheKeyThatTheHeaderNames) {
  EXPECT_NE(header_.find("\"kid\":\"" + issuer_->key_id() + "\""), std::string::npos) << header_;
  EXPECT_NE(issuer_->key_set_json().find("\"kid\":\"" + issuer_->key_id() + "\""),
            std::string::npos);
  EXPECT_NE(issuer_->key_set_json().find(R"("e":"AQAB")"), std::string::npos);
  EXPECT_EQ(issuer_->key_set_json().find("\"d\""), std::string::npos);
}

// RFC 7638 section 3.1 gives this key and its thumbprint.
TEST(KeyThumbprintTest, IsThatOfTheRfc) {
  const Bytes modulus =
      from_base64url(
          "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
          "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4"
          "QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbO"
          "pbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csF"
          "Cur-kEgU8awapJzKnqDKgw")
          .value();
  const Bytes exponent = {1, 0, 1};
  EXPECT_EQ(key_thumbprint(crypto::RsaPublicKey::from_components(modulus, exponent).value()),
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST_F(TokenTest, TheAlgorithmIsTheKeysAndNeverTheHeaders) {
  for (const std::string_view algorithm :
       {"none", "None", "HS256", "RS384", "PS256", "ES256", "rs256", ""}) {
    const std::string header = replace(header_, "\"RS256\"", "\"" + std::string(algorithm) + "\"");
    EXPECT_EQ(refusal(sign(header, claims_)), Reason::Unauthenticated) << algorithm;
  }
  EXPECT_EQ(refusal(sign(replace(header_, "\"RS256\"", "256"), claims_)), Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(replace(header_, "\"alg\"", "\"algx\""), claims_)),
            Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(replace(header_, "{", "{\"crit\":[\"exp\"],"), claims_)),
            Reason::Unauthenticated);
}

TEST_F(TokenTest, AMacKeyedWithThePublicKeyIsNoSignature) {
  const std::string text = part(replace(header_, "RS256", "HS256")) + "." + part(claims_);
  for (const Bytes& key :
       {key_->public_key().modulus(), to_bytes(as_bytes(issuer_->key_set_json()))}) {
    EXPECT_EQ(refusal(text + "." + to_base64url(crypto::hmac_sha256(key, as_bytes(text)))),
              Reason::Unauthenticated);
  }
}

TEST_F(TokenTest, AnUnknownOrMissingKeyIdIsRefused) {
  EXPECT_EQ(refusal(sign(replace(header_, issuer_->key_id(), "other"), claims_)),
            Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(R"({"alg":"RS256"})", claims_)), Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(R"({"alg":"RS256","kid":["x"]})", claims_)), Reason::Unauthenticated);
}

TEST_F(TokenTest, AForeignKeyWithOurKeyIdIsRefused) {
  const crypto::RsaPrivateKey foreign = crypto::RsaPrivateKey::generate_2048();
  const std::string text = part(header_) + "." + part(claims_);
  EXPECT_EQ(refusal(text + "." + to_base64url(foreign.sign_sha256(as_bytes(text)))),
            Reason::Unauthenticated);
}

TEST_F(TokenTest, ExpiryIsExact) {
  EXPECT_TRUE(TokenVerifier(*issuer_).verify(token_, now_.plus_seconds(3599)));
  EXPECT_EQ(refusal(token_, 3600), Reason::Unauthenticated);
  EXPECT_EQ(refusal(token_, 1'000'000'000), Reason::Unauthenticated);
}

TEST_F(TokenTest, ATokenFromTheFutureIsRefusedBeyondTheSkew) {
  EXPECT_TRUE(TokenVerifier(*issuer_).verify(token_, now_.plus_seconds(-60)));
  EXPECT_EQ(refusal(token_, -61), Reason::Unauthenticated);
}

TEST_F(TokenTest, DatesThatWeNeverIssueAreRefused) {
  for (const std::string_view dates :
       {R"("iat":1800000000,"exp":1800086401)", R"("iat":0,"exp":1800003600)",
        R"("iat":-9223372036854775808,"exp":9223372036854775807)",
        R"("iat":1800000000,"exp":9223372036854775807)", R"("iat":1800000000)",
        R"("exp":1800003600)", R"("iat":1800000000,"exp":"1800003600")",
        R"("iat":1800000000,"exp":1800003600.5)", R"("iat":1800000000,"exp":1e400)"}) {
    const std::string claims = replace(claims_, R"("iat":1800000000,"exp":1800003600)", dates);
    const Reason reason = refusal(sign(header_, claims));
    EXPECT_TRUE(reason == Reason::Unauthenticated || reason == Reason::BearerSubExtraction)
        << dates;
  }
}

TEST_F(TokenTest, AForeignIssuerIsRefused) {
  EXPECT_EQ(refusal(sign(header_, replace(claims_, kIssuer, "https://iam.example"))),
            Reason::Unauthenticated);
}

TEST_F(TokenTest, AGoodTokenWithoutSubjectSaysSo) {
  EXPECT_EQ(refusal(sign(header_, replace(claims_, "\"iam_id\"", "\"x\""))),
            Reason::BearerSubExtraction);
  EXPECT_EQ(refusal(sign(header_, replace(claims_, "\"sub\":\"ServiceId-",
                                          "\"sub\":\"\",\"s\":\"ServiceId-"))),
            Reason::BearerSubExtraction);
}

TEST_F(TokenTest, ADuplicateMemberIsRefused) {
  EXPECT_EQ(refusal(sign(header_, replace(claims_, "{", R"({"iam_id":"IBMid-root",)"))),
            Reason::BearerSubExtraction);
  EXPECT_EQ(refusal(sign(replace(header_, "{", R"({"alg":"none",)"), claims_)),
            Reason::BearerSubExtraction);
}

TEST_F(TokenTest, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < token_.size(); ++size) {
    const auto result =
        TokenVerifier(*issuer_).verify(std::string_view(token_).substr(0, size), now_);
    ASSERT_FALSE(result) << size;
  }
}

TEST_F(TokenTest, EveryChangedCharacterIsRefused) {
  for (std::size_t at = 0; at < token_.size(); ++at) {
    std::string changed = token_;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    ASSERT_FALSE(TokenVerifier(*issuer_).verify(changed, now_)) << at;
  }
}

TEST_F(TokenTest, WhatIsNoTokenIsNoToken) {
  const std::string deep = part(std::string(1000, '[') + std::string(1000, ']'));
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("..."), token_ + ".x",
        token_ + ".", std::string("a.b.c"), "!" + token_,
        part("[]") + "." + part(claims_) + ".AAAA", part("{}") + "..AAAA",
        part("{") + "." + part(claims_) + ".AAAA", deep + "." + deep + ".AAAA",
        part(header_) + "=." + part(claims_) + ".AA", std::string(kMaxTokenBytes + 1, 'A'),
        part(header_ + " x") + "." + part(claims_) + ".AAAA"}) {
    EXPECT_EQ(refusal(text), Reason::BearerSubExtraction) << text.substr(0, 80);
  }
}

TEST_F(TokenTest, AnIssuerThatJsonWouldHaveToEscapeIsRefused) {
  for (const std::string_view wrong : {"", "a\"b", "a\\b", "a b", "a\nb"}) {
    EXPECT_EQ(TokenIssuer::create(*key_, std::string(wrong), std::string(kAccount)).error().reason,
              Reason::InvalidArgument);
    EXPECT_EQ(TokenIssuer::create(*key_, std::string(kIssuer), std::string(wrong)).error().reason,
              Reason::InvalidArgument);
  }
}

TEST_F(TokenTest, TheLifetimeIsThatOfTheConfigurationWithinItsLimits) {
  const auto lifetime = [&](std::int64_t seconds) {
    return TokenIssuer::create(*key_, std::string(kIssuer), std::string(kAccount), seconds);
  };
  EXPECT_EQ(lifetime(61).value().issue(kSubject, now_).expires, now_.plus_seconds(61));
  const std::string longest = lifetime(86'400).value().issue(kSubject, now_).access_token;
  EXPECT_TRUE(TokenVerifier(*issuer_).verify(longest, now_.plus_seconds(86'399)));
  EXPECT_FALSE(lifetime(60));
  EXPECT_FALSE(lifetime(86'401));
}

}  // namespace
}  // namespace keyhaven::iam
