// transfer offer against software crypto units in the same process.
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "cli/transfer_for_tests.h"
#include "cli/units_for_tests.h"

namespace keyhaven::cli {
namespace {

using Words = std::vector<std::string>;

class TransferOfferTest : public testing::Test {
 protected:
  TransferOfferTest() {
    for (const std::string name : {"alice", "bob"}) {
      files_.write(name + ".password", "correct horse " + name + "\n");
      EXPECT_EQ(run({"tke", "sigkey-add", name, "--password-file", password(name)}).status,
                kExitOk);
    }
    EXPECT_EQ(run(signed_by({"tke", "auto-init", "--signature-threshold", "2",
                             "--revocation-threshold", "1"}))
                  .status,
              kExitOk);
    source_root_ = files_.write("source.root", source_.root.text());
    auto service = units_.factory()();
    const auto claim = (*service)->claimed_root();
    own_root_ = files_.write("own.root",
                             "SKI: " + claim->ski + "\nX: " + claim->x + "\nY: " + claim->y + "\n");
    out_ = files_.path() + "/offer";
  }
  Ran run(Words arguments) {
    arguments.insert(arguments.end(), {"--instance", units_.instance});
    return run_program(arguments, {{"CLOUDTKEFILES", files_.path()}}, {}, units_.factory());
  }
  std::string password(const std::string& name) const {
    return files_.path() + '/' + name + ".password";
  }
  Words signed_by(Words verb, const Words& names = {"alice", "bob"}) const {
    for (const std::string& name : names)
      verb.insert(verb.end(), {"--signer", name + ':' + password(name)});
    verb.insert(verb.end(), {"--trust-on-first-use", "--yes"});
    return verb;
  }
  Words offer(const std::string& valid = "24h") const {
    return {"transfer", "offer", "--source-root",     source_root_,           "--valid", valid,
            "--out",    out_,    "--source-instance", source_.instance.text()};
  }
  void allow() { ASSERT_EQ(run(signed_by({"tke", "cryptounit-cp-transfer-in"})).status, kExitOk); }
  bool is_there() const { return std::filesystem::exists(out_); }

  TemporaryDirectory files_;
  UnitsForTests units_{unit::UnitCounts{2, 2, 1}};
  DeploymentForTests source_;
  std::string source_root_, own_root_, out_;
};

TEST_F(TransferOfferTest, TheUnitOffersWhatTheQuorumSigned) {
  allow();
  Words words = signed_by(offer("90m"));
  words.insert(words.end(), {"--output", "json"});
  const Timestamp before = SystemClock().now();
  const Ran made = run(words);
  ASSERT_EQ(made.status, kExitOk) << made.err;
  EXPECT_NE(made.err.find(to_hex(source_.root.ski)), std::string::npos) << "both fingerprints";
  const Ran shown = run_program({"transfer", "show", out_, "--target-root", own_root_,
                                 "--source-root", source_root_, "--output", "json"});
  ASSERT_EQ(shown.status, kExitOk) << shown.err;
  const auto about = boost::json::parse(shown.out).as_object();
  EXPECT_EQ(about.at("target").as_string(), units_.instance);
  EXPECT_EQ(about.at("source").as_string(), source_.instance.text());
  EXPECT_EQ(about.at("source_root").as_string(), to_hex(source_.root.ski));
  const auto ends = parse_rfc3339(std::string(about.at("expires").as_string()));
  ASSERT_TRUE(ends);
  EXPECT_NEAR(static_cast<double>(ends->seconds() - before.seconds()), 5400, 60);
  EXPECT_EQ(run_program({"transfer", "show", out_, "--target-root", source_root_}).status,
            kExitFailed);
}

TEST_F(TransferOfferTest, WithoutControlPointOrQuorumThereIsNoOffer) {
  const Ran switched_off = run(signed_by(offer()));
  EXPECT_EQ(switched_off.status, kExitFailed);
  EXPECT_NE(switched_off.err.find("control point"), std::string::npos) << switched_off.err;
  allow();
  const Ran alone = run(signed_by(offer(), {"alice"}));
  EXPECT_EQ(alone.status, kExitUsage);
  EXPECT_NE(alone.err.find("signatures of 2"), std::string::npos) << alone.err;
  EXPECT_FALSE(is_there());
}

TEST_F(TransferOfferTest, WrongUseChangesNothing) {
  allow();
  const struct {
    const char* what;
    Words words;
    int status;
  } rows[] = {
      {"too long", offer("8d"), kExitUsage},
      {"no root",
       {"transfer", "offer", "--source-root", out_, "--source-instance", source_.instance.text(),
        "--out", out_},
       kExitUsage},
      {"no instance",
       {"transfer", "offer", "--source-root", source_root_, "--source-instance", "x", "--out",
        out_},
       kExitUsage},
      {"half of it",
       {"transfer", "offer", "--source-root", source_root_, "--out", out_},
       kExitUsage},
      {"to itself",
       {"transfer", "offer", "--source-root", source_root_, "--source-instance", units_.instance,
        "--out", out_},
       kExitFailed},
  };
  for (const auto& row : rows) {
    const Ran ran = run(signed_by(row.words));
    EXPECT_EQ(ran.status, row.status) << row.what << ran.err;
    EXPECT_FALSE(is_there()) << row.what;
  }
  files_.write("offer", "somebody's");
  EXPECT_EQ(run(signed_by(offer())).status, kExitUsage) << "never overwritten";
}

}  // namespace
}  // namespace keyhaven::cli
