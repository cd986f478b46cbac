#include "cli/app.h"

namespace keyhaven::cli {

std::string_view remedy_of(const Error& error) noexcept {
  switch (error.reason) {
    case Reason::Unauthenticated:
    case Reason::BearerSubExtraction:
    case Reason::UnknownApiKey:
      return "Log in again: keyhaven login --url URL --api-key-file FILE.";
    case Reason::Unauthorized:
      return "Check the instance id and your roles on it (keyhaven iam policy list); a foreign and "
             "an unknown instance look alike.";
    case Reason::KeyNotFound:
      return "See \"keyhaven key list\"; with a key ring given, the key must be in that ring.";
    case Reason::KeyRingNotFound:
      return "See \"keyhaven key-ring list\"; make it with \"keyhaven key-ring create RING\".";
    case Reason::InstanceNotFound:
      return "See \"keyhaven instance list\".";
    case Reason::InstanceNotInitialized:
      return "Initialise the instance's crypto units: keyhaven tke init --instance ID.";
    case Reason::UnitsDiffer:
      return "Compare the units (keyhaven tke cryptounit-compare) and load the same key parts into "
             "all of them.";
    case Reason::MasterKeyRotationInProgress:
      return "Wait until the rotation is done (keyhaven tke rotation --instance ID), or abandon "
             "it.";
    case Reason::MasterKeyStillNeeded:
      return "See which keys need which master key: keyhaven tke rotation --instance ID.";
    case Reason::MasterKeyRotationState:
      return "See the registers (keyhaven tke cryptounit-mks) and the phase (keyhaven tke "
             "rotation).";
    case Reason::TransferNotAllowed:
      return "See \"keyhaven transfer status\"; the control points transfer-out (source) and "
             "transfer-in (target) must be on, and the quorum's word still open.";
    case Reason::ProposalNotFound:
      return "See \"keyhaven tke proposals --all\".";
    case Reason::UnitsNotZeroized:
      return "Zeroize the units first: keyhaven tke cryptounit-zeroize --instance ID.";
    case Reason::InstanceNotEmpty:
      return "Delete the instance's keys first (keyhaven key list, keyhaven key delete).";
    case Reason::KeyActionInvalidState:
      return "See the key's state with \"keyhaven key show KEY\".";
    case Reason::KeyPayloadRequired:
      return "An imported key is rotated with new material: --payload-file FILE.";
    case Reason::KeyRingNotEmpty:
      return "Move the keys elsewhere (keyhaven key move), or use --force when all of them are "
             "destroyed.";
    case Reason::CiphertextInvalid:
      return "Check the key, the ciphertext and that the --aad values are those of the wrap, in "
             "the same order.";
    case Reason::DecryptFailed:
      return "Check the password.";
    case Reason::TooManyRequests:
    case Reason::UnitUnavailable:
    case Reason::StoreUnavailable:
    case Reason::AuditUnavailable:
    case Reason::ShuttingDown:
      return "Try again shortly; \"keyhaven health\" tells what is missing.";
    case Reason::Io:
    case Reason::DeadlineExceeded:
      return "Check the address, the CA file and that the service is running.";
    // The message says what to do, or the cause is not in the user's hands.
    case Reason::BadBody:
    case Reason::CollectionTotalMismatch:
    case Reason::NoBody:
    case Reason::InvalidField:
    case Reason::InvalidQueryParam:
    case Reason::InvalidHeader:
    case Reason::InvalidArgument:
    case Reason::KeyRootRequired:
    case Reason::KeyRestoreExpired:
    case Reason::KeyExpired:
    case Reason::IncorrectNonce:
    case Reason::IncorrectNonceIv:
    case Reason::KeySearchTooBroad:
    case Reason::TooLarge:
    case Reason::Forbidden:
    case Reason::UnsupportedGrant:
    case Reason::AliasNotFound:
    case Reason::UnitNotFound:
    case Reason::IdentityNotFound:
    case Reason::RouteNotFound:
    case Reason::MethodNotAllowed:
    case Reason::NotFound:
    case Reason::AliasNotUnique:
    case Reason::AliasLimit:
    case Reason::KeyRingExists:
    case Reason::KeyRingLimit:
    case Reason::KeyRingReserved:
    case Reason::KeyLimit:
    case Reason::KeyRotationNotPermitted:
    case Reason::RequestTooEarly:
    case Reason::KeyDeleted:
    case Reason::KeyCreateImportAccess:
    case Reason::AuthorizationsNotMet:
    case Reason::NotDualAuth:
    case Reason::ProtectedResource:
    case Reason::InstanceLimit:
    case Reason::RecordNotAuthentic:
    case Reason::ProposalState:
    case Reason::Conflict:
    case Reason::AlreadyExists:
    case Reason::NotACiphertext:
    case Reason::NotSupported:
    case Reason::BodyQueryMismatch:
    case Reason::ResourceCount:
    case Reason::FeatureRestricted:
    case Reason::ServiceOnly:
    case Reason::ResourceOwner:
    case Reason::ImportTokenNotFound:
    case Reason::RegistrationNotFound:
    case Reason::MigrationIntentNotFound:
    case Reason::LifecycleEventNotFound:
    case Reason::DeletionPrevented:
    case Reason::DualAuthPolicyEnabled:
    case Reason::ImportTokenExpired:
    case Reason::RegistrationExists:
    case Reason::RegistrationLimit:
    case Reason::RegistrationState:
    case Reason::RegistrationRootKey:
    case Reason::RegistrationVersion:
    case Reason::PreconditionFailed:
    case Reason::MigrationIntentExists:
    case Reason::Internal:
      return {};
  }
  return {};
}

}  // namespace keyhaven::cli
