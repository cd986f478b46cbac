// The migrate verbs as a user types them, against two scripted services.
#include "cli/migrate_commands.h"

#include <gtest/gtest.h>

#include "cli/run_for_tests.h"
#include "migrate/service_for_tests.h"

namespace keyhaven::cli {
namespace {

using migrate::testing::content_of;
using migrate::testing::Migration;

class MigrateCommands : public ::testing::Test {
 protected:
  MigrateCommands() {
    source_ca_ = migration_.directory.write("source.pem", migration_.source.ca_pem());
    target_ca_ = migration_.directory.write("target.pem", migration_.target.ca_pem());
    api_key_ = migration_.directory.write("api-key", "test-api-key\n");
    inventory_ = migration_.directory.write(
        "deks.csv", "key,wdek,aad,ref\n" + migration_.imported + "," +
                        migration_.source.wrap(migration_.imported, "dek-1", {}) + ",,one\n" +
                        "payroll," + migration_.source.wrap("payroll", "dek-2", {"a"}) +
                        ",\"[\"\"a\"\"]\",two\n");
  }
  std::string path(std::string_view name) const { return migration_.directory / name; }
  std::vector<std::string> plan_arguments() const {
    return {"migrate",
            "plan",
            "--source-url",
            migration_.source.ref().url,
            "--source-ca",
            source_ca_,
            "--source-api-key-file",
            api_key_,
            "--source-instance",
            "source-instance",
            "--target-url",
            migration_.target.ref().url,
            "--target-ca",
            target_ca_,
            "--target-api-key-file",
            api_key_,
            "--target-instance",
            "target-instance",
            "--inventory",
            inventory_,
            "--material",
            path("material.csv"),
            "--out",
            path("plan.yaml")};
  }
  Ran apply() {
    return run_program({"migrate", "apply", path("plan.yaml"), "--material", path("material.csv")});
  }
  Ran rewrap() {
    return run_program({"migrate", "rewrap", path("plan.yaml"), "--inventory", inventory_, "--out",
                        path("new.csv")});
  }
  Ran verify() {
    return run_program({"migrate", "verify", path("plan.yaml"), "--inventory", inventory_,
                        "--rewrapped", path("new.csv"), "--json", path("verify.json")});
  }
  boost::json::value status() {
    const Ran ran = run_program({"migrate", "status", path("plan.yaml"), "--output", "json"});
    EXPECT_EQ(ran.status, kExitOk) << ran.err;
    return boost::json::parse(ran.out);
  }

  Migration migration_;
  std::string source_ca_, target_ca_, api_key_, inventory_;
};

TEST_F(MigrateCommands, CarryEverythingAndProveIt) {
  Ran ran = run_program(plan_arguments());
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_NE(ran.out.find("payroll"), std::string::npos);
  EXPECT_EQ(content_of(path("plan.yaml")).find("test-api-key"), std::string::npos);
  EXPECT_EQ(status().at("totals").at("planned"), 4);

  ran = apply();
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  migration_.expect_all_carried();
  ran = rewrap();
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  ran = verify();
  ASSERT_EQ(ran.status, kExitOk) << ran.err << ran.out;
  EXPECT_NE(ran.out.find("2 of 2 DEKs equal, 1 of 1 standard keys equal, 0 metadata difference(s)"),
            std::string::npos)
      << ran.out;
  const auto result = boost::json::parse(content_of(path("verify.json")));
  EXPECT_EQ(result.at("deks_equal"), 2);
  EXPECT_EQ(result.at("keys_missing"), 0);

  const auto done = status();
  EXPECT_EQ(done.at("totals").at("verified"), 4);
  EXPECT_EQ(done.at("totals").at("reported"), 1);
  EXPECT_EQ(done.at("rewrap").at("rewrapped"), 2);
  EXPECT_EQ(done.at("verify").at("deks"), 2);
}

TEST_F(MigrateCommands, SayWhatIsWrongByTheirStatus) {
  migration_.directory.write("deks.csv", "key,wdek,aad,ref\nnobody,AAAA,,r\n");
  Ran ran = run_program(plan_arguments());
  EXPECT_EQ(ran.status, kExitFailed);  // written, but something in it is blocked
  EXPECT_NE(ran.err.find("nobody"), std::string::npos) << ran.err;
  ASSERT_TRUE(std::filesystem::exists(path("plan.yaml")));
  ASSERT_EQ(apply().status, kExitOk);
  ran = rewrap();
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("new.csv.errors.csv"), std::string::npos) << ran.err;
  EXPECT_EQ(verify().status, kExitFailed);
  ran = run_program(plan_arguments());
  EXPECT_NE(ran.status, kExitOk);  // a plan is never overwritten
}

TEST_F(MigrateCommands, RefuseAJournalOfAnotherTarget) {
  ASSERT_EQ(run_program(plan_arguments()).status, kExitOk);
  ASSERT_EQ(apply().status, kExitOk);
  std::string plan = content_of(path("plan.yaml"));
  const std::size_t at = plan.find("target-instance");
  ASSERT_NE(at, std::string::npos);
  migration_.directory.write("plan.yaml", plan.replace(at, 6, "wrong-"));
  const Ran ran = apply();
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("the plan now names others"), std::string::npos) << ran.err;
}

TEST_F(MigrateCommands, SendTheirOwnApiKeyToTheirOwnServiceOnly) {
  const Environment own = {{"KH_URL", migration_.source.ref().url},
                           {"KH_CA", source_ca_},
                           {"KH_API_KEY", "test-api-key"}};
  const auto target_log = migration_.target.log().size();
  std::vector<std::string> arguments = {"migrate",
                                        "plan",
                                        "--source-instance",
                                        "source-instance",
                                        "--target-instance",
                                        "target-instance",
                                        "--target-url",
                                        migration_.target.ref().url,
                                        "--target-ca",
                                        target_ca_,
                                        "--out",
                                        path("plan.yaml")};
  Ran ran = run_program(arguments, own);
  EXPECT_NE(ran.status, kExitOk);
  EXPECT_NE(ran.err.find("is not sent to another service"), std::string::npos) << ran.err;
  EXPECT_EQ(migration_.target.log().size(), target_log);
  // The identity service counts too: it is what gets the key.
  arguments.insert(arguments.end(),
                   {"--target-api-key-file", api_key_, "--source-url", migration_.source.ref().url,
                    "--source-iam-url", "https://127.0.0.1:1"});
  ran = run_program(arguments, own);
  EXPECT_NE(ran.err.find("is not sent to another service"), std::string::npos) << ran.err;

  // A plan that somebody changed sends it nowhere else either.
  arguments = {"migrate",
               "plan",
               "--source-instance",
               "source-instance",
               "--target-instance",
               "target-instance",
               "--target-url",
               migration_.target.ref().url,
               "--target-ca",
               target_ca_,
               "--target-api-key-file",
               api_key_,
               "--out",
               path("plan.yaml")};
  ran = run_program(arguments, own);
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  std::string plan = content_of(path("plan.yaml"));
  plan.replace(plan.find(migration_.source.ref().url), migration_.source.ref().url.size(),
               "https://127.0.0.1:1");
  migration_.directory.write("plan.yaml", plan);
  ran = run_program({"migrate", "apply", path("plan.yaml")}, own);
  EXPECT_NE(ran.err.find("is not sent to another service"), std::string::npos) << ran.err;
}

TEST_F(MigrateCommands, MaterialThatOthersCanReadIsRefused) {
  std::filesystem::permissions(path("material.csv"), static_cast<std::filesystem::perms>(0644));
  const Ran ran = run_program(plan_arguments());
  EXPECT_NE(ran.status, kExitOk);
  EXPECT_NE(ran.err.find("chmod 600"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(path("plan.yaml")));
}

}  // namespace
}  // namespace keyhaven::cli
