#include "http/permission_routes.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "http/test_api.h"
#include "iam/caller.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kHere = "2291e4ae-a14c-4af9-88f0-27c0cb2739e2";
constexpr std::string_view kThere = "3391e4ae-a14c-4af9-88f0-27c0cb2739e2";
constexpr std::string_view kKey = "4491e4ae-a14c-4af9-88f0-27c0cb2739e2";

class Tokens final : public Authenticator {
 public:
  Result<iam::CallerPtr> again(const iam::CallerPtr& caller, std::string_view) override {
    return caller;
  }
  Result<iam::CallerPtr> authenticate(unsigned, std::string_view token) override {
    auto caller = std::make_shared<iam::Caller>();
    caller->iam_id = "iam-ServiceId-" + std::string(token);
    const InstanceId here = InstanceId::parse(kHere).value();
    const auto grant = [&](iam::Role role, std::optional<InstanceId> instance, std::string ring,
                           std::optional<KeyId> key) {
      caller->grants.push_back(
          {"id", caller->iam_id, iam::bit(role), instance, std::move(ring), key});
    };
    if (token == "reader") grant(iam::Role::Reader, here, {}, {});
    if (token == "administrator") grant(iam::Role::Administrator, {}, {}, {});
    if (token == "parts") {
      grant(iam::Role::Manager, here, "finance", {});
      grant(iam::Role::Reader, here, {}, KeyId::parse(kKey).value());
    }
    return iam::CallerPtr(std::move(caller));
  }
};

class NoInstances final : public InstanceLookup {
 public:
  InstancePtr find(const InstanceId&) const override { return nullptr; }
};

class PermissionRoutesTest : public testing::Test {
 protected:
  PermissionRoutesTest() { test_.api().add(permission_routes()); }

  Response get(std::string token, std::string_view instance = {}) {
    std::string target = "/v1/permissions";
    if (!instance.empty()) target.append("?instance=").append(instance);
    return test_.call("GET", target, {std::move(token), {}, {}});
  }
  boost::json::object answer(std::string token, std::string_view instance = {}) {
    const Response response = get(std::move(token), instance);
    EXPECT_EQ(response.status, 200) << response.body;
    return boost::json::parse(response.body).as_object();
  }
  static bool has(const boost::json::value& list, std::string_view action) {
    for (const auto& one : list.as_array()) {
      if (one.as_string() == action) return true;
    }
    return false;
  }

  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  Tokens tokens_;
  NoInstances instances_;
  TestApi test_{tokens_, instances_, clock_};
};

TEST_F(PermissionRoutesTest, OfAReaderOfAnInstance) {
  const auto json = answer("reader", kHere);
  EXPECT_TRUE(json.at("account").as_array().empty());
  const auto& instance = json.at("instance").as_object();
  EXPECT_EQ(instance.at("id").as_string(), kHere);
  EXPECT_TRUE(has(instance.at("actions"), "secrets.wrap"));
  EXPECT_TRUE(has(instance.at("actions"), "instances.read"));
  EXPECT_FALSE(has(instance.at("actions"), "secrets.create"));
  EXPECT_FALSE(has(instance.at("actions"), "permissions.read")) << "needs no role";
  EXPECT_TRUE(instance.at("parts").as_array().empty());
}

TEST_F(PermissionRoutesTest, WithoutAnInstanceAreOfTheAccount) {
  const auto json = answer("administrator");
  EXPECT_TRUE(has(json.at("account"), "iam-policy.create"));
  EXPECT_TRUE(has(json.at("account"), "instances.create"));
  EXPECT_FALSE(has(json.at("account"), "secrets.wrap"));
  EXPECT_FALSE(json.contains("instance"));
}

TEST_F(PermissionRoutesTest, OfRingsAndKeysAreApart) {
  const auto json = answer("parts", kHere);
  EXPECT_TRUE(json.at("instance").at("actions").as_array().empty());
  std::size_t seen = 0;
  for (const auto& part : json.at("instance").at("parts").as_array()) {
    ASSERT_EQ(part.at("places").as_array().size(), 1U);
    const auto& place = part.at("places").at(0).as_object();
    EXPECT_EQ(place.size(), 1U);
    EXPECT_TRUE(has(part.at("actions"), "secrets.wrap"));
    EXPECT_EQ(has(part.at("actions"), "secrets.delete"), place.contains("key_ring"));
    if (place.contains("key")) {
      EXPECT_EQ(place.at("key").as_string(), kKey);
    } else {
      EXPECT_EQ(place.at("key_ring").as_string(), "finance");
    }
    ++seen;
  }
  EXPECT_EQ(seen, 2U);
}

TEST_F(PermissionRoutesTest, AnInstanceOfOthersIsAnsweredAsOneThatIsNot) {
  for (const std::string token : {"parts", "reader", "nobody"}) {
    const auto json = answer(token, kThere);
    EXPECT_TRUE(json.at("instance").at("actions").as_array().empty()) << token;
    EXPECT_TRUE(json.at("instance").at("parts").as_array().empty()) << token;
  }
}

TEST_F(PermissionRoutesTest, SayTheRolesOfEveryActionOnce) {
  std::size_t count = 0;
  const auto json = answer("nobody");
  for (const auto& one : json.at("requirements").as_array()) {
    EXPECT_FALSE(one.at("roles").as_array().empty());
    count += one.at("actions").as_array().size();
    if (has(one.at("actions"), "secrets.create")) {
      EXPECT_EQ(one.at("roles"), (boost::json::array{"Writer", "Manager"}));
    }
  }
  std::size_t expected = 0;
  for (std::size_t index = 0; index < iam::kActionCount; ++index) {
    if (iam::info(static_cast<iam::Action>(index)).access == iam::Access::Roles) ++expected;
  }
  EXPECT_EQ(count, expected);
}

TEST_F(PermissionRoutesTest, LeaveOneRecordAndRefuseWhatIsNoId) {
  EXPECT_EQ(get("reader", kHere).status, 200);
  EXPECT_EQ(get("reader", "payroll").status, 400);
  EXPECT_EQ(get("reader", std::string(kHere) + "0").status, 400);
  EXPECT_EQ(test_.call("GET", "/v1/permissions?instance=", {"reader", {}, {}}).status, 400);
  EXPECT_EQ(get("").status, 401);
  const auto records = test_.log().take();
  ASSERT_EQ(records.size(), 5U);
  for (const auto& record : records) EXPECT_EQ(record.action, "hs-crypto.permissions.read");
  EXPECT_EQ(records[0].status, 200);
  EXPECT_EQ(records[4].status, 401);
}

}  // namespace
}  // namespace keyhaven::http
