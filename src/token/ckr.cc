#include "token/ckr.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "token/token.h"

namespace keyhaven::token {

namespace {

struct Row {
  CK_RV value;
  std::string_view name;
  std::string_view meaning;
  std::string_view remedy;
};

constexpr std::string_view kTokenLog = "see the token's own log; it is a fault of the token";
constexpr std::string_view kComesBack =
    "bring the token back (cable, network, power, its service); it is tried again by itself";
constexpr std::string_view kNewPin =
    "give the right PIN to a new start; it is not tried again by itself, because tokens lock after "
    "a few wrong ones";
constexpr std::string_view kUnlock = "its security officer must unlock or set the user PIN";
constexpr std::string_view kNoMechanism =
    "choose a token that offers the mechanism, or enable it in the token's policy";
constexpr std::string_view kKeyAttributes = "check the key's attributes with the token's tool";

constexpr Row kRows[] = {
    {CKR_CANCEL, "CKR_CANCEL", "the call was cancelled at the token", "repeat it"},
    {CKR_HOST_MEMORY, "CKR_HOST_MEMORY", "the module has no memory", "free memory on this host"},
    {CKR_SLOT_ID_INVALID, "CKR_SLOT_ID_INVALID", "the slot is gone", kComesBack},
    {CKR_GENERAL_ERROR, "CKR_GENERAL_ERROR", "the module failed and cannot say why", kTokenLog},
    {CKR_FUNCTION_FAILED, "CKR_FUNCTION_FAILED", "the call could not be done", kTokenLog},
    {CKR_ARGUMENTS_BAD, "CKR_ARGUMENTS_BAD", "the module dislikes an argument", kTokenLog},
    {CKR_CANT_LOCK, "CKR_CANT_LOCK", "the module cannot be used from several threads",
     "use a module that supports CKF_OS_LOCKING_OK"},
    {CKR_ATTRIBUTE_READ_ONLY, "CKR_ATTRIBUTE_READ_ONLY", "the token sets this attribute itself",
     kKeyAttributes},
    {CKR_ATTRIBUTE_SENSITIVE, "CKR_ATTRIBUTE_SENSITIVE", "the attribute never leaves the token",
     kKeyAttributes},
    {CKR_ATTRIBUTE_TYPE_INVALID, "CKR_ATTRIBUTE_TYPE_INVALID",
     "the token does not know an attribute", kKeyAttributes},
    {CKR_ATTRIBUTE_VALUE_INVALID, "CKR_ATTRIBUTE_VALUE_INVALID",
     "the token does not accept a value of the key's attributes", kKeyAttributes},
    {CKR_ACTION_PROHIBITED, "CKR_ACTION_PROHIBITED", "the token's policy forbids it",
     "change the policy or use another token"},
    {CKR_DATA_INVALID, "CKR_DATA_INVALID", "the token does not accept the data", kTokenLog},
    {CKR_DATA_LEN_RANGE, "CKR_DATA_LEN_RANGE", "the data are too short or too long for the token",
     kNoMechanism},
    {CKR_DEVICE_ERROR, "CKR_DEVICE_ERROR", "the token or the way to it failed", kComesBack},
    {CKR_DEVICE_MEMORY, "CKR_DEVICE_MEMORY", "the token is full", "destroy objects no longer used"},
    {CKR_DEVICE_REMOVED, "CKR_DEVICE_REMOVED", "the token was removed while in use", kComesBack},
    {CKR_ENCRYPTED_DATA_INVALID, "CKR_ENCRYPTED_DATA_INVALID", "the ciphertext does not open",
     "use what this key sealed, unaltered"},
    {CKR_ENCRYPTED_DATA_LEN_RANGE, "CKR_ENCRYPTED_DATA_LEN_RANGE",
     "the ciphertext has a wrong size", "use what this key sealed, unaltered"},
    {CKR_FUNCTION_CANCELED, "CKR_FUNCTION_CANCELED", "the call was cancelled at the token",
     "repeat it"},
    {CKR_FUNCTION_NOT_SUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED", "the module has no such function",
     kNoMechanism},
    {CKR_KEY_HANDLE_INVALID, "CKR_KEY_HANDLE_INVALID", "the key is gone", kKeyAttributes},
    {CKR_KEY_SIZE_RANGE, "CKR_KEY_SIZE_RANGE", "the token does not take keys of this size",
     kNoMechanism},
    {CKR_KEY_TYPE_INCONSISTENT, "CKR_KEY_TYPE_INCONSISTENT", "the key does not fit the mechanism",
     kKeyAttributes},
    {CKR_KEY_FUNCTION_NOT_PERMITTED, "CKR_KEY_FUNCTION_NOT_PERMITTED",
     "the key may not be used for this", kKeyAttributes},
    {CKR_KEY_UNEXTRACTABLE, "CKR_KEY_UNEXTRACTABLE", "the key never leaves the token",
     kKeyAttributes},
    {CKR_MECHANISM_INVALID, "CKR_MECHANISM_INVALID", "the token does not offer the mechanism",
     kNoMechanism},
    {CKR_MECHANISM_PARAM_INVALID, "CKR_MECHANISM_PARAM_INVALID",
     "the token does not take the mechanism's parameters", kNoMechanism},
    {CKR_OBJECT_HANDLE_INVALID, "CKR_OBJECT_HANDLE_INVALID", "the object is gone", kKeyAttributes},
    {CKR_OPERATION_ACTIVE, "CKR_OPERATION_ACTIVE", "the session is busy", "repeat it"},
    {CKR_OPERATION_NOT_INITIALIZED, "CKR_OPERATION_NOT_INITIALIZED",
     "the token forgot the operation that was begun", "repeat it"},
    {CKR_PIN_INCORRECT, "CKR_PIN_INCORRECT", "the PIN is wrong", kNewPin},
    {CKR_PIN_INVALID, "CKR_PIN_INVALID", "the PIN has characters that the token does not take",
     kNewPin},
    {CKR_PIN_LEN_RANGE, "CKR_PIN_LEN_RANGE", "the PIN is too short or too long", kNewPin},
    {CKR_PIN_EXPIRED, "CKR_PIN_EXPIRED", "the PIN has expired", "set a new PIN with its tool"},
    {CKR_PIN_LOCKED, "CKR_PIN_LOCKED", "the PIN is locked after too many wrong ones", kUnlock},
    {CKR_SESSION_CLOSED, "CKR_SESSION_CLOSED", "the session was closed during the call",
     kComesBack},
    {CKR_SESSION_COUNT, "CKR_SESSION_COUNT", "the token has no session left",
     "close other programs' sessions or lower the number of sessions here"},
    {CKR_SESSION_HANDLE_INVALID, "CKR_SESSION_HANDLE_INVALID", "the session is gone", kComesBack},
    {CKR_SESSION_READ_ONLY, "CKR_SESSION_READ_ONLY", "the session may not change the token",
     kTokenLog},
    {CKR_TEMPLATE_INCOMPLETE, "CKR_TEMPLATE_INCOMPLETE", "the token wants more attributes",
     kKeyAttributes},
    {CKR_TEMPLATE_INCONSISTENT, "CKR_TEMPLATE_INCONSISTENT",
     "the token does not take this combination of attributes", kKeyAttributes},
    {CKR_TOKEN_NOT_PRESENT, "CKR_TOKEN_NOT_PRESENT", "no token is in the slot", kComesBack},
    {CKR_TOKEN_NOT_RECOGNIZED, "CKR_TOKEN_NOT_RECOGNIZED", "the slot holds no initialised token",
     "check the module's configuration (SoftHSM: SOFTHSM2_CONF) and initialise the token"},
    {CKR_TOKEN_WRITE_PROTECTED, "CKR_TOKEN_WRITE_PROTECTED", "the token may not be changed",
     "remove its write protection"},
    {CKR_USER_ALREADY_LOGGED_IN, "CKR_USER_ALREADY_LOGGED_IN", "the user is logged in already",
     "none is needed"},
    {CKR_USER_NOT_LOGGED_IN, "CKR_USER_NOT_LOGGED_IN",
     "the token wants a login, or this key wants one for each use (CKA_ALWAYS_AUTHENTICATE)",
     "use a key without CKA_ALWAYS_AUTHENTICATE"},
    {CKR_USER_PIN_NOT_INITIALIZED, "CKR_USER_PIN_NOT_INITIALIZED", "no user PIN is set", kUnlock},
    {CKR_USER_TYPE_INVALID, "CKR_USER_TYPE_INVALID", "the token has no such user", kTokenLog},
    {CKR_USER_ANOTHER_ALREADY_LOGGED_IN, "CKR_USER_ANOTHER_ALREADY_LOGGED_IN",
     "this process is logged in as another user", "log the security officer out"},
    {CKR_RANDOM_NO_RNG, "CKR_RANDOM_NO_RNG", "the token has no random generator", kNoMechanism},
    {CKR_DOMAIN_PARAMS_INVALID, "CKR_DOMAIN_PARAMS_INVALID", "the token does not know the curve",
     kNoMechanism},
    {CKR_CURVE_NOT_SUPPORTED, "CKR_CURVE_NOT_SUPPORTED", "the token does not know the curve",
     kNoMechanism},
    {CKR_BUFFER_TOO_SMALL, "CKR_BUFFER_TOO_SMALL", "the token answers more than was expected",
     kTokenLog},
    {CKR_CRYPTOKI_NOT_INITIALIZED, "CKR_CRYPTOKI_NOT_INITIALIZED",
     "the module was finalised by something else in this process", kComesBack},
    {CKR_FIPS_SELF_TEST_FAILED, "CKR_FIPS_SELF_TEST_FAILED", "the token failed its self-test",
     kTokenLog},
    {CKR_LIBRARY_LOAD_FAILED, "CKR_LIBRARY_LOAD_FAILED", "the module misses a library of its own",
     "install what the module's manual asks for"},
    {CKR_FUNCTION_REJECTED, "CKR_FUNCTION_REJECTED", "the call was rejected at the token",
     "confirm it at the token"},
};

const Row* row_of(CK_RV rv) noexcept {
  const auto* found = std::ranges::find(kRows, rv, &Row::value);
  return found == std::end(kRows) ? nullptr : found;
}

}  // namespace

CkrClass class_of(CK_RV rv) noexcept {
  switch (rv) {
    case CKR_SESSION_HANDLE_INVALID:
    case CKR_SESSION_CLOSED:
    case CKR_USER_NOT_LOGGED_IN:
    case CKR_DEVICE_REMOVED:
    case CKR_DEVICE_ERROR:
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_TOKEN_NOT_RECOGNIZED:
    case CKR_SLOT_ID_INVALID:
    case CKR_CRYPTOKI_NOT_INITIALIZED:
      return CkrClass::Lost;
    case CKR_KEY_HANDLE_INVALID:
    case CKR_OBJECT_HANDLE_INVALID:
      return CkrClass::Handle;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_EXPIRED:
    case CKR_PIN_LOCKED:
    case CKR_USER_PIN_NOT_INITIALIZED:
      return CkrClass::Pin;
    default:
      return CkrClass::Other;
  }
}

bool forbids_import(CK_RV rv) noexcept {
  switch (rv) {
    case CKR_TEMPLATE_INCONSISTENT:
    case CKR_TEMPLATE_INCOMPLETE:
    case CKR_ATTRIBUTE_READ_ONLY:
    case CKR_ATTRIBUTE_VALUE_INVALID:
    case CKR_ATTRIBUTE_TYPE_INVALID:
    case CKR_ACTION_PROHIBITED:
    case CKR_FUNCTION_NOT_SUPPORTED:
      return true;
    default:
      return false;
  }
}

std::string ckr_name(unsigned long ckr) {
  if (ckr == CKR_OK) return "CKR_OK";
  if (const Row* row = row_of(ckr)) return std::string(row->name);
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.begin(), digits.end(), ckr, 16);
  return "CKR 0x" + std::string(digits.data(), end.ptr);
}

std::string describe(const Failure& failure) {
  std::string out = std::string(failure.function) + ": " + ckr_name(failure.rv);
  if (const Row* row = row_of(failure.rv)) {
    out += ": ";
    out += row->meaning;
    out += ". Remedy: ";
    out += row->remedy;
  } else {
    out += ": a value of its vendor. Remedy: look it up in the module's manual";
  }
  return out;
}

Error token_error(const std::string& who, const Failure& failure) {
  return Error{Reason::UnitUnavailable, who + ": " + describe(failure), {}};
}

}  // namespace keyhaven::token
