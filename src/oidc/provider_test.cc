#include "oidc/provider.h"

#include <gtest/gtest.h>

#include <map>

namespace keyhaven::oidc {
namespace {

constexpr const char* kIssuer = "https://id.example/realm";

std::string part(std::string_view text) { return to_base64url(as_bytes(text)); }

// A provider in memory: its documents by address, and what it was asked.
class MemoryProvider final : public Transport {
 public:
  Result<ProviderAnswer> get(const Endpoint& endpoint) override {
    ++asked[endpoint.url()];
    if (down) return Error{Reason::Io, "no connection", {}};
    const auto found = documents.find(endpoint.url());
    if (found == documents.end()) return ProviderAnswer{404, {}};
    return ProviderAnswer{200, SecretBytes::copy_of(found->second)};
  }
  Result<ProviderAnswer> post_form(const Endpoint& endpoint, SecretBytes form,
                                   SecretBytes authorization) override {
    ++asked[endpoint.url()];
    last_form = as_text(form.expose());
    last_authorization = as_text(authorization.expose());
    if (down) return Error{Reason::Io, "no connection", {}};
    return ProviderAnswer{token_status, SecretBytes::copy_of(token_answer)};
  }

  std::map<std::string, std::string> documents;
  std::map<std::string, int> asked;
  std::string token_answer, last_form, last_authorization;
  int token_status = 200;
  bool down = false;
};

class ProviderTest : public testing::Test {
 protected:
  static constexpr const char* kConfiguration =
      "https://id.example/realm/.well-known/openid-configuration";
  static constexpr const char* kKeys = "https://id.example/keys?v=1";
  static constexpr const char* kToken = "https://id.example/token/";

  ProviderTest() {
    remote_.documents[kConfiguration] = metadata("");
    publish("one");
  }
  static std::string metadata(const std::string& more) {
    return R"({"issuer":"https://id.example/realm",)"
           R"("authorization_endpoint":"https://login.example/authorize?tenant=a",)"
           R"("token_endpoint":"https://id.example/token/","jwks_uri":"https://id.example/keys?v=1",)"
           R"("response_types_supported":["code","id_token"],)"
           R"("id_token_signing_alg_values_supported":["RS512","ES256"])" +
           more + "}";
  }
  void publish(const std::string& key_id) {
    remote_.documents[kKeys] = R"({"keys":[{"kty":"EC","crv":"P-256","kid":")" + key_id +
                               R"(","x":")" + to_base64url(key_.x()) + R"(","y":")" +
                               to_base64url(key_.y()) + "\"}]}";
  }
  void answer_with(const std::string& key_id, const LoginState& login) {
    const std::string now = std::to_string(clock_.now().seconds());
    const std::string text =
        part(R"({"alg":"ES256","kid":")" + key_id + "\"}") + "." +
        part(R"({"iss":"https://id.example/realm","sub":"ann","aud":"keyhaven","exp":)" + now +
             ",\"iat\":" + now + R"(,"nonce":")" + login.nonce + "\"}");
    remote_.token_answer = R"({"access_token":"t","token_type":"Bearer","id_token":")" + text +
                           "." + to_base64url(key_.sign_sha256(as_bytes(text))) + "\"}";
  }
  ProviderOptions options(std::string_view secret = {}) const {
    ProviderOptions out;
    out.issuer = kIssuer;
    out.client_id = "keyhaven";
    out.client_secret = SecretBytes::copy_of(secret);
    out.redirect_uri = "https://keys.example/v1/console/oidc/callback";
    return out;
  }
  Result<std::string> log_in(const std::string& key_id) {
    answer_with(key_id, login_);
    return provider_.finish({"the code", true}, login_);
  }
  Reason refusal_with(const std::string& document) {
    remote_.documents[kConfiguration] = document;
    Provider fresh(options(), remote_, clock_);
    const auto url = fresh.authorization_url(login_);
    EXPECT_FALSE(url) << document;
    return url ? Reason::Internal : url.error().reason;
  }

  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  const crypto::P256PrivateKey key_ = crypto::P256PrivateKey::generate();
  MemoryProvider remote_;
  LoginStates states_{clock_};
  LoginState login_ = states_.begin("/console/");
  Provider provider_{options(), remote_, clock_};
};

TEST_F(ProviderTest, NothingIsAskedBeforeSomebodyLogsIn) {
  EXPECT_FALSE(provider_.known_authorization_url(login_));
  EXPECT_TRUE(remote_.asked.empty());
  const std::string url = provider_.authorization_url(login_).value();
  EXPECT_EQ(url,
            "https://login.example/authorize?tenant=a&response_type=code&client_id=keyhaven&"
            "redirect_uri=https%3A%2F%2Fkeys.example%2Fv1%2Fconsole%2Foidc%2Fcallback&scope=openid&"
            "state=" +
                login_.state + "&nonce=" + login_.nonce +
                "&code_challenge=" + code_challenge(login_) + "&code_challenge_method=S256");
  EXPECT_EQ(provider_.known_authorization_url(login_), url);
  EXPECT_EQ(remote_.asked[kConfiguration], 1);
  clock_.advance_seconds(kKeptSeconds);
  EXPECT_FALSE(provider_.known_authorization_url(login_));
}

TEST_F(ProviderTest, ACodeIsExchangedOnceWithItsVerifier) {
  EXPECT_EQ(log_in("one").value(), "ann");
  EXPECT_EQ(remote_.last_form,
            "grant_type=authorization_code&code=the%20code&redirect_uri=https%3A%2F%2Fkeys.example%"
            "2Fv1%2Fconsole%2Foidc%2Fcallback&client_id=keyhaven&code_verifier=" +
                login_.verifier);
  EXPECT_EQ(remote_.last_authorization, "");
  EXPECT_EQ(remote_.asked[kToken], 1);
}

TEST_F(ProviderTest, ASecretGoesWhereTheProviderWantsIt) {
  answer_with("one", login_);
  Provider basic(options("a:secret"), remote_, clock_);
  ASSERT_TRUE(basic.finish({"c", true}, login_));
  EXPECT_EQ(remote_.last_authorization, "Basic " + to_base64(as_bytes("keyhaven:a%3Asecret")));
  EXPECT_EQ(remote_.last_form.find("secret"), std::string::npos);
  remote_.documents[kConfiguration] =
      metadata(R"(,"token_endpoint_auth_methods_supported":["client_secret_post"])");
  Provider post(options("a:secret"), remote_, clock_);
  ASSERT_TRUE(post.finish({"c", true}, login_));
  EXPECT_EQ(remote_.last_authorization, "");
  EXPECT_TRUE(remote_.last_form.ends_with("&client_secret=a%3Asecret"));
}

TEST_F(ProviderTest, AKeyThatIsNotKnownMakesTheKeysBeReadAnewButNotOften) {
  ASSERT_TRUE(log_in("one"));
  publish("two");
  EXPECT_EQ(log_in("two").error().reason, Reason::NotFound) << "read within the last 30 seconds";
  EXPECT_EQ(remote_.asked[kKeys], 1);
  clock_.advance_seconds(kPauseBetweenKeyReadsSeconds);
  EXPECT_EQ(log_in("two").value(), "ann");
  EXPECT_EQ(remote_.asked[kKeys], 2);
  EXPECT_EQ(log_in("one").error().reason, Reason::NotFound) << "a withdrawn key";
  EXPECT_EQ(remote_.asked[kKeys], 2);
  clock_.advance_seconds(kKeptSeconds);
  EXPECT_TRUE(log_in("two"));
  EXPECT_EQ(remote_.asked[kKeys], 3);
}

TEST_F(ProviderTest, AProviderThatIsDownIsAskedAgainAfterAPause) {
  remote_.down = true;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(provider_.authorization_url(login_).error().reason, Reason::Io);
  EXPECT_EQ(remote_.asked[kConfiguration], 1);
  remote_.down = false;
  EXPECT_FALSE(provider_.authorization_url(login_));
  clock_.advance_seconds(kPauseAfterFailureSeconds);
  EXPECT_TRUE(provider_.authorization_url(login_));
}

TEST_F(ProviderTest, ADocumentThatCannotBeUsedIsAskedForAgainAfterAPause) {
  for (const char* document : {kConfiguration, kKeys}) {
    const std::string good = remote_.documents[document];
    remote_.documents[document] = "<html>maintenance</html>";
    remote_.asked.clear();
    Provider fresh(options(), remote_, clock_);
    answer_with("one", login_);
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(fresh.finish({"c", true}, login_).error().reason, Reason::Unauthenticated);
    EXPECT_EQ(remote_.asked[document], 1);
    remote_.documents[document] = good;
    clock_.advance_seconds(kPauseAfterFailureSeconds);
    answer_with("one", login_);
    EXPECT_TRUE(fresh.finish({"c", true}, login_));
  }
}

TEST_F(ProviderTest, AnAnswerOfAnotherProviderIsRefused) {
  EXPECT_TRUE(provider_.check_answer_issuer(std::nullopt));
  EXPECT_TRUE(provider_.check_answer_issuer(kIssuer));
  for (const char* other : {"", "https://id.example", "https://id.example/realm/"})
    EXPECT_EQ(provider_.check_answer_issuer(other).error().reason, Reason::Unauthenticated);
  answer_with("one", login_);
  EXPECT_TRUE(provider_.finish({"c", false}, login_));
  remote_.documents[kConfiguration] =
      metadata(R"(,"authorization_response_iss_parameter_supported":true)");
  Provider sends(options(), remote_, clock_);
  EXPECT_EQ(sends.finish({"c", false}, login_).error().reason, Reason::Unauthenticated);
  EXPECT_TRUE(sends.finish({"c", true}, login_));
}

TEST_F(ProviderTest, ARefusedCodeSaysWhyInKnownWordsOnly) {
  remote_.token_status = 400;
  remote_.token_answer = R"({"error":"invalid_client","error_description":"<b>x</b>"})";
  auto refused = provider_.finish({"c", true}, login_);
  EXPECT_EQ(refused.error().reason, Reason::Unauthenticated);
  EXPECT_NE(refused.error().message.find("invalid_client"), std::string::npos);
  EXPECT_EQ(refused.error().message.find("<b>"), std::string::npos);
  remote_.token_answer = R"({"error":"<script>"})";
  refused = provider_.finish({"c", true}, login_);
  EXPECT_EQ(refused.error().message.find("script"), std::string::npos);
  remote_.token_status = 503;
  EXPECT_EQ(provider_.finish({"c", true}, login_).error().reason, Reason::Io);
  remote_.token_status = 200;
  for (const char* bad : {"", "{}", "[]", R"({"id_token":""})", R"({"id_token":7})",
                          R"({"id_token":"a","id_token":"b"})"}) {
    remote_.token_answer = bad;
    EXPECT_EQ(provider_.finish({"c", true}, login_).error().reason, Reason::Unauthenticated) << bad;
  }
}

TEST_F(ProviderTest, AConfigurationThatIsNotOursOrCannotDoItIsRefused) {
  const std::string good = metadata("");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  for (const std::string& bad :
       {std::string(), std::string("[]"), with("example/realm\"", "example/other\""),
        with("\"issuer\"", "\"issuer\":\"https://id.example/realm\",\"issuer\""),
        with("https://id.example/token/", "http://id.example/token/"),
        with("https://id.example/token/", "https://user@id.example/token/"),
        with("https://id.example/token/", "https://id.example/token#x"),
        with("https://login.example", "javascript:alert(1)//"),
        with("https://login.example", "https://login.example\\u000d\\u000aX: y"),
        with("\"jwks_uri\"", "\"jwks\""), with("\"code\",", ""), with("\"ES256\"", "\"none\""),
        metadata(R"(,"code_challenge_methods_supported":["plain"])")}) {
    EXPECT_EQ(refusal_with(bad), Reason::Unauthenticated) << bad;
  }
}

TEST(KeySetTest, HoldsTheKeysThatCanSign) {
  const std::string x(43, 'A');
  const auto ids = [](const std::string& keys) {
    std::string out;
    const auto set = parse_key_set("{\"keys\":[" + keys + "]}");
    if (!set) return std::string("refused");
    for (const SigningKey& key : *set) out += key.id() + " " + std::string(key.algorithm()) + ";";
    return out;
  };
  const std::string rsa = R"("kty":"RSA","e":"AQAB","n":")" + to_base64url(Bytes(256, 0xab)) + "\"";
  const std::string ed = R"("kty":"OKP","crv":"Ed25519","x":")" + x + "\"";
  EXPECT_EQ(ids("{\"kid\":\"a\"," + rsa + "}"), "a RS256;");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"alg\":\"PS256\"," + rsa + "}"), "a PS256;");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"alg\":\"RS512\"," + rsa + "}"), "");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"alg\":\"HS256\"," + rsa + "}"), "");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"use\":\"enc\"," + rsa + "}"), "");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"key_ops\":[\"encrypt\"]," + rsa + "}"), "");
  EXPECT_EQ(ids("{\"kid\":\"a\",\"key_ops\":[\"verify\"]," + rsa + "}"), "a RS256;");
  EXPECT_EQ(ids("{" + rsa + "}"), "");
  EXPECT_EQ(ids("{\"kid\":\"a\"," + ed + "}"), "a EdDSA;");
  EXPECT_EQ(ids("{\"kid\":\"a\"," + ed + "},{\"kid\":\"b\"," + rsa + "}"), "a EdDSA;b RS256;");
  EXPECT_EQ(ids("{\"kid\":\"a\"," + ed + "},{\"kid\":\"a\"," + rsa + "}"), "refused");
  EXPECT_EQ(ids(R"({"kid":"a","kty":"oct","k":"AAAA"})"), "");
  EXPECT_EQ(ids(R"({"kid":"a","kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), "");
  EXPECT_EQ(ids(R"({"kid":"a","kty":"RSA","e":"AQAB","n":"AQAB"})"), "") << "too short";
  EXPECT_EQ(ids("7"), "refused");
  std::string many = "{}";
  for (int i = 0; i < 100; ++i) many += ",{}";
  EXPECT_EQ(ids(many), "refused");
  EXPECT_FALSE(parse_key_set(std::string(kMaxDocumentBytes + 1, ' ')));
}

TEST(LoginStatesTest, OnlyThisProcessOpensWhatItSealedWithinTheTerm) {
  ManualClock clock{Timestamp::from_seconds(1'800'000'000)};
  LoginStates states(clock);
  const LoginState login = states.begin("/console/keys?x=1");
  EXPECT_EQ(login.state.size(), 43U);
  EXPECT_NE(login.state, login.nonce);
  EXPECT_NE(login.nonce, login.verifier);
  const std::string sealed = states.seal(login);
  EXPECT_LT(sealed.size(), 600U);
  const LoginState back = states.open(sealed).value();
  EXPECT_EQ(back.state + back.nonce + back.verifier + back.return_path,
            login.state + login.nonce + login.verifier + login.return_path);
  EXPECT_FALSE(LoginStates(clock).open(sealed));
  for (std::size_t at = 0; at < sealed.size(); at += 5) {
    std::string changed = sealed;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(states.open(changed)) << at;
  }
  for (const std::string& bad :
       {std::string(), std::string("x"), sealed + "A", sealed + "=", std::string(5000, 'A')})
    EXPECT_FALSE(states.open(bad));
  clock.advance_seconds(kLoginSeconds - 1);
  EXPECT_TRUE(states.open(sealed));
  clock.advance_seconds(1);
  EXPECT_FALSE(states.open(sealed));
}

TEST(LoginStatesTest, AStateIsUsedOnceAndTheUsedOnesAreBounded) {
  ManualClock clock{Timestamp::from_seconds(1'800'000'000)};
  LoginStates states(clock);
  const LoginState first = states.begin("/console/");
  EXPECT_TRUE(states.use(first));
  EXPECT_FALSE(states.use(first));
  // A flood locks nobody out: the oldest is forgotten.
  LoginState last;
  for (std::size_t i = 0; i < kMaxUsedStates; ++i) {
    EXPECT_FALSE(states.use(first));
    last = states.begin("/console/");
    ASSERT_TRUE(states.use(last));
  }
  EXPECT_TRUE(states.use(first));
  EXPECT_FALSE(states.use(last));
  clock.advance_seconds(kLoginSeconds);
  EXPECT_TRUE(states.use(last));  // nobody asks: it has lapsed
}

// RFC 7636 appendix B.
TEST(LoginStatesTest, TheChallengeIsThatOfTheRfc) {
  LoginState login;
  login.verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
  EXPECT_EQ(code_challenge(login), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

TEST(EndpointTest, TakesHttpsAddressesApart) {
  const auto url = [](std::string_view text) {
    const auto endpoint = parse_endpoint(text);
    return endpoint ? endpoint->origin + " " + endpoint->target : std::string("refused");
  };
  EXPECT_EQ(url("https://a.example"), "https://a.example /");
  EXPECT_EQ(url("https://a.example:8443/b/"), "https://a.example:8443 /b/");
  EXPECT_EQ(url("https://a.example?x=1"), "https://a.example /?x=1");
  EXPECT_EQ(url("https://[::1]:1/x?y#z"), "refused");
  for (const char* bad : {"", "http://a.example", "https://", "https:///x", "https://a b",
                          "https://u:p@a.example/", "https://a.example/\r\nX:", "a.example"})
    EXPECT_EQ(url(bad), "refused") << bad;
  EXPECT_TRUE(check_issuer("https://a.example/realms/x"));
  EXPECT_FALSE(check_issuer("https://a.example/?x"));
  EXPECT_EQ(discovery_endpoint("https://a.example/")->url(),
            "https://a.example/.well-known/openid-configuration");
  EXPECT_EQ(discovery_endpoint("https://a.example/r")->url(),
            "https://a.example/r/.well-known/openid-configuration");
}

}  // namespace
}  // namespace keyhaven::oidc
