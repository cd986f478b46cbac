// Ceremonies by the tke verbs against software crypto units in the same process: no server.
#include "cli/ceremony.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/json.hpp>

#include "cli/run_for_tests.h"
#include "unit/soft_unit.h"

namespace keyhaven::cli {
namespace {

// One deployment's units; each command gets its own UnitService over them, as each program run
// would.
class Deployment {
 public:
  Deployment() {
    auto table = unit::DomainTable::create(sink_);
    EXPECT_TRUE(table);
    table_ = std::move(table).value();
    unit_ = std::make_unique<unit::SoftUnit>(*table_, clock_);
    instance_ = InstanceId{crypto::random_uuid()};
    EXPECT_TRUE(unit_->create_units(instance_, "eu-test", 2));
  }
  std::string instance() const { return instance_.text(); }
  unit::SoftUnit& unit() { return *unit_; }
  UnitServiceFactory factory() {
    return [this]() -> Result<std::unique_ptr<UnitService>> {
      std::unique_ptr<UnitService> service = std::make_unique<Service>(*this);
      return service;
    };
  }
  // Every frame that passed, as a recording proxy would see it.
  std::string frames;
  std::string claimed_ski_override;
  std::map<std::string, std::string> scratch;  // instances made by commands: id and name
  std::uint64_t keys = 0;

 private:
  class Service final : public UnitService {
   public:
    explicit Service(Deployment& deployment) : deployment_(deployment) {}
    std::string address() const override { return "https://units.example:8443"; }
    Result<std::vector<InstanceName>> instances() override {
      std::vector<InstanceName> out = {{deployment_.instance(), "test"}};
      for (const auto& [guid, name] : deployment_.scratch) out.push_back({guid, name});
      return out;
    }
    Result<std::string> create_instance(const std::string& name) override {
      const InstanceId id{crypto::random_uuid()};
      const auto made = KH_TRY(deployment_.unit_->create_units(id, "eu-test", 1));
      deployment_.scratch[id.text()] = name;
      return id.text();
    }
    Result<std::uint64_t> count_keys(const std::string&) override { return deployment_.keys; }
    Result<void> delete_instance(const std::string& instance) override {
      const InstanceId id = KH_TRY(InstanceId::parse(instance));
      KH_TRY(deployment_.unit_->remove_units(id));
      deployment_.scratch.erase(instance);
      return {};
    }
    Result<std::vector<client::CryptoUnitEntry>> units(const std::string& instance) override {
      const InstanceId id = KH_TRY(InstanceId::parse(instance));
      const auto listed = KH_TRY(deployment_.unit_->list_units(id));
      std::vector<client::CryptoUnitEntry> out;
      for (const unit::UnitStatus& status : listed) {
        out.push_back({status.id.text(), status.location, status.serial_number,
                       client::UnitType::Operational});
      }
      return out;
    }
    Result<std::string> administer(const std::string& instance, const std::string& hsm_id,
                                   const std::string& request) override {
      const InstanceId id = KH_TRY(InstanceId::parse(instance));
      const UnitId unit_id = KH_TRY(UnitId::parse(hsm_id));
      std::string response = KH_TRY(deployment_.unit_->administer(id, unit_id, request));
      deployment_.frames += request + '\n' + response + '\n';
      return response;
    }
    Result<client::AttestationRootClaim> claimed_root() override {
      const Bytes spki = KH_TRY(deployment_.unit_->attestation_root());
      const crypto::P521PublicKey key = KH_TRY(crypto::P521PublicKey::from_spki(spki));
      const ByteView point(key.point());
      return client::AttestationRootClaim{to_hex(tke::ski_of(key.point())),
                                          to_hex(point.subspan(1, 66)), to_hex(point.last(66))};
    }

   private:
    Deployment& deployment_;
  };

  unit::NullSink sink_;
  SystemClock clock_;
  std::unique_ptr<unit::DomainTable> table_;
  std::unique_ptr<unit::SoftUnit> unit_;
  InstanceId instance_;
};

class CeremonyTest : public testing::Test {
 protected:
  Ran run_tke(std::vector<std::string> arguments, ScriptedPrompt prompt = {}) {
    arguments.insert(arguments.begin(), "tke");
    return run_program(arguments, {{"CLOUDTKEFILES", files_.path()}}, std::move(prompt),
                       deployment_.factory());
  }
  // On the instance, and successful.
  std::string must(std::vector<std::string> arguments) {
    arguments.push_back("--instance");
    arguments.push_back(deployment_.instance());
    const Ran ran = run_tke(arguments);
    EXPECT_EQ(ran.status, kExitOk) << arguments.front() << '\n' << ran.err;
    return ran.out;
  }
  std::string password(const std::string& name) {
    return files_.write(name + ".password", "correct horse " + name + "\n");
  }
  std::string with_password(const std::string& name) {
    return name + ':' + files_.path() + '/' + name + ".password";
  }
  void make_files() {
    for (const std::string name : {"alice", "bob"})
      must({"sigkey-add", name, "--password-file", password(name)});
    for (const std::string name : {"part1", "part2"})
      must({"mk-add", name, "--random", "--password-file", password(name)});
  }
  std::vector<std::string> init_arguments() {
    return {"init",
            "--signature-threshold",
            "2",
            "--revocation-threshold",
            "2",
            "--admin",
            with_password("alice"),
            "--admin",
            with_password("bob"),
            "--part",
            with_password("part1"),
            "--part",
            with_password("part2"),
            "--trust-on-first-use",
            "--yes"};
  }
  Result<unit::SealedRootKey> generate_key() {
    const KeyId id{crypto::random_uuid()};
    return deployment_.unit().generate_root_key(
        {InstanceId::parse(deployment_.instance()).value(), id, VersionId{id.uuid}});
  }

  Deployment deployment_;
  TemporaryDirectory files_;
};

TEST_F(CeremonyTest, InitMakesAnInstanceThatWorks) {
  make_files();
  const auto before = generate_key();
  ASSERT_FALSE(before);
  EXPECT_EQ(before.error().reason, Reason::InstanceNotInitialized);
  std::vector<std::string> arguments = init_arguments();
  arguments.insert(arguments.end(), {"--instance", deployment_.instance(), "--output", "json"});
  const Ran ran = run_tke(arguments);
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_NE(ran.err.find("First contact"), std::string::npos);
  EXPECT_NE(ran.err.find("key parts and their hashes"), std::string::npos);
  const auto json = boost::json::parse(ran.out).as_object();
  EXPECT_EQ(json.at("crypto_units").as_array().size(), 2U);
  EXPECT_EQ(json.at("verification_pattern").as_string().size(), 64U);
  EXPECT_TRUE(generate_key());
  EXPECT_NE(must({"cryptounit-compare"}).find("current pattern"), std::string::npos);
  EXPECT_NE(must({"cryptounit-admins"}).find("alice"), std::string::npos);
  EXPECT_NE(must({"cryptounit-thrhlds"}).find("2"), std::string::npos);
  EXPECT_NE(must({"attestation"}).find("verified"), std::string::npos);
}

TEST_F(CeremonyTest, VerbByVerbGivesTheSame) {
  make_files();
  const std::string alice = with_password("alice");
  const std::string bob = with_password("bob");
  must({"cryptounit-admin-add", alice, "--trust-on-first-use"});
  must({"cryptounit-admin-add", bob});
  must({"cryptounit-thrhld-set", "--signature-threshold", "2", "--revocation-threshold", "1",
        "--signer", alice, "--signer", bob});
  must({"cryptounit-mk-load", "--part", with_password("part1"), "--part", with_password("part2"),
        "--signer", alice, "--signer", bob, "--yes"});
  EXPECT_NE(must({"cryptounit-mk"}).find("Full Uncommitted"), std::string::npos);
  must({"cryptounit-mk-commit", "--signer", alice, "--signer", bob, "--yes"});
  EXPECT_NE(must({"cryptounit-mk"}).find("Full Committed"), std::string::npos);
  must({"cryptounit-mk-setimm", "--signer", alice, "--yes"});
  EXPECT_NE(must({"cryptounit-mk"}).find("Valid"), std::string::npos);
  EXPECT_TRUE(generate_key());
  must({"zeroize", "--signer", alice, "--signer", bob, "--yes"});
  EXPECT_FALSE(generate_key());
}

TEST_F(CeremonyTest, SelectedUnitsStandInForAnInstance) {
  make_files();
  EXPECT_NE(run_tke({"cryptounits"}).out.find("false"), std::string::npos);
  const Ran none = run_tke({"cryptounit-thrhlds", "--trust-on-first-use"});
  EXPECT_EQ(none.status, kExitUsage);
  EXPECT_EQ(run_tke({"cryptounit-add", "2"}).status, kExitOk);
  EXPECT_EQ(run_tke({"cryptounit-add", "3"}).status, kExitUsage);
  const Ran one = run_tke({"cryptounit-thrhlds", "-o", "json"});
  ASSERT_EQ(one.status, kExitOk) << one.err;
  EXPECT_EQ(boost::json::parse(one.out).at("crypto_units").as_array().size(), 1U);
  EXPECT_EQ(run_tke({"cryptounit-rm", "2"}).status, kExitOk);
  EXPECT_EQ(run_tke({"cryptounit-thrhlds"}).status, kExitUsage);
}

// Somebody who may change the instance, but administers nothing, has got into one unit while it was
// in imprint mode: there he could take the key out, or keep others from it.
TEST_F(CeremonyTest, KeyPartsGoOnlyToUnitsThatAreAdministeredAlike) {
  make_files();
  const std::string alice = with_password("alice");
  const std::string bob = with_password("bob");
  must({"sigkey-add", "mallory", "--password-file", password("mallory")});
  must({"cryptounit-admin-add", alice, "--trust-on-first-use"});
  must({"cryptounit-admin-add", bob});
  ASSERT_EQ(run_tke({"cryptounits"}).status, kExitOk);
  ASSERT_EQ(run_tke({"cryptounit-add", "2"}).status, kExitOk);
  ASSERT_EQ(run_tke({"cryptounit-admin-add", with_password("mallory")}).status, kExitOk);
  must({"cryptounit-thrhld-set", "--signature-threshold", "2", "--revocation-threshold", "2",
        "--signer", alice, "--signer", bob});
  const std::vector<std::string> load = {"cryptounit-mk-load",
                                         "--part",
                                         with_password("part1"),
                                         "--part",
                                         with_password("part2"),
                                         "--signer",
                                         alice,
                                         "--signer",
                                         bob,
                                         "--yes"};
  std::vector<std::string> arguments = load;
  arguments.insert(arguments.end(), {"--instance", deployment_.instance()});
  const Ran refused = run_tke(arguments);
  EXPECT_NE(refused.status, kExitOk);
  EXPECT_NE(refused.err.find("mallory ("), std::string::npos) << refused.err;
  const Ran alone = run_tke(load);  // the unit of mallory by itself
  EXPECT_NE(alone.err.find("mallory ("), std::string::npos) << alone.err;
  EXPECT_EQ(must({"cryptounit-mk"}).find("Full"), std::string::npos);
  const Ran removed =
      run_tke({"cryptounit-admin-rm", "mallory", "--signer", alice, "--signer", bob, "--yes"});
  ASSERT_EQ(removed.status, kExitOk) << removed.err;
  must(load);
}

TEST_F(CeremonyTest, TooFewSignaturesChangeNothing) {
  make_files();
  must(init_arguments());
  const Ran ran =
      run_tke({"cryptounit-thrhld-set", "--signature-threshold", "1", "--revocation-threshold", "1",
               "--signer", with_password("alice"), "--instance", deployment_.instance()});
  EXPECT_EQ(ran.status, kExitUsage);
  EXPECT_NE(ran.err.find("2 administrators"), std::string::npos) << ran.err;
  EXPECT_EQ(must({"cryptounit-thrhlds", "-o", "json"}).find(R"("signature_threshold":1)"),
            std::string::npos);
}

TEST_F(CeremonyTest, OneAdministratorForTwoPartsMustBeWanted) {
  make_files();
  std::vector<std::string> arguments = {"init",
                                        "--signature-threshold",
                                        "1",
                                        "--revocation-threshold",
                                        "1",
                                        "--admin",
                                        with_password("alice"),
                                        "--part",
                                        with_password("part1"),
                                        "--part",
                                        with_password("part2"),
                                        "--trust-on-first-use",
                                        "--yes",
                                        "--instance",
                                        deployment_.instance()};
  const Ran refused = run_tke(arguments);
  EXPECT_EQ(refused.status, kExitUsage);
  EXPECT_NE(refused.err.find("--allow-same-administrator"), std::string::npos);
  EXPECT_TRUE(deployment_.frames.empty()) << "nothing was sent to a unit";
  arguments.push_back("--allow-same-administrator");
  const Ran allowed = run_tke(arguments);
  EXPECT_EQ(allowed.status, kExitOk) << allowed.err;
  EXPECT_TRUE(generate_key());
}

TEST_F(CeremonyTest, TheSamePartTwiceIsRefused) {
  make_files();
  std::vector<std::string> arguments = init_arguments();
  arguments[12] = with_password("part1");
  arguments.insert(arguments.end(), {"--instance", deployment_.instance()});
  const Ran ran = run_tke(arguments);
  EXPECT_EQ(ran.status, kExitUsage);
  EXPECT_NE(ran.err.find("cancel out"), std::string::npos) << ran.err;
}

TEST_F(CeremonyTest, AWrongPasswordIsToldAndChangesNothing) {
  make_files();
  files_.write("bob.password", "wrong password");
  std::vector<std::string> arguments = init_arguments();
  arguments.insert(arguments.end(), {"--instance", deployment_.instance()});
  const Ran ran = run_tke(arguments);
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("bob"), std::string::npos);
  EXPECT_NE(ran.err.find("Check the password"), std::string::npos);
  EXPECT_EQ((ran.err + ran.out).find("wrong password\n"), std::string::npos);
}

TEST_F(CeremonyTest, FirstContactNeedsAnExplicitTrust) {
  make_files();
  const Ran refused = run_tke({"attestation", "--instance", deployment_.instance()});
  EXPECT_EQ(refused.status, kExitFailed);
  EXPECT_NE(refused.err.find("--trust-on-first-use"), std::string::npos);
  EXPECT_NE(refused.err.find("SKI"), std::string::npos) << "the claim is shown";
  const Ran no =
      run_tke({"attestation", "--instance", deployment_.instance()}, ScriptedPrompt({"n"}));
  EXPECT_EQ(no.status, kExitFailed);
  const Ran yes =
      run_tke({"attestation", "--instance", deployment_.instance()}, ScriptedPrompt({"yes"}));
  EXPECT_EQ(yes.status, kExitOk) << yes.err;
  EXPECT_EQ(run_tke({"attestation", "--instance", deployment_.instance()}).status, kExitOk)
      << "pinned";
}

TEST_F(CeremonyTest, UnitsOfAnotherDeploymentAreRefused) {
  make_files();
  must({"attestation", "--trust-on-first-use"});
  Deployment other;
  const Ran ran = run_program({"tke", "cryptounit-mk", "--instance", other.instance()},
                              {{"CLOUDTKEFILES", files_.path()}}, {}, other.factory());
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_EQ(ran.err.find("First contact"), std::string::npos);
  const Ran trusting =
      run_program({"tke", "cryptounit-mk", "--trust-on-first-use", "--instance", other.instance()},
                  {{"CLOUDTKEFILES", files_.path()}}, {}, other.factory());
  EXPECT_EQ(trusting.status, kExitFailed) << "a pinned root is not replaced by trusting again";
}

TEST_F(CeremonyTest, ARootFileIsEnough) {
  make_files();
  const auto service = deployment_.factory()().value()->claimed_root().value();
  const std::string file =
      files_.write("root.txt", "# printed at installation\nSKI: " + service.ski +
                                   "\nX: " + service.x + "\nY: " + service.y + "\n");
  EXPECT_EQ(
      run_tke({"attestation", "--attestation-root", file, "--instance", deployment_.instance()})
          .status,
      kExitOk);
}

TEST_F(CeremonyTest, AnInterruptedInitCanBeRunAgain) {
  make_files();
  must({"cryptounit-admin-add", with_password("alice"),
        "--trust-on-first-use"});  // an init killed early
  must(init_arguments());
  EXPECT_TRUE(generate_key());
  std::vector<std::string> again = init_arguments();
  again.insert(again.end(), {"--instance", deployment_.instance()});
  const Ran ran = run_tke(again);
  EXPECT_EQ(ran.status, kExitFailed) << "an initialised instance is left alone";
  EXPECT_NE(ran.err.find("cryptounit-zeroize"), std::string::npos);
  EXPECT_TRUE(generate_key());
}

TEST_F(CeremonyTest, InitAsksForWhatItNeeds) {
  const Ran ran =
      run_tke({"init", "--instance", deployment_.instance()}, ScriptedPrompt({"2",
                                                                              "carol",
                                                                              "carols password",
                                                                              "carols password",
                                                                              "dave",
                                                                              "daves password",
                                                                              "daves password",
                                                                              "2",
                                                                              "1",
                                                                              "2",
                                                                              "p1",
                                                                              "p1 password",
                                                                              "p1 password",
                                                                              "p2",
                                                                              "p2 password",
                                                                              "p2 password",
                                                                              "carols password",
                                                                              "daves password",
                                                                              "p1 password",
                                                                              "p2 password",
                                                                              "yes",
                                                                              "yes",
                                                                              "yes"}));
  EXPECT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_TRUE(generate_key());
  EXPECT_NE(ran.asked.find("Commit this master key?"), std::string::npos);
}

TEST_F(CeremonyTest, WithoutATerminalInitSaysWhatIsMissing) {
  make_files();
  const Ran ran = run_tke({"init", "--instance", deployment_.instance(), "--trust-on-first-use"});
  EXPECT_EQ(ran.status, kExitUsage);
  EXPECT_NE(ran.err.find("--admin"), std::string::npos);
  std::vector<std::string> arguments = init_arguments();
  arguments.pop_back();  // without --yes
  arguments.insert(arguments.end(), {"--instance", deployment_.instance()});
  EXPECT_EQ(run_tke(arguments).status, kExitUsage);
}

TEST_F(CeremonyTest, AWrongPatternIsNotCommitted) {
  make_files();
  const std::string alice = with_password("alice");
  const std::string bob = with_password("bob");
  must({"cryptounit-admin-add", alice, "--trust-on-first-use"});
  must({"cryptounit-admin-add", bob});
  must({"cryptounit-thrhld-set", "--signature-threshold", "1", "--revocation-threshold", "1",
        "--signer", alice});
  must({"cryptounit-mk-load", "--part", with_password("part1"), "--part", with_password("part2"),
        "--signer", alice, "--signer", bob, "--yes"});
  const Ran ran = run_tke({"cryptounit-mk-commit", "--signer", alice, "--yes", "--pattern",
                           std::string(64, '0'), "--instance", deployment_.instance()});
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(must({"cryptounit-mk"}).find("Full Uncommitted"), std::string::npos);
  must({"cryptounit-mk-clrnew", "--signer", alice, "--yes"});
  EXPECT_EQ(must({"cryptounit-mk"}).find("Full"), std::string::npos);
}

TEST_F(CeremonyTest, ARecordingProxySeesNoKeyPart) {
  make_files();
  const std::string part = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";
  const std::string value = files_.write("value", part + "\n");
  must({"mk-add", "known", "--value-file", value, "--password-file", password("known")});
  std::vector<std::string> arguments = init_arguments();
  arguments[12] = with_password("known");
  must(arguments);
  const std::string upper = "00112233445566778899AABBCCDDEEFF";
  EXPECT_GT(deployment_.frames.size(), 10'000U);
  EXPECT_EQ(deployment_.frames.find(upper), std::string::npos);
  EXPECT_EQ(deployment_.frames.find(part.substr(0, 32)), std::string::npos);
}

TEST_F(CeremonyTest, KeyFilesArePrivateAndNeverOverwritten) {
  make_files();
  struct stat status {};
  ASSERT_EQ(::stat((files_.path() + "/alice.sigkey").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600U);
  const Ran again = run_tke({"sigkey-add", "alice", "--password-file", password("alice")});
  EXPECT_EQ(again.status, kExitFailed);
  for (const char* bad : {"../evil", "", ".hidden", "a name", "0123456789012345678901234567890"}) {
    EXPECT_NE(run_tke({"sigkey-add", bad, "--password-file", password("x")}).status, kExitOk)
        << bad;
  }
  EXPECT_NE(run_tke({"mk-add", "short", "--random", "--password-file",
                     files_.write("short.password", "12345")})
                .status,
            kExitOk);
  EXPECT_NE(run_tke({"mk-add", "v", "--value-file", files_.write("v", "abcd"), "--password-file",
                     password("v")})
                .status,
            kExitOk);
  EXPECT_EQ(run_tke({"sigkeys"}).out.find("hidden"), std::string::npos);
  EXPECT_EQ(run_tke({"sigkey-rm", "1"}).status, kExitUsage) << "asks first";
  EXPECT_EQ(run_tke({"sigkey-rm", "1", "--yes"}).status, kExitOk);
  EXPECT_EQ(run_tke({"sigkeys"}).out.find("alice"), std::string::npos);
}

TEST_F(CeremonyTest, ADamagedKeyFileIsReported) {
  make_files();
  files_.write("eve.sigkey", "{}");
  const Ran ran = run_tke({"sigkeys"});
  EXPECT_EQ(ran.status, kExitUsage);
  EXPECT_NE(ran.err.find("eve.sigkey"), std::string::npos);
}

std::string value_of(const std::string& json, const std::string& member) {
  const auto value = boost::json::parse(json);
  const auto& text = value.at(member).as_string();
  return {text.begin(), text.end()};
}

class DrillTest : public CeremonyTest {
 protected:
  void SetUp() override {
    make_files();
    must(init_arguments());
  }
  std::vector<std::string> arguments(std::vector<std::string> more) {
    std::vector<std::string> out = {"drill",
                                    "--signer",
                                    with_password("alice"),
                                    "--signer",
                                    with_password("bob"),
                                    "--instance",
                                    deployment_.instance()};
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  std::vector<std::string> parts() {
    return {"--part", with_password("part1"), "--part", with_password("part2")};
  }
};

TEST_F(DrillTest, ProvesThatPartsAndSignersRecover) {
  const std::string before = must({"cryptounit-mk", "-o", "json"});
  std::vector<std::string> all = parts();
  all.insert(all.end(), {"-o", "json"});
  const Ran ran = run_tke(arguments(all));
  ASSERT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_NE(before.find(value_of(ran.out, "verification_pattern")), std::string::npos);
  EXPECT_TRUE(deployment_.scratch.empty()) << "the scratch instance is gone";
  EXPECT_EQ(must({"cryptounit-mk", "-o", "json"}), before);
  EXPECT_TRUE(generate_key());
}

TEST_F(DrillTest, OtherPartsFailAndLeaveNothing) {
  must({"mk-add", "part3", "--random", "--password-file", password("part3")});
  const Ran ran =
      run_tke(arguments({"--part", with_password("part1"), "--part", with_password("part3")}));
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("could not recover"), std::string::npos) << ran.err;
  EXPECT_TRUE(deployment_.scratch.empty());
}

TEST_F(DrillTest, TooFewOrStrangeSignersFailBeforeAnythingIsMade) {
  const Ran few =
      run_tke({"drill", "--signer", with_password("alice"), "--instance", deployment_.instance(),
               "--part", with_password("part1"), "--part", with_password("part2")});
  EXPECT_EQ(few.status, kExitFailed);
  EXPECT_NE(few.err.find("signatures of 2"), std::string::npos) << few.err;
  must({"sigkey-add", "eve", "--password-file", password("eve")});
  std::vector<std::string> all = parts();
  all.insert(all.end(), {"--signer", with_password("eve")});
  const Ran strange = run_tke(arguments(all));
  EXPECT_EQ(strange.status, kExitFailed);
  EXPECT_NE(strange.err.find("eve"), std::string::npos) << strange.err;
  for (const Ran& ran : {few, strange})
    EXPECT_EQ(ran.err.find("scratch"), std::string::npos) << ran.err;
}

TEST_F(DrillTest, WhatAKilledDrillLeftIsClearedAway) {
  const auto service = deployment_.factory()().value();
  const std::string name = "keyhaven-drill-" + deployment_.instance();
  ASSERT_TRUE(service->create_instance(name));
  ASSERT_TRUE(service->create_instance("keyhaven-drill-of-another"));
  const Ran cleaned = run_tke(arguments({"--clean-up"}));
  EXPECT_EQ(cleaned.status, kExitOk) << cleaned.err;
  EXPECT_EQ(deployment_.scratch.size(), 1U) << "only this instance's own";
  ASSERT_TRUE(service->create_instance(name));
  deployment_.keys = 1;
  const Ran refused = run_tke(arguments(parts()));
  EXPECT_EQ(refused.status, kExitFailed);
  EXPECT_NE(refused.err.find("holds 1 keys"), std::string::npos) << refused.err;
  deployment_.keys = 0;
  EXPECT_EQ(run_tke(arguments(parts())).status, kExitOk);
  EXPECT_EQ(deployment_.scratch.size(), 1U);
}

TEST_F(DrillTest, SharesAndPaperStandInForParts) {
  const Ran shared = run_tke({"mk-share", with_password("part1"), "--threshold", "2", "--shares",
                              "3", "--signer", with_password("alice"), "-o", "json"},
                             ScriptedPrompt({"one share", "one share", "two share", "two share",
                                             "three share", "three share"}));
  ASSERT_EQ(shared.status, kExitOk) << shared.err;
  const auto files = boost::json::parse(shared.out).at("files").as_array();
  const auto share = [&](std::size_t index, const std::string& text) {
    const auto& path = files.at(index).as_string();
    return std::string(path.begin(), path.end()) + ':' +
           files_.write("share.password" + std::to_string(index), text);
  };
  const Ran printed = run_tke({"mk-print", with_password("part2"), "--yes"});
  ASSERT_EQ(printed.status, kExitOk) << printed.err;
  std::istringstream page(printed.out);
  std::deque<std::string> typed;
  for (std::string line; std::getline(page, line);) {
    if (line.size() > 60 && line.starts_with("   ") && line[3] != ' ')
      typed.push_back(line.substr(24));
  }
  ASSERT_EQ(typed.size(), 9U) << printed.out;
  typed.push_front("banban banban banban banban banban banban");  // asked for again
  const Ran ran = run_tke(arguments({"--part", "paper", "--share", share(2, "three share"),
                                     "--share", share(0, "one share")}),
                          ScriptedPrompt(typed));
  EXPECT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_NE(ran.err.find("line 1 does not fit its check"), std::string::npos);
}

TEST(KeyChoiceTest, TokensAndServicesHaveColonsOfTheirOwn) {
  struct Case {
    const char* text;
    const char* name;
    const char* key;
    const char* file;
  };
  for (const Case& one :
       {Case{"pkcs11:token=a;object=b?module-path=/m", "", "pkcs11:token=a;object=b?module-path=/m",
             ""},
        Case{"Al=pkcs11:token=a?pin-source=file:/p", "Al", "pkcs11:token=a?pin-source=file:/p", ""},
        Case{"service:carol", "", "service:carol", ""},
        Case{"service:carol:/t", "", "service:carol", "/t"},
        Case{"C=service:carol:/t", "C", "service:carol", "/t"},
        Case{"service=carol:/t", "service", "carol", "/t"}}) {
    const auto choice = parse_key_choice(one.text);
    ASSERT_TRUE(choice) << one.text;
    EXPECT_EQ(choice->name, one.name) << one.text;
    EXPECT_EQ(choice->key, one.key) << one.text;
    EXPECT_EQ(choice->password_file, one.file) << one.text;
  }
}

TEST(KeyChoiceTest, SplitsNameKeyAndPasswordFile) {
  const auto full = parse_key_choice("Alice=a.sigkey:/secret/pw");
  ASSERT_TRUE(full);
  EXPECT_EQ(full.value().name, "Alice");
  EXPECT_EQ(full.value().key, "a.sigkey");
  EXPECT_EQ(full.value().password_file, "/secret/pw");
  EXPECT_EQ(parse_key_choice("3").value().key, "3");
  for (const char* bad : {"", ":", "a:", "=a", ":pw", "n=:pw"})
    EXPECT_FALSE(parse_key_choice(bad)) << bad;
}

}  // namespace
}  // namespace keyhaven::cli
