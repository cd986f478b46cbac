// Keys under the rules of their instance: creation, overrides, two authorizations, registrations.
#include <gtest/gtest.h>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

bool contains(const net::Response& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}

TestHeaders as(const std::string& who) { return {{"Authorization", "Bearer " + who}}; }

class KeyLifeRoutesTest : public ::testing::Test, protected TestApi {
 protected:
  KeyLifeRoutesTest() {
    for (const auto who : {"alice", "bob"})
      add_caller(who, {iam::Role::Manager}, unit::test_instance(1));
  }
  net::Response post(const std::string& path, const std::string& members,
                     const TestHeaders& headers = {}) {
    return call(
        "POST", "/api/v2/" + path,
        R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},)"
        R"("resources":[{)" +
            members + "}]}",
        headers);
  }
  net::Response create(const std::string& members) { return post("keys", members); }
  net::Response with_overrides(const std::string& members) {
    return post("keys_with_policy_overrides", members);
  }
  std::string id_of(const net::Response& created) {
    EXPECT_EQ(created.status, 201) << created.body;
    const std::size_t at = created.body.find(R"("id":")");
    return at == std::string::npos ? "" : created.body.substr(at + 6, 36);
  }
  net::Response act(const std::string& key, const std::string& action, const std::string& who) {
    return call("POST", "/api/v2/keys/" + key + "/actions/" + action, "null", as(who));
  }
  net::Response remove(const std::string& key, const std::string& who,
                       const std::string& query = "") {
    return call("DELETE", "/api/v2/keys/" + key + query, {}, as(who));
  }
  net::Response metadata(const std::string& key, const std::string& who = "alice") {
    return call("GET", "/api/v2/keys/" + key + "/metadata", {}, as(who));
  }
  void add_service() {
    auto caller = std::make_shared<iam::Caller>(*tokens.callers.at("alice"));
    caller->service_crn = "crn:v1:bluemix:public:databases:eu-de:a/x:y";
    tokens.callers["service"] = std::move(caller);
  }
  static void expect(const net::Response& response, int status, std::string_view text) {
    EXPECT_EQ(response.status, status) << response.body;
    EXPECT_TRUE(contains(response, text)) << text << "\n" << response.body;
  }
};

const std::string kRoot = R"("name":"k1","extractable":false)";
const std::string kImport = kRoot + R"(,"payload":")" + to_base64(Bytes(32, 7)) + "\"";
const std::string kSecureImport = kRoot + R"(,"payload":")" + to_base64(Bytes(512)) +
                                  R"(","encryptedNonce":")" + to_base64(Bytes(28)) + R"(","iv":")" +
                                  to_base64(Bytes(12)) + "\"";

TEST_F(KeyLifeRoutesTest, TheInstanceSaysWhatMayBeMade) {
  settings.current.create_root_key = false;
  expect(create(kRoot), 409, "KEY_CREATE_IMPORT_ACCESS_ERR");
  expect(create(R"("name":"x","extractable":false)"), 409, "create_root_key");  // before the body
  EXPECT_EQ(create(kImport).status, 201);
  settings.current = {};
  settings.current.enforce_token = true;
  expect(create(kImport), 409, "enforce_token");
  expect(with_overrides(kImport), 409, "KEY_CREATE_IMPORT_ACCESS_ERR");
  expect(create(kSecureImport), 404, "IMPORT_TOKEN_NOT_FOUND_ERR");
}

TEST_F(KeyLifeRoutesTest, EncryptedMaterialIsForRootKeys) {
  std::string standard = kSecureImport;
  standard.replace(standard.find("false"), 5, "true");
  expect(create(standard), 400, "KEY_ROOT_REQ_ERR");
  const std::string key = id_of(create(kImport));
  const auto rotated = call("POST", "/api/v2/keys/" + key + "/actions/rotate",
                            "{" + kSecureImport + "}", as("alice"));
  expect(rotated, 404, "IMPORT_TOKEN_NOT_FOUND_ERR");
}

TEST_F(KeyLifeRoutesTest, EnforcedTokensHoldForRotateAndRestore) {
  const std::string key = id_of(create(kImport));
  settings.current.enforce_token = true;
  const std::string path = "/api/v2/keys/" + key;
  const std::string body = R"({"payload":")" + to_base64(Bytes(32, 7)) + "\"}";
  expect(call("POST", path + "/actions/rotate", body), 409, "KEY_CREATE_IMPORT_ACCESS_ERR");
  ASSERT_EQ(remove(key, "alice").status, 204);
  clock.advance_seconds(30);
  expect(call("POST", path + "/restore", body), 409, "KEY_CREATE_IMPORT_ACCESS_ERR");
  EXPECT_EQ(call("POST", path + "/restore").status, 201);
}

TEST_F(KeyLifeRoutesTest, LimitsOfTheInstanceAreToldAndAnsweredWithTheirCodes) {
  settings.current.limits.keys = 2;
  settings.current.limits.aliases = 7;
  settings.current.limits.aliases_per_key = 6;
  settings.current.limits.standard_key_bytes = 10;
  expect(create(R"("name":"k1","payload":")" + to_base64(Bytes(11)) + "\""), 400, "1 to 10");
  expect(create(kRoot + R"(,"aliases":["a1","a2","a3","a4","a5","a6","a7"])"), 409,
         "KEY_ALIAS_LIMIT_ERR");
  EXPECT_EQ(create(kRoot + R"(,"aliases":["a1","a2","a3","a4","a5","a6"])").status, 201);
  EXPECT_EQ(create(kRoot).status, 201);
  expect(create(kRoot), 409, "KEY_LIMIT_ERR");
  settings.current.limits.keys = 3;
  expect(create(kRoot + R"(,"aliases":["b1","b2"])"), 409, "at most 7");
}

TEST_F(KeyLifeRoutesTest, NewKeysShowWhatTheyInherit) {
  settings.current.dual_auth_delete = true;
  settings.current.rotation_months = 2;
  const auto created = create(kRoot);
  expect(created, 201, R"("dualAuthDelete":{"enabled":true,"keySetForDeletion":false})");
  expect(created, 201, R"("rotation":{"enabled":true,"interval_month":2})");
  EXPECT_FALSE(contains(create(kImport), "\"rotation\""));
  const auto without = with_overrides(kRoot);
  expect(without, 201, R"("dualAuthDelete":{"enabled":false})");
  EXPECT_FALSE(contains(without, "\"rotation\""));
}

TEST_F(KeyLifeRoutesTest, OverridesAndTheirRefusals) {
  expect(with_overrides(kRoot + R"(,"rotation":{"interval_month":12,"enabled":false})"), 201,
         R"("rotation":{"enabled":false,"interval_month":12})");
  for (const auto months : {"-1", "0", "13"}) {
    const auto refused = with_overrides(kRoot + R"(,"rotation":{"interval_month":)" + months + "}");
    expect(refused, 400, "INVALID_FIELD_ERR");
    expect(refused, 400, R"("target":{"type":"field","name":"interval_month"})");
  }
  expect(with_overrides(R"("name":"k1","rotation":{"interval_month":1})"), 400, "KEY_ROOT_REQ_ERR");
  expect(with_overrides(kImport + R"(,"rotation":{"interval_month":1})"), 400,
         "KEY_PAYLOAD_REQ_ERR");
}

TEST_F(KeyLifeRoutesTest, OverridesNeedTheRightToSetPolicies) {
  add_caller("writer", {iam::Role::Writer}, unit::test_instance(1));
  EXPECT_EQ(post("keys", kRoot, as("writer")).status, 201);
  EXPECT_EQ(post("keys_with_policy_overrides", kRoot, as("writer")).status, 401);
  // Of the ring that the key will be in.
  ASSERT_EQ(call("POST", "/api/v2/key_rings/finance").status, 201);
  iam::Grant ring = grant({iam::Role::Manager}, unit::test_instance(1));
  ring.key_ring = "finance";
  add_caller("ringed", ring);
  TestHeaders headers = as("ringed");
  EXPECT_EQ(post("keys_with_policy_overrides", kRoot, headers).status, 401);
  headers["X-Kms-Key-Ring"] = "finance";
  expect(post("keys_with_policy_overrides", kRoot, headers), 201, R"("keyRingID":"finance")");
}

TEST_F(KeyLifeRoutesTest, DeletingTakesTwoUsers) {
  const std::string key = id_of(with_overrides(kRoot + R"(,"dualAuthDelete":{"enabled":true})"));
  expect(remove(key, "bob", "?force=true"), 409, "AUTHORIZATIONS_NOT_MET");
  expect(remove(key, "bob"), 409, "1 prior authorization is missing");
  ASSERT_EQ(act(key, "setKeyForDeletion", "alice").status, 204);
  expect(metadata(key), 200,
         R"("dualAuthDelete":{"enabled":true,"keySetForDeletion":true,)"
         R"("authExpiration":"2026-01-09T03:04:05Z"})");
  EXPECT_EQ(act(key, "wrap", "alice").status, 200);
  expect(remove(key, "alice"), 409, "AUTHORIZATIONS_NOT_MET");
  EXPECT_EQ(remove(key, "bob").status, 204);
  expect(metadata(key), 200, R"("dualAuthDelete":{"enabled":true,"keySetForDeletion":false})");
}

TEST_F(KeyLifeRoutesTest, SettingForDeletionInBothSpellings) {
  const std::string key =
      id_of(with_overrides(R"("name":"k1","dualAuthDelete":{"enabled":true})"));  // standard
  const std::string path = "/api/v2/keys/" + key;
  EXPECT_EQ(call("POST", path + "?action=setKeyForDeletion", "null", as("alice")).status, 204);
  EXPECT_TRUE(contains(metadata(key), "authExpiration"));
  EXPECT_EQ(call("POST", path + "?action=unsetKeyForDeletion", "", as("bob")).status, 204);
  EXPECT_FALSE(contains(metadata(key), "authExpiration"));
  EXPECT_EQ(act(key, "unsetKeyForDeletion", "bob").status, 204);  // nothing left to take back
  EXPECT_EQ(act(key, "setKeyForDeletion", "alice").status, 204);
  clock.advance_seconds(7 * 86400);
  EXPECT_FALSE(contains(metadata(key), "authExpiration"));
  expect(remove(key, "bob"), 409, "AUTHORIZATIONS_NOT_MET");
  add_caller("reader", {iam::Role::ReaderPlus}, unit::test_instance(1));
  EXPECT_EQ(act(key, "setKeyForDeletion", "reader").status, 401);
  add_caller("writer", {iam::Role::Writer}, unit::test_instance(1));
  EXPECT_EQ(act(key, "setKeyForDeletion", "writer").status, 204);
  const std::string plain = id_of(create(kRoot));
  for (const auto action : {"setKeyForDeletion", "unsetKeyForDeletion"})
    expect(act(plain, action, "alice"), 409, "NOT_DUAL_AUTH_ERR");
  ASSERT_EQ(remove(plain, "alice").status, 204);
  expect(act(plain, "setKeyForDeletion", "alice"), 410, "KEY_DELETED_ERR");
}

TEST_F(KeyLifeRoutesTest, EachSettingLeavesOneRecord) {
  const std::string key = id_of(with_overrides(kRoot + R"(,"dualAuthDelete":{"enabled":true})"));
  const auto records = [&](const std::string& action) {
    audit.take();
    const std::size_t before = store.events().size();
    EXPECT_EQ(act(key, action, "alice").status, 204);
    auto events = audit.take();
    const auto stored = store.events();
    events.insert(events.end(), stored.begin() + static_cast<std::ptrdiff_t>(before), stored.end());
    std::string actions;
    for (const audit::Event& event : events) actions += event.action + ";";
    return actions;
  };
  EXPECT_EQ(records("unsetKeyForDeletion"), "hs-crypto.secrets.unsetkeyfordeletion;");
  EXPECT_EQ(records("setKeyForDeletion"), "hs-crypto.secrets.setkeyfordeletion;");
  EXPECT_EQ(records("unsetKeyForDeletion"), "hs-crypto.secrets.unsetkeyfordeletion;");
}

TEST_F(KeyLifeRoutesTest, RegistrationsBlockADeletion) {
  const std::string key = id_of(create(kRoot));
  dependents.current = {.registrations = 3, .prevent_deletion = true};
  expect(remove(key, "alice", "?force=true"), 409, "PREV_KEY_DEL_ERR");
  dependents.current.prevent_deletion = false;
  expect(remove(key, "alice"), 409, "PROTECTED_RESOURCE_ERR");
  expect(remove(key, "alice"), 409, R"("target":{"type":"query_param","name":"force"})");
  EXPECT_EQ(remove(key, "alice", "?force=true").status, 204);
}

TEST_F(KeyLifeRoutesTest, AServiceDeletesNoCustomersKey) {
  add_service();
  const std::string key = id_of(create(kRoot));
  expect(remove(key, "service", "?force=true"), 403, "RESOURCE_OWNER_ERR");
  EXPECT_TRUE(contains(metadata(key), R"("state":1)"));
}

TEST_F(KeyLifeRoutesTest, OnlyServicesSeeWhereAKeyWillMigrate) {
  const std::string key = id_of(create(kRoot));
  const keys::KeyRecordPtr record =
      directory.find(unit::test_instance(1), KeyId::parse(key).value());
  keys::KeyRecord next = *record;
  keys::KeyPolicies policies;
  policies.migration_intent = keys::MigrationIntent{.id = crypto::random_uuid(),
                                                    .target_key_crn = "crn:target",
                                                    .created_by = "me",
                                                    .created = clock.now()};
  next.set_policies(std::move(policies));
  keys::Change change;
  ASSERT_TRUE(changes.commit(std::move(next), change));
  add_service();
  expect(metadata(key, "service"), 200, R"("targetCRK":"crn:target")");
  EXPECT_FALSE(contains(metadata(key), "migrationIntent"));
}

}  // namespace
}  // namespace keyhaven::http::key_tests
