#include "http/web_routes.h"

#include <gtest/gtest.h>

#include "http/identity_routes.h"
#include "http/test_api.h"
#include "iam/memory_iam_store.h"

namespace keyhaven::http {
namespace {

class NoInstances final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId&) const override { return nullptr; }
};

std::string header(const Response& response, std::string_view name) {
  std::string found;
  for (const auto& [key, value] : response.headers) {
    if (key != name) continue;
    EXPECT_EQ(found, "") << name << " is sent twice";
    found = value;
  }
  return found;
}

class WebRoutesTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
  }
  static void TearDownTestSuite() { delete key_; }

  WebRoutesTest() {
    const auto keep = [this](const iam::Identity&, const iam::CreatedApiKey& made) -> Result<void> {
      api_key = as_text(made.secret.expose());
      return {};
    };
    EXPECT_TRUE(authority->bootstrap(keep));
    server.api().add(web_routes(files, "https://keys.example"));
    server.api().add(console_session_routes(*authority));
    server.log().take();
  }

  static std::unique_ptr<iam::Authority> load(iam::IamStore& store, const Clock& clock) {
    auto issuer = iam::TokenIssuer::create(*key_, "urn:test", "0123456789abcdef0123456789abcdef");
    return iam::Authority::load(store, std::move(issuer).value(), clock).value();
  }
  using Headers = std::vector<std::pair<std::string, std::string>>;
  static Headers own(Headers more = {}) {
    more.insert(more.end(), {{"Host", "keys.example"}, {"X-Keyhaven-Console", "1"}});
    return more;
  }
  Response log_in(const std::string& body, const Headers& headers) {
    return server.call("POST", "/v1/console/session", {"", body, headers});
  }
  // "name=value" of a good log-in.
  std::string cookie() {
    const Response response = log_in(R"({"apikey":")" + api_key + "\"}", own());
    EXPECT_EQ(response.status, 201) << response.body;
    const std::string set = header(response, "Set-Cookie");
    return set.substr(0, set.find(';'));
  }
  int session_status(const Headers& headers) {
    return server.call("GET", "/v1/console/session", {"", "", headers}).status;
  }

  static inline crypto::RsaPrivateKey* key_ = nullptr;
  ManualClock clock{Timestamp::from_seconds(1'800'000'000)};
  iam::MemoryIamStore store;
  std::unique_ptr<iam::Authority> authority = load(store, clock);
  std::string api_key;
  web::WebFiles files;
  NoInstances instances;
  TokenAuthenticator tokens{*authority, clock, 1};
  TestApi server{tokens, instances, clock};
};

TEST_F(WebRoutesTest, FilesAreOpenAndLeaveNoRecord) {
  EXPECT_EQ(server.call("GET", "/console/", {}).status, 404);  // none are loaded
  EXPECT_EQ(
      server.call("GET", "/console/keys/1", {"", "", {{"Cookie", "__Host-keyhaven=x"}}}).status,
      404);
  const Response root = server.call("GET", "/", {});
  EXPECT_EQ(root.status, 302);
  EXPECT_EQ(header(root, "Location"), "/console/");
  const Response environment = server.call("GET", "/console/environment.json", {});
  EXPECT_EQ(environment.status, 200);
  EXPECT_NE(environment.body.find(R"("server":"https://keys.example")"), std::string::npos);
  EXPECT_EQ(header(environment, "Cache-Control"), "no-store");
  EXPECT_TRUE(server.log().take().empty());
}

TEST_F(WebRoutesTest, LogInGivesACookieThatScriptsAndOtherSitesCannotUse) {
  const Response response = log_in(R"({"apikey":")" + api_key + "\"}", own());
  ASSERT_EQ(response.status, 201) << response.body;
  const std::string cookie_text = header(response, "Set-Cookie");
  EXPECT_TRUE(cookie_text.starts_with("__Host-keyhaven=ey")) << cookie_text;
  EXPECT_TRUE(cookie_text.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=3600"))
      << cookie_text;
  EXPECT_LT(cookie_text.size(), 4096U);  // what browsers keep
  const std::string token = cookie_text.substr(16, cookie_text.find(';') - 16);
  EXPECT_EQ(response.body.find(token), std::string::npos);
  EXPECT_NE(response.body.find(R"("kind":"serviceid")"), std::string::npos);
  EXPECT_NE(response.body.find(R"("expires_at":"2027-01-15T09:00:00Z")"), std::string::npos)
      << response.body;
  const auto events = server.log().take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].action, "hs-crypto.console-session.create");
  EXPECT_TRUE(events[0].initiator_id.starts_with("iam-ServiceId-"));
}

TEST_F(WebRoutesTest, LogInsThatAreRefused) {
  const std::string good = R"({"apikey":")" + api_key + "\"}";
  const struct {
    int status;
    std::string body;
    Headers headers;
  } rows[] = {
      {401, good, {{"Host", "keys.example"}}},
      {401, good, own({{"Origin", "https://evil.example"}})},
      {401, good, own({{"Sec-Fetch-Site", "cross-site"}})},
      {400, "", own()},
      {400, "{}", own()},
      {400, R"({"apikey":""})", own()},
      {400, R"({"apikey":1})", own()},
      {400, R"({"apikey":"wrong"})", own()},
      {400, R"({"apikey":")" + std::string(257, 'x') + "\"}", own()},
      {400, R"({"apikey":"x","more":1})", own()},
  };
  for (const auto& row : rows) {
    const Response response = log_in(row.body, row.headers);
    EXPECT_EQ(response.status, row.status) << row.body << response.body;
    EXPECT_EQ(header(response, "Set-Cookie"), "") << row.body;
    EXPECT_EQ(response.body.find(api_key), std::string::npos);
    EXPECT_EQ(server.log().take().size(), 1U) << row.body;
  }
}

TEST_F(WebRoutesTest, CookieCountsOnlyInRequestsOfThePage) {
  const std::string good = cookie();
  const struct {
    int status;
    Headers headers;
  } rows[] = {
      {200, own({{"Cookie", good}})},
      {200, own({{"Cookie", "a=b; " + good + "; c=d"}})},
      {200, own({{"Cookie", good}, {"Origin", "https://keys.example"}})},
      {200, own({{"Cookie", good}, {"Authorization", "Bearer " + good.substr(16)}})},
      {401, {{"Host", "keys.example"}, {"Cookie", good}}},
      {401, own({{"Cookie", good}, {"Origin", "https://evil.example"}})},
      {401, own({{"Cookie", good}, {"Origin", "null"}})},
      {401, own({{"Cookie", good}, {"Sec-Fetch-Site", "same-site"}})},
      {401, own({{"Cookie", good + "; " + good}})},
      {401, own({{"Cookie", good}, {"Cookie", good}})},
      {401, own({{"Cookie", "x" + good}})},
      {401, own({{"Cookie", good + "x"}})},
      {401, own({{"Cookie", "__Host-keyhaven="}})},
      {401, own()},
      // An Authorization header is what counts, also when it is no good.
      {401, own({{"Cookie", good}, {"Authorization", "Bearer a.b.c"}})},
      {401, own({{"Cookie", good}, {"Authorization", ""}})},
  };
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    const int status = session_status(rows[i].headers);
    EXPECT_TRUE(status == rows[i].status || (rows[i].status == 401 && status == 400))
        << "row " << i << ": " << status;
  }
}

TEST_F(WebRoutesTest, LogOutEndsTheTokenAndNotOnlyTheCookie) {
  const std::string good = cookie();
  const std::string other = [&] {
    clock.advance_seconds(1);
    return cookie();
  }();
  const Response refused = server.call("DELETE", "/v1/console/session",
                                       {"", "", {{"Host", "keys.example"}, {"Cookie", good}}});
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(session_status(own({{"Cookie", good}})), 200);
  const Response out =
      server.call("DELETE", "/v1/console/session", {"", "", own({{"Cookie", good}})});
  EXPECT_EQ(out.status, 204);
  EXPECT_EQ(header(out, "Set-Cookie"),
            "__Host-keyhaven=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
  EXPECT_EQ(session_status(own({{"Cookie", good}})), 401);
  EXPECT_EQ(session_status(own({{"Authorization", "Bearer " + good.substr(16)}})), 401);
  EXPECT_EQ(session_status(own({{"Cookie", other}})), 200);
}

TEST_F(WebRoutesTest, SessionEndsWithItsToken) {
  const std::string good = cookie();
  clock.advance_seconds(3599);
  EXPECT_EQ(session_status(own({{"Cookie", good}})), 200);
  clock.advance_seconds(1);
  EXPECT_EQ(session_status(own({{"Cookie", good}})), 401);
}

}  // namespace
}  // namespace keyhaven::http
