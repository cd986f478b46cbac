// The management side of the API with the real authority, instance service and crypto unit behind
// it, and stores and the audit log in memory: for the tests of its route tables.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <regex>
#include <string>

#include "crypto/ec.h"
#include "http/audit_routes.h"
#include "http/health_routes.h"
#include "http/iam_routes.h"
#include "http/identity_routes.h"
#include "http/instance_routes.h"
#include "http/proposal_routes.h"
#include "http/rotation_routes.h"
#include "http/test_api.h"
#include "http/tke_routes.h"
#include "iam/memory_iam_store.h"
#include "instances/memory_instance_store.h"
#include "instances/memory_tke_store.h"
#include "instances/stored_keys_for_tests.h"
#include "unit/soft_unit.h"

namespace keyhaven::http {
inline constexpr std::string_view kAccount = "0123456789abcdef0123456789abcdef";

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// The text member `name` of a JSON answer.
inline std::string member(const std::string& body, const std::string& name) {
  std::smatch found;
  return std::regex_search(body, found, std::regex("\"" + name + "\":\"([^\"]*)\""))
             ? found[1].str()
             : std::string();
}

inline std::string encode_component(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '/') {
      out += c == ':' ? "%3A" : "%2F";
    } else {
      out += c;
    }
  }
  return out;
}

class ManagementTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    key_ = new crypto::RsaPrivateKey(crypto::RsaPrivateKey::generate_2048());
  }
  static void TearDownTestSuite() { delete key_; }

  void SetUp() override {
    auto issuer =
        iam::TokenIssuer::create(*key_, "https://localhost:8443/identity", std::string(kAccount));
    authority_ = iam::Authority::load(iam_store_, std::move(issuer).value(), clock_).value();
    const auto deliver = [&](const iam::Identity&, const iam::CreatedApiKey& key) -> Result<void> {
      secret_ = as_text(key.secret.expose());
      return {};
    };
    ASSERT_TRUE(authority_->bootstrap(deliver).value());
    instances::InstanceOptions options;
    options.account = kAccount;
    options.region = "local";
    options.public_url = "https://localhost:8443";
    service_ = instances::InstanceService::load(
                   options, instance_store_, unit_,
                   [this](const InstanceId&) { return live_keys_; }, clock_)
                   .value();
    authenticator_.emplace(*authority_, clock_, 1);
    lookup_.emplace(*service_);
    test_.emplace(*authenticator_, *lookup_, clock_);
    Api& api = test_->api();
    api.add(identity_routes(*authority_));
    api.add(iam_routes(*authority_));
    api.add(instance_routes(*service_));
    rotations_.emplace(instances::MasterKeyRotations::Parts{*service_, unit_, gate_, stored_,
                                                            [] { return Result<void>(); }, clock_});
    proposals_.emplace(instances::Proposals::Parts{*service_, tke_store_, clock_});
    transcript_.emplace(instances::Transcript::Parts{*service_, tke_store_, clock_});
    frame_front_.emplace(FrameFront{*service_, *rotations_, *transcript_, {}});
    api.add(tke_routes(*frame_front_));
    api.add(proposal_routes(*frame_front_, *proposals_));
    api.add(transcript_routes(*frame_front_));
    api.add(rotation_routes(*service_, *rotations_));
    api.add(audit_routes(test_->log(), audit_key_));
    api.add(health_routes(
        {{"unit", [this] { return unit_health_; }}, {"store", [] { return Result<void>(); }}}));
    admin_ = token_of(secret_);
    records();
  }

  Response call(std::string method, const std::string& target, const std::string& token = {},
                const std::string& body = {}) {
    return test_->call(std::move(method), target, {token, body, {}});
  }
  std::string token_of(const std::string& secret) {
    const Response response =
        call("POST", "/identity/token", {},
             "grant_type=urn%3Aibm%3Aparams%3Aoauth%3Agrant-type%3Aapikey&apikey=" + secret);
    EXPECT_EQ(response.status, 200) << response.body;
    return member(response.body, "access_token");
  }
  // Every audit record since the last look: those of the log and those committed with a change.
  std::vector<audit::Event> records() {
    std::vector<audit::Event> out = test_->log().take();
    for (; seen_iam_ < iam_store_.events().size(); ++seen_iam_)
      out.push_back(iam_store_.events()[seen_iam_]);
    for (; seen_instances_ < instance_store_.events().size(); ++seen_instances_) {
      out.push_back(instance_store_.events()[seen_instances_]);
    }
    for (; seen_tke_ < tke_store_.events().size(); ++seen_tke_)
      out.push_back(tke_store_.events()[seen_tke_]);
    return out;
  }
  // A service id with one role on one instance ("" : on everything); returns its token.
  std::string token_with(const std::string& role, const std::string& instance) {
    const std::string iam_id =
        member(call("POST", "/v1/serviceids", admin_, R"({"name":"app"})").body, "iam_id");
    std::string resources = R"({"name":"serviceName","value":"hs-crypto"})";
    if (!instance.empty())
      resources += R"(,{"name":"serviceInstance","value":")" + instance + "\"}";
    const Response policy =
        call("POST", "/v1/policies", admin_,
             R"({"type":"access","subjects":[{"attributes":[{"name":"iam_id","value":")" + iam_id +
                 R"("}]}],"roles":[{"role_id":"crn:v1:bluemix:public:iam::::serviceRole:)" + role +
                 R"("}],"resources":[{"attributes":[)" + resources + "]}]}");
    EXPECT_EQ(policy.status, 201) << policy.body;
    const Response key =
        call("POST", "/v1/apikeys", admin_, R"({"name":"key","iam_id":")" + iam_id + "\"}");
    EXPECT_EQ(key.status, 201) << key.body;
    const std::string token = token_of(member(key.body, "apikey"));
    records();
    return token;
  }
  std::string create_instance(const std::string& name) {
    const Response response =
        call("POST", "/v2/resource_instances", admin_, R"({"name":")" + name + "\"}");
    EXPECT_EQ(response.status, 201) << response.body;
    records();
    return member(response.body, "guid");
  }

  static inline crypto::RsaPrivateKey* key_ = nullptr;
  ManualClock clock_{Timestamp::from_seconds(1'800'000'000)};
  unit::NullSink sink_;
  std::unique_ptr<unit::DomainTable> table_ = unit::DomainTable::create(sink_).value();
  unit::SoftUnit unit_{*table_, clock_};
  iam::MemoryIamStore iam_store_;
  instances::MemoryInstanceStore instance_store_;
  std::size_t live_keys_ = 0;
  Result<void> unit_health_;
  std::array<std::uint8_t, 32> audit_key_{0xAB};
  std::string secret_, admin_;
  std::unique_ptr<iam::Authority> authority_;
  std::unique_ptr<instances::InstanceService> service_;
  std::optional<TokenAuthenticator> authenticator_;
  std::optional<ServiceInstances> lookup_;
  instances::UnitGate gate_;
  instances::FixedStoredKeys stored_;
  std::optional<instances::MasterKeyRotations> rotations_;
  instances::MemoryTkeStore tke_store_;
  std::optional<instances::Proposals> proposals_;
  std::optional<instances::Transcript> transcript_;
  std::optional<FrameFront> frame_front_;
  std::optional<TestApi> test_;
  std::size_t seen_iam_ = 0, seen_instances_ = 0, seen_tke_ = 0;
};

}  // namespace keyhaven::http
