#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

// Columns: pre-active, active, suspended, deactivated, destroyed. '+' allowed, '-' wrong state, 'g'
// gone. Row order: KeyOperation.
constexpr std::string_view kTable[kKeyOperationCount] = {
    "+++++",  // Read
    "-+--g",  // Wrap
    "-+-+g",  // Unwrap
    "-+-+g",  // Rewrap
    "-+-+g",  // Rotate
    "-+--g",  // Disable
    "--+-g",  // Enable
    "-+++g",  // Delete
    "----+",  // Restore
    "----+",  // Purge
    "-+---",  // ListVersions
    "-++++",  // ListVersionsAnyState
    "-+++g",  // ChangeRing
    "-+++g",  // AddAlias
    "-++++",  // RemoveAlias
    "-+--g",  // SetForDeletion
    "-+--g",  // UnsetForDeletion
    "-++++",  // ReadPolicies
    "-+++g",  // SetPolicies
    "+++++",  // Sync
    "-+-+g",  // MigrationIntent
};

constexpr std::size_t column_of(KeyState state) noexcept {
  switch (state) {
    case KeyState::PreActivation:
      return 0;
    case KeyState::Active:
      return 1;
    case KeyState::Suspended:
      return 2;
    case KeyState::Deactivated:
      return 3;
    case KeyState::Destroyed:
      return 4;
  }
  fatal(__FILE__, __LINE__, "unknown KeyState");
}

}  // namespace

Verdict verdict(KeyOperation operation, KeyState state) noexcept {
  const char mark = kTable[static_cast<std::size_t>(operation)][column_of(state)];
  if (mark == '+') return Verdict::Allowed;
  return mark == 'g' ? Verdict::Gone : Verdict::WrongState;
}

Result<void> require_state(KeyOperation operation, const KeyRecord& record, Timestamp now) {
  const KeyState state = effective_state(record, now);
  switch (verdict(operation, state)) {
    case Verdict::Allowed:
      return {};
    case Verdict::Gone:
      return Error{Reason::KeyDeleted, "the key has already been deleted", ""};
    case Verdict::WrongState:
      break;
  }
  return Error{Reason::KeyActionInvalidState,
               "the key is in the state \"" + std::string(word_of(state)) +
                   "\", which does not permit this action",
               ""};
}

Result<void> require_root_key(const KeyRecord& record) {
  if (record.kind == KeyKind::RootKey) return {};
  return Error{Reason::KeyRootRequired, "the key is a standard key; only root keys can do this",
               ""};
}

bool needs_dual_auth(const KeyRecord& record) noexcept {
  const auto& policy = record.policies().dual_auth;
  return policy && policy->enabled;
}

const DeletionAuthorization* pending_authorization(const KeyRecord& record,
                                                   Timestamp now) noexcept {
  const auto& authorization = record.policies().authorization;
  return authorization && now < authorization->lapses ? &*authorization : nullptr;
}

std::string_view word_of(KeyState state) noexcept {
  switch (state) {
    case KeyState::PreActivation:
      return "pre-active";
    case KeyState::Active:
      return "active";
    case KeyState::Suspended:
      return "suspended";
    case KeyState::Deactivated:
      return "deactivated";
    case KeyState::Destroyed:
      return "destroyed";
  }
  fatal(__FILE__, __LINE__, "unknown KeyState");
}

}  // namespace keyhaven::keys
