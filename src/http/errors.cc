#include "http/errors.h"

#include <string>

#include "http/json.h"
#include "net/response_writer.h"

namespace keyhaven::http {
namespace {

constexpr std::string_view kMoreInfo = "https://cloud.ibm.com/apidocs/hs-crypto";

struct LeadIn {
  iam::Action action;
  std::string_view text;
};

// What the call could not do, as the vendor's messages begin. Actions that are not of this API's
// vocabulary (instances, identities, units) say it in general.
constexpr LeadIn kLeadIns[] = {
    {iam::Action::SecretsCreate, "Key could not be created"},
    {iam::Action::SecretsList, "Keys could not be retrieved"},
    {iam::Action::SecretsHead, "Keys could not be retrieved"},
    {iam::Action::SecretsRead, "Key could not be retrieved"},
    {iam::Action::SecretsReadMetadata, "Key metadata could not be retrieved"},
    {iam::Action::SecretsPatch, "Key could not be updated"},
    {iam::Action::SecretsDelete, "Key could not be deleted"},
    {iam::Action::SecretsPurge, "Key could not be purged"},
    {iam::Action::SecretsRestore, "Key could not be restored"},
    {iam::Action::SecretsWrap, "Wrap with key could not be performed"},
    {iam::Action::SecretsUnwrap, "Unwrap with key could not be performed"},
    {iam::Action::SecretsRewrap, "Rewrap with key could not be performed"},
    {iam::Action::SecretsRotate, "Key could not be rotated"},
    {iam::Action::SecretsDisable, "Key could not be disabled"},
    {iam::Action::SecretsEnable, "Key could not be enabled"},
    {iam::Action::SecretsListVersions, "KeyVersions could not be retrieved"},
    {iam::Action::SecretsUnknown, "Action could not be performed on key"},
    {iam::Action::AliasCreate, "Key alias could not be created"},
    {iam::Action::AliasDelete, "Key alias could not be deleted"},
    {iam::Action::KeyRingsCreate, "Key ring could not be created"},
    {iam::Action::KeyRingsDelete, "Key ring could not be deleted"},
    {iam::Action::KeyRingsList, "Key rings could not be retrieved"},
    {iam::Action::PoliciesRead, "Policies could not be retrieved"},
    {iam::Action::InstancePoliciesRead, "Instance policies could not be retrieved"},
    {iam::Action::SecretsSetForDeletion, "Key could not be set for deletion"},
    {iam::Action::SecretsUnsetForDeletion, "Key could not be unset for deletion"},
    {iam::Action::SecretsSync, "Could not initiate sync requests to associated resources"},
    {iam::Action::SecretsEventAck, "Event could not be acknowledged"},
    {iam::Action::PoliciesWrite, "Policies could not be set"},
    {iam::Action::InstancePoliciesWrite, "Instance policy could not be created"},
    {iam::Action::AllowedIpPortRead, "Allowed IP port could not be retrieved"},
    {iam::Action::ImportTokenCreate, "Import Token could not be created"},
    {iam::Action::ImportTokenRead, "Import Token could not be retrieved"},
    {iam::Action::RegistrationsList, "Registrations could not be retrieved"},
    {iam::Action::RegistrationsCreate, "Registration could not be created"},
    {iam::Action::RegistrationsReplace, "Registration could not be replaced"},
    {iam::Action::RegistrationsUpdate, "Registration could not be updated"},
    {iam::Action::RegistrationsDelete, "Registration could not be deleted"},
    {iam::Action::RegistrationsDeactivate, "Registrations could not be deactivated"},
    {iam::Action::MigrationIntentCreate, "Migration intent could not be created"},
    {iam::Action::MigrationIntentRead, "Migration intent could not be retrieved"},
    {iam::Action::MigrationIntentDelete, "Migration intent could not be deleted"},
    {iam::Action::GovernanceRead, "Configuration could not be retrieved"},
    {iam::Action::LifecycleEventsList, "Lifecycle events could not be retrieved"},
};

std::string_view lead_in(iam::Action action) noexcept {
  for (const LeadIn& row : kLeadIns) {
    if (row.action == action) return row.text;
  }
  return "The call could not be performed";
}

std::string_view target_type(Reason reason) noexcept {
  if (reason == Reason::InvalidQueryParam || reason == Reason::ProtectedResource)
    return "query_param";
  if (reason == Reason::InvalidHeader) return "header";
  return "field";
}

// Words a client may search for in the text (instances-tke-iam.md 1.5).
std::string full_message(const Error& error) {
  if (error.reason == Reason::InstanceNotInitialized) {
    return error.message +
           " [CKR_IBM_WK_NOT_INITIALIZED: initialize the crypto units of the instance first]";
  }
  return error.message;
}

bool has_reasons(const Error& error, int status) noexcept {
  return status != 401 && error.reason != Reason::InvalidHeader;
}

void write_reason(JsonWriter& json, const Error& error, const WireReason& wire) {
  json.begin_object().field("code", wire.code).field("message", full_message(error));
  json.field("status", wire.status).field("moreInfo", kMoreInfo);
  if (!error.target.empty()) {
    json.key("target").begin_object();
    json.field("type", target_type(error.reason)).field("name", error.target).end_object();
  }
  json.end_object();
}

std::string error_message(const Error& error, const WireReason& wire, std::string_view what) {
  std::string out(net::reason_phrase(wire.status));
  out += ": ";
  if (wire.status == 401) {
    out += error.message;
  } else {
    out += what;
    out += ": ";
    // Detail first where a state or time decides; clients of which some show only errorMsg need it.
    out += full_message(error);
    if (has_reasons(error, wire.status)) out += ": Please see `reasons` for more details";
  }
  out += " (";
  out += wire.code;
  out += ')';
  return out;
}

}  // namespace

WireReason wire_reason(Reason reason) noexcept {
  switch (reason) {
    case Reason::BadBody:
      return {400, "BAD_BODY_ERR",
              "The body is malformed JSON, no envelope, has no or too many resources, or a member "
              "that is twice there or, in a policy, unknown."};
    case Reason::CollectionTotalMismatch:
      return {400, "COLLECTION_TOTAL_MISMATCH_ERR",
              "`collectionTotal` differs from the number of resources."};
    case Reason::NoBody:
      return {400, "NO_BODY_ERR", "The call needs a body."};
    case Reason::InvalidField:
      return {400, "INVALID_FIELD_ERR", "A member breaks its rule."};
    case Reason::InvalidQueryParam:
      return {400, "INVALID_QUERY_PARAM_ERR",
              "A query parameter breaks its rule; also material for rotating a generated key."};
    case Reason::InvalidHeader:
      return {400, "INVALID_HEADER_ERR",
              "A header is missing, doubled or malformed. Answered without `reasons`."};
    case Reason::BearerSubExtraction:
      return {400, "BEARER_SUB_EXTRACTION_ERR",
              "There is a token, but no subject can be read from it."};
    case Reason::InvalidArgument:
      return {400, "BAD_REQUEST_ERR",
              "Input outside the API (command line, configuration, codec) is wrong."};
    case Reason::KeyRootRequired:
      return {400, "KEY_ROOT_REQ_ERR", "Only root keys can do this."};
    case Reason::KeyPayloadRequired:
      return {400, "KEY_PAYLOAD_REQ_ERR",
              "The key was imported: rotating it needs material, and it cannot rotate by policy."};
    case Reason::KeyRestoreExpired:
      return {400, "KEY_RESTORE_EXPIRED", "The key was deleted more than 30 days ago."};
    case Reason::KeyExpired:
      return {400, "KEY_EXPIRED_ERR", "The expiration date of the key has passed."};
    case Reason::IncorrectNonce:
      return {400, "INCORRECT_NONCE_ERR", "The nonce is not that of the import token."};
    case Reason::IncorrectNonceIv:
      return {
          400, "INCORRECT_NONCE_IV_ERR",
          "The nonce or the material was not encrypted for the import token, or the IV is wrong."};
    case Reason::KeySearchTooBroad:
      return {400, "KEY_SEARCH_TOO_BROAD",
              "More keys would have to be searched than one search may look at."};
    case Reason::TooLarge:
      return {413, "REQUEST_TOO_LARGE_ERR", "The body or a part of it is above its limit."};
    case Reason::Unauthenticated:
      return {401, "UNAUTHORIZED_ERR",
              "No token, or one that is expired, forged or revoked. Answered without `reasons`."};
    case Reason::Unauthorized:
      return {401, "UNAUTHORIZED_ERR",
              "No right to it, or it does not exist for this caller, or the address is not "
              "allowed. Answered without `reasons`."};
    case Reason::Forbidden:
      return {403, "CONFIG_RULE_CONFLICT_ERR", "A rule forbids it to everybody in this situation."};
    case Reason::UnknownApiKey:
      return {400, "UNKNOWN_API_KEY_ERR",
              "There is no such API key. The token call says it in the form of IAM instead "
              "(BXNIM0415E)."};
    case Reason::UnsupportedGrant:
      return {400, "UNSUPPORTED_GRANT_ERR",
              "The grant type is not supported. The token call says it in the form of IAM instead "
              "(BXNIM0137E)."};
    case Reason::KeyNotFound:
      return {404, "KEY_NOT_FOUND_ERR",
              "No key of this id or alias in the instance or in the ring of the header, or it was "
              "purged."};
    case Reason::KeyRingNotFound:
      return {404, "KEY_RING_NOT_FOUND_ERR", "No such key ring."};
    case Reason::AliasNotFound:
      return {404, "KEY_ALIAS_NOT_FOUND_ERR", "The key has no such alias."};
    case Reason::InstanceNotFound:
      return {404, "INSTANCE_NOT_FOUND_ERR", "No such service instance."};
    case Reason::UnitNotFound:
      return {404, "CRYPTO_UNIT_NOT_FOUND_ERR", "The instance has no such crypto unit."};
    case Reason::IdentityNotFound:
      return {404, "IDENTITY_NOT_FOUND_ERR", "No such identity."};
    case Reason::RouteNotFound:
      return {404, "PATH_NOT_FOUND_ERR", "There is no such path."};
    case Reason::MethodNotAllowed:
      return {405, "METHOD_NOT_ALLOWED_ERR",
              "The path does not take this method; `Allow` names those it takes."};
    case Reason::NotFound:
      return {404, "NOT_FOUND_ERR", "No such API key or access policy."};
    case Reason::AliasNotUnique:
      return {409, "KEY_ALIAS_NOT_UNIQUE_ERR", "The alias is taken in this instance."};
    case Reason::AliasLimit:
      return {409, "KEY_ALIAS_LIMIT_ERR", "The key or the instance has as many aliases as it may."};
    case Reason::KeyRingExists:
      return {409, "KEY_RING_RESOURCE_EXISTS_ERR", "There is such a key ring already."};
    case Reason::KeyRingNotEmpty:
      return {409, "KEY_RING_NOT_EMPTY_ERR", "The key ring still holds keys."};
    case Reason::KeyRingLimit:
      return {409, "KEY_RING_LIMIT_ERR", "The instance has as many key rings as it may."};
    case Reason::KeyRingReserved:
      return {409, "KEY_RING_RESERVED_ERR", "`default` can neither be created nor deleted."};
    case Reason::KeyLimit:
      return {409, "KEY_LIMIT_ERR", "The instance has as many keys as it may."};
    case Reason::KeyActionInvalidState:
      return {409, "KEY_ACTION_INVALID_STATE_ERR", "The state of the key does not permit this."};
    case Reason::KeyRotationNotPermitted:
      return {409, "KEY_ROTATION_NOT_PERMITTED", "The key was rotated too short a time ago."};
    case Reason::RequestTooEarly:
      return {409, "REQ_TOO_EARLY_ERR",
              "A waiting time is not over: enable, restore, purge, sync."};
    case Reason::KeyDeleted:
      return {410, "KEY_DELETED_ERR", "The key is deleted."};
    case Reason::KeyCreateImportAccess:
      return {409, "KEY_CREATE_IMPORT_ACCESS_ERR",
              "The policy keyCreateImportAccess of the instance forbids it."};
    case Reason::AuthorizationsNotMet:
      return {409, "AUTHORIZATIONS_NOT_MET",
              "Nobody else has authorised the deletion within seven days."};
    case Reason::NotDualAuth:
      return {409, "NOT_DUAL_AUTH_ERR", "The key has no dual-authorization policy."};
    case Reason::ProtectedResource:
      return {409, "PROTECTED_RESOURCE_ERR",
              "The key has registrations and the deletion is not forced."};
    case Reason::InstanceNotInitialized:
      return {409, "INSTANCE_NOT_INITIALIZED",
              "A crypto unit of the instance has no valid master key."};
    case Reason::UnitsDiffer:
      return {409, "CRYPTO_UNITS_DIFFER_ERR",
              "The crypto units of the instance have different master keys."};
    case Reason::InstanceNotEmpty:
      return {409, "INSTANCE_NOT_EMPTY_ERR", "The instance still has keys."};
    case Reason::UnitsNotZeroized:
      return {409, "CRYPTO_UNITS_NOT_ZEROIZED_ERR",
              "The crypto units of the instance still hold state."};
    case Reason::InstanceLimit:
      return {409, "INSTANCE_LIMIT_ERR", "The deployment has as many instances as it may."};
    case Reason::MasterKeyRotationInProgress:
      return {409, "MASTER_KEY_ROTATION_IN_PROGRESS",
              "The stored keys are being sealed under a new master key."};
    case Reason::MasterKeyRotationState:
      return {409, "MASTER_KEY_ROTATION_STATE_ERR",
              "The master key registers or the rotation's phase do not allow this step."};
    case Reason::MasterKeyStillNeeded:
      return {409, "MASTER_KEY_STILL_NEEDED_ERR",
              "Stored keys need the master key that this step would take away."};
    case Reason::RecordNotAuthentic:
      return {409, "RECORD_NOT_AUTHENTIC_ERR",
              "The stored record is not the one that the crypto unit sealed last."};
    case Reason::TransferNotAllowed:
      return {409, "TRANSFER_NOT_ALLOWED_ERR",
              "The crypto units of the instance have no such transfer of keys open."};
    case Reason::ProposalNotFound:
      return {404, "PROPOSAL_NOT_FOUND_ERR", "There is no such proposal."};
    case Reason::ProposalState:
      return {409, "PROPOSAL_STATE_ERR",
              "The proposal has lapsed, was sent already, or lacks signatures."};
    case Reason::Conflict:
      return {409, "CONFLICT_ERR",
              "Somebody else changed it first, or a rule about several objects would break."};
    case Reason::AlreadyExists:
      return {409, "ALREADY_EXISTS_ERR", "There is one already."};
    // A stored blob that does not open is our damage, not the caller's.
    case Reason::DecryptFailed:
      return {500, "INCOMPLETE_METADATA_ERR", "What the store keeps of a key is damaged."};
    case Reason::CiphertextInvalid:
      return {422, "UNPROCESSABLE_CIPHERTEXT_ERR",
              "The wrapped DEK does not authenticate under any version of this key with this AAD."};
    case Reason::NotACiphertext:
      return {400, "INVALID_FIELD_ERR",
              "The ciphertext is not base64, or not a wrapped DEK of this service."};
    case Reason::BodyQueryMismatch:
      return {400, "BODY_QUERY_PARAM_MISMATCH_ERR",
              "The policy of the body is not the one that the query names."};
    case Reason::ResourceCount:
      return {400, "NUM_COLLECTION_RESOURCE_ERR",
              "The query names one policy, the body holds several, or one type twice."};
    case Reason::FeatureRestricted:
      return {403, "FEATURE_RESTRICTED_ERR", "This deployment lacks what the setting needs."};
    case Reason::ServiceOnly:
      return {403, "SERVICE_ONLY_ERR", "Only identities of services may do this."};
    case Reason::ResourceOwner:
      return {403, "RESOURCE_OWNER_ERR", "A service touches what is not its own."};
    case Reason::ImportTokenNotFound:
      return {404, "IMPORT_TOKEN_NOT_FOUND_ERR", "The instance never had an import token."};
    case Reason::RegistrationNotFound:
      return {404, "REGISTRATION_NOT_FOUND_ERR", "The key has no such registration."};
    case Reason::MigrationIntentNotFound:
      return {404, "MIGRATION_INTENT_NOT_FOUND_ERR", "The key has no migration intent."};
    case Reason::LifecycleEventNotFound:
      return {404, "EVENT_NOT_FOUND_ERR", "No such lifecycle event of the caller."};
    case Reason::DeletionPrevented:
      return {409, "PREV_KEY_DEL_ERR",
              "A registration prevents the deletion of the key, forced or not."};
    case Reason::DualAuthPolicyEnabled:
      return {409, "DUAL_AUTH_POLICY_ENABLED_ERR",
              "Dual authorization of a key cannot be switched off."};
    case Reason::ImportTokenExpired:
      return {409, "IMPORT_TOKEN_EXPIRED_ERR",
              "The import token has expired or has no retrievals left."};
    case Reason::RegistrationExists:
      return {409, "REGISTRATION_EXISTS_ERR", "There is such a registration already."};
    case Reason::RegistrationLimit:
      return {409, "REGISTRATION_LIMIT_ERR", "The key has as many registrations as it may."};
    case Reason::RegistrationState:
      return {422, "KEY_INVALID_STATE_ERR",
              "Registrations are made and changed on active keys only."};
    case Reason::RegistrationRootKey:
      return {422, "KEY_ROOT_REQ_REG_ERR", "Registrations are of root keys only."};
    case Reason::RegistrationVersion:
      return {422, "KEY_VERSION_INVALID", "The version of a registration can only move forward."};
    case Reason::PreconditionFailed:
      return {412, "PRECONDITION_FAILED_ERR",
              "`If-Match` names another state of the registration."};
    case Reason::MigrationIntentExists:
      return {409, "MIGRATION_INTENT_EXISTS_ERR", "The key has a migration intent already."};
    case Reason::TooManyRequests:
      return {429, "TOO_MANY_REQUESTS_ERR",
              "More calls per second than the caller or the instance may make; `Retry-After` says "
              "when to go on."};
    case Reason::NotSupported:
      return {501, "NOT_SUPPORTED_ERR", "This server cannot do this."};
    case Reason::UnitUnavailable:
      return {503, "CRYPTO_UNIT_UNAVAILABLE_ERR", "No crypto unit answers."};
    case Reason::StoreUnavailable:
      return {503, "STORE_UNAVAILABLE_ERR", "The store cannot be read or written."};
    case Reason::AuditUnavailable:
      return {503, "AUDIT_UNAVAILABLE_ERR",
              "The audit record cannot be written, so the call is refused."};
    case Reason::DeadlineExceeded:
      return {503, "DEADLINE_EXCEEDED_ERR", "The call took too long, or the queue is full."};
    case Reason::ShuttingDown:
      return {503, "SHUTTING_DOWN_ERR", "The server is stopping."};
    case Reason::Io:
      return {500, "INTERNAL_ERR", "A local file or socket failed."};
    case Reason::Internal:
      return {500, "INTERNAL_ERR", "A fault of the server; its log says more."};
  }
  fatal(__FILE__, __LINE__, "unknown Reason");
}

std::string document_errors() {
  std::string out = "| reason | status | code | target | meaning |\n|---|---|---|---|---|\n";
  for (std::size_t index = 0; index < kReasonCount; ++index) {
    const Reason reason = static_cast<Reason>(index);
    const WireReason wire = wire_reason(reason);
    out.append("| ").append(name_of(reason)).append(" | ").append(std::to_string(wire.status));
    out.append(" | `").append(wire.code).append("` | ").append(target_type(reason)).append(" | ");
    out.append(wire.meaning).append(" |\n");
  }
  return out;
}

net::Response error_response(const Error& error, iam::Action action) {
  const WireReason wire = wire_reason(error.reason);
  net::Response response;
  response.status = wire.status;
  JsonWriter json(response.body);
  begin_envelope(json, "application/vnd.ibm.kms.error+json", 1);
  json.begin_object().field("errorMsg", error_message(error, wire, lead_in(action)));
  if (has_reasons(error, wire.status)) {
    json.key("reasons").begin_array();
    write_reason(json, error, wire);
    json.end_array();
  }
  json.end_object();
  end_envelope(json);
  if (wire.status == 429 || wire.status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

net::Response plain_error_response(int status, std::string_view what) {
  net::Response response;
  response.status = status;
  JsonWriter json(response.body);
  begin_envelope(json, "application/vnd.ibm.kms.error+json", 1);
  std::string text(net::reason_phrase(status));
  text += ": ";
  text += what;
  text += " (HTTP_ERR)";
  json.begin_object().field("errorMsg", text).end_object();
  end_envelope(json);
  if (status == 429 || status == 503) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace keyhaven::http
