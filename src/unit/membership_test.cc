// Which units an instance's keys depend on, which master keys its blobs may use, and how units come
// and go: through rotations, zeroized units and ones that were added later.
#include <gtest/gtest.h>

#include "unit/ceremony_for_tests.h"
#include "unit/table_state.h"

namespace keyhaven::unit {
namespace {

BlobPattern pattern_of(const std::vector<SecretBytes>& parts) {
  std::vector<const SecretBytes*> pointers;
  for (const SecretBytes& part : parts) pointers.push_back(&part);
  const auto full = tke::verification_pattern(tke::combine_key_parts(pointers).value());
  BlobPattern out;
  std::copy_n(full.begin(), out.size(), out.begin());
  return out;
}

class MembershipTest : public testing::Test {
 protected:
  DomainTable& table() { return deployment_.table(); }
  std::vector<UnitStatus> units() { return table().list_units(instance_).value(); }
  tke::UnitSession session(std::size_t unit) {
    return deployment_.session(instance_, units()[unit]);
  }
  void initialise(std::uint32_t count = 2) {
    deployment_.initialise(instance_, administrators_, parts_, count);
  }
  void load(std::size_t unit, const std::vector<SecretBytes>& parts) {
    auto with = session(unit);
    if (units()[unit].imprint) TestDeployment::enroll(with, administrators_).value();
    TestDeployment::load(with, administrators_, parts).value();
  }
  // Up to and including the commit of another key.
  tke::VerificationPattern prepare(std::size_t unit, const std::vector<SecretBytes>& parts,
                                   bool commit = true) {
    auto with = session(unit);
    const auto importer = with.generate_importer(administrators_.some({0})).value();
    const auto pattern = with.import_key_parts(importer, {{&parts[0], administrators_.some({0})},
                                                          {&parts[1], administrators_.some({1})}})
                             .value();
    if (commit) with.commit_pending(pattern, administrators_.all()).value();
    return pattern;
  }
  void finalize(std::size_t unit, const tke::VerificationPattern& pattern) {
    session(unit).finalize_pending(pattern, administrators_.some({0})).value();
  }
  void zeroize(std::size_t unit) { session(unit).zeroize(administrators_.all()).value(); }
  std::vector<bool> joined() {
    std::vector<bool> out;
    for (const UnitStatus& unit : units()) out.push_back(unit.joined);
    return out;
  }
  InstanceKey::State state() { return table().snapshot()->find(instance_)->state; }
  // Patterns of the keys that blobs may use, the sealing one first.
  std::vector<BlobPattern> held() {
    std::vector<BlobPattern> out;
    const auto snapshot = table().snapshot();
    for (const auto& key : snapshot->find(instance_)->keys) out.push_back(key.pattern);
    return out;
  }

  InstanceId instance_ = test_instance(1);
  TestDeployment deployment_;
  Administrators administrators_{2};
  std::vector<SecretBytes> parts_ = random_parts();
  std::vector<SecretBytes> next_ = random_parts();
  BlobPattern old_key_ = pattern_of(parts_);
  BlobPattern new_key_ = pattern_of(next_);
};

using Keys = std::vector<BlobPattern>;
using Joined = std::vector<bool>;

TEST_F(MembershipTest, UnitsMadeWithTheInstanceMustAllHoldTheKey) {
  table().create_units(instance_, "local", {2, 2, 1}).value();
  EXPECT_EQ(joined(), (Joined{true, true, false, false, false}));
  load(0, parts_);
  EXPECT_EQ(state(), InstanceKey::State::NotInitialized);
  load(1, next_);
  EXPECT_EQ(state(), InstanceKey::State::UnitsDiffer);
}

TEST_F(MembershipTest, AZeroizedUnitLeavesWhileAnotherServesAndComesBackWithTheKey) {
  initialise();
  EXPECT_EQ(held(), Keys{old_key_});
  zeroize(1);
  EXPECT_EQ(joined(), (Joined{true, false}));
  EXPECT_EQ(held(), Keys{old_key_});
  load(1, next_);  // another key: stays outside
  EXPECT_EQ(joined(), (Joined{true, false}));
  EXPECT_EQ(held(), Keys{old_key_});
  zeroize(1);
  load(1, parts_);
  EXPECT_EQ(joined(), (Joined{true, true}));
  zeroize(0);
  zeroize(1);  // the last one that serves does not leave
  EXPECT_EQ(joined(), (Joined{false, true}));
  EXPECT_EQ(state(), InstanceKey::State::NotInitialized);
}

TEST_F(MembershipTest, AUnitAddedLaterJoinsWithTheSameKey) {
  initialise();
  table().resize_units(instance_, {3}).value();
  EXPECT_EQ(joined(), (Joined{true, true, false}));
  EXPECT_EQ(held(), Keys{old_key_});
  load(2, parts_);
  EXPECT_EQ(joined(), (Joined{true, true, true}));
  EXPECT_EQ(held(), Keys{old_key_});
}

TEST_F(MembershipTest, ClearingTheCurrentKeyOfOneUnitMakesItLeave) {
  initialise();
  session(0).clear_current(administrators_.some({0})).value();
  EXPECT_EQ(joined(), (Joined{false, true}));
  EXPECT_EQ(held(), Keys{old_key_});
}

TEST_F(MembershipTest, ARotationHoldsTwoKeysFromTheLastCommitOn) {
  initialise();
  const auto pattern = prepare(0, next_);
  EXPECT_EQ(held(), Keys{old_key_});
  prepare(1, next_, false);
  EXPECT_EQ(held(), Keys{old_key_}) << "not committed";
  session(1).commit_pending(pattern, administrators_.all()).value();
  EXPECT_EQ(held(), (Keys{old_key_, new_key_}));
  finalize(0, pattern);  // mixed: one switched, one with the committed new key
  EXPECT_EQ(held(), Keys{new_key_});
  EXPECT_EQ(joined(), (Joined{true, true}));
  finalize(1, pattern);
  EXPECT_EQ(held(), Keys{new_key_});
}

TEST_F(MembershipTest, MixedInTheOtherOrder) {
  initialise();
  const auto pattern = prepare(0, next_);
  prepare(1, next_);
  finalize(1, pattern);
  EXPECT_EQ(held(), Keys{new_key_});
  finalize(0, pattern);
  EXPECT_EQ(held(), Keys{new_key_});
}

TEST_F(MembershipTest, DifferentNewKeysAreNoCommonKey) {
  initialise();
  prepare(0, next_);
  prepare(1, random_parts());
  EXPECT_EQ(held(), Keys{old_key_});
}

TEST_F(MembershipTest, AUnitWithoutTheNewKeyDoesNotJoinAmidARotation) {
  initialise();
  const auto pattern = prepare(0, next_);
  prepare(1, next_);
  table().resize_units(instance_, {3}).value();
  load(2, parts_);  // the old key alone: blobs that have moved would become unreadable
  EXPECT_EQ(joined(), (Joined{true, true, false}));
  EXPECT_EQ(held(), (Keys{old_key_, new_key_}));
  prepare(2, next_);
  EXPECT_EQ(joined(), (Joined{true, true, true}));
  EXPECT_EQ(held(), (Keys{old_key_, new_key_}));
  for (const std::size_t unit : {0u, 1u, 2u}) finalize(unit, pattern);
  EXPECT_EQ(held(), Keys{new_key_});
}

TEST_F(MembershipTest, AUnitThatWasLeftBehindJoinsWhenAllHaveSwitched) {
  initialise();
  const auto pattern = prepare(0, next_);
  prepare(1, next_);
  table().resize_units(instance_, {3}).value();
  load(2, next_);  // it has the new key as current one already
  EXPECT_EQ(joined(), (Joined{true, true, false}));
  finalize(0, pattern);
  EXPECT_EQ(joined(), (Joined{true, true, true}));
  finalize(1, pattern);
  EXPECT_EQ(held(), Keys{new_key_});
}

// --- Numbers of units ---

TEST_F(MembershipTest, UnitsOfEveryTypeHaveTheirModules) {
  const auto made = table().create_units(instance_, "local", {6, 2, 6}).value();
  ASSERT_EQ(made.size(), 14u);
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(made[i].module_index, i + 1);
    EXPECT_EQ(made[i].type, i < 6   ? UnitType::Operational
                            : i < 8 ? UnitType::Recovery
                                    : UnitType::Failover);
  }
  EXPECT_EQ(made[7].location, "[local].[AZ8-CS1].[08].[00]");
  const InstanceId other = test_instance(2);
  const auto few = table().create_units(other, "local", {2, 1, 1}).value();
  EXPECT_EQ(few[2].module_index, kFirstRecoveryModule);
  EXPECT_EQ(few[3].module_index, kFirstFailoverModule);
}

TEST_F(MembershipTest, NumbersHaveLimits) {
  for (const UnitCounts& counts :
       {UnitCounts{0}, UnitCounts{7}, UnitCounts{1, 3}, UnitCounts{2, 0, 3}}) {
    EXPECT_EQ(table().create_units(instance_, "local", counts).error().reason,
              Reason::InvalidArgument);
  }
  EXPECT_EQ(table().resize_units(instance_, {2}).error().reason, Reason::InstanceNotFound);
  table().create_units(instance_, "local", {2, 2}).value();
  for (const UnitCounts& counts : {UnitCounts{0, 2}, UnitCounts{7, 2}, UnitCounts{2, 3}}) {
    EXPECT_EQ(table().resize_units(instance_, counts).error().reason, Reason::InvalidArgument);
  }
  EXPECT_EQ(table().create_units(instance_, "local", {2, 1}).error().reason, Reason::AlreadyExists);
}

TEST_F(MembershipTest, ResizingIsIdempotentAndKeepsWhatStays) {
  const auto before = table().create_units(instance_, "local", {2, 2}).value();
  const int saves = deployment_.sink().saves;
  table().resize_units(instance_, {2, 2}).value();
  EXPECT_EQ(deployment_.sink().saves, saves) << "nothing to do";
  const auto after = table().resize_units(instance_, {3, 1, 2}).value();
  ASSERT_EQ(after.size(), 6u);
  EXPECT_EQ(after[0].id, before[0].id);
  EXPECT_EQ(after[1].id, before[1].id);
  EXPECT_EQ(after[3].id, before[2].id);  // the younger recovery unit went
  EXPECT_EQ(after[2].module_index, 3u);
  EXPECT_FALSE(after[2].joined);
  EXPECT_EQ(after[2].domain_index, after[0].domain_index);
}

TEST_F(MembershipTest, OnlyUnitsInImprintModeGoJoinedOnesLast) {
  initialise(3);
  EXPECT_EQ(table().resize_units(instance_, {2}).error().reason, Reason::UnitsNotZeroized);
  zeroize(1);
  const auto first = units()[0].id;
  const auto third = units()[2].id;
  const auto left = table().resize_units(instance_, {2}).value();
  EXPECT_EQ(left[0].id, first);
  EXPECT_EQ(left[1].id, third);
  EXPECT_EQ(held(), Keys{old_key_});
  // The free module is used again, under another domain instance.
  EXPECT_EQ(table().resize_units(instance_, {3}).value()[1].module_index, 2u);
  // All or nothing: one could go, two cannot.
  EXPECT_EQ(table().resize_units(instance_, {1}).error().reason, Reason::UnitsNotZeroized);
  EXPECT_EQ(units().size(), 3u);
}

TEST_F(MembershipTest, TheLastJoinedUnitStays) {
  table().create_units(instance_, "local", 1).value();
  table().resize_units(instance_, {2}).value();
  EXPECT_EQ(joined(), (Joined{true, false}));
  const auto left = table().resize_units(instance_, {1}).value();
  EXPECT_TRUE(left[0].joined);
  // While the one that is to serve is not initialised, removing another lets a third join.
  table().resize_units(instance_, {2}).value();
  load(1, parts_);
  EXPECT_EQ(state(), InstanceKey::State::NotInitialized);
}

TEST_F(MembershipTest, AResizeThatCannotBeSavedHasNotHappened) {
  initialise();
  const SecretBytes before = table().serialize();
  deployment_.sink().failing = true;
  EXPECT_EQ(table().resize_units(instance_, {4, 2}).error().reason, Reason::StoreUnavailable);
  deployment_.sink().failing = false;
  EXPECT_TRUE(table().serialize() == before);
  EXPECT_EQ(units().size(), 2u);
}

// --- Blobs through a rotation ---

TEST_F(MembershipTest, BlobsAreResealedWhileBothKeysAreHeld) {
  initialise();
  SoftUnit unit = deployment_.make_unit();
  const KeyBinding binding = test_binding(instance_);
  const auto root = unit.generate_root_key(binding).value();
  const auto payload = SecretBytes::copy_of(std::string_view("payload"));
  const auto standard = unit.create_standard_key(binding, payload).value();
  const auto wrapped = unit.wrap(binding, root.blob, SecretBytes{}, {"a"}).value();
  EXPECT_EQ(master_key_of(root.blob), old_key_);
  EXPECT_EQ(unit.reseal(BlobPurpose::RootKey, binding, root.blob, new_key_).error().reason,
            Reason::MasterKeyRotationState);

  const auto pattern = prepare(0, next_);
  prepare(1, next_);
  const auto moved = unit.reseal(BlobPurpose::RootKey, binding, root.blob, new_key_).value();
  const auto moved_standard =
      unit.reseal(BlobPurpose::StandardKey, binding, standard, new_key_).value();
  EXPECT_EQ(master_key_of(moved), new_key_);
  EXPECT_EQ(unit.reseal(BlobPurpose::RootKey, binding, moved, new_key_).value(), moved);
  EXPECT_EQ(master_key_of(unit.reseal(BlobPurpose::RootKey, binding, moved, old_key_).value()),
            old_key_);                              // and back, when a rotation is given up
  for (const KeyBlob& blob : {root.blob, moved}) {  // both open until the switch
    EXPECT_TRUE(unit.unwrap(binding, blob, wrapped.wrapped_dek, {"a"}, nullptr)->dek ==
                wrapped.generated_dek);
  }
  EXPECT_EQ(master_key_of(unit.generate_root_key(binding)->blob), old_key_);
  // Another key's binding, purpose or a damaged blob: refused.
  EXPECT_EQ(unit.reseal(BlobPurpose::RootKey, test_binding(instance_, 2), root.blob, new_key_)
                .error()
                .reason,
            Reason::DecryptFailed);
  EXPECT_EQ(unit.reseal(BlobPurpose::StandardKey, binding, root.blob, new_key_).error().reason,
            Reason::DecryptFailed);

  finalize(0, pattern);
  finalize(1, pattern);
  EXPECT_TRUE(unit.unwrap(binding, moved, wrapped.wrapped_dek, {"a"}, nullptr)->dek ==
              wrapped.generated_dek);
  EXPECT_TRUE(unit.open_standard_key(binding, moved_standard).value() == payload);
  EXPECT_EQ(unit.wrap(binding, root.blob, SecretBytes{}, {}).error().reason,
            Reason::InstanceNotInitialized);
}

TEST_F(MembershipTest, AnAdministratorsToolReencryptsABlob) {
  initialise(1);
  SoftUnit unit = deployment_.make_unit();
  const KeyBinding binding = test_binding(instance_);
  const auto root = unit.generate_root_key(binding).value();
  auto with = session(0);
  const auto refused = [&](ByteView blob, tke::Status expected) {
    EXPECT_FALSE(with.reencrypt(blob).has_value());
    EXPECT_EQ(with.last_status(), expected);
  };
  refused(root.blob.bytes, {tke::kNotInitialised, tke::kNoPendingKey});
  const auto pattern = prepare(0, next_, false);
  refused(root.blob.bytes, {tke::kInconsistent, tke::kPendingNotCommitted});
  with.commit_pending(pattern, administrators_.all()).value();
  const KeyBlob moved{with.reencrypt(root.blob.bytes).value()};
  EXPECT_EQ(master_key_of(moved), new_key_);
  EXPECT_EQ(with.reencrypt(moved.bytes).value(), moved.bytes);
  for (const std::size_t at : {0u, 2u, 3u, 4u, 5u, 8u, 24u, 80u, 100u}) {
    Bytes changed = root.blob.bytes;
    changed[at] ^= 0x40;
    refused(changed, {tke::kInvalidData, tke::kBlobRejected});
  }
  refused({}, {tke::kInvalidData, tke::kBlobRejected});
  finalize(0, pattern);
  EXPECT_TRUE(unit.wrap(binding, moved, SecretBytes{}, {}).has_value());
  refused(moved.bytes, {tke::kNotInitialised, tke::kNoPendingKey});
  with.clear_current(administrators_.some({0})).value();
  refused(moved.bytes, {tke::kNotInitialised, tke::kNoMasterKey});
  with.zeroize(administrators_.all()).value();
  refused(moved.bytes, {tke::kNotInImprint, tke::kStillImprint});
}

}  // namespace
}  // namespace keyhaven::unit
