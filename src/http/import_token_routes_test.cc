// Import tokens as clients ask for them, down to the real unit.
#include "http/import_token_routes.h"

#include <gtest/gtest.h>

#include "http/key_test_api.h"
#include "keys/memory_import_token_store.h"

namespace keyhaven::http::key_tests {
namespace {

constexpr const char* kPath = "/api/v2/import_token";

class ImportTokenRoutesTest : public ::testing::Test, protected TestApi {
 protected:
  ImportTokenRoutesTest() {
    soft_unit.set_import_key_bits(2048);  // made faster
    api.add(import_token_routes(tokens));
    audit.take();
  }

  std::string post(std::string_view body = {}, const TestHeaders& headers = {}) {
    return outcome(call("POST", kPath, body, headers));
  }
  std::string get(const TestHeaders& headers = {}) {
    return outcome(call("GET", kPath, {}, headers));
  }
  // "200", or the status with the code of the reason and the field it names.
  static std::string outcome(const net::Response& response) {
    std::string out = std::to_string(response.status);
    const std::string code = member(response.body, "code");
    const std::string field = member(response.body, "name");
    if (!code.empty()) out += " " + code;
    if (!field.empty()) out += " " + field;
    return out;
  }
  static std::string member(const std::string& body, const std::string& name) {
    const std::string head = "\"" + name + "\":\"";
    const std::size_t begin = body.find(head);
    if (begin == std::string::npos) return "";
    return body.substr(begin + head.size(),
                       body.find('"', begin + head.size()) - begin - head.size());
  }

  keys::MemoryImportTokenStore token_store;
  keys::ImportTokens tokens{{token_store, soft_unit, soft_unit, seal_gate, clock}};
};

TEST_F(ImportTokenRoutesTest, CreateAndReadAnswerTheTokenWithoutAnEnvelope) {
  const auto created = call("POST", kPath, R"({"expiration":1200,"maxAllowedRetrievals":2})");
  ASSERT_EQ(created.status, 200) << created.body;
  const std::string id = member(created.body, "id");
  const std::string common = R"({"id":")" + id +
                             R"(","creationDate":"2026-01-02T03:04:05Z",)"
                             R"("expirationDate":"2026-01-02T03:24:05Z","expiration":1200,)"
                             R"("maxAllowedRetrievals":2,"remainingRetrievals":)";
  EXPECT_EQ(created.body, common + "2}");

  const auto read = call("GET", kPath);
  ASSERT_EQ(read.status, 200) << read.body;
  const std::string payload = member(read.body, "payload");
  const std::string nonce = member(read.body, "nonce");
  EXPECT_EQ(read.body, common + R"(1,"payload":")" + payload + R"(","nonce":")" + nonce + "\"}");
  EXPECT_EQ(from_base64(nonce)->size(), 12u);
  const Bytes pem = from_base64(payload).value();
  EXPECT_TRUE(as_text(pem).starts_with("-----BEGIN PUBLIC KEY-----\nMII"));
  EXPECT_TRUE(as_text(pem).ends_with("\n-----END PUBLIC KEY-----\n"));

  EXPECT_EQ(get(), "200");
  EXPECT_EQ(get(), "409 IMPORT_TOKEN_EXPIRED_ERR");
}

TEST_F(ImportTokenRoutesTest, BodiesAsClientsSendThem) {
  const struct {
    const char* body;
    const char* outcome;
  } rows[] = {
      {"", "200"},
      {"null", "200"},
      {"{}", "200"},
      {R"({"expiration":300,"maxAllowedRetrievals":500})", "200"},
      {R"({"expiration":86400.0,"maxAllowedRetrievals":1.0})", "200"},  // redstone, Java
      {R"({"Expiration":600,"MAXALLOWEDRETRIEVALS":1,"another":{"a":[1]}})", "200"},
      {R"({"expiration":null})", "200"},
      {R"({"expiration":299})", "400 INVALID_FIELD_ERR expiration"},
      {R"({"expiration":86401})", "400 INVALID_FIELD_ERR expiration"},
      {R"({"expiration":600.5})", "400 INVALID_FIELD_ERR expiration"},
      {R"({"expiration":"600"})", "400 INVALID_FIELD_ERR expiration"},
      {R"({"expiration":1e300})", "400 INVALID_FIELD_ERR expiration"},
      {R"({"maxAllowedRetrievals":0})", "400 INVALID_FIELD_ERR maxAllowedRetrievals"},
      {R"({"maxAllowedRetrievals":501})", "400 INVALID_FIELD_ERR maxAllowedRetrievals"},
      {R"({"maxAllowedRetrievals":-1})", "400 INVALID_FIELD_ERR maxAllowedRetrievals"},
      {R"({"maxAllowedRetrievals":true})", "400 INVALID_FIELD_ERR maxAllowedRetrievals"},
      {R"({"expiration":600)", "400 BAD_BODY_ERR"},
      {R"([1])", "400 BAD_BODY_ERR"},
  };
  for (const auto& row : rows) EXPECT_EQ(post(row.body), row.outcome) << row.body;
}

TEST_F(ImportTokenRoutesTest, RefusalsNameTheirCode) {
  EXPECT_EQ(get(), "404 IMPORT_TOKEN_NOT_FOUND_ERR");
  EXPECT_EQ(post(R"({"expiration":300,"maxAllowedRetrievals":9})"), "200");
  clock.advance_seconds(300);
  EXPECT_EQ(get(), "409 IMPORT_TOKEN_EXPIRED_ERR");
  EXPECT_EQ(post(), "200");
  EXPECT_EQ(get(), "200");
  const TestHeaders uninitialised = {{"Bluemix-Instance", unit::test_instance(9).text()},
                                     {"Authorization", "Bearer of-nine"}};
  add_caller("of-nine", {iam::Role::Manager}, unit::test_instance(9));
  EXPECT_EQ(call("POST", kPath, {}, uninitialised).status, 409);
  EXPECT_EQ(get(uninitialised), "404 IMPORT_TOKEN_NOT_FOUND_ERR");
}

TEST_F(ImportTokenRoutesTest, WritersMayAndTheRingHeaderOnlyChoosesTheGrant) {
  iam::Grant in_ring = grant({iam::Role::Writer}, unit::test_instance(1));
  in_ring.key_ring = "payments";
  add_caller("in-ring", in_ring);
  iam::Grant in_default = in_ring;
  in_default.key_ring = "default";
  add_caller("in-default", in_default);
  add_caller("reader", {iam::Role::Reader}, unit::test_instance(1));
  add_caller("elsewhere", {iam::Role::Manager}, unit::test_instance(2));
  const struct {
    const char* caller;
    const char* ring;
    const char* created;
  } rows[] = {
      {"manager", "", "200"},         {"manager", "payments", "200"}, {"in-ring", "", "401"},
      {"in-ring", "payments", "200"}, {"in-ring", "default", "401"},  {"in-default", "", "200"},
      {"reader", "", "401"},          {"elsewhere", "", "401"},
  };
  for (const auto& row : rows) {
    const TestHeaders headers = {{"Authorization", std::string("Bearer ") + row.caller},
                                 {"X-Kms-Key-Ring", row.ring}};
    EXPECT_EQ(post({}, headers).substr(0, 3), row.created) << row.caller << " " << row.ring;
    EXPECT_EQ(get(headers).substr(0, 3), row.created) << row.caller << " " << row.ring;
  }
}

TEST_F(ImportTokenRoutesTest, EachCallLeavesOneRecordWithoutTheSecretOrTheKey) {
  ASSERT_EQ(post(R"({"maxAllowedRetrievals":1})"), "200");
  const auto read = call("GET", kPath);
  const auto stored = token_store.take_events();  // committed with the change
  ASSERT_EQ(stored.size(), 2u);
  EXPECT_EQ(stored[0].action, "hs-crypto.import-token.create");
  EXPECT_EQ(stored[1].action, "hs-crypto.import-token.read");
  EXPECT_TRUE(audit.take().empty());
  for (const audit::Event& event : stored) {
    std::string text;
    audit::append_json(text, event);
    EXPECT_NE(text.find("maxAllowedRetrievals"), std::string::npos);
    EXPECT_EQ(text.find(member(read.body, "nonce")), std::string::npos);
    EXPECT_EQ(text.find("PUBLIC KEY"), std::string::npos);
    EXPECT_EQ(text.find(member(read.body, "payload").substr(0, 40)), std::string::npos);
  }
  EXPECT_EQ(get(), "409 IMPORT_TOKEN_EXPIRED_ERR");
  const auto refused = audit.take();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].action, "hs-crypto.import-token.read");
  EXPECT_TRUE(token_store.take_events().empty());
}

}  // namespace
}  // namespace keyhaven::http::key_tests
