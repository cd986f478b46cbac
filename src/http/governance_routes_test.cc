#include "http/governance_routes.h"

#include <gtest/gtest.h>

#include "http/key_test_api.h"
#include "instances/memory_instance_store.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;

class GovernanceTest : public testing::Test, protected key_tests::TestApi {
 protected:
  GovernanceTest() {
    first = make_instance("first");
    second = make_instance("second");
    api.add(governance_routes(front, *service_of_instances));
    add_caller("all", {iam::Role::Reader}, std::nullopt);
    add_caller("viewer", {iam::Role::Viewer}, first->id);
    add_caller("one", {iam::Role::Reader}, second->id);
  }
  instances::InstanceOptions options() const {
    instances::InstanceOptions out;
    out.account = front.account;
    return out;
  }
  InstanceRecordPtr make_instance(const std::string& name) {
    clock.advance_seconds(1);
    instances::InstanceSpec spec;
    spec.name = name;
    return service_of_instances->create(spec, {}).value();
  }
  void make_key(const InstanceRecordPtr& instance, const std::string& name, bool expired = false) {
    keys::KeyRecord key;
    key.instance = instance->id;
    key.id = KeyId{crypto::random_uuid()};
    key.name = name;
    if (expired) key.expires = clock.now();
    keys::KeyPolicies policies;
    policies.rotation = keys::RotationPolicy{{}, true, 3};
    policies.dual_auth = keys::DualAuthPolicy{{}, true};
    key.set_policies(policies);
    key.versions.push_back({VersionId{key.id.uuid}, clock.now(), 256, {}, {}});
    directory.load(key);
  }
  net::Response get(const std::string& token, const std::string& query) {
    return call("GET", "/governance/v1/configs" + query, {},
                {{"Authorization", "Bearer " + token}, {"Bluemix-Instance", ""}});
  }
  // Names of the resources, in order.
  static std::string names(const net::Response& response) {
    std::string out;
    const std::string sign = R"("resource_name":")";
    for (std::size_t at = 0; (at = response.body.find(sign, at)) != std::string::npos;) {
      at += sign.size();
      out += response.body.substr(at, response.body.find('"', at) - at) + " ";
    }
    return out;
  }
  static bool contains(const net::Response& response, std::string_view text) {
    return response.body.find(text) != std::string::npos;
  }

  instances::MemoryInstanceStore instance_store;
  std::unique_ptr<instances::InstanceService> service_of_instances =
      instances::InstanceService::load(
          options(), instance_store, soft_unit, [](const InstanceId&) { return std::size_t{0}; },
          clock)
          .value();
  InstanceRecordPtr first;
  InstanceRecordPtr second;
};

TEST_F(GovernanceTest, DescribesInstances) {
  ASSERT_TRUE(service_of_instances->set_policies(
      first->id,
      {{instances::PolicyType::DualAuthDelete, true, {}},
       {instances::PolicyType::Rotation, true, instances::RotationInterval{6}}},
      {}));
  const auto all = get("all", "?config_request_id=r%201");
  EXPECT_EQ(all.status, 200);
  EXPECT_EQ(names(all), "first second ");
  for (const auto& text :
       {R"("service_name":"hs-crypto","resource_kind":"instance","config_request_id":"r 1")",
        R"({"property":"allowed_network","value":"public-and-private"})",
        R"({"property":"dual_auth_delete","value":true})",
        R"({"property":"dual_auth_delete","value":false})",
        R"({"property":"rotation","properties":[{"property":"enabled","value":true},)"
        R"({"property":"interval_month","value":6}]})",
        R"({"property":"rotation","properties":[{"property":"enabled","value":false}]})",
        R"({"property":"enforce_token","value":false})"}) {
    EXPECT_TRUE(contains(all, text)) << text << " in " << all.body;
  }
  EXPECT_TRUE(contains(all, service_of_instances->crn_of(*first)));
  EXPECT_EQ(names(get("all", "?account_id=other")), "");
  EXPECT_EQ(names(get("all", "?account_id=" + front.account)), "first second ");
  EXPECT_EQ(names(get("all", "?resource_group_id=other")), "");
  EXPECT_EQ(names(get("all", "?service_instance_crn=" + second->id.text())), "second ");
  EXPECT_EQ(get("all", "?service_instance_crn=" + unit::test_instance(1).text()).status, 404);
  EXPECT_EQ(names(get("one", "")), "second ");
  EXPECT_EQ(get("one", "?service_instance_crn=" + first->id.text()).status, 401);
  EXPECT_EQ(names(get("manager", "")), "");
  EXPECT_EQ(get("nobody", "").status, 401);
}

TEST_F(GovernanceTest, DescribesKeysToThoseWhoMayListThem) {
  make_key(first, "a");
  make_key(second, "b", true);
  const auto all = get("all", "?resource_kind=key");
  EXPECT_EQ(names(all), "a b ");
  EXPECT_TRUE(contains(all, R"({"property":"state","value":1})"));
  EXPECT_TRUE(contains(all, R"({"property":"state","value":3})"));
  EXPECT_TRUE(contains(all, R"({"property":"dual_auth_delete","value":true})"));
  EXPECT_TRUE(contains(all, R"({"property":"interval_month","value":3})"));
  EXPECT_EQ(names(get("one", "?resource_kind=key")), "b ");
  EXPECT_EQ(names(get("viewer", "")), "first ");
  EXPECT_EQ(names(get("viewer", "?resource_kind=key")), "");
  EXPECT_EQ(get("all", "?resource_kind=ring").status, 400);
}

TEST_F(GovernanceTest, GoesOnByTheLinkItGives) {
  for (const auto name : {"a", "b", "c"}) make_key(first, name);
  for (const std::string kind : {"instance", "key"}) {
    const std::size_t total = kind == "key" ? 3 : 2;
    std::string path = "?limit=1&resource_kind=" + kind + "&config_request_id=x%26y";
    std::string seen;
    for (std::size_t i = 0; i < total; ++i) {
      const auto page = get("all", path);
      seen += names(page);
      const std::size_t at = page.body.find(R"("href":")");
      ASSERT_EQ(at != std::string::npos, i + 1 < total) << page.body;
      if (at == std::string::npos) break;
      const std::size_t begin = page.body.find('?', at);
      path = page.body.substr(begin, page.body.find('"', begin) - begin);
      EXPECT_NE(path.find("config_request_id=x%26y"), std::string::npos);
    }
    EXPECT_EQ(std::count(seen.begin(), seen.end(), ' '), static_cast<std::ptrdiff_t>(total));
  }
  EXPECT_EQ(names(get("all", "?offset=5")), "");
  EXPECT_EQ(get("all", "?limit=0").status, 400);
}

}  // namespace
}  // namespace keyhaven::http
