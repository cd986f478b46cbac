// The wrapped DEK as the API returns it (base64 of these bytes); docs/protocols/wrapped-dek.md is
// the format.
//
//   offset  size  field
//   0       2     magic "KW"
//   2       1     format, 1
//   3       1     algorithm, 1 = XAES-256-GCM
//   4       32    commitment of the root key's material
//   36      24    nonce
//   60      n     ciphertext (n = DEK size, 1 to 7500)
//   60+n    16    tag
//
// AAD of the AEAD: the 36 header bytes, then the encoded AAD list. Nothing of key id, version or
// instance is bound, so equal material opens equal ciphertexts in every instance.
#pragma once

#include "unit/crypto_unit.h"

namespace keyhaven::unit {

inline constexpr std::size_t kWrappedDekHeaderSize = 36;
inline constexpr std::size_t kWrappedDekOverhead = 76;

// The commitment a well-formed wrapped DEK carries, for finding the key version without trial.
// Errors: NotACiphertext (magic, format, algorithm or size).
Result<Commitment> commitment_of(ByteView wrapped_dek);

// Count (u16), then for each string its length (u16) and bytes: unambiguous. Errors: InvalidField
// above the limits.
Result<Bytes> encode_aad(const AadList& aad);

}  // namespace keyhaven::unit
