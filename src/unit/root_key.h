// What is derived from a root key's material, and the AEAD of wrapped DEKs.
//
// Nothing of the key id, version or instance goes into the derivation: equal material opens equal
// ciphertexts everywhere (docs/protocols/wrapped-dek.md).
#pragma once

#include "crypto/aead.h"
#include "unit/crypto_unit.h"

namespace keyhaven::unit {

// HKDF-SHA-256 of the material, label "keyhaven wrapped dek v1 commitment".
Commitment commitment_of_material(const SecretBytes& material);
// HKDF-SHA-256 of the material, label "keyhaven wrapped dek v1 key"; 32 bytes.
SecretBytes derive_wrapping_key(const SecretBytes& material);

// An opened root key, ready to wrap and unwrap: 48 bytes of locked memory. The material itself is
// not kept. Not thread-safe, nor beside another key on the same contexts.
class RootKey {
 public:
  // Material of 16, 24 or 32 bytes, asserted. `contexts` must outlive the key.
  RootKey(const SecretBytes& material, crypto::XaesContexts& contexts);

  const Commitment& commitment() const noexcept { return commitment_; }
  // Errors: InvalidField for the DEK's size or the AAD.
  Result<Bytes> wrap(std::span<const std::uint8_t> dek, const AadList& aad);
  // Errors: NotACiphertext, CiphertextInvalid (one answer for wrong key, AAD and damage),
  // InvalidField for the AAD.
  Result<SecretBytes> unwrap(ByteView wrapped_dek, const AadList& aad);

 private:
  Commitment commitment_;
  crypto::XaesKey key_;
};

bool is_root_key_size(std::size_t size) noexcept;  // 16, 24 or 32

}  // namespace keyhaven::unit
