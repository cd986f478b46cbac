#include "oidc/id_token.h"

#include <gtest/gtest.h>

#include "crypto/ec.h"
#include "crypto/hash.h"

namespace keyhaven::oidc {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;
constexpr std::string_view kClaims =
    R"({"iss":"https://id.example","sub":"ann","aud":"keyhaven","exp":1800000300,)"
    R"("iat":1800000000,"nonce":"n-1","auth_time":1799999900,"acr":"mfa"})";

std::string part(std::string_view text) { return to_base64url(as_bytes(text)); }

std::string replace(std::string_view in, std::string_view from, std::string_view to) {
  std::string text(in);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " in " << text;
  return text.replace(at, from.size(), to);
}

std::string header(std::string_view algorithm, std::string_view key_id) {
  return R"({"alg":")" + std::string(algorithm) + R"(","kid":")" + std::string(key_id) + "\"}";
}

class IdTokenTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    rsa_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
  }
  static void TearDownTestSuite() { delete rsa_; }

  IdTokenTest() {
    keys_.emplace_back("rsa", "RS256", rsa_->public_key());
    keys_.emplace_back("pss", "PS256", rsa_->public_key());
    keys_.emplace_back("ec", "ES256",
                       crypto::P256PublicKey::from_coordinates(ec_.x(), ec_.y()).value());
    keys_.emplace_back("ed", "EdDSA", ed_.public_key());
  }
  static std::string sign(std::string_view head, std::string_view claims) {
    const std::string text = part(head) + "." + part(claims);
    return text + "." + to_base64url(rsa_->sign_sha256(as_bytes(text)));
  }
  static std::string token(std::string_view claims = kClaims) {
    return sign(header("RS256", "rsa"), claims);
  }
  Result<std::string> verify(std::string_view text) const {
    return verify_id_token(text, keys_, expected_, Timestamp::from_seconds(kNow));
  }
  Reason refusal(std::string_view text) const {
    const auto result = verify(text);
    EXPECT_FALSE(result) << text;
    return result ? Reason::Internal : result.error().reason;
  }
  // `from` in the claims, replaced.
  bool is_good_with(std::string_view from, std::string_view to) const {
    return verify(token(replace(kClaims, from, to))).has_value();
  }

  static inline crypto::RsaPrivateKey* rsa_ = nullptr;
  const crypto::P256PrivateKey ec_ = crypto::P256PrivateKey::generate();
  const crypto::Ed25519PrivateKey ed_ = crypto::Ed25519PrivateKey::generate();
  std::vector<SigningKey> keys_;
  ExpectedToken expected_{.issuer = "https://id.example", .client_id = "keyhaven", .nonce = "n-1"};
};

TEST_F(IdTokenTest, AGoodTokenGivesItsSubject) {
  EXPECT_EQ(verify(token()).value(), "ann");
  const std::string ec = part(header("ES256", "ec")) + "." + part(kClaims);
  EXPECT_EQ(verify(ec + "." + to_base64url(ec_.sign_sha256(as_bytes(ec)))).value(), "ann");
  const std::string ed = part(header("EdDSA", "ed")) + "." + part(kClaims);
  EXPECT_EQ(verify(ed + "." + to_base64url(ed_.sign(as_bytes(ed)))).value(), "ann");
}

// Each claim wrong once. Members that are not named here may be anything.
TEST_F(IdTokenTest, EveryClaimIsChecked) {
  struct Row {
    std::string_view from, to;
    bool good;
  };
  const std::string longest = "\"sub\":\"" + std::string(255, 'a') + "\"";
  const std::string too_long = "\"sub\":\"" + std::string(256, 'a') + "\"";
  const Row rows[] = {
      {R"("iss":"https://id.example")", R"("iss":"https://id.example/")", false},
      {R"("iss":"https://id.example")", R"("iss":"https://other.example")", false},
      {R"("iss":"https://id.example")", R"("iss":["https://id.example"])", false},
      {R"("iss":"https://id.example",)", "", false},
      {R"("aud":"keyhaven")", R"("aud":["keyhaven"])", true},
      {R"("aud":"keyhaven")", R"("aud":"keyhaven","azp":"keyhaven")", true},
      {R"("aud":"keyhaven")", R"("aud":"keyhaven","azp":"other")", false},
      {R"("aud":"keyhaven")", R"("aud":"keyhaven","azp":7)", false},
      {R"("aud":"keyhaven")", R"("aud":"other")", false},
      {R"("aud":"keyhaven")", R"("aud":["keyhaven","other"])", false},
      {R"("aud":"keyhaven")", R"("aud":["keyhaven","other"],"azp":"keyhaven")", false},
      {R"("aud":"keyhaven")", R"("aud":["keyhaven",7])", false},
      {R"("aud":"keyhaven")", R"("aud":[])", false},
      {R"("aud":"keyhaven",)", "", false},
      {R"("exp":1800000300)", R"("exp":1799999941)", true},  // within the skew of 60 seconds
      {R"("exp":1800000300)", R"("exp":1799999940)", false},
      {R"("exp":1800000300)", R"("exp":-9223372036854775808)", false},
      {R"("exp":1800000300)", R"("exp":"1800000300")", false},
      {R"("exp":1800000300,)", "", false},
      {R"("iat":1800000000)", R"("iat":1800000060)", true},
      {R"("iat":1800000000)", R"("iat":1800000061)", false},
      {R"("iat":1800000000)", R"("iat":1799999400)", true},
      {R"("iat":1800000000)", R"("iat":1799999399)", false},
      {R"("iat":1800000000)", R"("iat":9223372036854775807)", false},
      {R"("iat":1800000000,)", "", false},
      {R"("iat":1800000000)", R"("iat":1800000000,"nbf":1800000060)", true},
      {R"("iat":1800000000)", R"("iat":1800000000,"nbf":1800000061)", false},
      {R"("iat":1800000000)", R"("iat":1800000000,"nbf":"now")", false},
      {R"("nonce":"n-1")", R"("nonce":"n-2")", false},
      {R"("nonce":"n-1")", R"("nonce":"")", false},
      {R"("nonce":"n-1")", R"("nonce":null)", false},
      {R"("nonce":"n-1",)", "", false},
      {R"("sub":"ann")", longest, true},
      {R"("sub":"ann")", too_long, false},
      {R"("sub":"ann")", R"("sub":"")", false},
      {R"("sub":"ann")", R"("sub":"a\u0000b")", false},
      {R"("sub":"ann")", R"("sub":"änn")", false},
      {R"("sub":"ann")", R"("sub":7)", false},
      {R"("sub":"ann",)", "", false},
      {R"("acr":"mfa")", R"("acr":"none","extra":{"a":[1,2]})", true},
  };
  for (const Row& row : rows) EXPECT_EQ(is_good_with(row.from, row.to), row.good) << row.to;
}

TEST_F(IdTokenTest, HowAndWhenThePersonLoggedInIsCheckedWhenAskedFor) {
  expected_.max_age_seconds = 40;  // and the skew of 60: not before 1799999900
  EXPECT_TRUE(verify(token()));
  EXPECT_FALSE(is_good_with("1799999900", "1799999899"));
  EXPECT_FALSE(is_good_with("1799999900", "1800000061"));
  EXPECT_FALSE(is_good_with(R"("auth_time":1799999900,)", ""));
  expected_.max_age_seconds = 0;
  expected_.acr_values = {"hardware", "mfa"};
  EXPECT_TRUE(verify(token()));
  EXPECT_FALSE(is_good_with(R"("acr":"mfa")", R"("acr":"pwd")"));
  EXPECT_FALSE(is_good_with(R"("acr":"mfa")", R"("acr":["mfa"])"));
  EXPECT_FALSE(is_good_with(R"(,"acr":"mfa")", ""));
}

TEST_F(IdTokenTest, TheAlgorithmIsTheKeysAndNeverTheHeaders) {
  for (const std::string_view algorithm :
       {"none", "None", "HS256", "RS384", "PS256", "ES256", "EdDSA", "rs256", ""}) {
    EXPECT_EQ(refusal(sign(header(algorithm, "rsa"), kClaims)), Reason::Unauthenticated)
        << algorithm;
  }
  // The right algorithm of another key, with a signature of neither.
  for (const char* id : {"pss", "ec", "ed"})
    EXPECT_EQ(refusal(sign(header("RS256", id), kClaims)), Reason::Unauthenticated) << id;
  EXPECT_EQ(refusal(sign(header("PS256", "pss"), kClaims)), Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(R"({"alg":"RS256","kid":"rsa","crit":["exp"]})", kClaims)),
            Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(R"({"kid":"rsa"})", kClaims)), Reason::Unauthenticated);
  // What would lead elsewhere for a key is not looked at.
  EXPECT_TRUE(verify(sign(
      R"({"alg":"RS256","kid":"rsa","jku":"https://evil.example","jwk":{"kty":"oct"}})", kClaims)));
}

TEST_F(IdTokenTest, AMacKeyedWithThePublicKeyIsNoSignature) {
  const std::string text = part(header("HS256", "rsa")) + "." + part(kClaims);
  const Digest mac = crypto::hmac_sha256(rsa_->public_key().modulus(), as_bytes(text));
  EXPECT_EQ(refusal(text + "." + to_base64url(mac)), Reason::Unauthenticated);
  EXPECT_EQ(refusal(part(R"({"alg":"none"})") + "." + part(kClaims) + "."),
            Reason::Unauthenticated);
}

TEST_F(IdTokenTest, AnUnknownKeyIsToldApartSoThatKeysCanBeReadAnew) {
  EXPECT_EQ(refusal(sign(header("RS256", "new"), kClaims)), Reason::NotFound);
  EXPECT_EQ(refusal(sign(R"({"alg":"RS256"})", kClaims)), Reason::Unauthenticated);
  EXPECT_EQ(refusal(sign(R"({"alg":"RS256","kid":["rsa"]})", kClaims)), Reason::Unauthenticated);
}

TEST_F(IdTokenTest, ASignatureIsOfExactlyThisText) {
  const crypto::RsaPrivateKey foreign = crypto::RsaPrivateKey::generate_2048();
  const std::string text = part(header("RS256", "rsa")) + "." + part(kClaims);
  EXPECT_EQ(refusal(text + "." + to_base64url(foreign.sign_sha256(as_bytes(text)))),
            Reason::Unauthenticated);
  const std::string good = token();
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::string changed = good;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify(changed)) << at;
  }
}

TEST_F(IdTokenTest, WhatIsNoTokenIsRefused) {
  const std::string duplicate = replace(kClaims, "{", R"({"sub":"root",)");
  const std::string nested = replace(kClaims, "{", R"({"x":{"a":1,"a":2},)");
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  for (const std::string& text :
       {std::string(), std::string("a.b.c"), token(duplicate), token(nested),
        sign(R"({"alg":"RS256","kid":"rsa","alg":"RS256"})", kClaims), token("[]"), token("{"),
        token(replace(kClaims, "{", "{\"x\":" + deep + ",")), token() + ".x", token() + "=",
        "=" + token(),
        token(replace(kClaims, "{", "{\"x\":\"" + std::string(kMaxIdTokenBytes, 'x') + "\","))}) {
    EXPECT_EQ(refusal(text), Reason::Unauthenticated) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace keyhaven::oidc
