#include "base/reason.h"

#include "base/result.h"

namespace keyhaven {

Errc errc_of(Reason reason) noexcept {
  switch (reason) {
    case Reason::BadBody:
    case Reason::CollectionTotalMismatch:
    case Reason::NoBody:
    case Reason::InvalidField:
    case Reason::InvalidQueryParam:
    case Reason::InvalidHeader:
    case Reason::BearerSubExtraction:
    case Reason::InvalidArgument:
    case Reason::KeyRootRequired:
    case Reason::KeyPayloadRequired:
    case Reason::KeyRestoreExpired:
    case Reason::KeyExpired:
    case Reason::IncorrectNonce:
    case Reason::IncorrectNonceIv:
    case Reason::KeySearchTooBroad:
    case Reason::UnknownApiKey:
    case Reason::UnsupportedGrant:
    case Reason::NotACiphertext:
      return Errc::InvalidArgument;
    case Reason::TooLarge:
    case Reason::AliasLimit:
    case Reason::KeyRingLimit:
    case Reason::KeyLimit:
    case Reason::InstanceLimit:
    case Reason::TooManyRequests:
      return Errc::LimitExceeded;
    case Reason::Unauthenticated:
      return Errc::Unauthenticated;
    case Reason::Unauthorized:
    case Reason::Forbidden:
    case Reason::KeyCreateImportAccess:
      return Errc::PermissionDenied;
    case Reason::KeyNotFound:
    case Reason::KeyRingNotFound:
    case Reason::AliasNotFound:
    case Reason::InstanceNotFound:
    case Reason::UnitNotFound:
    case Reason::IdentityNotFound:
    case Reason::RouteNotFound:
    case Reason::NotFound:
      return Errc::NotFound;
    case Reason::MethodNotAllowed:
    case Reason::NotSupported:
      return Errc::NotSupported;
    case Reason::AliasNotUnique:
    case Reason::KeyRingExists:
    case Reason::Conflict:
    case Reason::AlreadyExists:
      return Errc::Conflict;
    case Reason::KeyRingNotEmpty:
    case Reason::KeyRingReserved:
    case Reason::KeyActionInvalidState:
    case Reason::KeyRotationNotPermitted:
    case Reason::RequestTooEarly:
    case Reason::KeyDeleted:
    case Reason::AuthorizationsNotMet:
    case Reason::NotDualAuth:
    case Reason::ProtectedResource:
    case Reason::InstanceNotInitialized:
    case Reason::UnitsDiffer:
    case Reason::InstanceNotEmpty:
    case Reason::UnitsNotZeroized:
      return Errc::WrongState;
    case Reason::DecryptFailed:
    case Reason::CiphertextInvalid:
      return Errc::DecryptFailed;
    case Reason::UnitUnavailable:
    case Reason::StoreUnavailable:
    case Reason::AuditUnavailable:
    case Reason::DeadlineExceeded:
    case Reason::ShuttingDown:
    case Reason::Io:
      return Errc::Unavailable;
    case Reason::Internal:
      return Errc::Internal;
  }
  fatal(__FILE__, __LINE__, "unknown Reason");
}

std::string_view name_of(Reason reason) noexcept {
  switch (reason) {
    case Reason::BadBody: return "BadBody";
    case Reason::CollectionTotalMismatch: return "CollectionTotalMismatch";
    case Reason::NoBody: return "NoBody";
    case Reason::InvalidField: return "InvalidField";
    case Reason::InvalidQueryParam: return "InvalidQueryParam";
    case Reason::InvalidHeader: return "InvalidHeader";
    case Reason::BearerSubExtraction: return "BearerSubExtraction";
    case Reason::InvalidArgument: return "InvalidArgument";
    case Reason::KeyRootRequired: return "KeyRootRequired";
    case Reason::KeyPayloadRequired: return "KeyPayloadRequired";
    case Reason::KeyRestoreExpired: return "KeyRestoreExpired";
    case Reason::KeyExpired: return "KeyExpired";
    case Reason::IncorrectNonce: return "IncorrectNonce";
    case Reason::IncorrectNonceIv: return "IncorrectNonceIv";
    case Reason::KeySearchTooBroad: return "KeySearchTooBroad";
    case Reason::TooLarge: return "TooLarge";
    case Reason::Unauthenticated: return "Unauthenticated";
    case Reason::Unauthorized: return "Unauthorized";
    case Reason::Forbidden: return "Forbidden";
    case Reason::UnknownApiKey: return "UnknownApiKey";
    case Reason::UnsupportedGrant: return "UnsupportedGrant";
    case Reason::KeyNotFound: return "KeyNotFound";
    case Reason::KeyRingNotFound: return "KeyRingNotFound";
    case Reason::AliasNotFound: return "AliasNotFound";
    case Reason::InstanceNotFound: return "InstanceNotFound";
    case Reason::UnitNotFound: return "UnitNotFound";
    case Reason::IdentityNotFound: return "IdentityNotFound";
    case Reason::RouteNotFound: return "RouteNotFound";
    case Reason::MethodNotAllowed: return "MethodNotAllowed";
    case Reason::NotFound: return "NotFound";
    case Reason::AliasNotUnique: return "AliasNotUnique";
    case Reason::AliasLimit: return "AliasLimit";
    case Reason::KeyRingExists: return "KeyRingExists";
    case Reason::KeyRingNotEmpty: return "KeyRingNotEmpty";
    case Reason::KeyRingLimit: return "KeyRingLimit";
    case Reason::KeyRingReserved: return "KeyRingReserved";
    case Reason::KeyLimit: return "KeyLimit";
    case Reason::KeyActionInvalidState: return "KeyActionInvalidState";
    case Reason::KeyRotationNotPermitted: return "KeyRotationNotPermitted";
    case Reason::RequestTooEarly: return "RequestTooEarly";
    case Reason::KeyDeleted: return "KeyDeleted";
    case Reason::KeyCreateImportAccess: return "KeyCreateImportAccess";
    case Reason::AuthorizationsNotMet: return "AuthorizationsNotMet";
    case Reason::NotDualAuth: return "NotDualAuth";
    case Reason::ProtectedResource: return "ProtectedResource";
    case Reason::InstanceNotInitialized: return "InstanceNotInitialized";
    case Reason::UnitsDiffer: return "UnitsDiffer";
    case Reason::InstanceNotEmpty: return "InstanceNotEmpty";
    case Reason::UnitsNotZeroized: return "UnitsNotZeroized";
    case Reason::InstanceLimit: return "InstanceLimit";
    case Reason::Conflict: return "Conflict";
    case Reason::AlreadyExists: return "AlreadyExists";
    case Reason::DecryptFailed: return "DecryptFailed";
    case Reason::CiphertextInvalid: return "CiphertextInvalid";
    case Reason::NotACiphertext: return "NotACiphertext";
    case Reason::TooManyRequests: return "TooManyRequests";
    case Reason::NotSupported: return "NotSupported";
    case Reason::UnitUnavailable: return "UnitUnavailable";
    case Reason::StoreUnavailable: return "StoreUnavailable";
    case Reason::AuditUnavailable: return "AuditUnavailable";
    case Reason::DeadlineExceeded: return "DeadlineExceeded";
    case Reason::ShuttingDown: return "ShuttingDown";
    case Reason::Io: return "Io";
    case Reason::Internal: return "Internal";
  }
  fatal(__FILE__, __LINE__, "unknown Reason");
}

}  // namespace keyhaven
