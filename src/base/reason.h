// The closed set of reasons for which an operation fails, and the coarse class of each.
//
// The domain decides the reason; each front end maps it to its own words and numbers in one table.
// The names with a wire code are those of key-management-api.md section 17 (http/errors.cc holds
// code, status and text).
#pragma once

#include <cstdint>
#include <string_view>

namespace keyhaven {

// Coarse class of a failure, for callers that need no more.
enum class Errc : std::uint8_t {
  InvalidArgument,
  Unauthenticated,
  PermissionDenied,
  NotFound,
  Conflict,
  WrongState,
  LimitExceeded,
  DecryptFailed,
  NotSupported,
  Unavailable,
  Internal,
};

enum class Reason : std::uint8_t {
  // Bad input.
  BadBody,                  // malformed JSON or envelope
  CollectionTotalMismatch,  // collectionTotal differs from the number of resources
  BodyQueryMismatch,        // the policy named by the query is not the one in the body
  ResourceCount,            // the query names one policy, the body holds several
  NoBody,                   // a body is required
  InvalidField,             // a field breaks its rule; target names it
  InvalidQueryParam,        // a query parameter breaks its rule; target names it
  InvalidHeader,            // a header is missing or malformed; target names it
  BearerSubExtraction,      // a token is present but no subject can be read from it
  InvalidArgument,          // bad input outside the HTTP API (CLI, configuration, codec)
  KeyRootRequired,          // only root keys can do this
  KeyPayloadRequired,       // rotating an imported key needs material
  KeyRestoreExpired,        // the restore window is over
  KeyExpired,               // the key's expiration date has passed
  IncorrectNonce,           // import nonce differs
  IncorrectNonceIv,         // import nonce not encrypted with the given material
  KeySearchTooBroad,        // more keys than a search may look at
  TooLarge,                 // a body, header or frame above its limit
  // Who may.
  Unauthenticated,    // no token, or one that is expired, forged or revoked
  Unauthorized,       // no right to it, or it does not exist for this caller
  Forbidden,          // a rule forbids it to everybody in this situation
  FeatureRestricted,  // the deployment does not have what the setting needs
  ServiceOnly,        // only identities of services may do it
  ResourceOwner,      // a service touches what is not its own
  UnknownApiKey,      // token endpoint: no such API key
  UnsupportedGrant,   // token endpoint: grant type unknown
  // Absent.
  KeyNotFound,
  KeyRingNotFound,
  AliasNotFound,
  ImportTokenNotFound,
  RegistrationNotFound,
  MigrationIntentNotFound,
  LifecycleEventNotFound,
  InstanceNotFound,
  UnitNotFound,
  IdentityNotFound,
  RouteNotFound,
  MethodNotAllowed,
  NotFound,
  // State and uniqueness.
  AliasNotUnique,
  AliasLimit,
  KeyRingExists,
  KeyRingNotEmpty,
  KeyRingLimit,
  KeyRingReserved,
  KeyLimit,
  KeyActionInvalidState,
  KeyRotationNotPermitted,  // too soon after the last rotation
  RequestTooEarly,          // enable, restore or purge before its waiting time is over
  KeyDeleted,
  KeyCreateImportAccess,
  AuthorizationsNotMet,
  NotDualAuth,
  ProtectedResource,      // the key has registrations and the deletion is not forced
  DeletionPrevented,      // a registration prevents deletion, forced or not
  DualAuthPolicyEnabled,  // dual authorization of a key cannot be switched off
  ImportTokenExpired,     // past its date, or no retrievals left
  RegistrationExists,
  RegistrationLimit,
  RegistrationState,    // registrations are made and changed on active keys
  RegistrationRootKey,  // registrations are of root keys
  RegistrationVersion,  // the registered version must move forward
  PreconditionFailed,   // If-Match names another state of the registration
  MigrationIntentExists,
  InstanceNotInitialized,  // a crypto unit of the instance has no valid master key
  UnitsDiffer,             // the verification patterns of the instance's units differ
  InstanceNotEmpty,        // an instance with keys cannot be deleted
  UnitsNotZeroized,        // an instance whose units hold state cannot be deleted
  InstanceLimit,
  MasterKeyRotationInProgress,  // not while stored keys are sealed anew
  MasterKeyRotationState,       // the units' registers or the phase do not allow this step
  MasterKeyStillNeeded,         // stored keys need the master key that this step would take away
  RecordNotAuthentic,           // what the store has is not what the crypto unit sealed last
  TransferNotAllowed,           // no open, consented transfer of keys, or its control point is off
  ProposalNotFound,
  ProposalState,  // the proposal lapsed, was sent, or lacks signatures
  Conflict,       // someone else wrote first
  AlreadyExists,
  // Cryptographic refusals: one answer for every cause.
  DecryptFailed,      // a blob or ciphertext of ours does not authenticate
  CiphertextInvalid,  // 422: wrapped DEK does not authenticate under any version with this AAD
  NotACiphertext,     // 400: not base64, or not a wrapped DEK of ours
  // Limits and machinery.
  TooManyRequests,
  NotSupported,
  UnitUnavailable,   // no crypto unit answers
  StoreUnavailable,  // the store cannot be read or written (full disk, read-only)
  AuditUnavailable,  // the audit record cannot be written, so the call is refused
  DeadlineExceeded,
  ShuttingDown,
  Io,  // a local file or socket failed (tools)
  Internal,
};

inline constexpr std::size_t kReasonCount = static_cast<std::size_t>(Reason::Internal) + 1;

Errc errc_of(Reason reason) noexcept;

// Stable name of a reason for logs, audit records and tests, e.g. "KeyNotFound".
std::string_view name_of(Reason reason) noexcept;

}  // namespace keyhaven
