// Instance policies from request text to answer text, and their enforcement at the door of the API,
// over the real instance service.
#include "http/instance_policy_routes.h"

#include <gtest/gtest.h>

#include "http/instance_routes.h"
#include "http/test_api.h"
#include "instances/memory_instance_store.h"
#include "unit/soft_unit.h"

namespace keyhaven::http {
namespace {

using instances::PolicyType;

constexpr std::string_view kPath = "/api/v2/instance/policies";
constexpr std::string_view kPortPath = "/api/v2/instance/allowed_ip_port";

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string envelope(std::initializer_list<std::string> resources) {
  std::string out = R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json",)"
                    R"("collectionTotal":)" +
                    std::to_string(resources.size()) + R"(},"resources":[)";
  for (const std::string& resource : resources) out += (out.ends_with('[') ? "" : ",") + resource;
  return out + "]}";
}

// One resource; `data` is the inside of policy_data.
std::string policy(std::string_view type, std::string_view data) {
  return R"({"policy_type":")" + std::string(type) + R"(","policy_data":{)" + std::string(data) +
         "}}";
}

std::string ip_policy(std::string_view networks) {
  return policy("allowedIP",
                R"("enabled":true,"attributes":{"allowed_ip":[)" + std::string(networks) + "]}");
}

class Tokens final : public Authenticator {
 public:
  Result<iam::CallerPtr> again(const iam::CallerPtr& caller, std::string_view) override {
    return caller;
  }
  Result<iam::CallerPtr> authenticate(unsigned, std::string_view token) override {
    auto caller = std::make_shared<iam::Caller>();
    caller->iam_id = "iam-ServiceId-" + std::string(token);
    iam::Grant grant;
    if (token == "reader") grant.roles = iam::bit(iam::Role::Reader);
    if (token == "manager" || token == "service") grant.roles = iam::bit(iam::Role::Manager);
    if (token == "editor") grant.roles = iam::bit(iam::Role::Editor);
    if (token == "service") caller->service_crn = "crn:v1:bluemix:public:databases:local:a/x:y";
    caller->grants = {grant};
    return iam::CallerPtr(std::move(caller));
  }
};

class InstancePolicyTest : public testing::Test {
 protected:
  void SetUp() override { open(false); }

  void open(bool private_network) {
    test_.reset();
    lookup_.reset();
    instances::InstanceOptions options;
    options.account = std::string(32, 'a');
    options.public_url = "https://public.example:8443";
    options.private_network = private_network;
    if (private_network) options.private_url = "https://private.example:9443";
    options.private_port = private_network ? 9443 : 8443;
    service_ = instances::InstanceService::load(
                   options, store_, unit_, [](const InstanceId&) { return 0U; }, clock_)
                   .value();
    lookup_.emplace(*service_);
    test_.emplace(tokens_, *lookup_, clock_);
    test_->api().add(instance_policy_routes(*service_));
    test_->api().add(instance_routes(*service_));
    if (instance_ != InstanceId()) return;
    instances::InstanceSpec spec;
    spec.name = "one";
    instance_ = service_->create(spec, {}).value()->id;
  }

  TestApi::Given given(std::string token, std::string body = {}) {
    TestApi::Given out{std::move(token), std::move(body), {}};
    out.headers = {{"Bluemix-Instance", instance_.text()}};
    return out;
  }
  Response put(const std::string& body, const std::string& query = {}) {
    return test_->call("PUT", std::string(kPath) + query, given("manager", body));
  }
  Response get(const std::string& query = {}) {
    return test_->call("GET", std::string(kPath) + query, given("manager"));
  }
  // The status of a GET by a caller from `address`.
  int from(const std::string& address, bool private_network = false,
           const std::string& token = "manager", std::string_view path = kPath) {
    TestApi::Given request = given(token);
    request.remote_address = address;
    request.private_network = private_network;
    return test_->call("GET", std::string(path), request).status;
  }
  std::uint64_t revision() const { return service_->find(instance_)->revision; }
  Response patch(const std::string& parameters) {
    TestApi::Given request{"editor", R"({"parameters":)" + parameters + "}", {}};
    request.remote_address = "198.51.100.1";
    return test_->call("PATCH", "/v2/resource_instances/" + instance_.text(), request);
  }

  ManualClock clock_{Timestamp::from_seconds(1'767'323'045)};  // 2026-01-02T03:04:05Z
  unit::NullSink sink_;
  std::unique_ptr<unit::DomainTable> table_ = unit::DomainTable::create(sink_).value();
  unit::SoftUnit unit_{*table_, clock_};
  instances::MemoryInstanceStore store_;
  Tokens tokens_;
  InstanceId instance_;
  std::unique_ptr<instances::InstanceService> service_;
  std::optional<ServiceInstances> lookup_;
  std::optional<TestApi> test_;
};

// --- Setting and reading ---

TEST_F(InstancePolicyTest, WhatWasNeverSetIsNotListed) {
  for (const std::string& query : {std::string(), std::string("?policy=rotation")}) {
    const Response response = get(query);
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body,
              R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json",)"
              R"("collectionTotal":0},"resources":[]})");
  }
}

TEST_F(InstancePolicyTest, APolicyIsShownWithItsStamps) {
  const Response set = put(envelope({policy("dualAuthDelete", R"("enabled":true)")}));
  EXPECT_EQ(set.status, 204) << set.body;
  EXPECT_EQ(set.body, "");
  clock_.advance_seconds(60);
  EXPECT_EQ(put(envelope({policy("dualAuthDelete", R"("enabled":false)")})).status, 204);
  EXPECT_EQ(get().body,
            R"({"metadata":{"collectionType":"application/vnd.ibm.kms.policy+json",)"
            R"("collectionTotal":1},"resources":[{"creationDate":"2026-01-02T03:04:05Z",)"
            R"("createdBy":"iam-ServiceId-manager","updatedBy":"iam-ServiceId-manager",)"
            R"("lastUpdated":"2026-01-02T03:05:05Z","policy_type":"dualAuthDelete",)"
            R"("policy_data":{"enabled":false}}]})");
}

struct Accepted {
  std::string type;
  std::string data;   // inside of policy_data in the request
  std::string shown;  // policy_data in the answer of GET
};

TEST_F(InstancePolicyTest, WhatClientsSendIsAccepted) {
  const std::string all_rights =
      R"("attributes":{"create_root_key":true,"create_standard_key":true,"import_root_key":true,)"
      R"("import_standard_key":true,"enforce_token":false})";
  const Accepted kCases[] = {
      {"metrics", R"("enabled":true)", R"({"enabled":true})"},
      {"metrics", R"("enabled":false)", R"({"enabled":false})"},
      {"allowedNetwork", R"("enabled":true,"attributes":{"allowed_network":"public-and-private"})",
       R"({"enabled":true,"attributes":{"allowed_network":"public-and-private"}})"},
      {"allowedNetwork", R"("enabled":true)",
       R"({"enabled":true,"attributes":{"allowed_network":"public-and-private"}})"},
      // Switched off with attributes (the vendor's sample, redstone), "" (Go), {} and without.
      {"allowedNetwork", R"("enabled":false,"attributes":{"allowed_network":"private-only"})",
       R"({"enabled":false})"},
      {"allowedNetwork", R"("enabled":false,"attributes":{"allowed_network":""})",
       R"({"enabled":false})"},
      {"allowedNetwork", R"("enabled":false,"attributes":{})", R"({"enabled":false})"},
      {"allowedNetwork", R"("enabled":false)", R"({"enabled":false})"},
      {"allowedIP",
       R"("enabled":true,"attributes":{"allowed_ip":["127.0.0.0/8","2001:db8::/32","::1/128"]})",
       R"({"enabled":true,"attributes":{"allowed_ip":["127.0.0.0/8","2001:db8::/32","::1/128"]}})"},
      {"ipWhitelist", R"("enabled":true,"attributes":{"allowed_ip":["127.0.0.0/8"]})",
       R"({"enabled":true,"attributes":{"allowed_ip":["127.0.0.0/8"]}})"},
      // Switched off with {} (Go), an empty list (redstone), null and without.
      {"allowedIP", R"("enabled":false,"attributes":{})", R"({"enabled":false})"},
      {"allowedIP", R"("enabled":false,"attributes":{"allowed_ip":[]})", R"({"enabled":false})"},
      {"allowedIP", R"("enabled":false,"attributes":{"allowed_ip":null})", R"({"enabled":false})"},
      {"allowedIP", R"("enabled":false,"attributes":null)", R"({"enabled":false})"},
      {"allowedIP", R"("enabled":false)", R"({"enabled":false})"},
      {"keyCreateImportAccess", R"("enabled":true,"attributes":{"create_root_key":false})",
       R"({"enabled":true,"attributes":{"create_root_key":false,"create_standard_key":true,)"
       R"("import_root_key":true,"import_standard_key":true,"enforce_token":false}})"},
      // What is left out goes back to its default.
      {"keyCreateImportAccess", R"("enabled":true,"attributes":{"enforce_token":true})",
       R"({"enabled":true,"attributes":{"create_root_key":true,"create_standard_key":true,)"
       R"("import_root_key":true,"import_standard_key":true,"enforce_token":true}})"},
      {"keyCreateImportAccess", R"("enabled":true)", R"({"enabled":true,)" + all_rights + "}"},
      {"keyCreateImportAccess", R"("enabled":false)", R"({"enabled":false})"},
      {"keyCreateImportAccess", R"("enabled":false,)" + all_rights, R"({"enabled":false})"},
      {"rotation", R"("enabled":true,"attributes":{"interval_month":1})",
       R"({"enabled":true,"attributes":{"interval_month":1}})"},
      {"rotation", R"("attributes":{"Interval_Month":12.0},"Enabled":true)",
       R"({"enabled":true,"attributes":{"interval_month":12}})"},
      {"rotation", R"("enabled":false,"attributes":{})", R"({"enabled":false})"},
      {"rotation", R"("enabled":false)", R"({"enabled":false})"},
  };
  for (const Accepted& test : kCases) {
    const Response set = put(envelope({policy(test.type, test.data)}));
    EXPECT_EQ(set.status, 204) << test.type << " " << test.data << " " << set.body;
    const std::string shown = get("?policy=" + test.type).body;
    EXPECT_TRUE(contains(shown, R"("policy_data":)" + test.shown + "}]}")) << test.data << shown;
  }
  EXPECT_TRUE(contains(get("?policy=ipWhitelist").body, R"("policy_type":"allowedIP")"));
}

TEST_F(InstancePolicyTest, WhatGetShowsCanBePutBackAndMembersComeInAnyOrder) {
  const Response set = put(envelope(
      {R"({"lastUpdated":"2026-01-02T03:04:05Z","updatedBy":"x","createdBy":"y",)"
       R"("creationDate":"2026-01-02T03:04:05Z","policy_data":{"attributes":{"interval_month":3},)"
       R"("enabled":true},"policy_type":"rotation"})"}));
  EXPECT_EQ(set.status, 204) << set.body;
  EXPECT_TRUE(contains(get().body, R"("createdBy":"iam-ServiceId-manager")"));
}

struct Refused {
  std::string what;
  std::string body;
  std::string query;
  int status;
  std::string code;
  std::string says;  // part of the answer
};

TEST_F(InstancePolicyTest, EveryRefusalHasItsCodeAndChangesNothing) {
  const std::string metrics = policy("metrics", R"("enabled":true)");
  const std::string dual = policy("dualAuthDelete", R"("enabled":true)");
  std::string many;
  for (int i = 0; i < 1001; ++i) many += (many.empty() ? "\"" : ",\"") + std::string("::/0\"");
  const auto unknown = [](std::string_view name) {
    return R"(json: unknown field \")" + std::string(name) + R"(\")";
  };
  const Refused kCases[] = {
      {"no body", "", "", 400, "BAD_BODY_ERR", ""},
      {"null", "null", "", 400, "BAD_BODY_ERR", ""},
      {"no resources", envelope({}), "", 400, "BAD_BODY_ERR", "no resources"},
      {"no metadata", R"({"resources":[)" + metrics + "]}", "", 400, "BAD_BODY_ERR", "metadata"},
      {"total too high", R"({"metadata":{"collectionTotal":2},"resources":[)" + metrics + "]}", "",
       400, "COLLECTION_TOTAL_MISMATCH_ERR", "collectionTotal is 2"},
      {"another policy than the query's", envelope({metrics}), "?policy=rotation", 400,
       "BODY_QUERY_PARAM_MISMATCH_ERR", "rotation"},
      {"several with a query", envelope({metrics, dual}), "?policy=metrics", 400,
       "NUM_COLLECTION_RESOURCE_ERR", "several"},
      {"one twice", envelope({metrics, dual, metrics}), "", 400, "NUM_COLLECTION_RESOURCE_ERR",
       "metrics is there twice"},
      {"one twice under its old name",
       envelope({ip_policy(R"("::/0")"), policy("ipWhitelist", R"("enabled":false)")}), "", 400,
       "NUM_COLLECTION_RESOURCE_ERR", "allowedIP is there twice"},
      {"more than there are types",
       envelope({metrics, dual, policy("rotation", R"("enabled":false)"),
                 policy("allowedIP", R"("enabled":false)"),
                 policy("allowedNetwork", R"("enabled":false)"),
                 policy("keyCreateImportAccess", R"("enabled":false)"), metrics}),
       "", 400, "NUM_COLLECTION_RESOURCE_ERR", "twice"},
      {"an unknown query", envelope({metrics}), "?policy=other", 400, "INVALID_QUERY_PARAM_ERR",
       "policy must be"},
      {"an unknown type", envelope({policy("other", R"("enabled":true)")}), "", 400,
       "INVALID_FIELD_ERR", "policy_type must be"},
      {"no type", envelope({R"({"policy_data":{"enabled":true}})"}), "", 400, "INVALID_FIELD_ERR",
       "policy_type"},
      {"no data", envelope({R"({"policy_type":"metrics"})"}), "", 400, "INVALID_FIELD_ERR",
       "enabled"},
      {"no enabled", envelope({policy("metrics", "")}), "", 400, "INVALID_FIELD_ERR", "enabled"},
      {"enabled is a text", envelope({policy("metrics", R"("enabled":"true")")}), "", 400,
       "INVALID_FIELD_ERR", "enabled must be true or false"},
      {"an unknown member", envelope({R"({"policy_type":"metrics","Color":1})"}), "", 400,
       "BAD_BODY_ERR", unknown("Color")},
      {"an unknown member of policy_data", envelope({policy("metrics", R"("enabled":true,"x":1)")}),
       "", 400, "BAD_BODY_ERR", unknown("x")},
      {"an unknown attribute",
       envelope({policy("rotation", R"("enabled":true,"attributes":{"interval":1})")}), "", 400,
       "BAD_BODY_ERR", unknown("interval")},
      {"attributes where none are",
       envelope({policy("dualAuthDelete", R"("enabled":true,"attributes":{})")}), "", 400,
       "BAD_BODY_ERR", unknown("attributes")},
      {"attributes where none are",
       envelope({policy("metrics", R"("enabled":true,"attributes":1)")}), "", 400, "BAD_BODY_ERR",
       ""},
      {"the attribute of another type",
       envelope({policy("allowedIP", R"("enabled":true,"attributes":{"interval_month":1})")}), "",
       400, "BAD_BODY_ERR", unknown("interval_month")},
      {"an unknown network",
       envelope(
           {policy("allowedNetwork", R"("enabled":true,"attributes":{"allowed_network":"moon"})")}),
       "", 400, "INVALID_FIELD_ERR", R"("name":"allowed_network")"},
      {"an unknown network, disabled",
       envelope({policy("allowedNetwork",
                        R"("enabled":false,"attributes":{"allowed_network":"moon"})")}),
       "", 400, "INVALID_FIELD_ERR", R"("name":"allowed_network")"},
      {"no list", envelope({policy("allowedIP", R"("enabled":true)")}), "", 400,
       "INVALID_FIELD_ERR", R"("name":"allowed_ip")"},
      {"an empty list", envelope({ip_policy("")}), "", 400, "INVALID_FIELD_ERR",
       R"("name":"allowed_ip")"},
      {"a list that is none",
       envelope({policy("allowedIP", R"("enabled":true,"attributes":{"allowed_ip":"::/0"})")}), "",
       400, "INVALID_FIELD_ERR", R"("name":"allowed_ip")"},
      {"no network", envelope({ip_policy(R"("127.0.0.0/8","nowhere")")}), "", 400,
       "INVALID_FIELD_ERR", "nowhere"},
      {"bits beyond the prefix", envelope({ip_policy(R"("10.1.2.3/8")")}), "", 400,
       "INVALID_FIELD_ERR", "10.0.0.0/8"},
      {"1001 networks", envelope({ip_policy(many)}), "", 400, "INVALID_FIELD_ERR", "1000"},
      {"a list when disabling",
       envelope({policy("allowedIP", R"("enabled":false,"attributes":{"allowed_ip":["::/0"]})")}),
       "", 400, "INVALID_FIELD_ERR", R"("name":"attributes")"},
      {"a right that is a number",
       envelope(
           {policy("keyCreateImportAccess", R"("enabled":true,"attributes":{"enforce_token":1})")}),
       "", 400, "INVALID_FIELD_ERR", R"("name":"enforce_token")"},
      {"no interval", envelope({policy("rotation", R"("enabled":true)")}), "", 400,
       "INVALID_FIELD_ERR", R"("name":"interval_month")"},
      {"no month",
       envelope({policy("rotation", R"("enabled":true,"attributes":{"interval_month":0})")}), "",
       400, "INVALID_FIELD_ERR", R"("name":"interval_month")"},
      {"13 months",
       envelope({policy("rotation", R"("enabled":true,"attributes":{"interval_month":13})")}), "",
       400, "INVALID_FIELD_ERR", R"("name":"interval_month")"},
      {"months that overflow",
       envelope({policy("rotation", R"("enabled":true,"attributes":{"interval_month":257})")}), "",
       400, "INVALID_FIELD_ERR", R"("name":"interval_month")"},
      {"an interval when disabling",
       envelope({policy("rotation", R"("enabled":false,"attributes":{"interval_month":1})")}), "",
       400, "INVALID_FIELD_ERR", R"("name":"attributes")"},
      {"private-only without a private listener",
       envelope({policy("allowedNetwork",
                        R"("enabled":true,"attributes":{"allowed_network":"private-only"})")}),
       "", 403, "FEATURE_RESTRICTED_ERR", "server.private_listen"},
      {"a good one and a bad one", envelope({metrics, policy("rotation", R"("enabled":true)")}), "",
       400, "INVALID_FIELD_ERR", ""},
  };
  const std::uint64_t before = revision();
  for (const Refused& test : kCases) {
    test_->log().take();
    const Response response = put(test.body, test.query);
    EXPECT_EQ(response.status, test.status) << test.what << response.body;
    EXPECT_TRUE(contains(response.body, "(" + test.code + ")")) << test.what << response.body;
    EXPECT_TRUE(contains(response.body, test.says)) << test.what << response.body;
    const auto records = test_->log().take();
    ASSERT_EQ(records.size(), 1U) << test.what;
    EXPECT_EQ(records[0].action, "hs-crypto.instance-policies.write");
    EXPECT_EQ(records[0].reason, test.code) << test.what;
  }
  EXPECT_EQ(revision(), before);
  EXPECT_EQ(get("?policy=other").status, 400);
}

TEST_F(InstancePolicyTest, OnlyManagersMay) {
  const std::string body = envelope({policy("metrics", R"("enabled":true)")});
  for (const std::string token : {"reader", "editor"}) {
    EXPECT_EQ(test_->call("PUT", std::string(kPath), given(token, body)).status, 401);
    EXPECT_EQ(test_->call("GET", std::string(kPath), given(token)).status, 401);
    EXPECT_EQ(test_->call("GET", std::string(kPortPath), given(token)).status, 401);
  }
}

TEST_F(InstancePolicyTest, AChangeAndItsRecordAreOne) {
  const std::size_t before = store_.events().size();
  EXPECT_EQ(
      put(envelope({policy("metrics", R"("enabled":true)"), ip_policy(R"("127.0.0.0/8")")})).status,
      204);
  EXPECT_TRUE(test_->log().take().empty());
  ASSERT_EQ(store_.events().size(), before + 1);
  const audit::Event& event = store_.events().back();
  EXPECT_EQ(event.action, "hs-crypto.instance-policies.write");
  EXPECT_EQ(event.severity, "warning");
  EXPECT_EQ(event.status, 204);
  std::string text;
  audit::append_json(text, event);
  EXPECT_TRUE(contains(text, R"("initialValue.policyAllowedIPEnabled":"false")")) << text;
  EXPECT_TRUE(contains(text, R"("newValue.policyAllowedIPAttribute":"127.0.0.0/8")")) << text;
  EXPECT_TRUE(contains(text, R"("newValue.policyMetricsEnabled":"true")")) << text;
}

// --- Enforcement ---

TEST_F(InstancePolicyTest, AllowedIpLetsInWhoIsInAList) {
  ASSERT_EQ(put(envelope({ip_policy(R"("127.0.0.0/8","192.0.2.0/24","2001:db8::/32")")})).status,
            204);
  const struct {
    const char* address;
    int status;
  } kCases[] = {
      {"127.0.0.1", 200},        {"192.0.2.255", 200},      {"192.0.3.0", 401},
      {"198.51.100.1", 401},     {"2001:db8::5", 200},      {"2001:db9::5", 401},
      {"::ffff:192.0.2.1", 200}, {"::ffff:192.0.3.1", 401}, {"::1", 401},
  };
  for (const auto& test : kCases) {
    EXPECT_EQ(from(test.address), test.status) << test.address;
    EXPECT_EQ(from(test.address, true), test.status) << test.address << " privately";
    // Services come from addresses of their own; the way to the port is open.
    EXPECT_EQ(from(test.address, false, "service"), 200) << test.address;
    EXPECT_EQ(from(test.address, false, "manager", kPortPath), 200) << test.address;
  }
  EXPECT_EQ(put(envelope({policy("allowedIP", R"("enabled":false)")})).status, 204);
  EXPECT_EQ(from("198.51.100.1"), 200);
}

TEST_F(InstancePolicyTest, ARefusalForTheAddressLooksLikeAMissingRight) {
  ASSERT_EQ(put(envelope({ip_policy(R"("192.0.2.0/24")")})).status, 204);
  test_->log().take();
  const Response response = get();
  EXPECT_EQ(response.status, 401);
  EXPECT_TRUE(contains(response.body, "Unauthorized: the caller has no right to the resource"));
  EXPECT_FALSE(contains(response.body, "reasons"));
  const auto records = test_->log().take();
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].instance_id, instance_.text());
  EXPECT_EQ(records[0].initiator_address, "127.0.0.1");
}

TEST_F(InstancePolicyTest, PrivateOnlyShutsThePublicSide) {
  open(true);
  ASSERT_EQ(
      put(envelope({policy("allowedNetwork",
                           R"("enabled":true,"attributes":{"allowed_network":"private-only"})")}))
          .status,
      204);
  EXPECT_EQ(from("127.0.0.1"), 401);
  EXPECT_EQ(from("127.0.0.1", false, "service"), 401);
  EXPECT_EQ(from("127.0.0.1", false, "manager", kPortPath), 401);
  test_->log().take();
  EXPECT_EQ(from("127.0.0.1", true), 200);
  EXPECT_EQ(test_->log().take().at(0).initiator_address, "");  // key-management-api.md 18
  EXPECT_TRUE(contains(patch("{}").body, R"("allowed_network":"private-only")"));

  // Both network policies must admit.
  TestApi::Given request = given("manager", envelope({ip_policy(R"("192.0.2.0/24")")}));
  request.private_network = true;
  ASSERT_EQ(test_->call("PUT", std::string(kPath), request).status, 204);
  EXPECT_EQ(from("192.0.2.1", true), 200);
  EXPECT_EQ(from("192.0.2.1", false), 401);
  EXPECT_EQ(from("127.0.0.1", true), 401);
}

TEST_F(InstancePolicyTest, AnAdministratorIsWarnedAndHasAWayBack) {
  const auto warning = [](const Response& response) {
    for (const auto& [name, value] : response.headers) {
      if (name == "Warning") return value;
    }
    return std::string();
  };
  EXPECT_EQ(warning(put(envelope({ip_policy(R"("127.0.0.1/32")")}))), "");
  const Response shut = put(envelope({ip_policy(R"("192.0.2.0/24")")}));
  EXPECT_EQ(shut.status, 204);
  EXPECT_TRUE(contains(warning(shut), "PATCH /v2/resource_instances/"));
  EXPECT_EQ(get().status, 401);
  EXPECT_TRUE(contains(patch("{}").body, R"("allowed_ip":["192.0.2.0/24"])"));

  for (const char* not_a_reset : {R"({"allowed_ip":["127.0.0.0/8"]})", R"({"allowed_ip":"none"})",
                                  R"({"allowed_ip":["127.0.0.0/8","::/0"]})"}) {
    EXPECT_EQ(patch(not_a_reset).status, 400) << not_a_reset;
    EXPECT_EQ(get().status, 401);
  }
  EXPECT_EQ(patch(R"({"allowed_ip":[]})").status, 200);
  EXPECT_EQ(get().status, 200);
  EXPECT_TRUE(contains(get("?policy=allowedIP").body, R"("policy_data":{"enabled":false})"));
}

TEST_F(InstancePolicyTest, ThePortIsShownWhileAllowedIpIsActive) {
  const auto port = [this] {
    return test_->call("GET", std::string(kPortPath), given("manager")).body;
  };
  const std::string none =
      R"({"metadata":{"collectionType":"application/vnd.ibm.kms.allowed_ip_metadata+json",)"
      R"("collectionTotal":0},"resources":[]})";
  EXPECT_EQ(port(), none);
  ASSERT_EQ(put(envelope({ip_policy(R"("192.0.2.0/24")")})).status, 204);
  EXPECT_TRUE(contains(port(), R"("resources":[{"private_endpoint_port":8443}])")) << port();
  open(true);
  EXPECT_TRUE(contains(port(), R"("resources":[{"private_endpoint_port":9443}])")) << port();
  ASSERT_EQ(patch(R"({"allowed_ip":[]})").status, 200);
  EXPECT_EQ(port(), none);
}

TEST_F(InstancePolicyTest, TheEndpointsShowThePrivateUrl) {
  open(true);
  TestApi::Given request{"editor", {}, {}};
  const std::string look_up =
      test_->call("GET", "/crypto_v2/instances/" + instance_.text(), request).body;
  EXPECT_TRUE(
      contains(look_up, R"("public":"public.example:8443","private":"private.example:9443")"))
      << look_up;
  EXPECT_TRUE(contains(patch("{}").body, R"("private":"https://private.example:9443")"));
}

// --- Limits as parameters of the instance ---

TEST_F(InstancePolicyTest, LimitsAreSetShownAndTakenBack) {
  const Response set = patch(R"({"limits":{"keys":10000000,"Request_Burst":5.0}})");
  EXPECT_EQ(set.status, 200) << set.body;
  EXPECT_TRUE(contains(set.body, R"("limits":{"keys":10000000,"key_rings":50,)")) << set.body;
  EXPECT_TRUE(contains(set.body, R"("request_burst":5})"));
  EXPECT_TRUE(contains(patch(R"({"limits":{"keys":null}})").body, R"("keys":50000)"));
  EXPECT_TRUE(contains(patch(R"({"limits":null})").body, R"("request_burst":5})"));

  const struct {
    const char* limits;
    const char* says;
  } kRefused[] = {
      {R"({"keys":10000001})", "limits.keys is 10000001; it must be 0 to 10000000"},
      {R"({"keys":-1})", "limits.keys is -1"},
      {R"({"keys":"many"})", "keys must be a number"},
      {R"({"keys":1.5})", "keys must be an integer"},
      {R"({"colours":1})", R"(there is no limit \"colours\"; the limits are keys, key_rings)"},
      {R"({"dek_bytes":31})", "it must be 32 to 7500"},
      {R"(7)", "an object is expected"},
  };
  const std::uint64_t before = revision();
  for (const auto& test : kRefused) {
    const Response refused = patch(R"({"limits":)" + std::string(test.limits) + "}");
    EXPECT_EQ(refused.status, 400) << test.limits;
    EXPECT_TRUE(contains(refused.body, test.says)) << refused.body;
  }
  EXPECT_EQ(revision(), before);
}

}  // namespace
}  // namespace keyhaven::http
