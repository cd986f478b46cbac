// Material encrypted for an import token, so that it is clear neither in TLS end points nor in the
// server: only the crypto unit opens it.
#pragma once

#include "base/result.h"
#include "base/secret_bytes.h"
#include "client/types.h"

namespace keyhaven::client {

// The forms services take (key-management-api.md 8); ours takes both.
enum class SecureImport : std::uint8_t {
  Sha256Gcm,  // Key Protect and Keyhaven
  Sha1Cbc,    // Hyper Protect Crypto Services
};

// The form for a service at this address: the second one for hosts of "hs-crypto".
SecureImport secure_import_of(std::string_view url) noexcept;

// `material` has 16, 24 or 32 bytes, asserted. Errors: InvalidArgument for a token that is none.
Result<EncryptedMaterial> encrypt_material(const ImportToken& token, const SecretBytes& material,
                                           SecureImport form);

}  // namespace keyhaven::client
