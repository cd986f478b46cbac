// The walk of a call: who gets in, what is audited, what happens when something is full or broken.
#include "http/api.h"

#include <gtest/gtest.h>

#include <latch>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

constexpr std::string_view kCreate =
    R"({"metadata":{"collectionType":"application/vnd.ibm.kms.key+json","collectionTotal":1},)"
    R"("resources":[{"name":"payroll","extractable":false}]})";

std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

bool contains(const net::Response& response, std::string_view text) {
  return response.body.find(text) != std::string::npos;
}

class ApiTest : public ::testing::Test, protected TestApi {};

TEST_F(ApiTest, EveryRouteIsAuditedExactlyOnceServedOrRefused) {
  add_caller("nobody", {}, std::nullopt);
  const Routes routes = api.routes();
  ASSERT_GT(routes.size(), 30U);
  for (const std::string token : {"manager", "nobody", "forged"}) {
    for (const Route& route : routes) {
      // Something for each parameter; most calls are refused, which must be recorded too.
      std::string path;
      for (std::string_view rest = route.pattern; !rest.empty();) {
        const std::size_t brace = rest.find('{');
        path += rest.substr(0, brace);
        if (brace == std::string_view::npos) break;
        path += "something";
        rest.remove_prefix(rest.find('}') + 1);
      }
      if (!route.legacy_action.empty()) path += "?action=" + std::string(route.legacy_action);
      clock.advance_seconds(1);  // a fresh budget of anonymous refusals
      const std::size_t committed = store.events().size();
      const auto response =
          call(name_of(route.method), path, kCreate, {{"Authorization", "Bearer " + token}});
      const auto logged = audit.take();
      const std::size_t records = logged.size() + store.events().size() - committed;
      const std::string what = token + ' ' + std::string(name_of(route.method)) + ' ' + path;
      EXPECT_EQ(records, 1U) << what;
      if (logged.size() == 1) {
        EXPECT_EQ(logged[0].status, response.status) << what;
        EXPECT_EQ(logged[0].action, "hs-crypto." + std::string(iam::info(route.action).event))
            << what;
        EXPECT_EQ(logged[0].outcome == audit::Outcome::Success, response.status < 400) << what;
      }
      EXPECT_LT(response.status, 500) << what << ": " << response.body;
      EXPECT_TRUE(token != "forged" || response.status == 401) << what;
    }
  }
}

TEST_F(ApiTest, UnknownPathsAndMethodsAreJsonErrors) {
  const auto unknown = call("GET", "/api/v2/secrets");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_TRUE(contains(unknown, "errorMsg"));
  EXPECT_NE(header_of(unknown, "Correlation-Id"), "");
  const auto method = call("PUT", "/api/v2/keys/something/versions");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(header_of(method, "Allow"), "GET");
  EXPECT_EQ(audit.take().size(), 2U);
}

TEST_F(ApiTest, TokensAreRequired) {
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Authorization", ""}}).status, 401);
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Authorization", "Bearer wrong"}}).status, 401);
  const auto no_bearer = call("GET", "/api/v2/keys", {}, {{"Authorization", "Basic Yng6Yng="}});
  EXPECT_EQ(no_bearer.status, 400);
  EXPECT_TRUE(contains(no_bearer, "BEARER_SUB_EXTRACTION_ERR"));
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Authorization", "Bearer "}}).status, 400);
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Authorization", "bearer  manager"}}).status, 200);
}

TEST_F(ApiTest, InstanceHeaderRules) {
  for (const auto bad : {"", "not-a-uuid", "11111111-1111-1111-1111-11111111111"}) {
    const auto response = call("GET", "/api/v2/keys", {}, {{"Bluemix-Instance", bad}});
    EXPECT_EQ(response.status, 400) << bad;
    EXPECT_TRUE(contains(response, "Bluemix-Instance")) << bad;
    EXPECT_FALSE(contains(response, "reasons")) << bad;
  }
  // Header names in any case (Go and curl send lower case).
  EXPECT_EQ(call("GET", "/api/v2/keys", {},
                 {{"Bluemix-Instance", ""}, {"bluemix-instance", unit::test_instance(1).text()}})
                .status,
            200);
  const std::string unknown = crypto::random_uuid().text();
  EXPECT_EQ(call("GET", "/api/v2/key_rings", {}, {{"Bluemix-Instance", unknown}}).status, 401);
}

TEST_F(ApiTest, ForeignAndUnknownInstancesLookTheSame) {
  const auto foreign =
      call("GET", "/api/v2/key_rings", {}, {{"Bluemix-Instance", unit::test_instance(2).text()}});
  const auto unknown =
      call("GET", "/api/v2/key_rings", {}, {{"Bluemix-Instance", crypto::random_uuid().text()}});
  EXPECT_EQ(foreign.status, 401);
  EXPECT_EQ(foreign.body, unknown.body);
}

TEST_F(ApiTest, AHostThatNamesAnotherInstanceIsRefused) {
  const std::string own = unit::test_instance(1).text() + ".api.eu-de.hs-crypto.appdomain.cloud";
  const std::string other =
      unit::test_instance(2).text() + ".api.eu-de.hs-crypto.appdomain.cloud:443";
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Host", own}}).status, 200);
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Host", other}}).status, 401);
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, {{"Host", "localhost:8443"}}).status, 200);
}

TEST_F(ApiTest, CorrelationIdsAreEchoedAlsoOnErrors) {
  const std::string id = "7e2f1bd5-91cd-4a4a-8d3c-0e1fb5a2c6aa";
  EXPECT_EQ(header_of(call("GET", "/api/v2/keys", {}, {{"Correlation-Id", id}}), "Correlation-Id"),
            id);
  EXPECT_EQ(header_of(call("GET", "/nowhere", {}, {{"correlation-id", id}}), "Correlation-Id"), id);
  const auto made = header_of(call("GET", "/api/v2/keys", {}, {{"Correlation-Id", "x\" hostile"}}),
                              "Correlation-Id");
  EXPECT_TRUE(Uuid::parse(made));
  const auto events = audit.take();
  EXPECT_EQ(events.at(0).correlation_id, id);
}

TEST_F(ApiTest, WithoutTheRightAKeyIsAsGoodAsAbsent) {
  ASSERT_EQ(call("POST", "/api/v2/keys", kCreate).status, 201);
  const std::string existing =
      directory.list(unit::test_instance(1), [](auto&) { return true; })[0]->id.text();
  add_caller("stranger", {iam::Role::Manager}, unit::test_instance(2));
  const TestHeaders as_stranger = {{"Authorization", "Bearer stranger"}};
  const auto there = call("GET", "/api/v2/keys/" + existing + "/metadata", {}, as_stranger);
  const auto absent =
      call("GET", "/api/v2/keys/" + crypto::random_uuid().text() + "/metadata", {}, as_stranger);
  EXPECT_EQ(there.status, 401);
  EXPECT_EQ(there.body, absent.body);
  const auto entitled = call("GET", "/api/v2/keys/" + crypto::random_uuid().text() + "/metadata");
  EXPECT_EQ(entitled.status, 404);
  EXPECT_TRUE(contains(entitled, "KEY_NOT_FOUND_ERR"));
}

TEST_F(ApiTest, IfTheAuditCannotBeWrittenNothingIsServed) {
  ASSERT_EQ(call("POST", "/api/v2/keys", kCreate).status, 201);
  audit.failing = true;
  const auto response = call("GET", "/api/v2/keys");
  EXPECT_EQ(response.status, 503);
  EXPECT_TRUE(contains(response, "AUDIT_UNAVAILABLE_ERR"));
  EXPECT_FALSE(contains(response, "payroll"));
  EXPECT_NE(header_of(response, "Correlation-Id"), "");
  const auto refused = call("DELETE", "/api/v2/keys/nothing");
  EXPECT_EQ(refused.status, 503);
  audit.failing = false;
  EXPECT_EQ(call("GET", "/api/v2/keys").status, 200);
}

TEST_F(ApiTest, AnswersOfOneTurnShareOneFlush) {
  std::vector<std::shared_ptr<Pending>> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(start("GET", "/api/v2/key_rings", {}, {}));
  for (const auto& pending : calls) EXPECT_EQ(wait(pending).status, 200);
  EXPECT_EQ(audit.flushes, 1);
  EXPECT_EQ(audit.take().size(), 10U);
}

TEST_F(ApiTest, FloodsWithoutACallerAreCounted) {
  const TestHeaders forged = {{"Authorization", "Bearer forged"}};
  for (int i = 0; i < 50; ++i) EXPECT_EQ(call("GET", "/api/v2/keys", {}, forged).status, 401);
  EXPECT_EQ(audit.take().size(), 5U);
  clock.advance_seconds(1);
  api.tick(0);
  const auto summary = audit.take();
  ASSERT_EQ(summary.size(), 1U);
  api.tick(0);
  EXPECT_EQ(audit.take().size(), 0U);
  EXPECT_EQ(call("GET", "/api/v2/keys", {}, forged).status, 401);
  EXPECT_EQ(audit.take().size(), 1U);
}

TEST_F(ApiTest, FloodsThatSucceedWithoutACallerAreCountedToo) {
  const auto answer = [](const CallPtr& one) {
    if (one->query("as")) one->set_initiator("somebody", "who logged in");
    one->finish({});
  };
  api.add({on_loop(Method::Get, "/open", iam::Action::KeysetRead, Check::Handler, answer),
           blocking(Method::Get, "/slow", iam::Action::KeysetRead, Check::Handler,
                    [](Call&) { return Response{}; })});
  for (const char* path : {"/open", "/slow", "//slow"}) {
    for (int i = 0; i < 50; ++i) EXPECT_EQ(call("GET", path).status, 200);
    EXPECT_EQ(audit.take().size(), 5U) << path;
    clock.advance_seconds(1);
    api.tick(0);
    EXPECT_EQ(audit.take().size(), 1U) << path;
  }
  // Who was logged in by the call is not anybody.
  for (int i = 0; i < 50; ++i) EXPECT_EQ(call("GET", "/open?as=somebody").status, 200);
  EXPECT_EQ(audit.take().size(), 50U);
}

// All workers are held; calls that were let in wait behind them.
TEST_F(ApiTest, WhatIsRevokedWhileACallWaitsForAThreadCounts) {
  add_caller("thief", {iam::Role::Manager}, unit::test_instance(1));
  add_caller("demoted", {iam::Role::Manager}, unit::test_instance(1));
  std::latch go(1);
  std::latch busy(kWorkers);
  for (unsigned i = 0; i < kWorkers; ++i) {
    ASSERT_TRUE(workers.submit([&] {
      busy.count_down();
      go.wait();
    }));
  }
  busy.wait();
  const auto begin = [&](const std::string& token) {
    return start("POST", "/api/v2/keys", kCreate, {{"Authorization", "Bearer " + token}});
  };
  const auto thief = begin("thief"), demoted = begin("demoted"), manager = begin("manager");
  tokens.callers.erase("thief");
  add_caller("demoted", {iam::Role::Reader}, unit::test_instance(1));
  go.count_down();
  EXPECT_EQ(wait(thief).status, 401);
  EXPECT_EQ(wait(demoted).status, 401);
  EXPECT_EQ(wait(manager).status, 201);
  workers.stop();  // the held ones use the latches
  EXPECT_EQ(store.events().size(), 1U);
  const auto refused = audit.take();
  ASSERT_EQ(refused.size(), 2U);
  for (const audit::Event& event : refused) EXPECT_EQ(event.outcome, audit::Outcome::Failure);
}

TEST_F(ApiTest, AFullPoolRefusesWith503) {
  std::mutex gate;
  gate.lock();
  // First every worker is busy, then the queue is full: a worker that began only later would make
  // room again.
  std::latch busy(kWorkers);
  for (unsigned i = 0; i < kWorkers; ++i) {
    ASSERT_TRUE(workers.submit([&] {
      busy.count_down();
      const std::lock_guard lock(gate);
    }));
  }
  busy.wait();
  std::size_t queued = 0;
  while (workers.submit([&gate] { std::lock_guard lock(gate); })) ++queued;
  const auto response = call("GET", "/api/v2/keys");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(header_of(response, "Retry-After"), "1");
  gate.unlock();
  workers.stop();  // the queued tasks use the gate
  EXPECT_GE(queued, 8U);
}

TEST_F(ApiTest, EventsTellWhoDidWhatWhere) {
  ASSERT_EQ(call("POST", "/api/v2/keys?x=secret", kCreate, {{"User-Agent", "test/1"}}).status, 201);
  const auto events = store.events();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_TRUE(audit.take().empty());
  const audit::Event& event = events[0];
  EXPECT_EQ(event.action, "hs-crypto.secrets.create");
  EXPECT_EQ(event.status, 201);
  EXPECT_EQ(event.outcome, audit::Outcome::Success);
  EXPECT_EQ(event.initiator_id, "iam-ServiceId-manager");
  EXPECT_EQ(event.initiator_address, "192.0.2.1");
  EXPECT_EQ(event.initiator_agent, "test/1");
  EXPECT_EQ(event.instance_id, unit::test_instance(1).text());
  EXPECT_EQ(event.request_uri, "/api/v2/keys");
  EXPECT_EQ(event.target_id.rfind("crn:v1:bluemix:public:hs-crypto:eu-de:a/aaaa", 0), 0U);
  ASSERT_EQ(call("POST", "/api/v2/keys", "{").status, 400);
  const auto refused = audit.take();
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].reason, "BAD_BODY_ERR");
  EXPECT_EQ(refused[0].severity, "warning");
}

}  // namespace
}  // namespace keyhaven::http::key_tests
