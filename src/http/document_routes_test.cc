#include "http/document_routes.h"

#include <gtest/gtest.h>

#include "http/api_documents.h"
#include "http/test_api.h"

namespace keyhaven::http {
namespace {

class NoTokens final : public Authenticator {
 public:
  Result<iam::CallerPtr> again(const iam::CallerPtr& caller, std::string_view) override {
    return caller;
  }
  Result<iam::CallerPtr> authenticate(unsigned, std::string_view) override {
    return Error{Reason::Unauthenticated, "no token is good here", ""};
  }
};

class NoInstances final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId&) const override { return nullptr; }
};

class DocumentRoutesTest : public ::testing::Test {
 protected:
  DocumentRoutesTest() { server.api().add(document_routes()); }

  static std::string header(const Response& response, std::string_view name) {
    std::string found;
    for (const auto& [key, value] : response.headers) {
      if (key != name) continue;
      EXPECT_EQ(found, "") << name << " is sent twice";
      found = value;
    }
    return found;
  }

  NoTokens tokens;
  NoInstances instances;
  SystemClock clock;
  TestApi server{tokens, instances, clock};
};

TEST_F(DocumentRoutesTest, PageIsOpenAndMayLoadAndRunNothing) {
  const Response page = server.call("GET", "/api/docs", {"bad", "", {}});
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page.body.starts_with("<!DOCTYPE html>"));
  EXPECT_EQ(page.body.find("<script"), std::string::npos);
  const std::string policy = header(page, "Content-Security-Policy");
  EXPECT_TRUE(policy.starts_with("default-src 'none';")) << policy;
  EXPECT_NE(policy.find("style-src " + std::string(kApiPageStyleHash)), std::string::npos);
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  EXPECT_EQ(header(page, "X-Content-Type-Options"), "nosniff");
}

TEST_F(DocumentRoutesTest, DocumentIsJsonThatNamesItsVersion) {
  const Response document = server.call("GET", "/api/openapi.json", {});
  EXPECT_EQ(document.status, 200);
  EXPECT_EQ(document.content_type, "application/json");
  EXPECT_NE(document.body.find(R"("openapi":"3.0.3")"), std::string::npos);
  EXPECT_NE(document.body.find(R"("version":")" KH_VERSION R"(")"), std::string::npos);
}

TEST_F(DocumentRoutesTest, KnownDocumentIsNotSentAgain) {
  for (const std::string path : {"/api/docs", "/api/openapi.json"}) {
    const Response first = server.call("GET", path, {});
    const std::string tag = header(first, "ETag");
    EXPECT_EQ(tag.size(), 34U) << tag;
    EXPECT_EQ(header(first, "Cache-Control"), "public, no-cache");
    for (const std::string& known : {tag, "W/" + tag, "\"other\", " + tag, std::string("*")}) {
      const Response again = server.call("GET", path, {"", "", {{"If-None-Match", known}}});
      EXPECT_EQ(again.status, 304) << known;
      EXPECT_EQ(again.body, "");
      EXPECT_EQ(header(again, "ETag"), tag);
    }
    const Response other = server.call("GET", path, {"", "", {{"If-None-Match", "\"other\""}}});
    EXPECT_EQ(other.status, 200);
    EXPECT_EQ(other.body, first.body);
  }
}

}  // namespace
}  // namespace keyhaven::http
