#include "http/migration_report_routes.h"

#include <gtest/gtest.h>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

const std::string kHash(64, 'a');
const std::string kPlan = "11111111-2222-4333-8444-555555555555";

class MigrationReportRoutesTest : public testing::Test, protected TestApi {
 protected:
  void SetUp() override {
    add_caller("manager", {iam::Role::Manager}, std::nullopt);
    add_caller("writer", {iam::Role::Writer}, std::nullopt);
    api.add(migration_report_routes(audit, {0xAB}));
  }
  static std::string body(const std::string& name = {}, const std::string& value = {}) {
    std::map<std::string, std::string> members = {
        {"plan_id", "\"" + kPlan + "\""},         {"report_sha256", "\"" + kHash + "\""},
        {"plan_sha256", "\"" + kHash + "\""},     {"journal_sha256", "\"" + kHash + "\""},
        {"source_instance", "\"" + kPlan + "\""}, {"result", "\"verified\""}};
    if (!name.empty()) members[name] = value;
    std::string out = "{";
    for (const auto& [key, text] : members) {
      if (text == "absent") continue;
      out += (out.size() > 1 ? "," : "") + ("\"" + key + "\":") + text;
    }
    return out + "}";
  }
  net::Response post(const std::string& text, const std::string& token = "manager") {
    return call("POST", "/api/v2/migration_reports", text, {{"Authorization", "Bearer " + token}});
  }
};

TEST_F(MigrationReportRoutesTest, RecordsTheHashesOnceAndAnswersTheReceipt) {
  audit.take();
  const net::Response answer = post(body());
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.body.find(R"({"record":"record","checkpoint":"checkpoint","public_key":"ab00)"),
            0U)
      << answer.body;
  const auto events = audit.take();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].action, "hs-crypto.migration-report.record");
  EXPECT_EQ(events[0].status, 201);
  std::string details;
  for (const auto& [name, value] : events[0].details) details += name + "=" + value + " ";
  EXPECT_NE(details.find("requestData.reportHash=" + kHash), std::string::npos) << details;
  EXPECT_NE(details.find("requestData.planId=" + kPlan), std::string::npos) << details;
}

TEST_F(MigrationReportRoutesTest, RefusesWhatIsNoHashOrIsMissing) {
  for (const char* name : {"report_sha256", "plan_sha256", "journal_sha256"}) {
    EXPECT_EQ(post(body(name, "\"" + std::string(63, 'a') + "\"")).status, 400) << name;
    EXPECT_EQ(post(body(name, "\"" + std::string(64, 'A') + "\"")).status, 400) << name;
    EXPECT_EQ(post(body(name, "\"" + std::string(64, 'g') + "\"")).status, 400) << name;
  }
  for (const char* name :
       {"plan_id", "report_sha256", "plan_sha256", "journal_sha256", "result", "source_instance"}) {
    EXPECT_EQ(post(body(name, "absent")).status, 400) << name;
    EXPECT_EQ(post(body(name, "7")).status, 400) << name;
  }
  EXPECT_EQ(post(body("result", "\"fine\"")).status, 400);
  EXPECT_EQ(post(body("more", "1")).status, 400);
  EXPECT_EQ(post("").status, 400);
}

TEST_F(MigrationReportRoutesTest, IsForManagersOfTheInstance) {
  EXPECT_EQ(post(body(), "writer").status, 401);
}

}  // namespace
}  // namespace keyhaven::http::key_tests
