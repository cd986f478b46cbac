// GET /metrics: who may read it, what calls it counts, and that its text is what a scraper reads.
#include "http/metrics_routes.h"

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "http/key_test_api.h"
#include "instances/memory_instance_store.h"

namespace keyhaven::http::key_tests {
namespace {

constexpr std::string_view kCreate =
    R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},)"
    R"("resources":[{"name":"payroll","extractable":false}]})";

// Series with labels, as written -> value. Fails the test for a line that the format does not have,
// a series twice, or one without HELP and TYPE before it.
std::map<std::string, double> read_metrics(const std::string& text) {
  static const std::regex kComment(R"(# (HELP|TYPE) ([a-z_]+) (.+))");
  static const std::regex kSeries(R"((([a-z_]+)(?:\{(?:[a-z]+="[^"\\]*",?)+\})?) ([-+.e0-9]+))");
  std::map<std::string, double> out;
  std::set<std::string> helped;
  std::set<std::string> typed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch parts;
    if (std::regex_match(line, parts, kComment)) {
      (parts[1] == "HELP" ? helped : typed).insert(parts[2]);
    } else if (std::regex_match(line, parts, kSeries)) {
      EXPECT_TRUE(helped.contains(parts[2]) && typed.contains(parts[2])) << line;
      EXPECT_TRUE(out.emplace(parts[1], std::stod(parts[3])).second) << line;
    } else {
      ADD_FAILURE() << "not a line of the format: " << line;
    }
  }
  return out;
}

class MetricsRoutesTest : public testing::Test, protected TestApi {
 protected:
  void SetUp() override {
    for (const std::uint8_t number : {std::uint8_t{1}, std::uint8_t{2}}) {
      instances::InstanceRecord record;
      record.id = unit::test_instance(number);
      record.region = "eu-de";
      ASSERT_TRUE(instance_store_.commit_instance(record, {}));
    }
    instances_service_ =
        instances::InstanceService::load({}, instance_store_, soft_unit, live_keys(), clock)
            .value();
    add_caller("administrator", {iam::Role::Administrator}, std::nullopt);
    api.add(metrics_routes({api, *instances_service_, live_keys(), clock.now()}));
  }
  std::function<std::size_t(const InstanceId&)> live_keys() {
    return [this](const InstanceId& id) { return directory.live_keys(id); };
  }

  // Sets the policy of instance 1, a second later.
  void set(bool enabled) {
    clock.advance_seconds(1);
    const InstanceId id = unit::test_instance(1);
    ASSERT_TRUE(instances_service_->set_policies(
        id, {{instances::PolicyType::Metrics, enabled, {}}}, audit::Event()));
    instances.instances[id] = instances_service_->find(id);
  }
  net::Response get(const std::string& token = "administrator") {
    return call("GET", "/metrics", {},
                {{"Authorization", "Bearer " + token}, {"Bluemix-Instance", ""}});
  }
  std::map<std::string, double> metrics() { return read_metrics(get().body); }
  static std::string series(std::string_view name, std::string_view action, int code) {
    return std::string(name) + "{instance=\"" + unit::test_instance(1).text() + "\",api=\"" +
           std::string(action) + "\",code=\"" + std::to_string(code) + "\"}";
  }
  static std::string requests(std::string_view action, int code) {
    return series("ibm_kms_api_request_gauge", action, code);
  }
  std::string create() {
    EXPECT_EQ(call("POST", "/api/v2/keys", kCreate).status, 201);
    return directory.list(unit::test_instance(1), [](auto&) { return true; })[0]->id.text();
  }
  int wrap(const std::string& key) {
    return call("POST", "/api/v2/keys/" + key + "/actions/wrap", "{}").status;
  }

  instances::MemoryInstanceStore instance_store_;
  std::unique_ptr<instances::InstanceService> instances_service_;
};

TEST_F(MetricsRoutesTest, OnlyAdministratorsReadThem) {
  add_caller("nobody", {}, std::nullopt);
  for (const std::string token : {"manager", "nobody", "forged"}) {
    EXPECT_GE(get(token).status, 400) << token;
    EXPECT_EQ(get(token).body.find("keyhaven_"), std::string::npos) << token;
  }
  (void)audit.take();
  const net::Response response = get();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "text/plain; version=0.0.4; charset=utf-8");
  const auto events = audit.take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].action, "hs-crypto.metrics.read");
}

TEST_F(MetricsRoutesTest, WithoutThePolicyOnlyTheServerIsThere) {
  ASSERT_EQ(wrap(create()), 200);
  const std::string text = get().body;
  EXPECT_EQ(text.find("ibm_kms_api_request_gauge{"), std::string::npos);
  EXPECT_EQ(text.find("ibm_kms_api_latency_gauge{"), std::string::npos);
  const auto found = read_metrics(text);
  const auto keys = [](std::uint8_t number) {
    return "keyhaven_keys{instance=\"" + unit::test_instance(number).text() + "\"}";
  };
  EXPECT_EQ(found.at(keys(1)), 1);
  EXPECT_EQ(found.at(keys(2)), 0);
  EXPECT_EQ(found.at("keyhaven_build_info{version=\"" KH_VERSION "\"}"), 1);
  EXPECT_EQ(found.at("process_start_time_seconds"), 1'767'323'045);
  EXPECT_EQ(found.at("keyhaven_suppressed_audit_events_total"), 0);
}

TEST_F(MetricsRoutesTest, CallsAreCountedByApiAndCode) {
  const std::string key = create();
  set(true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wrap(key), 200);
  EXPECT_EQ(call("POST", "/api/v2/keys/" + key + "/actions/disable").status, 204);
  EXPECT_EQ(wrap(key), 409);
  EXPECT_EQ(call("GET", "/api/v2/keys").status, 200);
  const auto found = metrics();
  EXPECT_EQ(found.at(requests("secrets.wrap", 200)), 3);
  EXPECT_EQ(found.at(requests("secrets.wrap", 409)), 1);
  EXPECT_EQ(found.at(requests("secrets.disable", 204)), 1);  // recorded with its change
  EXPECT_EQ(found.at(requests("secrets.list", 200)), 1);
  EXPECT_FALSE(found.contains(requests("secrets.create", 201)));  // before the activation
  const double latency = found.at(series("ibm_kms_api_latency_gauge", "secrets.wrap", 200));
  EXPECT_GT(latency, 0);
  EXPECT_LT(latency, 60'000);
}

TEST_F(MetricsRoutesTest, OffHidesAndOnBeginsAtZero) {
  const std::string key = create();
  set(true);
  EXPECT_EQ(wrap(key), 200);
  set(false);
  EXPECT_EQ(wrap(key), 200);
  EXPECT_FALSE(metrics().contains(requests("secrets.wrap", 200)));
  set(true);
  EXPECT_FALSE(metrics().contains(requests("secrets.wrap", 200)));
  EXPECT_EQ(wrap(key), 200);
  EXPECT_EQ(metrics().at(requests("secrets.wrap", 200)), 1);
}

TEST_F(MetricsRoutesTest, TheStatusThatTheCallerGotIsCounted) {
  const std::string key = create();
  set(true);
  audit.failing = true;
  EXPECT_EQ(wrap(key), 503);
  EXPECT_EQ(call("DELETE", "/api/v2/keys/nothing").status, 503);
  audit.failing = false;
  const auto found = metrics();
  EXPECT_EQ(found.at(requests("secrets.wrap", 503)), 1);
  EXPECT_EQ(found.at(requests("secrets.delete", 503)), 1);
  EXPECT_FALSE(found.contains(requests("secrets.wrap", 200)));
}

TEST_F(MetricsRoutesTest, RefusalsAtTheDoorAreCountedToo) {
  set(true);
  add_caller("stranger", {iam::Role::Manager}, unit::test_instance(2));
  const auto create_as = [this](const std::string& token) {
    return call("POST", "/api/v2/keys", kCreate, {{"Authorization", "Bearer " + token}}).status;
  };
  EXPECT_EQ(create_as("stranger"), 401);
  EXPECT_EQ(metrics().at(requests("secrets.create", 401)), 1);
  // Without a caller the call ends before its instance is looked up.
  EXPECT_EQ(create_as("forged"), 401);
  EXPECT_EQ(metrics().at(requests("secrets.create", 401)), 1);
}

TEST_F(MetricsRoutesTest, RefusalsWithoutARecordOfTheirOwnAreCounted) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(get("forged").status, 401);
  EXPECT_EQ(metrics().at("keyhaven_suppressed_audit_events_total"), 45);
}

}  // namespace
}  // namespace keyhaven::http::key_tests
