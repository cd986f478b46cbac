// auto-init, auto-mk-rotate, cryptounit-mk-rotate, auto-mk-recover and their neighbours against
// software crypto units in the same process, stopped at every request.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cstdlib>
#include <set>

#include "cli/units_for_tests.h"

namespace keyhaven::cli {
namespace {

using client::RotationPhase;
using unit::UnitCounts;
using Words = std::vector<std::string>;

class AutoVerbsTest : public testing::Test {
 protected:
  AutoVerbsTest() {
    for (const std::string name : {"alice", "bob", "carol"}) {
      files_.write(name + ".password", "correct horse " + name + "\n");
      EXPECT_EQ(run({"sigkey-add", name, "--password-file", password(name)}).status, kExitOk);
    }
  }
  Ran run(Words arguments, ScriptedPrompt prompt = {}) {
    arguments.insert(arguments.begin(), "tke");
    return run_program(arguments, {{"CLOUDTKEFILES", files_.path()}}, std::move(prompt),
                       units_->factory());
  }
  // On the instance.
  Ran run_there(Words arguments, ScriptedPrompt prompt = {}) {
    arguments.insert(arguments.end(), {"--instance", units_->instance});
    return run(std::move(arguments), std::move(prompt));
  }
  std::string must(const Words& arguments) {
    const Ran ran = run_there(arguments);
    EXPECT_EQ(ran.status, kExitOk) << arguments.front() << '\n' << ran.err;
    return ran.out;
  }
  std::string password(const std::string& name) const {
    return files_.path() + '/' + name + ".password";
  }
  std::string signer(const std::string& name) const { return name + ':' + password(name); }
  Words by(Words verb, const Words& names) const {
    for (const std::string& name : names) verb.insert(verb.end(), {"--signer", signer(name)});
    verb.insert(verb.end(), {"--trust-on-first-use", "--yes"});
    return verb;
  }
  Words auto_init(const Words& names = {"alice", "bob"}) const {
    return by({"auto-init", "--signature-threshold", "2", "--revocation-threshold", "1"}, names);
  }
  Words signed_by_both(const std::string& verb) const { return by({verb}, {"alice", "bob"}); }

  void make(UnitCounts counts) { units_ = std::make_unique<UnitsForTests>(counts); }
  std::set<std::string> patterns(const std::string& instance) {
    std::set<std::string> out;
    for (const auto& status : units_->statuses(instance))
      out.insert(to_hex(status.current_pattern));
    return out;
  }
  std::set<std::string> patterns() { return patterns(units_->instance); }
  // All units hold one key and nothing else, and have both administrators.
  void expect_whole(const std::string& instance) {
    EXPECT_EQ(patterns(instance).size(), 1U);
    for (const auto& status : units_->statuses(instance)) {
      EXPECT_EQ(status.current, unit::RegisterState::Valid) << status.location;
      EXPECT_EQ(status.pending, unit::RegisterState::Empty) << status.location;
      EXPECT_EQ(status.administrators, 2U) << status.location;
      EXPECT_EQ(status.signature_threshold, 2U) << status.location;
      EXPECT_TRUE(status.joined || status.type != unit::UnitType::Operational);
    }
  }

  TemporaryDirectory files_;
  std::unique_ptr<UnitsForTests> units_ = std::make_unique<UnitsForTests>(UnitCounts{2, 2, 1});
};

TEST_F(AutoVerbsTest, AutoInitMakesAllUnitsEqual) {
  const std::string out = must(auto_init());
  expect_whole(units_->instance);
  EXPECT_NE(out.find("Master key copied: crypto unit 4 of 4"), std::string::npos) << out;
  units_->store_key();
  EXPECT_TRUE(units_->key_opens());
  EXPECT_EQ(run_there({"cryptounit-compare"}).status, kExitOk);
  // The SDK's permissions: only recovery units make and export keys.
  const auto before = patterns();
  const std::string again = must(auto_init());
  EXPECT_NE(again.find("initialised already"), std::string::npos);
  EXPECT_EQ(patterns(), before);
}

TEST_F(AutoVerbsTest, AutoInitAnswersInJson) {
  Words arguments = auto_init();
  arguments.insert(arguments.end(), {"--output", "json"});
  const auto json = boost::json::parse(must(arguments)).as_object();
  EXPECT_EQ(json.at("changed").as_bool(), true);
  EXPECT_EQ(json.at("crypto_units").as_array().size(), 5U);
  EXPECT_EQ(json.at("administrators").as_array().size(), 2U);
  EXPECT_EQ(*patterns().begin(), json.at("verification_pattern").as_string());
}

TEST_F(AutoVerbsTest, OtherAdministratorsAreNamedAndNothingChanges) {
  must(auto_init());
  const auto before = patterns();
  const Ran ran = run_there(auto_init({"alice", "carol"}));
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("bob"), std::string::npos) << ran.err;
  EXPECT_EQ(patterns(), before);
}

TEST_F(AutoVerbsTest, TooFewAdministratorsForTheThresholds) {
  const Ran ran = run_there(auto_init({"alice"}));
  EXPECT_EQ(ran.status, kExitUsage) << ran.err;
  EXPECT_TRUE(units_->statuses(units_->instance).front().imprint);
}

TEST_F(AutoVerbsTest, WithoutRecoveryUnitsSomeAreOffered) {
  make({2, 0, 0});
  const Ran refused = run_there(auto_init());
  EXPECT_EQ(refused.status, kExitFailed);
  EXPECT_NE(refused.err.find("--add-recovery-units"), std::string::npos) << refused.err;
  EXPECT_TRUE(units_->statuses(units_->instance).front().imprint);
  Words arguments = auto_init();
  arguments.insert(arguments.end(), {"--add-recovery-units", "2"});
  must(arguments);
  EXPECT_EQ(units_->statuses(units_->instance).size(), 4U);
  expect_whole(units_->instance);
}

TEST_F(AutoVerbsTest, AUnitThatIsAddedLaterGetsTheKey) {
  must(auto_init());
  units_->store_key();
  must({"failover-enable", "--units", "2", "--yes"});
  EXPECT_EQ(patterns().size(), 2U) << "the new one is empty";
  EXPECT_TRUE(units_->key_opens());
  must(auto_init());
  expect_whole(units_->instance);
  EXPECT_EQ(run_there({"failover-enable", "--units", "3", "--yes"}).status, kExitUsage);
  EXPECT_EQ(run_there({"failover-enable", "--units", "1", "--yes"}).status, kExitUsage);
}

TEST_F(AutoVerbsTest, StoredKeysOfALostMasterKeyForbidARandomOne) {
  must(auto_init());
  units_->store_key();
  must(signed_by_both("cryptounit-zeroize"));
  const Ran ran = run_there(auto_init());
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("which no crypto unit holds"), std::string::npos) << ran.err;
  EXPECT_TRUE(units_->statuses(units_->instance).front().imprint) << "nothing was changed";
}

TEST_F(AutoVerbsTest, NewKeysAreMadeOnceAndUsedAgain) {
  files_.write("n1.password", "a new password 1\n");
  files_.write("n2.password", "a new password 2\n");
  const Words arguments = {"auto-init",
                           "--new-keys",
                           "2",
                           "--new-key-password-file",
                           password("n1"),
                           "--new-key-password-file",
                           password("n2"),
                           "--signature-threshold",
                           "2",
                           "--revocation-threshold",
                           "2",
                           "--trust-on-first-use",
                           "--yes"};
  units_->silent_at = 60;
  EXPECT_NE(run_there(arguments).status, kExitOk);
  units_->silent_at = 0;
  must(arguments);
  expect_whole(units_->instance);
  EXPECT_NE(run({"sigkeys"}).out.find(units_->instance.substr(0, 8) + "-admin2"),
            std::string::npos);
}

TEST_F(AutoVerbsTest, AutoInitAsksForWhatItNeeds) {
  make({1, 0, 0});
  const Ran ran =
      run({"auto-init"},
          ScriptedPrompt({"1", "1", "1", "2", "alice", "dave", "daves password", "daves password",
                          "correct horse alice", "daves password", "yes", "1", "yes"}));
  EXPECT_EQ(ran.status, kExitOk) << ran.err << ran.asked;
  EXPECT_EQ(units_->statuses(units_->instance).size(), 2U);
  EXPECT_EQ(patterns().size(), 1U);
}

// Between two requests that are tried; with 1 (KH_KILL_STRIDE) none is left out, in four minutes.
int kill_stride() {
  const char* const wanted = std::getenv("KH_KILL_STRIDE");
  return wanted == nullptr ? 23 : std::max(1, std::atoi(wanted));
}

// Runs `verb` stopped at its first request, then further on, each time on units that `prepare`
// made; then what shall work in any case.
struct Story {
  std::function<void()> prepare;
  std::function<Ran()> verb;
  std::function<void()> repeat_and_check;
};
void stop_at_every_request(std::unique_ptr<UnitsForTests>& units, const Story& story) {
  const int stride = kill_stride();
  story.prepare();
  units->requests = 0;
  ASSERT_EQ(story.verb().status, kExitOk);
  const int total = units->requests;
  ASSERT_GT(total, 20);
  int stopped = 0;
  for (int at = 1; at <= total; at += stride) {
    for (const bool carried_out : {true, false}) {
      SCOPED_TRACE("stopped at request " + std::to_string(at) + " of " + std::to_string(total) +
                   (carried_out ? ", carried out" : ", lost"));
      story.prepare();
      units->requests = 0;
      units->silent_at = at;
      units->carried_out = carried_out;
      stopped += story.verb().status == kExitOk ? 0 : 1;
      units->silent_at = 0;
      story.repeat_and_check();
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(stopped, total / stride);
}

constexpr UnitCounts kSmall{2, 1, 0};

TEST_F(AutoVerbsTest, AutoInitGoesOnFromEveryRequest) {
  const Story story{[&] { make(kSmall); }, [&] { return run_there(auto_init()); },
                    [&] {
                      must(auto_init());
                      expect_whole(units_->instance);
                      units_->store_key();
                      EXPECT_TRUE(units_->key_opens());
                    }};
  stop_at_every_request(units_, story);
}

TEST_F(AutoVerbsTest, AutoRotateSpeaksTheVendorsWords) {
  must(auto_init());
  units_->store_key();
  const auto before = patterns();
  const std::string out = must(signed_by_both("auto-mk-rotate"));
  for (const char* line : {"Master key rotation started\n",
                           "KMS CRK rewrap successful, waiting on cryptounit-mk-setimm\n",
                           "Master key rotation successful\n"}) {
    EXPECT_NE(out.find(line), std::string::npos) << out;
  }
  EXPECT_NE(patterns(), before);
  expect_whole(units_->instance);
  EXPECT_TRUE(units_->key_opens());
}

TEST_F(AutoVerbsTest, AutoRotateGoesOnFromEveryRequest) {
  std::set<std::string> before;
  const Story story{[&] {
                      make(kSmall);
                      must(auto_init());
                      units_->store_key();
                      before = patterns();
                    },
                    [&] { return run_there(signed_by_both("auto-mk-rotate")); },
                    [&] {
                      Ran again = run_there(signed_by_both("auto-mk-rotate"));
                      if (again.status != kExitOk) {
                        EXPECT_NE(again.err.find("cryptounit-mk-rotate"), std::string::npos)
                            << again.err;
                        again = run_there(signed_by_both("cryptounit-mk-rotate"));
                      }
                      EXPECT_EQ(again.status, kExitOk) << again.err;
                      expect_whole(units_->instance);
                      EXPECT_NE(patterns(), before);
                      EXPECT_EQ(units_->phase, RotationPhase::None);
                      EXPECT_TRUE(units_->key_opens());
                    }};
  stop_at_every_request(units_, story);
}

TEST_F(AutoVerbsTest, RotationWithKeyParts) {
  make({2, 1, 0});
  for (const std::string name : {"part1", "part2", "part3", "part4"}) {
    files_.write(name + ".password", "correct horse " + name + "\n");
    must({"mk-add", name, "--random", "--password-file", password(name)});
  }
  const auto part = [&](const std::string& name) { return signer(name); };
  Words init = {"init", "--signature-threshold", "2", "--revocation-threshold", "2"};
  for (const char* name : {"alice", "bob"}) init.insert(init.end(), {"--admin", signer(name)});
  init.insert(init.end(),
              {"--part", part("part1"), "--part", part("part2"), "--trust-on-first-use", "--yes"});
  must(init);
  units_->store_key();
  const auto before = patterns();
  const Ran early = run_there(signed_by_both("cryptounit-mk-rotate"));
  EXPECT_NE(early.err.find("cryptounit-mk-load"), std::string::npos) << early.err;
  must(by({"cryptounit-mk-load", "--part", part("part3"), "--part", part("part4")},
          {"alice", "bob"}));
  const Ran uncommitted = run_there(signed_by_both("cryptounit-mk-rotate"));
  EXPECT_NE(uncommitted.err.find("not committed"), std::string::npos) << uncommitted.err;
  must(signed_by_both("cryptounit-mk-commit"));
  must(by({"cryptounit-mk-rotate"}, {"alice"}));
  const auto between = patterns();
  EXPECT_NE(between, before);
  expect_whole(units_->instance);
  EXPECT_TRUE(units_->key_opens());
  // A random key may follow: the units get the permissions of their types on the way.
  must(signed_by_both("auto-mk-rotate"));
  EXPECT_NE(patterns(), between);
  expect_whole(units_->instance);
  EXPECT_TRUE(units_->key_opens());
}

TEST_F(AutoVerbsTest, AStandstillIsTold) {
  make(kSmall);
  must(auto_init());
  units_->store_key();
  units_->stands_still = true;
  const Ran ran = run_there(signed_by_both("auto-mk-rotate"));
  EXPECT_EQ(ran.status, kExitFailed);
  EXPECT_NE(ran.err.find("a test that waits"), std::string::npos) << ran.err;
  EXPECT_NE(must({"rotation"}).find("resealing"), std::string::npos);
  units_->stands_still = false;
  must(signed_by_both("cryptounit-mk-rotate"));
  EXPECT_NE(must({"rotation"}).find("none"), std::string::npos);
  expect_whole(units_->instance);
}

TEST_F(AutoVerbsTest, RotationNeedsACommonQuorum) {
  make(kSmall);
  must(auto_init());
  const auto before = patterns();
  const Ran few = run_there(by({"auto-mk-rotate"}, {"alice", "carol"}));
  EXPECT_EQ(few.status, kExitUsage);
  EXPECT_NE(few.err.find("2 administrators"), std::string::npos) << few.err;
  EXPECT_EQ(patterns(), before);
  EXPECT_EQ(units_->statuses(units_->instance).front().pending, unit::RegisterState::Empty);
}

TEST_F(AutoVerbsTest, RecoverGoesOnFromEveryRequestAcrossInstances) {
  std::string other;
  const auto recover = [&] {
    return by({"auto-mk-recover", "--target-instance", other}, {"alice", "bob"});
  };
  const Story story{
      [&] {
        make(kSmall);
        must(auto_init());
        units_->store_key();
        other = units_->add_instance(kSmall);
        // Administrators and thresholds, no master key.
        for (const char* name : {"alice", "bob"}) {
          const Ran added = run({"cryptounit-admin-add", signer(name), "--instance", other});
          EXPECT_EQ(added.status, kExitOk) << added.err;
        }
        const Ran set =
            run({"cryptounit-thrhld-set", "--signature-threshold", "2", "--revocation-threshold",
                 "2", "--signer", signer("alice"), "--signer", signer("bob"), "--instance", other});
        EXPECT_EQ(set.status, kExitOk) << set.err;
      },
      [&] { return run_there(recover()); },
      [&] {
        must(recover());
        expect_whole(other);
        EXPECT_EQ(patterns(other), patterns());
        EXPECT_TRUE(units_->key_opens());
      }};
  stop_at_every_request(units_, story);
}

TEST_F(AutoVerbsTest, RecoverSaysWhichSourceItNeeds) {
  must(auto_init());
  EXPECT_NE(must(signed_by_both("auto-recover")).find("already"), std::string::npos);
  const std::string operational = units_->statuses(units_->instance).front().location;
  const Ran ran = run_there(by({"auto-mk-recover", "--source", operational}, {"alice", "bob"}));
  EXPECT_NE(ran.err.find("no recovery unit"), std::string::npos) << ran.err;
  const Ran unknown = run_there(by({"auto-mk-recover", "--source", "nowhere"}, {"alice", "bob"}));
  EXPECT_EQ(unknown.status, kExitUsage) << unknown.err;
}

TEST_F(AutoVerbsTest, ControlPointsAreSetInAllUnits) {
  must(auto_init());
  const std::string before = must({"cryptounit-compare"});
  EXPECT_NE(before.find("XCP_CPB_BTC"), std::string::npos);
  EXPECT_NE(before.find("Not set"), std::string::npos);
  EXPECT_NE(before.find("recovery"), std::string::npos);
  for (const char* verb : {"cryptounit-cp-btc", "cryptounit-cp-eddsa", "cryptounit-cp-sig-other",
                           "cryptounit-cp-transfer-out", "cryptounit-cp-transfer-in"}) {
    must(signed_by_both(verb));
    must(signed_by_both(verb));  // again: nothing to do
  }
  EXPECT_EQ(must({"cryptounit-compare"}).find("Not set"), std::string::npos);
  const Ran few = run_there(by({"cryptounit-cp-btc"}, {"carol"}));
  EXPECT_EQ(few.status, kExitOk) << "set already: nobody has to sign";
}

TEST_F(AutoVerbsTest, UnitsAreListedWithTheirType) {
  const std::string out = run({"cryptounits"}).out;
  for (const char* word : {"OPERATIONAL", "RECOVERY", "FAILOVER", "joined"})
    EXPECT_NE(out.find(word), std::string::npos) << out;
}

TEST_F(AutoVerbsTest, TheOldWayOutOfImprintMode) {
  make({1, 0, 0});
  const Ran added = run_there({"cryptounit-admin-add", signer("alice"), "--trust-on-first-use"});
  ASSERT_EQ(added.status, kExitOk) << added.err;
  const Ran ran = run_there({"cryptounit-exit-impr", "--signer", signer("alice")});
  EXPECT_EQ(ran.status, kExitOk) << ran.err;
  EXPECT_NE(ran.err.find("deprecated"), std::string::npos);
  EXPECT_EQ(units_->statuses(units_->instance).front().signature_threshold, 1U);
  EXPECT_EQ(run_there({"cryptounit-exit-impr", "--signer", signer("alice")}).status, kExitFailed);
}

TEST_F(AutoVerbsTest, KeyLossIsAcceptedOnlyByTheInstanceInFull) {
  must(auto_init());
  const auto zeroize = [&](Words more, ScriptedPrompt prompt = {}) {
    Words arguments = by({"cryptounit-zeroize"}, {"alice"});
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_there(std::move(arguments), std::move(prompt));
  };
  EXPECT_EQ(zeroize({"--accept-key-loss"}).status, kExitUsage) << "--yes does not stand for it";
  EXPECT_EQ(zeroize({"--accept-key-loss=" + units_->instance.substr(0, 8)}).status, kExitUsage);
  EXPECT_EQ(zeroize({"--accept-key-loss"}, ScriptedPrompt({"yes"})).status, kExitUsage);
  EXPECT_FALSE(units_->statuses(units_->instance).front().imprint);
  EXPECT_FALSE(units_->key_loss_accepted);
  const Ran typed = zeroize({"--accept-key-loss"}, ScriptedPrompt({units_->instance}));
  EXPECT_EQ(typed.status, kExitOk) << typed.err;
  EXPECT_TRUE(units_->key_loss_accepted);
  must(auto_init());
  Words clear = by({"cryptounit-mk-clrcur"}, {"alice"});
  clear.push_back("--accept-key-loss=" + units_->instance);
  must(clear);
  EXPECT_TRUE(units_->key_loss_accepted);
}

}  // namespace
}  // namespace keyhaven::cli
