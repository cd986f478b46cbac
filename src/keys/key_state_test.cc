#include "keys/key_state.h"

#include <gtest/gtest.h>

namespace keyhaven::keys {
namespace {

constexpr KeyState kStates[] = {KeyState::PreActivation, KeyState::Active, KeyState::Suspended,
                                KeyState::Deactivated, KeyState::Destroyed};

// Rows are the state before, columns the state after, both in the order of kStates (SP 800-57 Part
// 1 Rev. 5 section 7).
constexpr std::string_view kMoves[] = {
    ".+..+",  // Pre-activation
    "..+++",  // Active
    ".+.++",  // Suspended
    "....+",  // Deactivated
    ".....",  // Destroyed
};

TEST(KeyStateTest, EveryPairOfStatesIsDecided) {
  for (std::size_t from = 0; from < 5; ++from) {
    for (std::size_t to = 0; to < 5; ++to) {
      EXPECT_EQ(can_transition(kStates[from], kStates[to]), kMoves[from][to] == '+')
          << from << " to " << to;
    }
  }
}

// The table of key-management-api.md section 7: columns 0, 1, 2, 3, 5.
struct Row {
  KeyOperation operation;
  std::string_view allowed;  // '+', '-' (409) or 'g' (410)
};
constexpr Row kSpecification[] = {
    {KeyOperation::Read, "+++++"},
    {KeyOperation::Wrap, "-+--g"},
    {KeyOperation::Unwrap, "-+-+g"},
    {KeyOperation::Rewrap, "-+-+g"},
    {KeyOperation::Rotate, "-+-+g"},
    {KeyOperation::Disable, "-+--g"},
    {KeyOperation::Enable, "--+-g"},
    {KeyOperation::Delete, "-+++g"},
    {KeyOperation::Restore, "----+"},
    {KeyOperation::Purge, "----+"},
    {KeyOperation::ListVersions, "-+---"},
    {KeyOperation::ListVersionsAnyState, "-++++"},
    {KeyOperation::SetForDeletion, "-+--g"},
    {KeyOperation::UnsetForDeletion, "-+--g"},
    {KeyOperation::ReadPolicies, "-++++"},
    {KeyOperation::Sync, "+++++"},             // section 6: any state, 5 included
    {KeyOperation::MigrationIntent, "-+-+g"},  // section 13.4
    // Ours, where the API says nothing:
    {KeyOperation::ChangeRing, "-+++g"},
    {KeyOperation::AddAlias, "-+++g"},
    {KeyOperation::RemoveAlias, "-++++"},
    {KeyOperation::SetPolicies, "-+++g"},
};
static_assert(std::size(kSpecification) == kKeyOperationCount);

TEST(KeyStateTest, OperationsFollowTheTableOfTheApi) {
  for (const Row& row : kSpecification) {
    for (std::size_t i = 0; i < 5; ++i) {
      const Verdict expected = row.allowed[i] == '+'   ? Verdict::Allowed
                               : row.allowed[i] == 'g' ? Verdict::Gone
                                                       : Verdict::WrongState;
      EXPECT_EQ(verdict(row.operation, kStates[i]), expected)
          << "operation " << static_cast<int>(row.operation) << " in state "
          << static_cast<int>(kStates[i]);
    }
  }
}

TEST(KeyStateTest, ProtectionAndProcessingAgreeWithWrapAndUnwrap) {
  for (const KeyState state : kStates) {
    EXPECT_EQ(may_apply_protection(state), verdict(KeyOperation::Wrap, state) == Verdict::Allowed);
    EXPECT_EQ(may_process(state), verdict(KeyOperation::Unwrap, state) == Verdict::Allowed);
  }
}

KeyRecord expiring(KeyState state, std::int64_t at_second) {
  KeyRecord key;
  key.state = state;
  key.expires = Timestamp::from_seconds(at_second);
  return key;
}

TEST(KeyStateTest, ActiveKeyIsDeactivatedAtTheMomentOfItsExpiry) {
  const KeyRecord key = expiring(KeyState::Active, 100);
  EXPECT_EQ(effective_state(key, Timestamp{100 * 1'000'000 - 1}), KeyState::Active);
  EXPECT_EQ(effective_state(key, Timestamp::from_seconds(100)), KeyState::Deactivated);
}

TEST(KeyStateTest, ExpiryDoesNotMakeADisabledKeyUsable) {
  EXPECT_EQ(effective_state(expiring(KeyState::Suspended, 100), Timestamp::from_seconds(200)),
            KeyState::Suspended);
  EXPECT_EQ(effective_state(expiring(KeyState::Destroyed, 100), Timestamp::from_seconds(200)),
            KeyState::Destroyed);
}

TEST(KeyStateTest, RefusalsNameTheState) {
  KeyRecord key;
  key.state = KeyState::Suspended;
  const auto refused = require_state(KeyOperation::Wrap, key, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::KeyActionInvalidState);
  EXPECT_NE(refused.error().message.find("suspended"), std::string::npos);
  key.state = KeyState::Destroyed;
  EXPECT_EQ(require_state(KeyOperation::Wrap, key, {}).error().reason, Reason::KeyDeleted);
}

TEST(KeyStateTest, StandardKeysAreRefusedWhereARootKeyIsNeeded) {
  KeyRecord key;
  key.kind = KeyKind::StandardKey;
  EXPECT_EQ(require_root_key(key).error().reason, Reason::KeyRootRequired);
  key.kind = KeyKind::RootKey;
  EXPECT_TRUE(require_root_key(key));
}

}  // namespace
}  // namespace keyhaven::keys
