// Policies of keys as clients set and read them (key-management-api.md 11 and 18, real-clients.md
// 4).
#include <gtest/gtest.h>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

using ::testing::Test;

bool contains(const net::Response& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}

std::string member(const std::string& body, const std::string& name) {
  const std::string head = "\"" + name + "\":\"";
  const std::size_t begin = body.find(head);
  if (begin == std::string::npos) return "";
  return body.substr(begin + head.size(),
                     body.find('"', begin + head.size()) - begin - head.size());
}

std::string detail(const audit::Event& event, const std::string& name) {
  for (const auto& [key, value] : event.details) {
    if (key == name) return value;
  }
  return "-";
}

class KeyPolicyRoutesTest : public Test, protected TestApi {
 protected:
  static std::string envelope(std::string_view type, const std::string& resources, int total) {
    return R"({"metadata":{"collectionType":"application/vnd.ibm.kms.)" + std::string(type) +
           R"(+json","collectionTotal":)" + std::to_string(total) + "},\"resources\":[" +
           resources + "]}";
  }
  std::string make(const std::string& members) {
    const auto created =
        call("POST", "/api/v2/keys", envelope("key", "{\"name\":\"k1\"," + members + "}", 1));
    EXPECT_EQ(created.status, 201) << created.body;
    return member(created.body, "id");
  }
  std::string root() { return make(R"("extractable":false)"); }
  std::string imported() {
    return make(R"("extractable":false,"payload":")" + to_base64(Bytes(32, 0x5A)) + "\"");
  }
  std::string standard() { return make(R"("extractable":true)"); }

  // `resources` without their type, e.g. {"rotation":{...}}.
  net::Response put(const std::string& key, const std::string& resources, int total = 1,
                    const std::string& query = "") {
    return call("PUT", "/api/v2/keys/" + key + "/policies" + query,
                envelope("policy", resources, total));
  }
  net::Response get(const std::string& key, const std::string& query = "") {
    return call("GET", "/api/v2/keys/" + key + "/policies" + query);
  }
  // One policy as it stands in an answer; times and authors are those of a fresh one.
  std::string shown(const std::string& id, const std::string& policy,
                    const std::string& updated = "2026-01-02T03:04:05Z",
                    const std::string& updated_by = "manager") {
    return R"({"type":"application/vnd.ibm.kms.policy+json","id":")" + id +
           R"(","crn":"crn:v1:bluemix:public:hs-crypto:eu-de:a/)" + std::string(32, 'a') + ":" +
           unit::test_instance(1).text() + ":policy:" + id +
           R"(","creationDate":"2026-01-02T03:04:05Z","createdBy":"iam-ServiceId-manager",)"
           R"("lastUpdateDate":")" +
           updated + R"(","updatedBy":"iam-ServiceId-)" + updated_by + "\"," + policy + "}";
  }
};

constexpr const char* kRotation3 = R"({"rotation":{"enabled":true,"interval_month":3}})";

TEST_F(KeyPolicyRoutesTest, AFreshKeyHasNone) {
  const std::string key = root();
  for (const auto query : {"", "?policy=rotation", "?policy=dualAuthDelete"}) {
    const auto response = get(key, query);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, envelope("policy", "", 0));
  }
}

TEST_F(KeyPolicyRoutesTest, PutAnswersThePolicyOfTheRequestComplete) {
  const std::string key = root();
  const auto response = put(key, kRotation3);
  ASSERT_EQ(response.status, 200) << response.body;
  const std::string id = member(response.body, "id");
  const std::string policy = R"("rotation":{"enabled":true,"interval_month":3})";
  EXPECT_EQ(response.body, envelope("policy", shown(id, policy), 1));
  EXPECT_EQ(get(key).body, response.body);

  add_caller("other", {iam::Role::Manager}, unit::test_instance(1));
  clock.advance_seconds(55);
  const auto again = call("PUT", "/api/v2/keys/" + key + "/policies",
                          envelope("policy", R"({"rotation":{"enabled":false}})", 1),
                          {{"Authorization", "Bearer other"}});
  const std::string disabled = R"("rotation":{"enabled":false,"interval_month":3})";
  EXPECT_EQ(again.body,
            envelope("policy", shown(id, disabled, "2026-01-02T03:05:00Z", "other"), 1));
  EXPECT_EQ(get(key).body, again.body);
}

TEST_F(KeyPolicyRoutesTest, PutAnswersInTheOrderOfTheRequestAndGetAnswersAll) {
  const std::string key = root();
  const auto first = put(key, R"({"dualAuthDelete":{"enabled":false}})");
  EXPECT_EQ(first.status, 200);
  EXPECT_TRUE(contains(first, R"("collectionTotal":1)"));
  const auto both =
      put(key, R"({"dualAuthDelete":{"enabled":false}},{"rotation":{"interval_month":12}})", 2);
  EXPECT_EQ(both.status, 200);
  EXPECT_TRUE(contains(both, R"("collectionTotal":2)"));
  EXPECT_LT(both.body.find("\"dualAuthDelete\""), both.body.find("\"rotation\""));
  // A policy that is switched off is listed.
  const auto all = get(key);
  EXPECT_TRUE(contains(all, R"("collectionTotal":2)")) << all.body;
  EXPECT_TRUE(contains(all, R"("dualAuthDelete":{"enabled":false})"));
  const auto one = get(key, "?policy=dualAuthDelete");
  EXPECT_TRUE(contains(one, R"("collectionTotal":1)"));
  EXPECT_FALSE(contains(one, "\"rotation\""));
  // One resource may hold both; it is answered as two.
  const auto mixed =
      put(key, R"({"rotation":{"interval_month":2},"dualAuthDelete":{"enabled":true}})");
  EXPECT_EQ(mixed.status, 200);
  EXPECT_TRUE(contains(mixed, R"("collectionTotal":2)"));
  EXPECT_LT(mixed.body.find("\"rotation\""), mixed.body.find("\"dualAuthDelete\""));
}

TEST_F(KeyPolicyRoutesTest, WhatAnAnswerShowedCanBeSentBack) {
  const std::string key = root();
  const auto answered = put(key, kRotation3);
  EXPECT_EQ(call("PUT", "/api/v2/keys/" + key + "/policies", answered.body).body, answered.body);
}

TEST_F(KeyPolicyRoutesTest, EnabledAloneKeepsTheInterval) {
  const std::string key = root();
  const auto missing = put(key, R"({"rotation":{"enabled":true}})");
  EXPECT_EQ(missing.status, 400);
  EXPECT_TRUE(contains(missing, R"("target":{"type":"field","name":"interval_month"})"));
  EXPECT_EQ(put(key, R"({"rotation":{"interval_month":7.0}})").status, 200);
  for (const std::string flag : {"false", "true"}) {
    const auto response = put(key, R"({"rotation":{"enabled":)" + flag + "}}");
    EXPECT_TRUE(contains(response, R"({"enabled":)" + flag + R"(,"interval_month":7})"))
        << response.body;
  }
  // Nothing said: on.
  EXPECT_TRUE(contains(put(key, R"({"rotation":{}})"), R"({"enabled":true,"interval_month":7})"));
}

TEST_F(KeyPolicyRoutesTest, RefusalsNameWhatIsWrongAndChangeNothing) {
  const std::string key = root();
  const std::string stored = put(key, kRotation3).body;
  const struct {
    const char* query;
    const char* resources;
    int total;
    const char* says;
  } kCases[] = {
      {"", R"({"rotation":{"interval_month":0}})", 1, "INVALID_FIELD_ERR"},
      {"", R"({"rotation":{"interval_month":-1}})", 1, R"("name":"interval_month")"},
      {"", R"({"rotation":{"interval_month":13}})", 1, R"("name":"interval_month")"},
      {"", R"({"rotation":{"interval_month":1.5}})", 1, R"("name":"interval_month")"},
      {"", R"({"rotation":{"interval_month":"1"}})", 1, R"("name":"interval_month")"},
      {"", R"({"rotation":{"enabled":1}})", 1, R"("name":"enabled")"},
      {"", R"({"dualAuthDelete":{}})", 1, R"("name":"enabled")"},
      {"", R"({"type":"application/vnd.ibm.kms.key+json","rotation":{}})", 1, R"("name":"type")"},
      {"", R"({"rotation":{"intervalMonth":1}})", 1, R"(json: unknown field \"intervalMonth\")"},
      {"", R"({"dualAuthDelete":{"enabled":true,"attributes":{}}})", 1, "BAD_BODY_ERR"},
      {"", R"({"rotation":{},"metrics":{}})", 1, R"(json: unknown field \"metrics\")"},
      {"", R"({})", 1, "BAD_BODY_ERR"},
      {"", R"({"rotation":[]})", 1, "BAD_BODY_ERR"},
      {"", R"({"rotation":{"interval_month":1}})", 2, "COLLECTION_TOTAL_MISMATCH_ERR"},
      {"", "", 0, "BAD_BODY_ERR"},
      {"", R"({"rotation":{}},{"rotation":{}})", 2, "NUM_COLLECTION_RESOURCE_ERR"},
      {"", R"({"rotation":{}},{"dualAuthDelete":{"enabled":true}},{"rotation":{}})", 3,
       "NUM_COLLECTION_RESOURCE_ERR"},
      {"?policy=rotation", R"({"rotation":{}},{"dualAuthDelete":{"enabled":true}})", 2,
       "NUM_COLLECTION_RESOURCE_ERR"},
      {"?policy=rotation", R"({"dualAuthDelete":{"enabled":true}})", 1,
       "BODY_QUERY_PARAM_MISMATCH_ERR"},
      {"?policy=dualAuthDelete", R"({"rotation":{"interval_month":1}})", 1,
       "BODY_QUERY_PARAM_MISMATCH_ERR"},
      {"?policy=rotation", R"({"rotation":{},"dualAuthDelete":{"enabled":true}})", 1,
       "BODY_QUERY_PARAM_MISMATCH_ERR"},
      {"?policy=metrics", R"({"rotation":{"interval_month":1}})", 1, "INVALID_QUERY_PARAM_ERR"},
      {"?policy=", R"({"rotation":{"interval_month":1}})", 1, "INVALID_QUERY_PARAM_ERR"},
      // The good half of a request with a bad half is not taken either.
      {"", R"({"dualAuthDelete":{"enabled":true}},{"rotation":{"interval_month":13}})", 2,
       "INVALID_FIELD_ERR"},
  };
  for (const auto& row : kCases) {
    const auto response = put(key, row.resources, row.total, row.query);
    EXPECT_EQ(response.status, 400) << row.resources;
    EXPECT_TRUE(contains(response, row.says)) << row.resources << ": " << response.body;
    EXPECT_EQ(get(key).body, stored) << row.resources;
  }
  EXPECT_EQ(get(key, "?policy=metrics").status, 400);
  EXPECT_EQ(call("PUT", "/api/v2/keys/" + key + "/policies").status, 400);
  EXPECT_EQ(put("nothing", kRotation3).status, 404);
}

TEST_F(KeyPolicyRoutesTest, OnlyGeneratedRootKeysRotateByThemselves) {
  const auto standard_key = put(standard(), kRotation3);
  EXPECT_EQ(standard_key.status, 400);
  EXPECT_TRUE(contains(standard_key, "KEY_ROOT_REQ_ERR"));
  const std::string key = imported();
  const auto imported_key = put(key, kRotation3);
  EXPECT_EQ(imported_key.status, 400);
  EXPECT_TRUE(contains(imported_key, "KEY_PAYLOAD_REQ_ERR"));
  EXPECT_EQ(get(key).body, envelope("policy", "", 0));
  // Dual authorization is for every key.
  for (const std::string& any : {standard(), key}) {
    EXPECT_EQ(put(any, R"({"dualAuthDelete":{"enabled":true}})").status, 200);
  }
}

TEST_F(KeyPolicyRoutesTest, DualAuthorizationCannotBeSwitchedOff) {
  const std::string key = root();
  EXPECT_EQ(put(key, R"({"dualAuthDelete":{"enabled":true}})").status, 200);
  EXPECT_EQ(put(key, R"({"dualAuthDelete":{"enabled":true}})").status, 200);
  const auto off =
      put(key, R"({"rotation":{"interval_month":1}},{"dualAuthDelete":{"enabled":false}})", 2);
  EXPECT_EQ(off.status, 409);
  EXPECT_TRUE(contains(off, "DUAL_AUTH_POLICY_ENABLED_ERR"));
  EXPECT_FALSE(contains(get(key), "\"rotation\""));
}

TEST_F(KeyPolicyRoutesTest, ADeletedKeyShowsItsPoliciesAndKeepsThem) {
  const std::string key = root();
  const std::string stored = put(key, kRotation3).body;
  EXPECT_EQ(call("DELETE", "/api/v2/keys/" + key).status, 204);
  EXPECT_EQ(get(key).body, stored);
  const auto response = put(key, R"({"rotation":{"enabled":false}})");
  EXPECT_EQ(response.status, 410);
  EXPECT_TRUE(contains(response, "KEY_DELETED_ERR"));
}

TEST_F(KeyPolicyRoutesTest, OnlyManagersMay) {
  const std::string key = root();
  for (const iam::Role role : {iam::Role::Reader, iam::Role::ReaderPlus, iam::Role::Writer}) {
    add_caller("caller", {role}, unit::test_instance(1));
    const TestHeaders headers{{"Authorization", "Bearer caller"}};
    const std::string path = "/api/v2/keys/" + key + "/policies";
    EXPECT_EQ(call("GET", path, {}, headers).status, 401);
    EXPECT_EQ(call("PUT", path, envelope("policy", kRotation3, 1), headers).status, 401);
  }
}

TEST_F(KeyPolicyRoutesTest, EachCallLeavesOneRecordWithOldAndNewValues) {
  const std::string key = root();
  put(key, kRotation3);
  audit.take();
  const std::size_t before = store.events().size();
  put(key, R"({"rotation":{"enabled":false}},{"dualAuthDelete":{"enabled":true}})", 2);
  const auto events = store.events();
  ASSERT_EQ(events.size(), before + 1);
  EXPECT_TRUE(audit.take().empty());
  const audit::Event& event = events.back();
  EXPECT_EQ(event.action, "hs-crypto.policies.write");
  EXPECT_EQ(event.status, 200);
  EXPECT_EQ(event.severity, "warning");
  EXPECT_EQ(detail(event, "requestData.initialValue.policyRotationEnabled"), "true");
  EXPECT_EQ(detail(event, "requestData.newValue.policyRotationEnabled"), "false");
  EXPECT_EQ(detail(event, "requestData.newValue.policyRotationIntervalMonth"), "3");
  EXPECT_EQ(detail(event, "requestData.initialValue.policyDualAuthDeleteEnabled"), "-");
  EXPECT_EQ(detail(event, "requestData.newValue.policyDualAuthDeleteEnabled"), "true");

  get(key);
  EXPECT_EQ(audit.take().at(0).action, "hs-crypto.policies.read");
  put(key, R"({"rotation":{"interval_month":13}})");
  const auto refused = audit.take();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].outcome, audit::Outcome::Failure);
}

TEST_F(KeyPolicyRoutesTest, AFailingStoreChangesNothing) {
  const std::string key = root();
  store.fail_with(Error{Reason::StoreUnavailable, "no space", ""});
  EXPECT_EQ(put(key, kRotation3).status, 503);
  store.fail_with(std::nullopt);
  EXPECT_EQ(get(key).body, envelope("policy", "", 0));
}

}  // namespace
}  // namespace keyhaven::http::key_tests
