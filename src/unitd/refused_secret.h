// Remembers a PIN or TPM authorization value that was refused, over restarts: tokens and TPMs count
// wrong tries and lock, and whoever restarts a unit by itself would use them all up.
//
// What is kept is Argon2id of the *refused* secret with a salt, in the state directory, until the
// secret that is given differs.
#pragma once

#include <string>

#include "base/result.h"
#include "base/secret_bytes.h"

namespace keyhaven::unitd {

// Errors: InvalidArgument when this very secret was refused before; `what` names it ("the PIN of
// token X").
// `file` is one for each use of secrets: two that shared one would take turns at being tried.
inline constexpr const char* kRefusedBySealing = "sealing.refused";
inline constexpr const char* kRefusedByBackend = "backend.refused";
Result<void> check_not_refused(const std::string& state_directory, const SecretBytes& secret,
                               const std::string& what, const char* file = kRefusedBySealing);
// Errors: Io.
Result<void> remember_refused(const std::string& state_directory, const SecretBytes& secret,
                              const char* file = kRefusedBySealing);
void forget_refused(const std::string& state_directory, const char* file = kRefusedBySealing);

}  // namespace keyhaven::unitd
