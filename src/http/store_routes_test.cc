// What a check of the stored records has found, as the API tells it, and who may ask.
#include "http/store_routes.h"

#include <gtest/gtest.h>

#include "http/key_test_api.h"

namespace keyhaven::http::key_tests {
namespace {

using instances::RecordCheck;
using instances::RecordFault;

class FixedRecords final : public instances::StoredRecords {
 public:
  Result<RecordCheck> check_records() override {
    if (refuse) return Error{Reason::Conflict, "another check is under way", {}};
    return now;
  }
  const RecordCheck& found_at_start() const noexcept override { return at_start; }
  Result<void> renew_seals(const InstanceId&) override { return {}; }

  RecordCheck at_start;
  RecordCheck now;
  bool refuse = false;
};

class StoreRoutesTest : public testing::Test, protected TestApi {
 protected:
  void SetUp() override {
    add_caller("administrator", {iam::Role::Administrator}, std::nullopt);
    add_caller("manager", {iam::Role::Manager}, std::nullopt);
    api.add(store_routes(records_));
  }
  net::Response ask(const std::string& method, const std::string& token = "administrator") {
    return call(method, "/v1/store/verification", {},
                {{"Authorization", "Bearer " + token}, {"Bluemix-Instance", ""}});
  }
  FixedRecords records_;
};

TEST_F(StoreRoutesTest, TellsWhatTheStartFoundAndWhatIsFoundNow) {
  records_.at_start.records = 7;
  records_.now.records = 9;
  records_.now.faults = 5;
  const InstanceId instance = unit::test_instance(1);
  const KeyId key{instance.uuid};
  records_.now.suspects = {
      {"keys", instance, key.text(), key, RecordFault::Old},
      {"grants", {}, "a\"b", {}, RecordFault::Missing},
  };
  unit::ScopeDifference difference;
  difference.scope = instance;
  difference.old = 1;
  difference.difference.fill(0xAB);
  records_.now.differences = {difference};

  const net::Response start = ask("GET");
  EXPECT_EQ(start.status, 200);
  EXPECT_NE(
      start.body.find(R"("records":7,"faults":0,"unnamed":0,"suspects":[],"differences":[]})"),
      std::string::npos)
      << start.body;
  const net::Response now = ask("POST");
  EXPECT_EQ(now.status, 200);
  const std::string id = instance.text();
  EXPECT_NE(
      now.body.find(R"("records":9,"faults":5,"unnamed":3,"suspects":[{"table":"keys",)"
                    R"("instance_id":")" +
                    id + R"(","id":")" + id + R"(","fault":"old"},{"table":"grants",)" +
                    R"("id":"a\"b","fault":"missing"}],"differences":[{"instance_id":")" + id +
                    R"(","forged":0,"old":1,"returned":0,"newer":0,"missing":0,)"
                    R"("difference":"abab)"),
      std::string::npos)
      << now.body;
}

TEST_F(StoreRoutesTest, IsForAdministratorsOfTheAccount) {
  EXPECT_EQ(ask("GET", "manager").status, 401);
  EXPECT_EQ(ask("POST", "manager").status, 401);
  EXPECT_EQ(ask("POST", "nobody").status, 401);
}

TEST_F(StoreRoutesTest, SaysWhyNoCheckWasMade) {
  records_.refuse = true;
  EXPECT_EQ(ask("POST").status, 409);
}

}  // namespace
}  // namespace keyhaven::http::key_tests
