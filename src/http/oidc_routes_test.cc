#include "http/oidc_routes.h"

#include <gtest/gtest.h>

#include "http/identity_routes.h"
#include "http/test_api.h"
#include "iam/memory_iam_store.h"

namespace keyhaven::http {
namespace {

constexpr const char* kCallback = "/v1/console/oidc/callback";
constexpr const char* kStart = "/v1/console/oidc/start";

class NoInstances final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId&) const override { return nullptr; }
};

// A provider that is down, and how often it was asked.
class DeadProvider final : public oidc::Transport {
 public:
  Result<oidc::ProviderAnswer> get(const oidc::Endpoint&) override {
    ++asked;
    return Error{Reason::Io, "no connection", {}};
  }
  Result<oidc::ProviderAnswer> post_form(const oidc::Endpoint& to, SecretBytes,
                                         SecretBytes) override {
    return get(to);
  }
  std::atomic<int> asked = 0;
};

oidc::ProviderOptions provider_options() {
  oidc::ProviderOptions out;
  out.issuer = "https://id.example";
  out.client_id = "keyhaven";
  out.redirect_uri = "https://keys.example/v1/console/oidc/callback";
  return out;
}

class OidcRoutesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
  }
  static void TearDownTestSuite() { delete key_; }
  static std::unique_ptr<iam::Authority> load(iam::IamStore& store, const Clock& clock) {
    auto issuer = iam::TokenIssuer::create(*key_, "urn:test", "0123456789abcdef0123456789abcdef");
    return iam::Authority::load(store, std::move(issuer).value(), clock).value();
  }

  // The fragment of where the call leads; every refusal leaves one record that says it failed.
  std::string fragment(const std::string& target, const std::string& cookie = "",
                       const std::string& host = "keys.example") {
    const Response response =
        server_.call("GET", target, {"", "", {{"Host", host}, {"Cookie", cookie}}});
    const auto events = server_.log().take();
    EXPECT_EQ(events.size(), 1U);
    EXPECT_EQ(response.status, 303);
    if (events.size() == 1) {
      EXPECT_EQ(events[0].outcome, audit::Outcome::Failure);
      EXPECT_GE(events[0].status, 400);
      EXPECT_FALSE(events[0].reason.empty());
    }
    for (const auto& [name, value] : response.headers) {
      if (name == "Location")
        return value.substr(value.find('#'), value.find('&') - value.find('#'));
    }
    return "none";
  }
  std::string cookie_of(const oidc::LoginState& login) {
    return std::string(kLoginCookie) + "=" + states_.seal(login);
  }

  static inline crypto::RsaPrivateKey* key_ = nullptr;
  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  iam::MemoryIamStore store_;
  std::unique_ptr<iam::Authority> authority_ = load(store_, clock_);
  NoInstances instances_;
  TokenAuthenticator tokens_{*authority_, clock_, 1};
  DeadProvider remote_;
  oidc::Provider provider_{provider_options(), remote_, clock_};
  oidc::LoginStates states_{clock_};
  OidcFront front_{provider_, states_, *authority_, "https://keys.example", 2};
  TestApi server_{tokens_, instances_, clock_};
};

TEST_F(OidcRoutesTest, WithoutAProviderBothCallsAreRefused) {
  server_.api().add(oidc_routes(nullptr));
  for (const char* path : {kStart, kCallback})
    EXPECT_EQ(server_.call("GET", path, {}).status, 403) << path;
}

TEST_F(OidcRoutesTest, WhatIsNoAnswerToALogInOfThisBrowserAsksNobody) {
  server_.api().add(oidc_routes(&front_));
  const oidc::LoginState login = states_.begin("/console/keys");
  const std::string cookie = cookie_of(login);
  const std::string good = std::string(kCallback) + "?code=c&state=" + login.state;
  EXPECT_EQ(fragment(good), "#openid=state");
  EXPECT_EQ(fragment(good, cookie + "; " + cookie), "#openid=state");
  EXPECT_EQ(fragment(good, cookie_of(states_.begin("/console/"))), "#openid=state");
  EXPECT_EQ(fragment(std::string(kCallback) + "?code=c&state=", cookie), "#openid=state");
  EXPECT_EQ(fragment(good + "&iss=https%3A%2F%2Fother.example", cookie), "#openid=refused");
  EXPECT_EQ(fragment(good + "&code=d", cookie), "#openid=refused");
  EXPECT_EQ(remote_.asked, 0);
  EXPECT_EQ(fragment(good, cookie), "#openid=unreachable");
  EXPECT_EQ(remote_.asked, 1);
  EXPECT_EQ(fragment(good, cookie), "#openid=state") << "answered before";
  const oidc::LoginState late = states_.begin("/console/");
  const std::string late_cookie = cookie_of(late);
  clock_.advance_seconds(oidc::kLoginSeconds);
  EXPECT_EQ(fragment(std::string(kCallback) + "?code=c&state=" + late.state, late_cookie),
            "#openid=state");
  EXPECT_EQ(remote_.asked, 1);
}

TEST_F(OidcRoutesTest, OnlySomeThreadsAskAtATimeAndALogInThatWaitedStillCounts) {
  server_.api().add(oidc_routes(&front_));
  const oidc::LoginState login = states_.begin("/console/");
  const std::string cookie = cookie_of(login);
  const std::string good = std::string(kCallback) + "?code=c&state=" + login.state;
  front_.asking = 2;
  EXPECT_EQ(fragment(kStart), "#openid=busy");
  EXPECT_EQ(fragment(good, cookie), "#openid=busy");
  EXPECT_EQ(remote_.asked, 0);
  front_.asking = 0;
  EXPECT_EQ(fragment(good, cookie), "#openid=unreachable");
  EXPECT_EQ(fragment(kStart), "#openid=unreachable");
  EXPECT_EQ(fragment(kStart, "", "other.example"), "#openid=address");
  server_.api().tick(0);
  EXPECT_EQ(front_.asking, 0U) << "every thread is given back";
}

TEST(OidcReturnPathTest, IsAPathOfTheConsole) {
  for (const char* good : {"/console/", "/console/keys?x=a%20b", "/console/a/b.c", "/console/..."})
    EXPECT_EQ(return_path(good), good);
  for (const std::string& bad :
       {std::string(), std::string("/console"), std::string("/api"), std::string("//evil"),
        std::string("https://evil/console/"), std::string("/console/../api"),
        std::string("/console/."), std::string("/console/%2E%2e/x"), std::string("/console/%zz"),
        std::string("/console/a\\b"), std::string("/console/a#b"),
        std::string("/console/a\r\nX: y"),
        "/console/" + std::string(oidc::kMaxReturnPathBytes, 'a')})
    EXPECT_EQ(return_path(bad), "/console/") << bad;
}

}  // namespace
}  // namespace keyhaven::http
