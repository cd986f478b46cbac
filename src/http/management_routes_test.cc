// The management side of the API from request text to answer text: identity, access, instances,
// audit and health.
#include "http/management_for_tests.h"

namespace keyhaven::http {
namespace {

TEST_F(ManagementTest, EveryRouteLeavesExactlyOneRecordAndRefusesWithoutAToken) {
  std::size_t routes = 0;
  for (const Route& route : test_->api().routes()) {
    const iam::ActionInfo& row = iam::info(route.action);
    const Response response =
        call(std::string(name_of(route.method)),
             std::regex_replace(std::string(route.pattern), std::regex("\\{[^}]*\\}"), "x"));
    const auto left = records();
    ASSERT_EQ(left.size(), row.recorded ? 1U : 0U) << name_of(route.method) << " " << route.pattern;
    if (row.recorded) {
      EXPECT_EQ(left[0].action, "hs-crypto." + std::string(row.event)) << route.pattern;
    }
    EXPECT_EQ(response.status == 401, row.access != iam::Access::Open) << route.pattern;
    ++routes;
  }
  EXPECT_EQ(routes, 38U);
}

// --- Identity ---

TEST_F(ManagementTest, BothTokenPathsAnswerAlikeWhateverTheClientSendsBeside) {
  for (const std::string path : {"/identity/token", "/oidc/token"}) {
    TestApi::Given given;
    given.body = "grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=" + secret_ +
                 "&response_type=cloud_iam&uaa_client_id=cf&uaa_client_secret=&scope=a+b";
    given.headers = {{"Authorization", "Basic Yng6Yng="},
                     {"Content-Type", "application/x-www-form-urlencoded"}};
    const Response response = test_->call("POST", path, given);
    EXPECT_EQ(response.status, 200) << response.body;
    EXPECT_TRUE(contains(response.body, R"("refresh_token":"not_supported")"));
    EXPECT_TRUE(contains(response.body,
                         R"("token_type":"Bearer","expires_in":3600,"expiration":1800003600)"));
    EXPECT_TRUE(contains(response.body, R"("scope":"ibm openid")"));
    EXPECT_EQ(call("GET", "/v2/resource_instances", member(response.body, "access_token")).status,
              200);
  }
  const auto left = records();
  EXPECT_EQ(left[0].action, "hs-crypto.iam-token.create");
  EXPECT_EQ(left[0].initiator_name, "administrator");
}

TEST_F(ManagementTest, ABadKeyIs400WithTheCodeThatGoReads) {
  const std::string grant = "grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=";
  for (const std::string& key :
       {std::string("wrong"), secret_ + "x", std::string(3000, 'a'), std::string("%00")}) {
    const Response response = call("POST", "/identity/token", {}, grant + key);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(member(response.body, "errorCode"), "BXNIM0415E") << response.body;
    EXPECT_TRUE(std::regex_match(response.body,
                                 std::regex(R"re(.*"context":\{("[A-Za-z]+":"[^"]*",?)+\}\})re")))
        << response.body;
  }
}

TEST_F(ManagementTest, EveryOtherMistakeAtTheTokenEndpointIs400Too) {
  const std::string grant = "grant_type=urn:ibm:params:oauth:grant-type:apikey";
  for (const std::string& body :
       {std::string(), std::string("x"), grant, grant + "&apikey=", grant + "&apikey=%zz",
        grant + "&apikey=%4", grant + "&apikey=" + secret_ + "&apikey=" + secret_,
        std::string("grant_type=password&apikey=") + secret_,
        std::string("grant_type=refresh_token&refresh_token=not_supported"),
        std::string(16385, 'a'), std::string(200, '&') + "a=b", [] {
          std::string many;
          for (int count = 0; count < 33; ++count) many += "a=b&";
          return many;
        }()}) {
    const Response response = call("POST", "/oidc/token", {}, body);
    EXPECT_EQ(response.status, 400) << body.substr(0, 80);
    EXPECT_TRUE(contains(response.body, "\"errorCode\":\"BXNIM")) << response.body;
  }
}

TEST_F(ManagementTest, NoRecordHoldsACredential) {
  token_of(secret_);
  const std::string token = token_with("Reader", "");
  token_of(secret_);
  for (const audit::Event& event : records()) {
    std::string json;
    audit::append_json(json, event);
    EXPECT_FALSE(contains(json, secret_)) << json;
    EXPECT_FALSE(contains(json, token.substr(0, 40))) << json;
  }
}

TEST_F(ManagementTest, TheKeySetIsPublic) {
  const Response response = call("GET", "/identity/keys");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, authority_->issuer().key_set_json());
  EXPECT_EQ(call("GET", "/.well-known/jwks.json").body, response.body);
}

// --- Access management ---

TEST_F(ManagementTest, OnlyAnAdministratorManagesAccess) {
  const std::string manager = token_with("Manager", "");
  for (const auto& [method, path] :
       std::vector<std::pair<std::string, std::string>>{{"GET", "/v1/serviceids"},
                                                        {"POST", "/v1/serviceids"},
                                                        {"DELETE", "/v1/serviceids/x"},
                                                        {"GET", "/v1/apikeys"},
                                                        {"POST", "/v1/apikeys"},
                                                        {"DELETE", "/v1/apikeys/x"},
                                                        {"GET", "/v1/policies"},
                                                        {"POST", "/v1/policies"},
                                                        {"DELETE", "/v1/policies/x"},
                                                        {"GET", "/v1/audit/public_key"},
                                                        {"POST", "/v1/audit/checkpoint"}}) {
    EXPECT_EQ(call(method, path, manager).status, 401) << method << " " << path;
    EXPECT_EQ(records().size(), 1U) << method << " " << path;
  }
}

TEST_F(ManagementTest, AnIdentityIsMadeListedAndRemoved) {
  const Response made =
      call("POST", "/v1/serviceids", admin_, R"({"name":"app","description":"says \"hi\""})");
  EXPECT_EQ(made.status, 201);
  const std::string id = member(made.body, "id");
  EXPECT_TRUE(id.starts_with("iam-ServiceId-"));
  const auto left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.iam-identity.create");
  EXPECT_EQ(left[0].target_id, id);
  EXPECT_EQ(left[0].outcome, audit::Outcome::Success);
  EXPECT_EQ(left[0].initiator_name, "administrator");

  EXPECT_TRUE(contains(call("GET", "/v1/serviceids", admin_).body, id));
  EXPECT_EQ(call("DELETE", "/v1/serviceids/" + id, admin_).status, 204);
  EXPECT_FALSE(contains(call("GET", "/v1/serviceids", admin_).body, id));
  EXPECT_EQ(call("DELETE", "/v1/serviceids/" + id, admin_).status, 404);
}

TEST_F(ManagementTest, AServiceIdMayOwnCrns) {
  const std::string crn = "crn:v1:bluemix:public:databases:eu-de:a/acc:inst";
  const Response made =
      call("POST", "/v1/serviceids", admin_, R"({"name":"db","service_crn":")" + crn + "\"}");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(member(made.body, "service_crn"), crn);
  EXPECT_TRUE(contains(call("GET", "/v1/serviceids", admin_).body, crn));
  EXPECT_FALSE(
      contains(call("POST", "/v1/serviceids", admin_, R"({"name":"x"})").body, "service_crn"));
  records();
  for (const std::string& body : {std::string(R"({"name":"db","service_crn":"crn:v1:short"})"),
                                  std::string(R"({"name":"db","service_crn":1})"),
                                  R"({"name":"db","type":"user","service_crn":")" + crn + "\"}"}) {
    const Response refused = call("POST", "/v1/serviceids", admin_, body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_TRUE(contains(refused.body, R"("name":"service_crn")")) << refused.body;
    EXPECT_EQ(records().size(), 1U);
  }
}

TEST_F(ManagementTest, AnApiKeysSecretIsShownOnce) {
  const Response made = call("POST", "/v1/apikeys", admin_, R"({"name":"mine"})");
  EXPECT_EQ(made.status, 201);
  const std::string secret = member(made.body, "apikey");
  const std::string token = token_of(secret);
  const std::string list =
      call("GET", "/v1/apikeys?iam_id=" + member(made.body, "iam_id"), admin_).body;
  EXPECT_TRUE(contains(list, member(made.body, "id")));
  EXPECT_FALSE(contains(list, secret));
  EXPECT_FALSE(contains(list, "apikey\":\""));
  EXPECT_EQ(call("GET", "/v2/resource_instances", token).status, 200);
  EXPECT_EQ(call("DELETE", "/v1/apikeys/" + member(made.body, "id"), admin_).status, 204);
  EXPECT_EQ(call("GET", "/v2/resource_instances", token).status, 401);
}

TEST_F(ManagementTest, APolicyTakesEffectAtOnceAndEndsAtOnce) {
  const std::string guid = create_instance("one");
  const std::string path = "/v1/tke/" + guid + "/hsms";
  const std::string token = token_with("Reader", guid);
  EXPECT_EQ(call("GET", path, token).status, 401);
  const std::string reader = call("GET", "/v1/policies", admin_).body;
  std::smatch found;
  ASSERT_TRUE(std::regex_search(reader, found, std::regex("iam-ServiceId-[0-9a-f-]{36}")));
  std::string iam_id;
  for (const iam::Grant& grant : authority_->grants("")) {
    if (grant.instance) iam_id = grant.iam_id;
  }
  const Response policy =
      call("POST", "/v1/policies", admin_,
           R"({"subjects":[{"attributes":[{"name":"iam_id","value":")" + iam_id +
               R"("}]}],"roles":[{"display_name":"Manager"}],"resources":[{"attributes":[)"
               R"({"name":"serviceInstance","operator":"stringEquals","value":")" +
               guid + R"("}]}]})");
  EXPECT_EQ(policy.status, 201) << policy.body;
  EXPECT_EQ(call("GET", path, token).status, 200);
  EXPECT_EQ(call("DELETE", "/v1/policies/" + member(policy.body, "id"), admin_).status, 204);
  EXPECT_EQ(call("GET", path, token).status, 401);
}

TEST_F(ManagementTest, APolicyThatIsNotUnderstoodIsRefusedNotWidened) {
  const std::string iam_id = authority_->identities()[0].iam_id;
  const auto refused = [&](const std::string& roles, const std::string& resources) {
    const Response response =
        call("POST", "/v1/policies", admin_,
             R"({"subjects":[{"attributes":[{"name":"iam_id","value":")" + iam_id +
                 R"("}]}],"roles":[)" + roles + R"(],"resources":[)" + resources + "]}");
    return response.status;
  };
  const std::string reader = R"({"role_id":"Reader"})";
  EXPECT_EQ(refused(reader, R"({"attributes":[]})"), 201);
  EXPECT_EQ(refused("", R"({"attributes":[]})"), 400);
  EXPECT_EQ(refused(R"({"role_id":"Owner"})", ""), 400);
  EXPECT_EQ(refused("{}", ""), 400);
  for (const std::string attribute :
       {R"({"name":"region","value":"x"})", R"({"name":"serviceInstance","value":"x"})",
        R"({"name":"keyRing","value":""})", R"({"name":"resource","value":"x"})",
        R"({"name":"serviceName","value":"kms"})",
        R"({"name":"keyRing","value":"a","operator":"stringMatch"})", R"({})",
        R"({"name":"resource","value":"33333333-3333-4333-8333-333333333333"})"}) {
    EXPECT_EQ(refused(reader, R"({"attributes":[)" + attribute + "]}"), 400) << attribute;
  }
  EXPECT_EQ(refused(reader, R"({"attributes":[]},{"attributes":[]})"), 400);
  EXPECT_EQ(refused(reader, ""), 400);
  // A misspelt member must not make a policy for the whole account.
  const Response misspelt =
      call("POST", "/v1/policies", admin_,
           R"({"subjects":[{"attributes":[{"name":"iam_id","value":")" + iam_id +
               R"("}]}],"roles":[{"role_id":"Reader"}],"resource":[{"attributes":[]}]})");
  EXPECT_EQ(misspelt.status, 400);
  EXPECT_NE(misspelt.body.find("resources is missing"), std::string::npos) << misspelt.body;
}

TEST_F(ManagementTest, MalformedManagementBodiesAre400) {
  for (const std::string path :
       {"/v1/serviceids", "/v1/apikeys", "/v1/policies", "/v2/resource_instances"}) {
    for (const std::string& body :
         {std::string(), std::string("{"), std::string("[]"), std::string("{\"name\":1}"),
          std::string("{\"name\":\"a\"} x"), std::string("{\"name\":\"a\",\"name\":\"b\"}"),
          "{\"name\":\"" + std::string(5000, 'a') + "\"}", std::string(2000, '[')}) {
      const Response response = call("POST", path, admin_, body);
      EXPECT_TRUE(response.status == 400 || (path == "/v1/policies" && response.status == 404))
          << path << " " << body.substr(0, 40) << " " << response.body;
      EXPECT_EQ(records().size(), 1U);
    }
  }
}

// --- Instances ---

TEST_F(ManagementTest, AnInstanceHasTheControllersShape) {
  const Response made = call(
      "POST", "/v2/resource_instances", admin_,
      R"({"name":"production","target":"us-south","resource_group":"default","resource_plan_id":"standard",)"
      R"("tags":["a"],"parameters":{"units":3,"allowed_network":"public-and-private","rotation_interval_seconds":0}})");
  EXPECT_EQ(made.status, 201) << made.body;
  const std::string guid = member(made.body, "guid");
  const std::string crn =
      "crn:v1:bluemix:public:hs-crypto:us-south:a/" + std::string(kAccount) + ":" + guid + "::";
  EXPECT_EQ(member(made.body, "crn"), crn);
  EXPECT_EQ(member(made.body, "id"), crn);
  EXPECT_EQ(member(made.body, "state"), "active");
  EXPECT_TRUE(contains(made.body, R"("resource_plan_id":"standard")"));
  EXPECT_TRUE(contains(
      made.body,
      R"("parameters":{"units":3,"failover_units":0,"recovery_units":0,)"
      R"("allowed_network":"public-and-private","rotation_interval_seconds":0,)"
      R"("limits":{"keys":50000,"key_rings":50,"aliases":1000,"aliases_per_key":5,"registrations_per_key":1000,)"
      R"("standard_key_bytes":7500,"dek_bytes":7500,"allowed_ip_subnets":1000,"requests_per_second":0,"request_burst":1000}})"));
  EXPECT_TRUE(contains(
      made.body,
      R"("extensions":{"endpoints":{"public":"https://localhost:8443","private":"https://localhost:8443"}})"));
  EXPECT_FALSE(contains(made.body, "warnings"));

  EXPECT_EQ(call("GET", "/v2/resource_instances/" + guid, admin_).body, made.body);
  EXPECT_EQ(call("GET", "/v2/resource_instances/" + encode_component(crn), admin_).body, made.body);
  const auto left = records();
  ASSERT_EQ(left.size(), 3U);
}

TEST_F(ManagementTest, OneUnitIsAllowedWithAWarning) {
  const Response made = call("POST", "/v2/resource_instances", admin_,
                             R"({"name":"small","parameters":{"units":1.0}})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(contains(made.body, "\"warnings\":[\""));
}

TEST_F(ManagementTest, AnInstanceIsChangedAndDeleted) {
  const std::string guid = create_instance("one");
  const std::string path = "/v2/resource_instances/" + guid;
  const Response changed = call("PATCH", path, admin_,
                                R"({"name":"two","parameters":{"rotation_interval_seconds":60}})");
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(member(changed.body, "name"), "two");
  EXPECT_TRUE(contains(changed.body, R"("rotation_interval_seconds":60)"));
  EXPECT_EQ(call("PATCH", path, admin_, R"({"parameters":{"units":7}})").status, 400);

  live_keys_ = 2;
  const Response refused = call("DELETE", path + "?recursive=true", admin_);
  EXPECT_EQ(refused.status, 409);
  live_keys_ = 0;
  records();
  EXPECT_EQ(call("DELETE", path + "?recursive=true", admin_).status, 204);
  const auto left = records();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].action, "hs-crypto.instances.delete");
  EXPECT_EQ(left[0].instance_id, guid);
  EXPECT_EQ(call("GET", path, admin_).status, 404);
}

TEST_F(ManagementTest, AForeignInstanceIsAnsweredLikeAnAbsentOne) {
  const std::string mine = create_instance("mine");
  const std::string foreign = create_instance("foreign");
  const std::string token = token_with("Manager", mine);
  const auto without_id = [](const Response& response, const std::string& id) {
    std::string text = std::to_string(response.status) + response.body;
    for (std::size_t at; (at = text.find(id)) != std::string::npos;)
      text.replace(at, id.size(), "ID");
    return text;
  };
  const std::string absent = "77777777-7777-4777-8777-777777777777";
  for (const std::string path :
       {"/v2/resource_instances/", "/crypto_v2/instances/", "/crypto_v1/instances/"}) {
    EXPECT_EQ(call("GET", path + mine, token).status, 200) << path;
    EXPECT_EQ(call("GET", path + foreign, token).status, 401) << path;
    EXPECT_EQ(without_id(call("GET", path + foreign, token), foreign),
              without_id(call("GET", path + absent, token), absent));
  }
  for (const std::string method : {"PATCH", "DELETE"}) {
    EXPECT_EQ(call(method, "/v2/resource_instances/" + mine, token, "{}").status, 401)
        << method;  // Manager is no Editor
  }
  const std::string list = call("GET", "/v2/resource_instances", token).body;
  EXPECT_TRUE(contains(list, mine));
  EXPECT_FALSE(contains(list, foreign));
}

TEST_F(ManagementTest, TheListFiltersAndPages) {
  for (int count = 0; count < 5; ++count) create_instance(count == 3 ? "special" : "plain");
  EXPECT_TRUE(contains(call("GET", "/v2/resource_instances", admin_).body, "\"rows_count\":5"));
  EXPECT_TRUE(contains(call("GET", "/v2/resource_instances?name=special", admin_).body,
                       "\"rows_count\":1"));
  EXPECT_TRUE(contains(call("GET", "/v2/resource_instances?state=removed", admin_).body,
                       "\"rows_count\":0,\"resources\":[]"));
  std::string next = "/v2/resource_instances?limit=2&name=plain";
  std::vector<std::string> pages;
  while (!next.empty() && pages.size() < 9) {
    const std::string body = call("GET", next, admin_).body;
    pages.push_back(body);
    next = member(body, "next_url");
  }
  ASSERT_EQ(pages.size(), 2U);
  EXPECT_TRUE(contains(pages[1], "\"rows_count\":2"));
  EXPECT_EQ(call("GET", "/v2/resource_instances?limit=101", admin_).status, 400);
  EXPECT_EQ(call("GET", "/v2/resource_instances?limit=0", admin_).status, 400);
}

TEST_F(ManagementTest, TheEndpointLookUpHasHostsWithoutScheme) {
  const std::string guid = create_instance("one");
  EXPECT_EQ(
      call("GET", "/crypto_v2/instances/" + guid, admin_).body,
      "{\"instance_id\":\"" + guid +
          R"(","kms":{"public":"localhost:8443","private":"localhost:8443"},"ep11":{"public":"","private":""}})");
  EXPECT_EQ(call("GET", "/crypto_v1/instances/" + guid, admin_).body,
            "{\"instance_id\":\"" + guid +
                R"(","kmkConnectionInfo":"localhost:8443","keyStoreMode":"read-write"})");
}

// --- Audit and health ---

TEST_F(ManagementTest, AnAdministratorGetsTheAuditKeyAndACheckpoint) {
  EXPECT_EQ(member(call("GET", "/v1/audit/public_key", admin_).body, "public_key"),
            "ab" + std::string(62, '0'));
  EXPECT_EQ(call("POST", "/v1/audit/checkpoint", admin_).status, 204);
  EXPECT_EQ(test_->log().checkpoints(), 1);
}

TEST_F(ManagementTest, HealthNamesTheCauseAndLeavesNoRecord) {
  EXPECT_EQ(call("GET", "/healthz").status, 200);
  EXPECT_EQ(call("GET", "/readyz").body,
            R"({"status":"ready","causes":{"unit":"ok","store":"ok"}})");
  unit_health_ = Error{Reason::UnitUnavailable, "no crypto unit answers", {}};
  const Response response = call("GET", "/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.body,
            R"({"status":"not_ready","causes":{"unit":"no crypto unit answers","store":"ok"}})");
  EXPECT_EQ(call("GET", "/healthz").status, 200);
  EXPECT_TRUE(records().empty());
}

}  // namespace
}  // namespace keyhaven::http
