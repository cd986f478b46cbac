#include "console/upstream.h"

#include <gtest/gtest.h>

#include "console/answers.h"

namespace keyhaven::console {
namespace {

TEST(UpstreamTest, OnlyTheApiIsPassedOn) {
  const struct {
    bool passes;
    std::string_view method, path;
  } rows[] = {
      {true, "GET", "/api/v2/keys"},
      {true, "HEAD", "/api/v2/keys"},
      {true, "POST", "/api/v2/keys/a%2Fb/actions/wrap"},
      {true, "DELETE", "/v1/serviceids/iam-ServiceId-1"},
      {true, "PATCH", "/v2/resource_instances/1"},
      {true, "GET", "/crypto_v2/instances/1"},
      {true, "GET", "/identity/keys"},
      {true, "GET", "/metrics"},
      {true, "GET", "/readyz"},
      {false, "POST", "/identity/token"},
      {false, "POST", "/oidc/token"},
      {false, "POST", "//identity/token"},
      {false, "POST", "/api/..//identity/token"},
      {false, "POST", "/api/%2e%2e/identity/token"},
      {false, "GET", "/api/./v2"},
      {false, "GET", "/api/v2/"},
      {false, "GET", "/api/%zz"},
      {false, "GET", "/apis/v2"},
      {false, "GET", "/local/x"},
      {false, "GET", "/console/x"},
      {false, "GET", "/"},
      {false, "GET", "api/v2"},
      {false, "TRACE", "/api/v2/keys"},
      {false, "OPTIONS", "/api/v2/keys"},
      {false, "get", "/api/v2/keys"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(is_passed_on(row.method, row.path), row.passes) << row.method << ' ' << row.path;
  }
}

class NoLogin final : public client::TokenSource {
 public:
  Result<SecretBytes> authorization() override {
    return Error{Reason::UnknownApiKey, "Provided API key could not be found.", {}};
  }
  bool refused(const SecretBytes&) override { return false; }
};

class SomeLogin final : public client::TokenSource {
 public:
  Result<SecretBytes> authorization() override {
    return SecretBytes::copy_of(std::string_view("Bearer secret-token"));
  }
  bool refused(const SecretBytes&) override { return false; }
};

net::Response ask(std::shared_ptr<client::TokenSource> tokens, std::string_view method) {
  // Port 1 of loopback: nothing listens there.
  auto upstream = Upstream::create({.url = "https://127.0.0.1:1/"}, std::move(tokens));
  EXPECT_TRUE(upstream);
  net::Request request;
  request.method = method;
  request.path = "/api/v2/keys";
  return upstream->pass_on(request);
}

TEST(UpstreamTest, NoAnswerIsToldInTheFormOfTheApi) {
  const net::Response response = ask(std::make_shared<SomeLogin>(), "GET");
  EXPECT_EQ(response.status, 502);
  EXPECT_NE(response.body.find(R"("code":"SERVER_UNREACHABLE_ERR")"), std::string::npos);
  EXPECT_NE(response.body.find("Bad Gateway: the server gave no answer"), std::string::npos);
  EXPECT_EQ(response.body.find("secret-token"), std::string::npos);
}

TEST(UpstreamTest, RefusedLoginIsNoServerError) {
  const net::Response response = ask(std::make_shared<NoLogin>(), "POST");
  EXPECT_EQ(response.status, 401);
  EXPECT_NE(response.body.find("run keyhaven login"), std::string::npos);
}

TEST(UpstreamTest, AddressesAreCheckedAtTheStart) {
  for (const char* url : {"http://a", "a", "https://a b"}) {
    EXPECT_EQ(Upstream::create({.url = url}, nullptr).error().reason, Reason::InvalidArgument)
        << url;
    EXPECT_FALSE(Upstream::create({.url = "https://a", .tke_url = url}, nullptr)) << url;
  }
  EXPECT_FALSE(Upstream::create({.url = "https://a", .ca_pem = "no certificate"}, nullptr));
}

TEST(AnswersTest, RefusalsAreDataThatABrowserDoesNotRun) {
  const net::Response response = refusal_response({404, "X_ERR", "<script>\"\\"});
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_NE(response.body.find(R"(<script>\"\\)"), std::string::npos);
  bool has_policy = false;
  for (const auto& [name, value] : response.headers)
    has_policy = has_policy ||
                 (name == "Content-Security-Policy" && value.find("sandbox") != std::string::npos);
  EXPECT_TRUE(has_policy);
}

}  // namespace
}  // namespace keyhaven::console
