// The sealed form of a key in the database; docs/protocols/key-blob.md is the format.
//
//   offset  size  field
//   0       2     magic "KB"
//   2       1     format, 1
//   3       1     algorithm, how the key of the AEAD comes from the master key: BlobAlgorithm
//   4       1     purpose, 1 = root key, 2 = standard key, 3 = import token
//   5       3     zero
//   8       16    first half of the master key's verification pattern
//   24      16    instance id
//   40      16    key id, or import token id
//   56      16    version id; the key or token id again where there are no versions
//   72      24    nonce
//   96      n     ciphertext
//   96+n    16    tag
//
// AAD of the AEAD: the 72 header bytes, so a blob opens only for its instance, key, version and
// purpose.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "unit/crypto_unit.h"
#include "unit/master_key.h"

namespace keyhaven::unit {

inline constexpr std::size_t kBlobHeaderSize = 72;
inline constexpr std::size_t kBlobOverhead = 112;
inline constexpr std::size_t kMaxBlobBytes = kBlobOverhead + kMaxStandardPayloadBytes;

using BlobHeader = std::array<std::uint8_t, kBlobHeaderSize>;

// Which key of which master key sealed a blob.
struct BlobSeal {
  BlobPattern pattern{};
  BlobAlgorithm algorithm = BlobAlgorithm::Hkdf;
  bool operator==(const BlobSeal&) const = default;
};

BlobHeader make_blob_header(BlobPurpose purpose, const BlobSeal& seal, const KeyBinding& binding);

// What a blob says it is; nothing for bytes that are no blob.
struct BlobName {
  BlobPurpose purpose = BlobPurpose::RootKey;
  KeyBinding binding;
};
std::optional<BlobName> read_blob_header(ByteView blob) noexcept;

// What a well-formed blob of this purpose and binding carries. Errors: DecryptFailed for anything
// else.
Result<BlobSeal> check_blob_header(ByteView blob, BlobPurpose purpose, const KeyBinding& binding);

// Algorithm 1: HKDF-SHA-256 of the master key, label "keyhaven key blob v1", 32 bytes.
SecretBytes derive_blob_key(const SecretBytes& master_key);

}  // namespace keyhaven::unit
