#include "client/errors.h"

#include <algorithm>

namespace keyhaven::client {
namespace {

struct CodeReason {
  std::string_view code;
  Reason reason;
};

constexpr CodeReason kCodes[] = {
    {"TRANSFER_NOT_ALLOWED_ERR", Reason::TransferNotAllowed},
    {"MIGRATION_INTENT_EXISTS_ERR", Reason::MigrationIntentExists},
    {"PRECONDITION_FAILED_ERR", Reason::PreconditionFailed},
    {"KEY_VERSION_INVALID", Reason::RegistrationVersion},
    {"KEY_ROOT_REQ_REG_ERR", Reason::RegistrationRootKey},
    {"KEY_INVALID_STATE_ERR", Reason::RegistrationState},
    {"REGISTRATION_LIMIT_ERR", Reason::RegistrationLimit},
    {"REGISTRATION_EXISTS_ERR", Reason::RegistrationExists},
    {"IMPORT_TOKEN_EXPIRED_ERR", Reason::ImportTokenExpired},
    {"DUAL_AUTH_POLICY_ENABLED_ERR", Reason::DualAuthPolicyEnabled},
    {"EVENT_NOT_FOUND_ERR", Reason::LifecycleEventNotFound},
    {"MIGRATION_INTENT_NOT_FOUND_ERR", Reason::MigrationIntentNotFound},
    {"REGISTRATION_NOT_FOUND_ERR", Reason::RegistrationNotFound},
    {"IMPORT_TOKEN_NOT_FOUND_ERR", Reason::ImportTokenNotFound},
    {"NUM_COLLECTION_RESOURCE_ERR", Reason::ResourceCount},
    {"BODY_QUERY_PARAM_MISMATCH_ERR", Reason::BodyQueryMismatch},
    {"BAD_BODY_ERR", Reason::BadBody},
    {"COLLECTION_TOTAL_MISMATCH_ERR", Reason::CollectionTotalMismatch},
    {"NO_BODY_ERR", Reason::NoBody},
    {"INVALID_FIELD_ERR", Reason::InvalidField},
    {"INVALID_QUERY_PARAM_ERR", Reason::InvalidQueryParam},
    {"KEY_SEARCH_TOO_BROAD", Reason::KeySearchTooBroad},
    {"BEARER_SUB_EXTRACTION_ERR", Reason::BearerSubExtraction},
    {"KEY_ROOT_REQ_ERR", Reason::KeyRootRequired},
    {"KEY_PAYLOAD_REQ_ERR", Reason::KeyPayloadRequired},
    {"KEY_RESTORE_EXPIRED", Reason::KeyRestoreExpired},
    {"KEY_EXPIRED_ERR", Reason::KeyExpired},
    {"INCORRECT_NONCE_ERR", Reason::IncorrectNonce},
    {"INCORRECT_NONCE_IV_ERR", Reason::IncorrectNonceIv},
    {"UNAUTHORIZED_ERR", Reason::Unauthorized},
    {"CONFIG_RULE_CONFLICT_ERR", Reason::Forbidden},
    {"FEATURE_RESTRICTED_ERR", Reason::FeatureRestricted},
    {"RESOURCE_OWNER_ERR", Reason::ResourceOwner},
    {"SERVICE_ONLY_ERR", Reason::ServiceOnly},
    {"KEY_NOT_FOUND_ERR", Reason::KeyNotFound},
    {"KEY_RING_NOT_FOUND_ERR", Reason::KeyRingNotFound},
    {"KEY_ALIAS_NOT_FOUND_ERR", Reason::AliasNotFound},
    {"KEY_ALIAS_NOT_UNIQUE_ERR", Reason::AliasNotUnique},
    {"KEY_ALIAS_LIMIT_ERR", Reason::AliasLimit},
    {"KEY_RING_RESOURCE_EXISTS_ERR", Reason::KeyRingExists},
    {"KEY_RING_NOT_EMPTY_ERR", Reason::KeyRingNotEmpty},
    {"KEY_ACTION_INVALID_STATE_ERR", Reason::KeyActionInvalidState},
    {"KEY_ROTATION_NOT_PERMITTED", Reason::KeyRotationNotPermitted},
    {"REQ_TOO_EARLY_ERR", Reason::RequestTooEarly},
    {"AUTHORIZATIONS_NOT_MET", Reason::AuthorizationsNotMet},
    {"NOT_DUAL_AUTH_ERR", Reason::NotDualAuth},
    {"PROTECTED_RESOURCE_ERR", Reason::ProtectedResource},
    {"PREV_KEY_DEL_ERR", Reason::DeletionPrevented},
    {"KEY_CREATE_IMPORT_ACCESS_ERR", Reason::KeyCreateImportAccess},
    {"KEY_DELETED_ERR", Reason::KeyDeleted},
    {"UNPROCESSABLE_CIPHERTEXT_ERR", Reason::CiphertextInvalid},
    {"INVALID_SIG_EXP_ERR", Reason::CiphertextInvalid},
    {"INSTANCE_NOT_INITIALIZED", Reason::InstanceNotInitialized},
    {"TOO_MANY_REQUESTS_ERR", Reason::TooManyRequests},
    {"BXNIM0415E", Reason::UnknownApiKey},
    // Codes of our own server where the vendor's are unpublished (http/errors.cc).
    {"INVALID_HEADER_ERR", Reason::InvalidHeader},
    {"BAD_REQUEST_ERR", Reason::InvalidField},
    {"REQUEST_TOO_LARGE_ERR", Reason::TooLarge},
    {"UNKNOWN_API_KEY_ERR", Reason::UnknownApiKey},
    {"UNSUPPORTED_GRANT_ERR", Reason::UnsupportedGrant},
    {"INSTANCE_NOT_FOUND_ERR", Reason::InstanceNotFound},
    {"CRYPTO_UNIT_NOT_FOUND_ERR", Reason::UnitNotFound},
    {"IDENTITY_NOT_FOUND_ERR", Reason::IdentityNotFound},
    {"PATH_NOT_FOUND_ERR", Reason::RouteNotFound},
    {"METHOD_NOT_ALLOWED_ERR", Reason::MethodNotAllowed},
    {"NOT_FOUND_ERR", Reason::NotFound},
    {"KEY_RING_LIMIT_ERR", Reason::KeyRingLimit},
    {"KEY_RING_RESERVED_ERR", Reason::KeyRingReserved},
    {"KEY_LIMIT_ERR", Reason::KeyLimit},
    {"CRYPTO_UNITS_DIFFER_ERR", Reason::UnitsDiffer},
    {"INSTANCE_NOT_EMPTY_ERR", Reason::InstanceNotEmpty},
    {"CRYPTO_UNITS_NOT_ZEROIZED_ERR", Reason::UnitsNotZeroized},
    {"INSTANCE_LIMIT_ERR", Reason::InstanceLimit},
    {"MASTER_KEY_ROTATION_IN_PROGRESS", Reason::MasterKeyRotationInProgress},
    {"MASTER_KEY_ROTATION_STATE_ERR", Reason::MasterKeyRotationState},
    {"MASTER_KEY_STILL_NEEDED_ERR", Reason::MasterKeyStillNeeded},
    {"PROPOSAL_NOT_FOUND_ERR", Reason::ProposalNotFound},
    {"PROPOSAL_STATE_ERR", Reason::ProposalState},
    {"CONFLICT_ERR", Reason::Conflict},
    {"ALREADY_EXISTS_ERR", Reason::AlreadyExists},
    {"NOT_SUPPORTED_ERR", Reason::NotSupported},
    {"CRYPTO_UNIT_UNAVAILABLE_ERR", Reason::UnitUnavailable},
    {"STORE_UNAVAILABLE_ERR", Reason::StoreUnavailable},
    {"AUDIT_UNAVAILABLE_ERR", Reason::AuditUnavailable},
    {"DEADLINE_EXCEEDED_ERR", Reason::DeadlineExceeded},
    {"SHUTTING_DOWN_ERR", Reason::ShuttingDown},
};

Reason by_status(int status) noexcept {
  switch (status) {
    case 400:
      return Reason::InvalidField;
    case 401:
      return Reason::Unauthorized;
    case 403:
      return Reason::Forbidden;
    case 404:
      return Reason::NotFound;
    case 405:
      return Reason::MethodNotAllowed;
    case 408:
    case 504:
      return Reason::DeadlineExceeded;
    case 409:
    case 412:
      return Reason::Conflict;
    case 410:
      return Reason::KeyDeleted;
    case 413:
    case 431:
      return Reason::TooLarge;
    case 422:
      return Reason::CiphertextInvalid;
    case 429:
      return Reason::TooManyRequests;
    case 501:
      return Reason::NotSupported;
    case 503:
      return Reason::UnitUnavailable;
    default:
      return status >= 500 ? Reason::Internal : Reason::BadBody;
  }
}

}  // namespace

Reason reason_of(int status, std::string_view code) noexcept {
  const auto* row =
      std::find_if(std::begin(kCodes), std::end(kCodes),
                   [&](const CodeReason& candidate) { return candidate.code == code; });
  return row != std::end(kCodes) ? row->reason : by_status(status);
}

std::string printable(std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    text = text.substr(0, limit);
    // Do not cut within a UTF-8 sequence.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80)
      text.remove_suffix(1);
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.remove_suffix(1);
  }
  std::string out(text);
  for (char& byte : out) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) byte = ' ';
  }
  return out;
}

}  // namespace keyhaven::client
