// Return values of PKCS#11 calls: their names, what they mean to a person, and how we react.
// Internal to token/.
#pragma once

#include <p11-kit/pkcs11.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace keyhaven::token {

enum class CkrClass : std::uint8_t {
  Lost,    // session, login or device gone: heal and repeat once
  Handle,  // an object handle went stale: look the object up again and repeat once
  Pin,     // the PIN was refused: never try it again
  Other,
};
CkrClass class_of(CK_RV rv) noexcept;

// Values by which a token says that it does not let us bring a sensitive key with C_CreateObject.
bool forbids_import(CK_RV rv) noexcept;

// A call that failed; rv is CKR_OK when none did.
struct Failure {
  CK_RV rv = CKR_OK;
  const char* function = "";
};

// "C_Sign: CKR_DEVICE_REMOVED: the token was removed while it was in use. Remedy: ..."
std::string describe(const Failure& failure);

// UnitUnavailable: "token NAME (libsofthsm2.so): " and the description.
Error token_error(const std::string& who, const Failure& failure);

}  // namespace keyhaven::token
