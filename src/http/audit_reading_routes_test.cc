// The audit log over the API: a real log on disk behind the routes.
#include "http/audit_reading_routes.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>
#include <set>

#include "audit/search_for_tests.h"
#include "base/file.h"
#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

namespace json = boost::json;

class AuditReadingRoutesTest : public testing::Test, protected TestApi {
 protected:
  void SetUp() override {
    add_caller("administrator", {iam::Role::Administrator}, std::nullopt);
    add_caller("manager", {iam::Role::Manager}, std::nullopt);
    const auto key = crypto::Ed25519PrivateKey::from_seed(SecretBytes(32)).value();
    api.add(audit_reading_routes(
        {searched_.log(), searched_.directory(), key.public_key(), searched_.clock()}));
  }
  net::Response ask(const std::string& method, const std::string& path,
                    const std::string& token = "administrator") {
    return call(method, path, {}, {{"Authorization", "Bearer " + token}, {"Bluemix-Instance", ""}});
  }
  json::object answer(const std::string& method, const std::string& path, int status = 200) {
    const net::Response response = ask(method, path);
    EXPECT_EQ(response.status, status) << response.body;
    return json::parse(std::string_view(response.body)).as_object();
  }
  json::object check_when_done() {
    for (;;) {
      json::object check = answer("GET", "/v1/audit/status").at("check").as_object();
      if (check.at("state") != "running") return check;
    }
  }

  audit::SearchLog searched_;
};

TEST_F(AuditReadingRoutesTest, SearchesPageByPage) {
  audit::Event event = searched_.event();
  event.initiator_name = "\"Ada\"";
  searched_.loop(0, event);
  ASSERT_TRUE(searched_.log().checkpoint());
  searched_.loop(0, event);
  const json::object first = answer("GET", "/v1/audit/records?limit=1&initiator=%22ada");
  const json::object& newest = first.at("records").as_array().at(0).as_object();
  EXPECT_EQ(newest.at("stream"), "loop-0");
  EXPECT_EQ(newest.at("seq"), 2);
  EXPECT_EQ(newest.at("sealed"), false);
  EXPECT_EQ(newest.at("event").as_object().at("action"), "hs-crypto.secrets.wrap");
  EXPECT_EQ(first.at("complete"), false);
  EXPECT_EQ(first.at("looked_back_to"), "2023-11-14T22:13:20Z");
  const std::string cursor(first.at("cursor").as_string());
  const json::object second = answer("GET", "/v1/audit/records?limit=1&cursor=" + cursor);
  const json::object& oldest = second.at("records").as_array().at(0).as_object();
  EXPECT_EQ(oldest.at("sealed"), true);
  EXPECT_EQ(oldest.at("hash"), newest.at("prev"));
  const json::object nothing = answer("GET", "/v1/audit/records?initiator=bob");
  EXPECT_EQ(nothing.at("complete"), true);
  EXPECT_FALSE(nothing.contains("cursor"));
}

TEST_F(AuditReadingRoutesTest, TheRecordOfASearchSaysWhatForIt) {
  audit.take();
  answer("GET", "/v1/audit/records?initiator=bob&limit=3");
  const auto events = audit.take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].action, "hs-crypto.audit-log.search");
  EXPECT_EQ(events[0].details.at(0),
            (std::pair<std::string, std::string>("requestData.initiator", "bob")));
}

TEST_F(AuditReadingRoutesTest, DamageIsToldWithTheRecords) {
  for (int i = 0; i < 3; ++i) searched_.loop(0, searched_.event());
  const std::string path = searched_.file("loop-0.00000001.log");
  auto lines = audit::lines_of(audit::read_text(path));
  lines[1] = "junk\n";
  audit::write_text(path, audit::join(lines));
  const json::object found = answer("GET", "/v1/audit/records");
  EXPECT_EQ(found.at("records").as_array().size(), 2U);
  EXPECT_NE(json::serialize(found.at("findings")).find("not a record"), std::string::npos);
}

TEST_F(AuditReadingRoutesTest, WrongParametersAreRefusedInWords) {
  for (const char* query :
       {"limit=501", "limit=x", "from=now", "to=1", "outcome=ok", "severity=x", "cursor=AA",
        "cursor=AQkBAA", "checkpoints=yes", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"}) {
    const net::Response response = ask("GET", std::string("/v1/audit/records?") + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_NE(response.body.find("INVALID_QUERY_PARAM_ERR"), std::string::npos) << response.body;
  }
}

TEST_F(AuditReadingRoutesTest, StatusTellsStreamsAndWhatIsSigned) {
  searched_.loop(0, searched_.event());
  ASSERT_TRUE(searched_.log().checkpoint());
  searched_.loop(0, searched_.event());
  const json::object status = answer("GET", "/v1/audit/status");
  EXPECT_EQ(status.at("health"), "ok");
  EXPECT_EQ(status.at("unsealed_records"), 1);
  EXPECT_EQ(status.at("sealed_at"), "2023-11-14T22:13:20Z");
  const json::object& first_loop = status.at("streams").as_array().at(1).as_object();
  EXPECT_EQ(first_loop.at("stream"), "loop-0");
  EXPECT_EQ(first_loop.at("seq"), 2);
  EXPECT_EQ(first_loop.at("sealed_seq"), 1);
  EXPECT_EQ(first_loop.at("segments"), 1);
  EXPECT_EQ(
      first_loop.at("bytes").as_int64(),
      static_cast<std::int64_t>(audit::read_text(searched_.file("loop-0.00000001.log")).size()));
  EXPECT_EQ(status.at("check").as_object().at("state"), "none");
}

TEST_F(AuditReadingRoutesTest, ACheckRunsInTheBackgroundAndNamesWhatItFinds) {
  for (int i = 0; i < 3; ++i) searched_.loop(0, searched_.event());
  const json::object started = answer("POST", "/v1/audit/check", 202);
  EXPECT_EQ(started.at("started"), true);
  json::object check = check_when_done();
  EXPECT_EQ(check.at("state"), "finished");
  EXPECT_EQ(check.at("result").as_object().at("records"), 3);
  EXPECT_TRUE(check.at("result").as_object().at("problems").as_array().empty());

  const std::string path = searched_.file("loop-0.00000001.log");
  std::string text = audit::read_text(path);
  text.replace(text.find("wrap"), 4, "warp");
  audit::write_text(path, text);
  answer("POST", "/v1/audit/check", 202);
  check = check_when_done();
  EXPECT_NE(json::serialize(check.at("result")).find("stream loop-0: record 1"), std::string::npos);
}

// An old segment that nobody can open holds the first two searches.
TEST_F(AuditReadingRoutesTest, TwoSearchesRunAtATime) {
  for (int i = 0; i < 30; ++i) searched_.loop(0, searched_.event());
  const std::string path = searched_.file("loop-0.00000001.log");
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::vector<std::shared_ptr<Pending>> calls;
  for (int i = 0; i < 3; ++i) {
    calls.push_back(start("GET", "/v1/audit/records?action=none", {},
                          {{"Authorization", "Bearer administrator"}, {"Bluemix-Instance", ""}}));
  }
  const auto answered = [&] {
    return std::count_if(calls.begin(), calls.end(), [](const auto& pending) {
      const std::lock_guard lock(pending->mutex);
      return pending->response.has_value();
    });
  };
  while (answered() == 0) loop.turn();
  const FileDescriptor writer(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  std::multiset<int> statuses;
  for (const auto& pending : calls) statuses.insert(wait(pending).status);
  EXPECT_EQ(statuses, (std::multiset<int>{200, 200, 429}));
}

TEST_F(AuditReadingRoutesTest, ForAdministratorsOfTheAccount) {
  const std::pair<const char*, const char*> routes[] = {
      {"GET", "/v1/audit/records"}, {"GET", "/v1/audit/status"}, {"POST", "/v1/audit/check"}};
  for (const auto& [method, path] : routes) {
    EXPECT_EQ(ask(method, path, "manager").status, 401) << path;
    EXPECT_EQ(ask(method, path, "nobody").status, 401) << path;
  }
}

}  // namespace
}  // namespace keyhaven::http::key_tests
