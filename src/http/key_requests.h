// Bodies of the calls on keys, decoded and checked for shape; what the values may be is checked in
// keys/.
#pragma once

#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "keys/key_service.h"
#include "unit/crypto_unit.h"

namespace keyhaven::http {

// Material comes in the members payload, encryptedNonce, iv and encryptionAlgorithm
// (key-management-api.md 8); null and "" are as good as absent. With encryptedNonce and iv, which
// come together or not at all, the payload is encrypted for an import token.

// POST /keys: all of the request but instance, id and ring. Exactly one resource. Errors: BadBody,
// CollectionTotalMismatch, InvalidField.
Result<keys::CreateRequest> read_create_key(std::span<std::uint8_t> body);
// POST /keys_with_policy_overrides: that, and policies in the members rotation and dualAuthDelete.
// `overrides` is set even when both are absent.
Result<keys::CreateRequest> read_create_key_with_overrides(std::span<std::uint8_t> body);

struct WrapRequest {
  SecretBytes plaintext;  // empty: generate a DEK
  unit::AadList aad;
};
// An absent body asks for a generated DEK. Errors: BadBody, InvalidField.
Result<WrapRequest> read_wrap(std::span<std::uint8_t> body);

struct UnwrapRequest {
  Bytes ciphertext;
  unit::AadList aad;
};
// For unwrap and rewrap. Errors: NoBody, BadBody, InvalidField, NotACiphertext.
Result<UnwrapRequest> read_unwrap(std::span<std::uint8_t> body);

// Material of a rotation, perhaps none. Unknown members are ignored: the vendor's own sample has
// some.
Result<keys::Material> read_rotate(std::span<std::uint8_t> body);

// Material of a restore, bare or in an envelope, perhaps none.
Result<keys::Material> read_restore(std::span<std::uint8_t> body);

// PATCH /keys/{id}: the new ring. Errors: NoBody, BadBody, InvalidField.
Result<std::string> read_patch_key(std::span<std::uint8_t> body);

}  // namespace keyhaven::http
