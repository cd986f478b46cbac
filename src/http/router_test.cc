#include "http/router.h"

#include <gtest/gtest.h>

namespace keyhaven::http {
namespace {

Route row(Method method, std::string_view pattern, std::string_view legacy = {}) {
  return on_loop(
      method, pattern, iam::Action::SecretsRead, Check::Key, [](const CallPtr&) {}, legacy);
}

class RouterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    router.add(row(Method::Get, "/api/v2/keys"));
    router.add(row(Method::Get, "/api/v2/keys/{id}"));
    router.add(row(Method::Get, "/api/v2/keys/registrations"));
    router.add(row(Method::Get, "/api/v2/keys/{id}/metadata"));
    router.add(row(Method::Post, "/api/v2/keys/{id}"));
    router.add(row(Method::Post, "/api/v2/keys/{id}", "wrap"));
    router.add(row(Method::Delete, "/api/v2/keys/{id}/aliases/{alias}"));
  }
  Router::Match get(std::string_view path) { return router.match("GET", path, std::nullopt); }
  std::string pattern(const Router::Match& match) {
    return match.route == nullptr ? "none" : std::string(match.route->pattern);
  }
  Router router;
};

TEST_F(RouterTest, LiteralsWinOverParameters) {
  EXPECT_EQ(pattern(get("/api/v2/keys/registrations")), "/api/v2/keys/registrations");
  EXPECT_EQ(pattern(get("/api/v2/keys/abc")), "/api/v2/keys/{id}");
  EXPECT_EQ(pattern(get("/api/v2/keys/registrations/metadata")), "/api/v2/keys/{id}/metadata");
}

TEST_F(RouterTest, ParametersAreDecodedOnce) {
  const auto match =
      router.match("DELETE", "/api/v2/keys/a%2Fb/aliases/x%2541%20y+z", std::nullopt);
  ASSERT_NE(match.route, nullptr);
  ASSERT_EQ(match.params.size(), 2U);
  EXPECT_EQ(match.params[0].first, "id");
  EXPECT_EQ(match.params[0].second, "a/b");
  EXPECT_EQ(match.params[1].second, "x%41 y+z");
}

TEST_F(RouterTest, ToleratesDoubledAndTrailingSlashes) {
  EXPECT_EQ(pattern(get("//api/v2//keys/")), "/api/v2/keys");
  EXPECT_EQ(pattern(get("/api/v2/keys/abc//metadata///")), "/api/v2/keys/{id}/metadata");
}

TEST_F(RouterTest, RestTakesWhatNoOtherRowTakes) {
  router.add(row(Method::Get, "/console"));
  router.add(row(Method::Get, "/console/environment.json"));
  router.add(row(Method::Get, "/console/{path*}"));
  EXPECT_EQ(pattern(get("/console/")), "/console");
  EXPECT_EQ(pattern(get("/console/environment.json")), "/console/environment.json");
  EXPECT_EQ(pattern(get("/console/environment.json/x")), "/console/{path*}");
  EXPECT_EQ(pattern(get("/console/a/b/c")), "/console/{path*}");
  EXPECT_TRUE(get("/console/a/b/c").params.empty());
  EXPECT_TRUE(router.match("POST", "/console/a/b", std::nullopt).path_known);
  EXPECT_EQ(get("/consoles/a").route, nullptr);
}

TEST_F(RouterTest, UnknownPathsAreNotFound) {
  for (const auto path :
       {"/", "", "*", "/api", "/api/v2/secrets", "/api/v2/keys/a/b/c", "/api/v1/keys",
        "/api/v2/keys/%", "/api/v2/keys/%4", "/api/v2/keys/%zz", "/../etc/passwd"}) {
    const auto match = get(path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_FALSE(match.path_known) << path;
  }
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "/a";
  EXPECT_EQ(get(deep).route, nullptr);
}

TEST_F(RouterTest, OtherMethodsOfAKnownPathAreTold) {
  const auto match = router.match("PUT", "/api/v2/keys/abc", std::nullopt);
  EXPECT_EQ(match.route, nullptr);
  EXPECT_TRUE(match.path_known);
  EXPECT_EQ(match.allow, "GET, POST");
  EXPECT_TRUE(router.match("BREW", "/api/v2/keys", std::nullopt).path_known);
  EXPECT_TRUE(
      router.match("get", "/api/v2/keys", std::nullopt).path_known);  // methods are case-sensitive
}

TEST_F(RouterTest, LegacyActionChoosesItsRow) {
  EXPECT_EQ(router.match("POST", "/api/v2/keys/abc", "wrap").route->legacy_action, "wrap");
  EXPECT_EQ(router.match("POST", "/api/v2/keys/abc", "Wrap").route->legacy_action, "");
  EXPECT_EQ(router.match("POST", "/api/v2/keys/abc", std::nullopt).route->legacy_action, "");
}

TEST_F(RouterTest, TheSameCallTwiceIsAProgrammingError) {
  EXPECT_DEATH(router.add(row(Method::Get, "/api/v2/keys")), "fatal");
  EXPECT_DEATH(router.add(row(Method::Post, "/api/v2/keys/{other}", "wrap")), "fatal");
}

TEST(PercentDecodeTest, DecodesStrictly) {
  EXPECT_EQ(percent_decode("a%2Cb+c", Plus::Blank), "a,b c");
  EXPECT_EQ(percent_decode("a+b", Plus::Literal), "a+b");
  EXPECT_EQ(percent_decode("%", Plus::Literal), std::nullopt);
  EXPECT_EQ(percent_decode("%2", Plus::Literal), std::nullopt);
  EXPECT_EQ(percent_decode("%2g", Plus::Literal), std::nullopt);
}

}  // namespace
}  // namespace keyhaven::http
