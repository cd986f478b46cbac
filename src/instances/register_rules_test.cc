// Every dangerous order of the failure table (instances-tke-iam.md 2.5), and the rules that make it
// impossible, each just inside and just outside.
#include "instances/register_rules.h"

#include <gtest/gtest.h>

namespace keyhaven::instances {
namespace {

using unit::BlobPattern;
using unit::RegisterState;
using unit::UnitStatus;
using unit::UnitType;

constexpr std::uint8_t kOld = 1;
constexpr std::uint8_t kNew = 2;
constexpr std::uint8_t kThird = 3;

BlobPattern key(std::uint8_t number) {
  BlobPattern out;
  out.fill(number);
  return out;
}

// 0: an empty register.
struct Unit {
  std::uint8_t current = 0;
  std::uint8_t pending = 0;
  bool committed = true;
  UnitType type = UnitType::Operational;
  bool joined = true;
};

struct Given {
  std::vector<Unit> units{{kOld, kNew}, {kOld, kNew}};
  RotationPhase phase = RotationPhase::None;
  std::vector<StoredUnder> rows{};
};

class RegisterRulesTest : public testing::Test {
 protected:
  static StoredUnder keys_under(std::uint8_t number, std::size_t live = 5,
                                std::size_t deleted = 0) {
    return {.master_key = key(number),
            .blobs = live + deleted,
            .keys = live + deleted,
            .live_keys = live};
  }
  void set(const Given& given) {
    units_.clear();
    for (const Unit& unit : given.units) {
      UnitStatus& status = units_.emplace_back();
      status.id.uuid.bytes.fill(static_cast<std::uint8_t>(units_.size()));
      status.type = unit.type;
      status.joined = unit.joined && unit.type == UnitType::Operational;
      status.location = "[local].[AZ1-CS1].[0" + std::to_string(units_.size()) + "].[00]";
      status.imprint = false;
      if (unit.current != 0) status.current = RegisterState::Valid;
      if (unit.pending != 0) {
        status.pending =
            unit.committed ? RegisterState::FullCommitted : RegisterState::FullUncommitted;
      }
      status.current_pattern.fill(unit.current);
      status.pending_pattern.fill(unit.pending);
    }
    rotation_ = {given.phase, key(kOld), key(kNew), "", {}};
    stored_.rows = given.rows;
    stored_.keys = 0;
    stored_.unsettled_records = 0;
    for (const StoredUnder& row : given.rows) stored_.keys += row.keys;
  }
  Registers registers() const { return {units_, rotation_, stored_}; }
  // "ok", or the message of a refusal that has the right reason.
  std::string text(const Result<void>& result, Reason reason = Reason::MasterKeyStillNeeded) {
    if (result) return "ok";
    EXPECT_EQ(result.error().reason, reason);
    return result.error().message;
  }
  std::string finalize(const Given& given, std::uint8_t pending = kNew, std::size_t unit = 0) {
    set(given);
    return text(may_finalize(registers(), units_.at(unit), key(pending)));
  }
  std::string clear_pending(const Given& given, std::size_t unit = 0) {
    set(given);
    return text(may_clear_pending(registers(), units_.at(unit)));
  }
  std::string clear_current(const Given& given, std::size_t unit = 0, Loss loss = Loss::Refuse) {
    set(given);
    return text(may_clear_current(registers(), units_.at(unit), loss));
  }
  std::string zeroize(const Given& given, std::size_t unit = 0, Loss loss = Loss::Refuse) {
    set(given);
    return text(may_zeroize(registers(), units_.at(unit), loss));
  }
  std::string begin(const Given& given) {
    set(given);
    const auto pair = may_begin(registers());
    if (pair) {
      EXPECT_EQ(pair->from, key(kOld));
      EXPECT_EQ(pair->to, key(kNew));
      return "ok";
    }
    return text(pair.error(), Reason::MasterKeyRotationState);
  }
  std::string abandon(const Given& given) {
    set(given);
    return text(may_abandon(registers()), Reason::MasterKeyRotationState);
  }
  static void expect_has(const std::string& message, const std::string& part) {
    EXPECT_NE(message.find(part), std::string::npos) << message;
  }

  std::vector<UnitStatus> units_;
  MasterKeyRotation rotation_;
  StoredCensus stored_;
};

// --- Set immediate ---

TEST_F(RegisterRulesTest, SetImmediateBeforeReencryptionIsRefusedAndSaysWhatNeedsWhichKey) {
  const std::string refused = finalize({.rows = {keys_under(kOld, 12)}});
  expect_has(refused, "12 keys are sealed under master key 01010101");
  expect_has(refused, "Start a master key rotation");
  StoredUnder with_token = keys_under(kOld, 1);
  with_token.import_token = true;
  expect_has(finalize({.rows = {with_token}}),
             "1 key and the import token are sealed under master key 01010101");
  StoredUnder token_only{.master_key = key(kOld), .blobs = 1, .import_token = true};
  expect_has(finalize({.rows = {token_only}}), "the import token is sealed");
}

TEST_F(RegisterRulesTest, SetImmediateOfAnEmptyInstanceOrOfTheKeyInUseIsAllowed) {
  EXPECT_EQ(finalize({}), "ok");
  EXPECT_EQ(finalize({.units = {{0, kOld}, {kOld}}, .rows = {keys_under(kOld)}}, kOld), "ok");
}

TEST_F(RegisterRulesTest, SetImmediateDuringReencryptionIsRefusedForEveryKindOfUnit) {
  for (const RotationPhase phase : {RotationPhase::Resealing, RotationPhase::Reverting}) {
    for (const UnitType type : {UnitType::Operational, UnitType::Recovery, UnitType::Failover}) {
      Given given{.units = {{kOld, kNew}, {kOld, kNew, true, type}}, .phase = phase};
      given.rows = {keys_under(kOld, 3), keys_under(kNew, 4)};
      const std::string refused = finalize(given, kNew, 1);
      expect_has(refused, "3 keys are sealed under master key 01010101");
      expect_has(refused, "4 keys are sealed under master key 02020202");
      // Not even when the last one is done: the phase tells when.
      given.rows = {keys_under(kNew, 7)};
      EXPECT_NE(finalize(given, kNew, 1), "ok");
      // A unit that is not joined, with the old key: it would join without the new one.
      given.units[1] = {0, kOld, true, type, false};
      EXPECT_NE(finalize(given, kOld, 1), "ok");
    }
  }
}

TEST_F(RegisterRulesTest, SetImmediateAfterReencryptionIsAllowedForTheNewKeyOnly) {
  Given given{.phase = RotationPhase::Resealed, .rows = {keys_under(kNew)}};
  EXPECT_EQ(finalize(given), "ok");
  given.units = {{kNew}, {kOld, kNew}};  // one has switched already
  EXPECT_EQ(finalize(given, kNew, 1), "ok");
  given.units[1].pending = kThird;
  EXPECT_NE(finalize(given, kThird, 1), "ok");
  given.rows.clear();  // nothing stored: still the rotation's key only
  EXPECT_NE(finalize(given, kThird, 1), "ok");
}

TEST_F(RegisterRulesTest, DeletedKeysCountForSetImmediate) {
  EXPECT_NE(finalize({.rows = {keys_under(kOld, 0, 1)}}), "ok");
}

// All units were zeroized in the middle of a rotation, with the loss accepted, and the key parts
// turn up: both keys can come back, in any order.
TEST_F(RegisterRulesTest, UnitsThatLostEverythingDuringARotationCanBeLoadedAgain) {
  Given given{.units = {{0, kOld}, {0, 0, false, UnitType::Operational, false}},
              .phase = RotationPhase::Resealing,
              .rows = {keys_under(kOld, 3), keys_under(kNew, 4)}};
  EXPECT_EQ(finalize(given, kOld), "ok");
  EXPECT_EQ(finalize(given, kNew), "ok");
  EXPECT_NE(finalize(given, kThird), "ok");
  given.units[1] = {kOld, kNew};  // one serves again: the others load what it holds later
  EXPECT_NE(finalize(given, kOld), "ok");
}

// --- Clear ---

TEST_F(RegisterRulesTest, TheNewRegisterCannotBeClearedWhileARotationIsUnderWay) {
  for (const RotationPhase phase :
       {RotationPhase::Resealing, RotationPhase::Resealed, RotationPhase::Reverting}) {
    EXPECT_NE(clear_pending({.phase = phase}), "ok");
    EXPECT_NE(clear_pending({.units = {{kOld, kNew, true, UnitType::Recovery}}, .phase = phase}),
              "ok");
  }
  EXPECT_EQ(clear_pending({.rows = {keys_under(kOld)}}), "ok");
}

// A recovery unit that has not switched yet holds the key of today in its new register only.
TEST_F(RegisterRulesTest, TheNewRegisterCannotBeClearedWhenItHoldsWhatIsStored) {
  const Given given{.units = {{kNew}, {kOld, kNew, true, UnitType::Recovery}},
                    .rows = {keys_under(kNew)}};
  expect_has(clear_pending(given, 1), "5 keys are sealed under master key 02020202");
  EXPECT_EQ(clear_pending(given, 0), "ok");  // empty
}

TEST_F(RegisterRulesTest, TheCurrentRegisterCannotBeClearedWhileItsKeyIsNeeded) {
  const Given given{.rows = {keys_under(kOld)}};
  expect_has(clear_current(given), "5 keys are sealed under master key 01010101");
  EXPECT_EQ(clear_current(given, 0, Loss::Accept), "ok");
  EXPECT_EQ(clear_current({.rows = {keys_under(kOld, 0, 4)}}), "ok");
  EXPECT_EQ(clear_current({}), "ok");
  EXPECT_EQ(clear_current({.units = {{0}}, .rows = {keys_under(kOld)}}), "ok");
}

TEST_F(RegisterRulesTest, TheCurrentRegisterOfTheOnlyUnitThatServesStays) {
  const Given alone{.units = {{kThird, kOld}, {0}}, .rows = {keys_under(kOld)}};
  EXPECT_NE(clear_current(alone), "ok");
  const Given spare{.units = {{kThird, kOld}, {kOld}}, .rows = {keys_under(kOld)}};
  EXPECT_EQ(clear_current(spare), "ok");
}

TEST_F(RegisterRulesTest, TheCurrentRegisterCannotBeClearedDuringARotationWhateverOneAccepts) {
  for (const RotationPhase phase :
       {RotationPhase::Resealing, RotationPhase::Resealed, RotationPhase::Reverting}) {
    EXPECT_NE(clear_current({.phase = phase, .rows = {keys_under(kNew)}}, 0, Loss::Accept), "ok");
  }
}

// --- Zeroize ---

TEST_F(RegisterRulesTest, TheLastUnitWithANeededKeyCannotBeZeroized) {
  const Given last{.units = {{kOld}, {0, 0, true, UnitType::Operational, false}},
                   .rows = {keys_under(kOld)}};
  expect_has(zeroize(last), "5 keys are sealed under master key 01010101");
  EXPECT_EQ(zeroize(last, 0, Loss::Accept), "ok");
  EXPECT_EQ(zeroize(last, 1), "ok");
  EXPECT_EQ(zeroize({.rows = {keys_under(kOld)}}), "ok");  // another serves
  // A unit that holds the key, but is not joined or has no current key, does not serve.
  EXPECT_NE(zeroize({.units = {{kOld}, {kOld, 0, true, UnitType::Operational, false}},
                     .rows = {keys_under(kOld)}}),
            "ok");
  EXPECT_NE(zeroize({.units = {{kOld}, {0, kOld}}, .rows = {keys_under(kOld)}}), "ok");
  // The copy in a recovery unit is not one that serves.
  EXPECT_NE(
      zeroize({.units = {{kOld}, {kOld, 0, true, UnitType::Recovery}}, .rows = {keys_under(kOld)}}),
      "ok");
}

TEST_F(RegisterRulesTest, DuringARotationTheUnitThatStaysMustHoldBothKeys) {
  Given given{.phase = RotationPhase::Resealing, .rows = {keys_under(kOld), keys_under(kNew)}};
  EXPECT_EQ(zeroize(given), "ok");
  given.units[1].pending = 0;
  EXPECT_NE(zeroize(given), "ok");
}

TEST_F(RegisterRulesTest, ARecoveryUnitCanBeZeroizedUnlessItHasTheLastCopy) {
  const Unit recovery{kOld, 0, true, UnitType::Recovery};
  EXPECT_EQ(zeroize({.units = {{kOld}, recovery}, .rows = {keys_under(kOld)}}, 1), "ok");
  EXPECT_NE(zeroize({.units = {{0}, recovery}, .rows = {keys_under(kOld)}}, 1), "ok");
}

// --- Records that were put back, changed or taken away ---

TEST_F(RegisterRulesTest, NothingIsGivenUpWhileRecordsAreUnsettled) {
  const auto refused = [](const Result<void>& result) {
    return !result && result.error().reason == Reason::RecordNotAuthentic &&
           result.error().message.find("3 records") != std::string::npos;
  };
  set({.units = {{kOld, kNew}}, .rows = {keys_under(kNew)}});
  ASSERT_TRUE(may_finalize(registers(), units_[0], key(kNew)));
  stored_.unsettled_records = 3;
  EXPECT_TRUE(refused(may_finalize(registers(), units_[0], key(kNew))));
  EXPECT_TRUE(refused(may_clear_pending(registers(), units_[0])));
  EXPECT_TRUE(refused(may_clear_current(registers(), units_[0], Loss::Refuse)));
  EXPECT_TRUE(may_clear_current(registers(), units_[0], Loss::Accept));
  EXPECT_TRUE(refused(may_zeroize(registers(), units_[0], Loss::Refuse)));
  EXPECT_TRUE(may_zeroize(registers(), units_[0], Loss::Accept));
  EXPECT_EQ(may_begin(registers()).error().reason, Reason::RecordNotAuthentic);

  // A unit that has nothing gives nothing up: it is how an instance comes back.
  set({.units = {{0, kNew}}});
  stored_.unsettled_records = 3;
  EXPECT_TRUE(may_finalize(registers(), units_[0], key(kNew)));
  EXPECT_TRUE(may_zeroize(registers(), units_[0], Loss::Refuse));
}

// As deleting the instance loses them.
TEST_F(RegisterRulesTest, KeysThatAreDeletedDoNotKeepAUnitFromBeingZeroized) {
  EXPECT_EQ(zeroize({.units = {{kOld}}, .rows = {keys_under(kOld, 0, 9)}}), "ok");
}

// --- Rotation ---

TEST_F(RegisterRulesTest, ARotationBeginsWhenAllUnitsHoldBothKeys) {
  EXPECT_EQ(begin({.rows = {keys_under(kOld)}}), "ok");
  EXPECT_EQ(begin({}), "ok");
  // A unit that is not joined yet does not matter.
  EXPECT_EQ(begin({.units = {{kOld, kNew}, {0, 0, true, UnitType::Operational, false}}}), "ok");
}

TEST_F(RegisterRulesTest, ARotationThatMayNotBeginSaysWhichUnitLacksWhat) {
  struct Row {
    Unit second;
    const char* says;
  };
  const Row rows[] = {
      {{0, kNew}, "[02].[00] has no current master key"},
      {{kOld, 0}, "[02].[00] has no new master key"},
      {{kOld, kNew, false}, "[02].[00] holds a new master key that is not committed"},
      {{kThird, kNew}, "[02].[00] has the current master key 03030303"},
      {{kOld, kThird}, "[02].[00] has the new master key 03030303"},
      {{kOld, kThird, true, UnitType::Recovery}, "recovery unit [local].[AZ1-CS1].[02].[00]"},
      {{kOld, kNew, false, UnitType::Recovery}, "copy would soon be worth nothing"},
      {{kOld, 0, true, UnitType::Failover}, "failover unit"},
  };
  for (const Row& row : rows) expect_has(begin({.units = {{kOld, kNew}, row.second}}), row.says);
  // A recovery unit without a copy needs none of the new key either.
  EXPECT_EQ(begin({.units = {{kOld, kNew}, {0, 0, true, UnitType::Recovery}}}), "ok");
  expect_has(begin({.units = {}}), "no crypto unit that serves");
  expect_has(begin({.units = {{kOld, kOld}}}), "is the current one");
  expect_has(begin({.rows = {keys_under(kOld), keys_under(kThird, 2)}}),
             "2 keys are sealed under master key 03030303");
}

TEST_F(RegisterRulesTest, ARotationCannotBeginTwice) {
  for (const RotationPhase phase :
       {RotationPhase::Resealing, RotationPhase::Resealed, RotationPhase::Reverting}) {
    EXPECT_NE(begin({.phase = phase}), "ok");
  }
}

TEST_F(RegisterRulesTest, ARotationCanBeAbandonedUntilAUnitHasSwitched) {
  EXPECT_EQ(abandon({.phase = RotationPhase::Resealed}), "ok");
  expect_has(abandon({.units = {{kNew}, {kOld, kNew}}}), "has set the new master key immediate");
  expect_has(abandon({.units = {{kOld, kNew}, {kNew, 0, true, UnitType::Recovery}}}),
             "recovery unit");
  expect_has(abandon({.units = {{kOld, kNew}, {kOld, 0}}}), "does not hold both master keys");
  EXPECT_EQ(abandon({.units = {{kOld, kNew}, {0, 0, true, UnitType::Operational, false}}}), "ok");
}

TEST_F(RegisterRulesTest, ARotationEndsWhenEveryUnitThatServesHasSwitched) {
  const auto switched = [&](const Given& given) {
    set(given);
    return all_switched(registers());
  };
  EXPECT_FALSE(switched({.units = {{kNew}, {kOld, kNew}}}));
  EXPECT_TRUE(switched({.units = {{kNew}, {kNew}}}));
  EXPECT_TRUE(switched({.units = {{kNew}, {0}}}));
  EXPECT_TRUE(switched({.units = {{kNew}, {kOld, kNew, true, UnitType::Recovery}}}));
}

}  // namespace
}  // namespace keyhaven::instances
