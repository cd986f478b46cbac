// Registrations, lifecycle events, sync and migration intents over the API.
#include <gtest/gtest.h>

#include "http/key_test_api.h"
#include "http/router.h"

namespace keyhaven::http {
namespace {

using key_tests::TestApi;
using key_tests::TestHeaders;

const std::string kOwner = "crn:v1:bluemix:public:databases:eu-de:a/acc:one";
const std::string kOtherOwner = "crn:v1:bluemix:public:storage:eu-de:a/acc:two";
constexpr std::string_view kEmptyInput = R"({"metadata":{"collectionTotal":1},"resources":[{}]})";

class RegistrationRoutesTest : public testing::Test, protected TestApi {
 protected:
  RegistrationRoutesTest() {
    add_service("db", kOwner, grant({iam::Role::Reader}, unit::test_instance(1)));
    add_service("storage", kOtherOwner, grant({iam::Role::Reader}, unit::test_instance(1)));
    add_caller("reader", {iam::Role::Reader}, unit::test_instance(1));
    add_caller("viewer", {iam::Role::Viewer}, unit::test_instance(1));
  }
  void add_service(const std::string& token, const std::string& crn, iam::Grant rights) {
    auto caller = std::make_shared<iam::Caller>();
    caller->iam_id = "iam-ServiceId-" + token;
    caller->name = token;
    caller->grants = {std::move(rights)};
    caller->service_crn = crn;
    tokens.callers[token] = std::move(caller);
  }
  net::Response as(const std::string& token, std::string_view method, const std::string& target,
                   std::string_view body = {}, TestHeaders headers = {}) {
    headers["Authorization"] = "Bearer " + token;
    return call(method, target, body, headers);
  }
  std::string make_key(bool extractable = false, const std::string& ring = {}) {
    const std::string body =
        std::string(R"({"metadata":{"collectionTotal":1},"resources":[{"name":"payroll",)") +
        R"("extractable":)" + (extractable ? "true" : "false") + "}]}";
    return member(call("POST", "/api/v2/keys", body, {{"X-Kms-Key-Ring", ring}}), "id");
  }
  static std::string member(const net::Response& response, const std::string& name) {
    const std::string sign = "\"" + name + "\":\"";
    const std::size_t at = response.body.find(sign);
    if (at == std::string::npos) {
      ADD_FAILURE() << name << " is not in " << response.body;
      return {};
    }
    const std::size_t begin = at + sign.size();
    return response.body.substr(begin, response.body.find('"', begin) - begin);
  }
  static std::string header_of(const net::Response& response, std::string_view name) {
    for (const auto& [each, value] : response.headers) {
      if (each == name) return value;
    }
    return {};
  }
  static std::string encoded(std::string_view text, int times = 1) {
    std::string out(text);
    for (int i = 0; i < times; ++i) out = percent_encode(out);
    return out;
  }
  static std::string path_of(const std::string& key, const std::string& crn, int times = 1) {
    return "/api/v2/keys/" + key + "/registrations/" + encoded(crn, times);
  }
  static std::string input(const std::string& resource) {
    return R"({"metadata":{"collectionTotal":1},"resources":[)" + resource + "]}";
  }
  // Status and code, as "403 SERVICE_ONLY_ERR".
  static std::string outcome(const net::Response& response) {
    std::string out = std::to_string(response.status);
    if (response.status >= 400 && response.body.find("\"code\"") != std::string::npos)
      out += " " + member(response, "code");
    return out;
  }
  static bool contains(const net::Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
  }
  net::Response act(const std::string& key, const std::string& action) {
    return call("POST", "/api/v2/keys/" + key + "/actions/" + action);
  }
  net::Response acknowledge(const std::string& token, const std::string& resource) {
    return as(token, "POST", "/api/v2/event_ack", input(resource));
  }
};

TEST_F(RegistrationRoutesTest, OnlyServicesWriteAndOnlyTheirOwn) {
  const std::string key = make_key();
  const std::string crn = kOwner + ":bucket:a";
  const std::string path = path_of(key, crn);
  for (const auto method : {"POST", "PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(outcome(call(method, path, kEmptyInput)), "403 SERVICE_ONLY_ERR") << method;
    EXPECT_EQ(outcome(as("storage", method, path, kEmptyInput)), "403 RESOURCE_OWNER_ERR")
        << method;
    EXPECT_EQ(as("viewer", method, path, kEmptyInput).status, 401) << method;
    EXPECT_EQ(outcome(as("db", method, path_of(key, "nonsense"), kEmptyInput)),
              "400 INVALID_FIELD_ERR")
        << method;
    EXPECT_EQ(outcome(as("db", method, path_of("unknown", crn), kEmptyInput)),
              "404 KEY_NOT_FOUND_ERR")
        << method;
  }
  for (const auto method : {"PUT", "PATCH", "DELETE"})
    EXPECT_EQ(outcome(as("db", method, path, kEmptyInput)), "404 REGISTRATION_NOT_FOUND_ERR");
  EXPECT_EQ(as("db", "POST", path, kEmptyInput).status, 200);
  EXPECT_EQ(outcome(as("db", "POST", path, kEmptyInput)), "409 REGISTRATION_EXISTS_ERR");
  add_service("managing", kOwner, grant({iam::Role::Manager}, unit::test_instance(1)));
  EXPECT_EQ(outcome(as("managing", "DELETE", "/api/v2/keys/" + key + "?force=true")),
            "403 RESOURCE_OWNER_ERR");
}

TEST_F(RegistrationRoutesTest, NeedActiveRootKeys) {
  const std::string crn = kOwner + ":bucket:a";
  EXPECT_EQ(outcome(as("db", "POST", path_of(make_key(true), crn), kEmptyInput)),
            "422 KEY_ROOT_REQ_REG_ERR");
  const std::string key = make_key();
  EXPECT_EQ(as("db", "POST", path_of(key, crn), kEmptyInput).status, 200);
  ASSERT_EQ(act(key, "disable").status, 204);
  for (const auto method : {"PUT", "PATCH"}) {
    EXPECT_EQ(outcome(as("db", method, path_of(key, crn), kEmptyInput)),
              "422 KEY_INVALID_STATE_ERR");
  }
  EXPECT_EQ(as("db", "DELETE", path_of(key, crn)).status, 204);
  settings.current.limits.registrations_per_key = 1;
  const std::string other = make_key();
  EXPECT_EQ(as("db", "POST", path_of(other, crn)).status, 200);
  EXPECT_EQ(outcome(as("db", "POST", path_of(other, kOwner))), "409 REGISTRATION_LIMIT_ERR");
}

TEST_F(RegistrationRoutesTest, ShowsWhatTheCallerMaySee) {
  const std::string key = make_key();
  const std::string crn = kOwner + ":bucket:pay/roll:1";
  const auto made = as("db", "POST", path_of(key, crn),
                       input(R"({"description":"d","registrationMetadata":"m","x":1})"));
  ASSERT_EQ(made.status, 200) << made.body;
  for (const auto& text :
       {R"("collectionType":"application/vnd.ibm.kms.registration+json","collectionTotal":1})",
        R"("keyName":"payroll","resourceCrn":)", R"("createdBy":"iam-ServiceId-db")",
        R"("description":"d","registrationMetadata":"m","preventKeyDeletion":false)"}) {
    EXPECT_TRUE(contains(made, text)) << text << " in " << made.body;
  }
  EXPECT_TRUE(contains(made, R"("keyVersion":{"id":")" + key + R"(","creationDate":")"));
  EXPECT_EQ(member(made, "resourceCrn"), crn);
  EXPECT_NE(header_of(made, "ETag"), "");

  const std::string of_key = "/api/v2/keys/" + key + "/registrations";
  for (const auto& path : {of_key, std::string("/api/v2/keys/registrations")}) {
    const auto seen = as("reader", "GET", path + "?totalCount=True");
    EXPECT_TRUE(contains(seen, R"("collectionTotal":1,"totalCount":1})")) << seen.body;
    EXPECT_FALSE(contains(seen, "registrationMetadata"));
    EXPECT_EQ(header_of(seen, "ETag"), "");
    const auto own = as("db", "GET", path);
    EXPECT_TRUE(contains(own, R"("registrationMetadata":"m")"));
    EXPECT_EQ(header_of(own, "ETag"), header_of(made, "ETag"));
    EXPECT_TRUE(contains(as("storage", "GET", path), R"("resources":[]})"));
    EXPECT_EQ(as("viewer", "GET", path).status, 401);
    EXPECT_EQ(outcome(as("reader", "GET", path + "?limit=0")), "400 INVALID_QUERY_PARAM_ERR");
    EXPECT_EQ(outcome(as("reader", "GET", path + "?preventKeyDeletion=x")),
              "400 INVALID_QUERY_PARAM_ERR");
  }
  EXPECT_EQ(outcome(as("reader", "GET", "/api/v2/keys/unknown/registrations")),
            "404 KEY_NOT_FOUND_ERR");
}

TEST_F(RegistrationRoutesTest, CrnsArriveEncodedOnceOrTwice) {
  const std::string key = make_key();
  const std::string crn = kOwner + ":bucket:pay/roll:1";
  ASSERT_EQ(as("db", "POST", path_of(key, crn, 2), kEmptyInput).status, 200);
  EXPECT_EQ(outcome(as("db", "POST", path_of(key, crn, 1))), "409 REGISTRATION_EXISTS_ERR");
  const std::string all = "/api/v2/keys/registrations?urlEncodedResourceCRNQuery=";
  for (const int times : {1, 2}) {
    EXPECT_TRUE(contains(call("GET", all + encoded(crn, times)), key));
    EXPECT_TRUE(contains(call("GET", all + encoded(kOwner + ":*:*", times)), key));
    EXPECT_TRUE(contains(call("GET", all + encoded(kOwner + ":bucket:pay*", times)), key));
    EXPECT_FALSE(contains(call("GET", all + encoded(kOwner + ":bucket:roll*", times)), key));
  }
  EXPECT_EQ(outcome(call("GET", all + "not-a-crn")), "400 INVALID_QUERY_PARAM_ERR");
  // A service cannot look at those of another.
  EXPECT_FALSE(contains(as("storage", "GET", all + encoded(kOwner + ":*:*")), key));
  EXPECT_TRUE(contains(as("db", "GET", all + encoded("crn:v1:*:*:*:*:*:*:bucket:*")), key));
}

TEST_F(RegistrationRoutesTest, ListsKeepToTheRingsOfTheCaller) {
  ASSERT_EQ(call("POST", "/api/v2/key_rings/team").status, 201);
  ASSERT_EQ(call("POST", "/api/v2/key_rings/other").status, 201);
  const std::string in_team = make_key(false, "team");
  const std::string in_default = make_key();
  for (const auto& key : {in_team, in_default})
    ASSERT_EQ(as("db", "POST", path_of(key, kOwner + ":bucket:a")).status, 200);
  iam::Grant ring = grant({iam::Role::Reader}, unit::test_instance(1));
  ring.key_ring = "team";
  add_caller("ring", ring);
  const auto list = [&](const std::string& token, const std::string& header) {
    const auto response =
        as(token, "GET", "/api/v2/keys/registrations", {}, {{"X-Kms-Key-Ring", header}});
    if (response.status != 200) return std::to_string(response.status);
    return std::string(contains(response, in_team) ? "team " : "") +
           (contains(response, in_default) ? "default" : "");
  };
  EXPECT_EQ(list("reader", ""), "team default");
  EXPECT_EQ(list("reader", "team"), "team ");
  EXPECT_EQ(list("reader", "default"), "default");
  EXPECT_EQ(list("reader", "other"), "");
  EXPECT_EQ(list("reader", "unknown"), "");
  EXPECT_EQ(list("ring", ""), "team ");
  EXPECT_EQ(list("ring", "default"), "401");
  EXPECT_EQ(list("viewer", ""), "401");
}

TEST_F(RegistrationRoutesTest, TagsGuardChanges) {
  const std::string key = make_key();
  const std::string path = path_of(key, kOwner + ":bucket:a");
  const std::string first = header_of(as("db", "POST", path, kEmptyInput), "ETag");
  const auto change = [&](const std::string& method, const std::string& tags) {
    return as("db", method, path, kEmptyInput, {{"If-Match", tags}});
  };
  const std::string second = header_of(change("PATCH", first), "ETag");
  EXPECT_NE(second, first);
  for (const auto method : {"PUT", "PATCH", "DELETE"}) {
    EXPECT_EQ(outcome(change(method, first)), "412 PRECONDITION_FAILED_ERR") << method;
    EXPECT_EQ(outcome(change(method, "nonsense")), "412 PRECONDITION_FAILED_ERR") << method;
  }
  const std::string third = header_of(change("PUT", "\"other\" , W/" + second), "ETag");
  EXPECT_NE(third, "");
  EXPECT_EQ(change("PUT", "*").status, 200);
  EXPECT_EQ(change("PUT", "").status, 200);
  EXPECT_EQ(outcome(change("DELETE", third)), "412 PRECONDITION_FAILED_ERR");
  const auto removed = as("db", "DELETE", path, {}, {{"Prefer", "return=representation"}});
  EXPECT_EQ(removed.status, 200);
  EXPECT_EQ(member(removed, "keyId"), key);
  clock.advance_seconds(1);
  // Made anew it is another one.
  EXPECT_NE(header_of(as("db", "POST", path, kEmptyInput), "ETag"), first);
}

TEST_F(RegistrationRoutesTest, BodiesAreHeldToTheirRules) {
  const std::string key = make_key();
  const std::string path = path_of(key, kOwner + ":bucket:a");
  const std::string long_text(1025, 'x');
  struct Row {
    std::string body;
    std::string outcome;
  };
  const Row rows[] = {
      {"{", "400 BAD_BODY_ERR"},
      {"{}", "400 BAD_BODY_ERR"},
      {R"({"metadata":{"collectionTotal":2},"resources":[{}]})",
       "400 COLLECTION_TOTAL_MISMATCH_ERR"},
      {R"({"metadata":{"collectionTotal":2},"resources":[{},{}]})", "400 BAD_BODY_ERR"},
      {R"({"metadata":{"collectionTotal":0},"resources":[]})", "400 BAD_BODY_ERR"},
      {input(R"({"description":1})"), "400 INVALID_FIELD_ERR"},
      {input(R"({"description":")" + long_text.substr(0, 241) + "\"}"), "400 INVALID_FIELD_ERR"},
      {input(R"({"registrationMetadata":")" + long_text + "\"}"), "400 INVALID_FIELD_ERR"},
      {input(R"({"preventKeyDeletion":"yes"})"), "400 INVALID_FIELD_ERR"},
      {input(R"({"keyVersionId":"x"})"), "400 INVALID_FIELD_ERR"},
  };
  ASSERT_EQ(as("db", "POST", path).status, 200);
  for (const Row& row : rows) {
    EXPECT_EQ(outcome(as("db", "PUT", path, row.body)), row.outcome) << row.body;
    EXPECT_EQ(outcome(as("db", "PATCH", path, row.body)), row.outcome) << row.body;
  }
  EXPECT_EQ(outcome(as("db", "PATCH", path)), "400 BAD_BODY_ERR");
  EXPECT_EQ(outcome(as("db", "PATCH", path, input(R"({"keyVersionId":")" + key + "\"}"))),
            "422 KEY_VERSION_INVALID");
}

TEST_F(RegistrationRoutesTest, DeletionRespectsThemAndARestoreBringsThemBack) {
  const std::string key = make_key();
  const std::string path = path_of(key, kOwner + ":bucket:a");
  const std::string of_key = "/api/v2/keys/" + key;
  ASSERT_EQ(as("db", "POST", path, input(R"({"preventKeyDeletion":true})")).status, 200);
  EXPECT_EQ(outcome(call("DELETE", of_key + "?force=true")), "409 PREV_KEY_DEL_ERR");
  ASSERT_EQ(as("db", "PATCH", path, input(R"({"preventKeyDeletion":false})")).status, 200);
  EXPECT_EQ(outcome(call("DELETE", of_key)), "409 PROTECTED_RESOURCE_ERR");
  EXPECT_EQ(call("DELETE", of_key + "?force=true").status, 204);
  EXPECT_TRUE(contains(call("GET", of_key + "/registrations"), kOwner));
  EXPECT_EQ(outcome(as("db", "DELETE", path)), "422 KEY_INVALID_STATE_ERR");
  clock.advance_seconds(31);
  ASSERT_EQ(call("POST", of_key + "/restore").status, 201);
  EXPECT_EQ(outcome(call("DELETE", of_key)), "409 PROTECTED_RESOURCE_ERR");
  const auto deactivated = as("db", "POST", of_key + "/registrations?action=deactivate",
                              input(R"({"resourceCrn":")" + encoded(kOwner + ":bucket:a") + "\"}"));
  EXPECT_EQ(deactivated.status, 200) << deactivated.body;
  EXPECT_TRUE(contains(call("GET", of_key + "/registrations"), kOwner));
  EXPECT_EQ(call("DELETE", of_key).status, 204);
  clock.advance_seconds(4 * 3600);
  ASSERT_EQ(call("DELETE", of_key + "/purge").status, 204);
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys/registrations"), R"("resources":[]})"));
}

TEST_F(RegistrationRoutesTest, DeactivatingIsForServicesAndAllOrNone) {
  const std::string key = make_key();
  const std::string path = "/api/v2/keys/" + key + "/registrations";
  const std::string deactivate = path + "?action=deactivate";
  const std::string body = input(R"({"resourceCrn":")" + kOwner + "\"}");
  EXPECT_EQ(outcome(call("POST", deactivate, body)), "403 SERVICE_ONLY_ERR");
  EXPECT_EQ(outcome(as("storage", "POST", deactivate, body)), "403 RESOURCE_OWNER_ERR");
  EXPECT_EQ(outcome(as("db", "POST", deactivate, body)), "404 REGISTRATION_NOT_FOUND_ERR");
  EXPECT_EQ(outcome(as("db", "POST", deactivate)), "400 BAD_BODY_ERR");
  EXPECT_EQ(as("db", "POST", path, body).status, 405);
}

TEST_F(RegistrationRoutesTest, EventsAreListedAndAcknowledged) {
  const std::string key = make_key();
  ASSERT_EQ(as("db", "POST", path_of(key, kOwner + ":bucket:a")).status, 200);
  ASSERT_EQ(act(key, "rotate").status, 204);
  const auto listed = as("db", "GET", "/api/v2/lifecycle_events?totalCount=true");
  ASSERT_EQ(listed.status, 200);
  EXPECT_TRUE(contains(listed, R"("collectionTotal":1,"totalCount":1})"));
  EXPECT_TRUE(contains(listed, R"("kind":"rotate","keyId":")" + key + "\"")) << listed.body;
  const std::string event = member(listed, "id");
  const std::size_t at = listed.body.find(R"("keyVersion":{"id":")");
  const std::string version = listed.body.substr(at + 20, 36);
  EXPECT_NE(version, key);
  EXPECT_TRUE(contains(as("storage", "GET", "/api/v2/lifecycle_events"), R"("resources":[]})"));
  EXPECT_EQ(outcome(call("GET", "/api/v2/lifecycle_events")), "403 SERVICE_ONLY_ERR");
  EXPECT_EQ(as("viewer", "GET", "/api/v2/lifecycle_events").status, 401);
  EXPECT_EQ(outcome(as("db", "GET", "/api/v2/lifecycle_events?limit=5001")),
            "400 INVALID_QUERY_PARAM_ERR");

  const auto body = [&](const std::string& id, const std::string& state, const std::string& data) {
    return R"({"eventId":")" + id + R"(","adopterKeyState":")" + state +
           R"(","timestamp":"2026-01-02T03:04:05.123+01:00","keyStateData":)" + data + "}";
  };
  const std::string good =
      body(event, "DEK_ENABLED", R"({"rewrappedKeyVersion":")" + version + "\"}");
  EXPECT_EQ(outcome(acknowledge("manager", good)), "403 SERVICE_ONLY_ERR");
  EXPECT_EQ(acknowledge("viewer", good).status, 401);
  EXPECT_EQ(outcome(acknowledge("storage", good)), "404 EVENT_NOT_FOUND_ERR");
  EXPECT_EQ(outcome(acknowledge("db", body(key, "DEK_ENABLED", "null"))),
            "404 EVENT_NOT_FOUND_ERR");
  for (const std::string& bad :
       {body("x", "DEK_ENABLED", "{}"), body(event, "DEK_ENABLED", "{}"), body(event, "", "{}"),
        body(event, "DEK_ENABLED", R"({"rewrappedKeyVersion":"x"})"),
        std::string(R"({"adopterKeyState":"DEK_ENABLED"})"),
        R"({"eventId":")" + event + R"(","adopterKeyState":"A","timestamp":"yesterday"})"}) {
    EXPECT_EQ(outcome(acknowledge("db", bad)), "400 INVALID_FIELD_ERR") << bad;
  }
  EXPECT_EQ(outcome(as("db", "POST", "/api/v2/event_ack")), "400 BAD_BODY_ERR");
  EXPECT_EQ(outcome(acknowledge(
                "db", body(event, "DEK_ENABLED", R"({"rewrappedKeyVersion":")" + event + "\"}"))),
            "422 KEY_VERSION_INVALID");
  for (int i = 0; i < 2; ++i) EXPECT_EQ(acknowledge("db", good).status, 204);
  EXPECT_TRUE(contains(as("db", "GET", "/api/v2/lifecycle_events"), R"("resources":[]})"));
  const auto done = as("db", "GET", "/api/v2/lifecycle_events?acknowledged=true");
  EXPECT_TRUE(contains(done, R"("adopterKeyState":"DEK_ENABLED")")) << done.body;
  EXPECT_TRUE(contains(call("GET", "/api/v2/keys/" + key + "/registrations"),
                       R"("keyVersion":{"id":")" + version));
}

TEST_F(RegistrationRoutesTest, SyncTellsAgainOnceAnHour) {
  const std::string key = make_key();
  EXPECT_EQ(act(key, "sync").status, 204);
  EXPECT_EQ(act(key, "sync").status, 204);  // nobody to tell
  ASSERT_EQ(as("db", "POST", path_of(key, kOwner + ":bucket:a")).status, 200);
  EXPECT_EQ(act(key, "sync").status, 204);
  const auto early = act(key, "sync");
  EXPECT_EQ(outcome(early), "409 REQ_TOO_EARLY_ERR");
  EXPECT_TRUE(member(early, "message").ends_with(format_rfc3339(clock.now().plus_seconds(3600))))
      << early.body;
  EXPECT_TRUE(contains(as("db", "GET", "/api/v2/lifecycle_events"), R"("kind":"sync")"));
  EXPECT_EQ(outcome(act(make_key(true), "sync")), "400 KEY_ROOT_REQ_ERR");
  EXPECT_EQ(outcome(act("unknown", "sync")), "404 KEY_NOT_FOUND_ERR");
  EXPECT_EQ(as("reader", "POST", "/api/v2/keys/" + key + "/actions/sync").status, 401);
}

TEST_F(RegistrationRoutesTest, MigrationIntents) {
  const std::string source = make_key();
  const std::string target = make_key();
  const std::string crn_of_keys = "crn:v1:bluemix:public:hs-crypto:eu-de:a/" + front.account + ":" +
                                  unit::test_instance(1).text() + ":key:";
  const std::string path = "/api/v2/keys/" + source + "/migrationIntent";
  const auto intend = [&](const std::string& crn) {
    return call("POST", path, input(R"({"targetCRK":")" + crn + "\"}"));
  };
  EXPECT_EQ(outcome(call("GET", path)), "404 MIGRATION_INTENT_NOT_FOUND_ERR");
  EXPECT_EQ(outcome(call("DELETE", path)), "404 MIGRATION_INTENT_NOT_FOUND_ERR");
  EXPECT_EQ(outcome(call("POST", path)), "400 BAD_BODY_ERR");
  for (const std::string& bad :
       {std::string(), std::string("x"), crn_of_keys + "x", crn_of_keys + source,
        crn_of_keys + unit::test_instance(7).text(), crn_of_keys + make_key(true),
        std::string("crn:v1:bluemix:public:storage:eu-de:a/acc:i:key:") + target}) {
    EXPECT_EQ(outcome(intend(bad)), "400 INVALID_FIELD_ERR") << bad;
  }
  const std::string suspended = make_key();
  ASSERT_EQ(act(suspended, "disable").status, 204);
  EXPECT_EQ(outcome(intend(crn_of_keys + suspended)), "400 INVALID_FIELD_ERR");
  // No right on the target's instance.
  const std::string foreign = "crn:v1:bluemix:public:hs-crypto:eu-de:a/" + front.account + ":" +
                              unit::test_instance(2).text() + ":key:" + target;
  EXPECT_EQ(intend(foreign).status, 401);
  EXPECT_EQ(
      as("reader", "POST", path, input(R"({"targetCRK":")" + crn_of_keys + target + "\"}")).status,
      401);

  ASSERT_EQ(as("db", "POST", path_of(source, kOwner + ":bucket:a")).status, 200);
  const auto made = intend(crn_of_keys + target);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(member(made, "sourceCRK"), crn_of_keys + source);
  EXPECT_EQ(member(made, "targetCRK"), crn_of_keys + target);
  EXPECT_EQ(as("reader", "GET", path).body, made.body);
  EXPECT_EQ(outcome(intend(crn_of_keys + target)), "409 MIGRATION_INTENT_EXISTS_ERR");
  EXPECT_TRUE(contains(as("db", "GET", "/api/v2/lifecycle_events"), R"("kind":"migrationIntent")"));
  EXPECT_EQ(call("DELETE", path).status, 204);
  // Of keys elsewhere only the form is known.
  EXPECT_EQ(intend("crn:v1:bluemix:public:kms:us-south:a/" + std::string(32, 'b') + ":" +
                   unit::test_instance(5).text() + ":key:" + target)
                .status,
            201);
  EXPECT_EQ(outcome(call("POST", "/api/v2/keys/" + suspended + "/migrationIntent",
                         input(R"({"targetCRK":")" + crn_of_keys + target + "\"}"))),
            "409 KEY_ACTION_INVALID_STATE_ERR");
}

TEST_F(RegistrationRoutesTest, EachCallLeavesOneRecord) {
  const std::string key = make_key();
  const std::string path = path_of(key, kOwner + ":bucket:a");
  const auto records = [&](const std::function<void()>& work) {
    static_cast<void>(audit.take());
    const std::size_t before = store.events().size();
    work();
    std::string actions;
    for (const audit::Event& event : audit.take()) actions += event.action + ";";
    const auto stored = store.events();
    for (std::size_t i = before; i < stored.size(); ++i) actions += stored[i].action + ";";
    return actions;
  };
  EXPECT_EQ(records([&] { as("db", "POST", path); }), "hs-crypto.registrations.create;");
  EXPECT_EQ(records([&] { as("db", "POST", path); }), "hs-crypto.registrations.create;");
  EXPECT_EQ(records([&] { as("db", "PUT", path, kEmptyInput); }), "hs-crypto.registrations.write;");
  EXPECT_EQ(records([&] { as("db", "PATCH", path, kEmptyInput); }),
            "hs-crypto.registrations.merge;");
  EXPECT_EQ(records([&] { act(key, "sync"); }), "hs-crypto.secrets.sync;");
  const std::string event = member(as("db", "GET", "/api/v2/lifecycle_events"), "id");
  const std::string body = R"({"eventId":")" + event + R"(","adopterKeyState":"DEK_DISABLED"})";
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(records([&] { acknowledge("db", body); }), "hs-crypto.secrets-event.ack;");
  }
  EXPECT_EQ(records([&] { as("db", "DELETE", path); }), "hs-crypto.registrations.delete;");
  EXPECT_EQ(records([&] { act(key, "sync"); }), "hs-crypto.secrets.sync;");
}

}  // namespace
}  // namespace keyhaven::http
