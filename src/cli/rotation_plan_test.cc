#include "cli/rotation_plan.h"

#include <gtest/gtest.h>

#include "cli/unit_plan_for_tests.h"

namespace keyhaven::cli {
namespace {

constexpr auto unit = unit_of;
using client::RotationPhase;
using Indexes = std::vector<std::size_t>;
using Units = std::vector<UnitFacts>;

client::MasterKeyRotation in_phase(RotationPhase phase, std::uint8_t from = 1,
                                   std::uint8_t to = 2) {
  client::MasterKeyRotation out;
  out.phase = phase;
  if (phase != RotationPhase::None) {
    out.from = tke::pattern_text(key_numbered(from)).substr(0, 32);
    out.to = tke::pattern_text(key_numbered(to)).substr(0, 32);
  }
  return out;
}

template <class T>
std::string refused(const Result<T>& plan) {
  EXPECT_FALSE(plan);
  return plan ? std::string() : plan.error().message;
}

TEST(RotationPlanTest, TakingPartAreJoinedUnitsAndCopies) {
  const Units units = {
      unit("operational", "a", 1, 1, 0, false), unit("waiting", "", 0, 0, 0, false),
      unit("recovery", "a", 1, 1, 0, false),    unit("recovery", "a", 1, 9, 0, false),
      unit("failover", "a", 1, 1, 0, false),    unit("failover", "", 0, 0, 0, false)};
  const Participants participants = participants_of(units);
  EXPECT_EQ(participants.units, (Indexes{2, 4, 0})) << "operational units last";
  EXPECT_EQ(participants.left_out, (Indexes{1, 3, 5}));
}

TEST(RotationPlanTest, ANewKeyIsMadeInTheRecoveryUnit) {
  const auto plan = plan_new_key(
      {unit("operational", "a", 1, 1, 0, false), unit("recovery", "a", 1, 1, 0, false)},
      RotationPhase::None);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->source, 1U);
  EXPECT_FALSE(plan->pattern);
  EXPECT_TRUE(plan->clear.empty());
}

TEST(RotationPlanTest, TheDangerousRepeatIsRefused) {
  const Units units = {unit("operational", "a", 1, 1, 2, true),
                       unit("recovery", "a", 1, 1, 2, true)};
  for (const RotationPhase phase : {RotationPhase::Resealing, RotationPhase::Resealed}) {
    const auto plan = plan_new_key(units, phase);
    ASSERT_FALSE(plan);
    EXPECT_EQ(plan.error().reason, Reason::MasterKeyRotationState);
    EXPECT_NE(plan.error().message.find("cryptounit-mk-rotate"), std::string::npos);
  }
  EXPECT_FALSE(plan_new_key(units, RotationPhase::Reverting));
  // The server already says "none", but a recovery unit has not switched.
  const auto late =
      plan_new_key({unit("operational", "a", 1, 2, 0, false), unit("recovery", "a", 1, 1, 2, true)},
                   RotationPhase::None);
  EXPECT_NE(refused(late).find("cryptounit-mk-rotate"), std::string::npos);
}

TEST(RotationPlanTest, AnEarlierTryIsTakenUp) {
  const auto plan = plan_new_key(
      {unit("operational", "a", 1, 1, 0, false), unit("operational", "a", 1, 1, 2, true),
       unit("recovery", "a", 1, 1, 0, false), unit("recovery", "a", 1, 1, 2, false)},
      RotationPhase::None);
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->source, 3U) << "the recovery unit that has the new key";
  ASSERT_TRUE(plan->pattern);
  EXPECT_EQ(*plan->pattern, key_numbered(2));
  EXPECT_TRUE(plan->clear.empty());
}

TEST(RotationPlanTest, NewRegistersThatDifferAreClearedFirst) {
  const auto differ =
      plan_new_key({unit("operational", "a", 1, 1, 3, false), unit("recovery", "a", 1, 1, 2, true)},
                   RotationPhase::None);
  ASSERT_TRUE(differ);
  EXPECT_EQ(differ->clear, (Indexes{1, 0}));
  EXPECT_FALSE(differ->pattern);
  // Equal, but no recovery unit has it: it cannot be copied.
  const auto no_source = plan_new_key(
      {unit("operational", "a", 1, 1, 3, false), unit("recovery", "a", 1, 1, 0, false)},
      RotationPhase::None);
  ASSERT_TRUE(no_source);
  EXPECT_EQ(no_source->clear, (Indexes{0}));
}

TEST(RotationPlanTest, WithoutARecoveryUnitKeyPartsAreTheWay) {
  const auto plan = plan_new_key({unit("operational", "a", 1, 1, 0, false)}, RotationPhase::None);
  EXPECT_NE(refused(plan).find("cryptounit-mk-load"), std::string::npos);
}

TEST(RotationPlanTest, QuorumsThatDoNotReach) {
  const Units units = {unit("operational", "abc", 2, 1, 0, false),
                       unit("recovery", "abc", 2, 1, 0, false)};
  EXPECT_TRUE(check_quorum(units, {0, 1}, skis_named("ab"), 0));
  EXPECT_NE(refused(check_quorum(units, {0, 1}, skis_named("ade"), 0)).find("1 such"),
            std::string::npos);
  EXPECT_TRUE(check_quorum(units, {0, 1}, skis_named("b"), 1));
  Units other = units;
  other[1].attributes.revocation_threshold = 1;
  EXPECT_NE(refused(check_quorum(other, {0, 1}, skis_named("ab"), 0)).find("thresholds"),
            std::string::npos);
  // Whoever else administers one of them could take the key out of it.
  for (const char* administrators : {"abcd", "ab", "abd"}) {
    other[1] = unit("recovery", administrators, 2, 1, 0, false);
    for (const Indexes& order : {Indexes{0, 1}, Indexes{1, 0}}) {
      EXPECT_NE(refused(check_quorum(other, order, skis_named("ab"), 0)).find("administrators of"),
                std::string::npos)
          << administrators;
    }
  }
  other[1] = unit("recovery", "", 0, 1, 0, false);
  EXPECT_NE(refused(check_quorum(other, {0, 1}, skis_named("ab"), 0)).find("imprint"),
            std::string::npos);
}

TEST(SwitchPlanTest, BeginsWhenAllIsCommitted) {
  const auto plan =
      plan_switch({unit("operational", "a", 1, 1, 2, true), unit("recovery", "a", 1, 1, 2, true)},
                  in_phase(RotationPhase::None));
  ASSERT_TRUE(plan);
  EXPECT_TRUE(plan->begin);
  EXPECT_EQ(plan->to, key_numbered(2));
  EXPECT_EQ(plan->set_immediate, (Indexes{1, 0}));
}

TEST(SwitchPlanTest, PrecheckNamesWhatIsMissing) {
  struct Case {
    Units units;
    std::string says;
  };
  const Case cases[] = {
      {{unit("operational", "a", 1, 1, 0, false)}, "new register of crypto unit"},
      {{unit("operational", "a", 1, 1, 2, false)}, "not committed"},
      {{unit("operational", "a", 1, 0, 2, true)}, "no current master key"},
      {{unit("operational", "a", 1, 1, 1, true)}, "is the current one"},
      {{unit("operational", "a", 1, 1, 2, true), unit("operational", "a", 1, 1, 3, true)},
       "different keys"},
      {{unit("operational", "a", 1, 1, 3, true), unit("operational", "a", 1, 2, 3, true)},
       "has the current master key"},
      {{unit("operational", "a", 1, 1, 2, true), unit("recovery", "a", 1, 1, 0, false)},
       "recovery unit"},
      {{unit("recovery", "a", 1, 1, 2, true)}, "no crypto unit that serves"},
  };
  for (const Case& one : cases) {
    const std::string message = refused(plan_switch(one.units, in_phase(RotationPhase::None)));
    EXPECT_NE(message.find(one.says), std::string::npos) << message;
  }
}

TEST(SwitchPlanTest, ResumesInEachPhase) {
  const Units begun = {unit("operational", "a", 1, 1, 2, true),
                       unit("recovery", "a", 1, 1, 2, true)};
  const auto resealing = plan_switch(begun, in_phase(RotationPhase::Resealing));
  ASSERT_TRUE(resealing);
  EXPECT_TRUE(resealing->begin);
  EXPECT_EQ(resealing->set_immediate, (Indexes{1, 0}));
  const Units half = {unit("operational", "a", 1, 1, 2, true),
                      unit("operational", "a", 1, 2, 0, false),
                      unit("recovery", "a", 1, 2, 0, false)};
  const auto resealed = plan_switch(half, in_phase(RotationPhase::Resealed));
  ASSERT_TRUE(resealed);
  EXPECT_FALSE(resealed->begin);
  EXPECT_EQ(resealed->to, key_numbered(2));
  EXPECT_EQ(resealed->set_immediate, (Indexes{0}));
  EXPECT_FALSE(plan_switch(begun, in_phase(RotationPhase::Reverting)));
}

TEST(SwitchPlanTest, FinishesWhatTheServerAlreadyCallsDone) {
  const auto plan =
      plan_switch({unit("operational", "a", 1, 2, 0, false), unit("recovery", "a", 1, 1, 2, true)},
                  in_phase(RotationPhase::None));
  ASSERT_TRUE(plan);
  EXPECT_FALSE(plan->begin);
  EXPECT_EQ(plan->set_immediate, (Indexes{1}));
}

TEST(SwitchPlanTest, AUnitThatLostTheNewKeyIsNamed) {
  const Units units = {unit("operational", "a", 1, 1, 2, true),
                       unit("operational", "a", 1, 1, 3, true)};
  EXPECT_NE(refused(plan_switch(units, in_phase(RotationPhase::Resealed)))
                .find("does not hold the new master key"),
            std::string::npos);
  EXPECT_NE(refused(plan_switch({unit("operational", "a", 1, 1, 0, false)},
                                in_phase(RotationPhase::Resealed)))
                .find("no crypto unit holds"),
            std::string::npos);
}

TEST(RecoverPlanTest, CopiesWhereTheKeyIsNot) {
  const UnitFacts source = unit("recovery", "ab", 2, 1, 0, false);
  const auto plan = plan_recovery(
      source,
      {unit("operational", "ab", 2, 1, 0, false), unit("operational", "ab", 2, 0, 0, false),
       unit("failover", "ab", 2, 7, 0, false)},
      skis_named("ab"));
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->copy, (Indexes{1, 2}));
  EXPECT_EQ(plan->replaced, (Indexes{2})) << "it has another key";
  EXPECT_EQ(plan->pattern, key_numbered(1));
}

TEST(RecoverPlanTest, EveryPreconditionOfTheCopy) {
  const UnitFacts source = unit("recovery", "ab", 2, 1, 0, false);
  const UnitFacts target = unit("operational", "ab", 2, 0, 0, false);
  struct Case {
    UnitFacts source;
    UnitFacts target;
    std::string signers;
    std::string says;
  };
  const Case cases[] = {
      {unit("operational", "ab", 2, 1, 0, false), target, "ab", "no recovery unit"},
      {unit("recovery", "ab", 2, 0, 0, false), target, "ab", "no current master key"},
      {unit("recovery", "", 0, 1, 0, false), target, "ab", "in imprint mode"},
      {source, unit("operational", "", 0, 0, 0, false), "ab", "in imprint mode"},
      {source, unit("operational", "ab", 1, 0, 0, false), "ab", "thresholds"},
      {source, target, "a", "needs 2 administrators"},
      {source, target, "acd", "needs 2 administrators"},
      {source, unit("operational", "abc", 2, 0, 0, false), "ab", "c (6363"},
      {source, unit("operational", "a", 2, 0, 0, false), "ab", "b (6262"},
  };
  for (const Case& one : cases) {
    const std::string message =
        refused(plan_recovery(one.source, {one.target}, skis_named(one.signers)));
    EXPECT_NE(message.find(one.says), std::string::npos) << message;
  }
  EXPECT_FALSE(plan_recovery(source, {}, skis_named("ab")));
}

TEST(MasterKeyNameTest, IsTheBeginningOfThePattern) {
  const auto pattern = key_numbered(0xab);
  EXPECT_TRUE(is_master_key(tke::pattern_text(pattern).substr(0, 32), pattern));
  EXPECT_FALSE(is_master_key("", pattern));
  EXPECT_FALSE(is_master_key(std::string(32, '0'), pattern));
}

}  // namespace
}  // namespace keyhaven::cli
