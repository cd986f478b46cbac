// Material that a caller brings for a key: in clear, encrypted for the instance's import token, or
// none.
#pragma once

#include <optional>
#include <utility>

#include "base/secret_bytes.h"
#include "unit/crypto_unit.h"
#include "unit/encrypted_material.h"

namespace keyhaven::keys {

struct Material {
  SecretBytes clear;                                 // empty: none in clear
  std::optional<unit::EncryptedMaterial> encrypted;  // excludes `clear`

  Material() = default;
  // Implicit, because material in clear is the plain case.
  Material(SecretBytes bytes) : clear(std::move(bytes)) {}
  bool given() const noexcept { return !clear.empty() || encrypted.has_value(); }
};

// Opens encrypted material with the live import token of the binding's instance and seals it as a
// version of a root key, all inside the crypto unit. Thread-safe, blocks.
class SecureImport {
 public:
  virtual ~SecureImport() = default;
  // Errors: ImportTokenNotFound, ImportTokenExpired, InvalidField (size of the material),
  // IncorrectNonceIv (also when the payload does not decrypt: one answer), IncorrectNonce, and
  // those of unit::CryptoUnit.
  virtual Result<unit::SealedRootKey> import(const unit::KeyBinding& binding,
                                             const unit::EncryptedMaterial& material) = 0;
};

}  // namespace keyhaven::keys
