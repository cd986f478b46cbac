// The life of a key: NIST SP 800-57 Part 1 Rev. 5 section 7 as the API shows it
// (key-management-api.md 7).
//
// Compromised does not occur in the API. What may be done in which state is one table here, never
// an `if` elsewhere.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

// Whether a key may move from one state to another. A move that the API adds, restoring a destroyed
// key, is a separate, named operation and no row here.
constexpr bool can_transition(KeyState from, KeyState to) noexcept {
  using enum KeyState;
  switch (from) {
    case PreActivation:
      return to == Active || to == Destroyed;
    case Active:
      return to == Suspended || to == Deactivated || to == Destroyed;
    case Suspended:
      return to == Active || to == Deactivated || to == Destroyed;
    case Deactivated:
      return to == Destroyed;
    case Destroyed:
      return false;
  }
  return false;  // a number outside the enumeration has no way out
}
static_assert(!can_transition(KeyState::Destroyed, KeyState::Active));

// The two verbs of SP 800-57: apply protection (wrap), process what is already protected (unwrap).
constexpr bool may_apply_protection(KeyState state) noexcept { return state == KeyState::Active; }
constexpr bool may_process(KeyState state) noexcept {
  return state == KeyState::Active || state == KeyState::Deactivated;
}

enum class KeyOperation : std::uint8_t {
  Read,  // attributes; a standard key's payload too unless destroyed
  Wrap,
  Unwrap,
  Rewrap,
  Rotate,
  Disable,
  Enable,
  Delete,
  Restore,
  Purge,
  ListVersions,          // without allKeyStates
  ListVersionsAnyState,  // with it
  ChangeRing,
  AddAlias,
  RemoveAlias,
  SetForDeletion,
  UnsetForDeletion,
  ReadPolicies,
  SetPolicies,
  Sync,
  MigrationIntent,  // to make one
};
inline constexpr int kKeyOperationCount = static_cast<int>(KeyOperation::MigrationIntent) + 1;

enum class Verdict : std::uint8_t { Allowed, WrongState, Gone };

// The table of key-management-api.md 7, plus ring and alias changes: in every state but destroyed,
// though an alias may be taken off a destroyed key so that its name is free again. Policies can be
// set in those states too, so that a deactivated key can still be protected against deletion.
Verdict verdict(KeyOperation operation, KeyState state) noexcept;

// The state at `now`: an active key whose expiration date has come is deactivated, whether or not
// the sweep has written that yet. A suspended key stays suspended past its date, because expiry
// must not make a disabled key usable again for unwrapping; enabling it then yields a deactivated
// key.
constexpr KeyState effective_state(KeyState written, Timestamp expires, Timestamp now) noexcept {
  const bool expired = expires.us != 0 && expires <= now;
  return expired && written == KeyState::Active ? KeyState::Deactivated : written;
}
inline KeyState effective_state(const KeyRecord& record, Timestamp now) noexcept {
  return effective_state(record.state, record.expires, now);
}

// Errors: KeyActionInvalidState or KeyDeleted, with the state in words.
Result<void> require_state(KeyOperation operation, const KeyRecord& record, Timestamp now);

// Errors: KeyRootRequired.
Result<void> require_root_key(const KeyRecord& record);

// Whether deleting the key takes two (key-management-api.md 7).
bool needs_dual_auth(const KeyRecord& record) noexcept;
// The first of the two authorizations while it counts: until it lapses. Null: none. Lives as long
// as the record's policies.
const DeletionAuthorization* pending_authorization(const KeyRecord& record, Timestamp now) noexcept;

// "active", "suspended", "deactivated", "destroyed", "pre-active": the API's words.
std::string_view word_of(KeyState state) noexcept;

}  // namespace keyhaven::keys
