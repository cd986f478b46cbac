// How keys are sealed on their way between two units, and the chunks they travel in
// (docs/protocols/transfer.md).
//
//   chunk    "KHTC" ‖ format 1 (1) ‖ transfer (16) ‖ index (4) ‖ keys (2) ‖ key, ...
//   key      purpose (1) ‖ key id (16) ‖ record (4 + n) ‖ versions (2) ‖ version, ...
//   version  version id (16) ‖ sealed (4 + n): nonce (24) ‖ ciphertext ‖ tag (16)
#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "crypto/aead.h"
#include "crypto/ec.h"
#include "unit/key_transfer.h"

namespace keyhaven::unit {

// ECDH of the source's ephemeral key and the offer's import key, then HKDF-SHA-256 with the offer's
// digest as salt and both points in the info. One of the two keys is private. Errors:
// InvalidArgument.
Result<SecretBytes> agree_transfer_key(const crypto::P521PrivateKey& own,
                                       const crypto::P521PublicKey& peer, const Digest& offer,
                                       const crypto::P521Point& ephemeral,
                                       const crypto::P521Point& import_key);

// Proof to itself of the unit that made a chunk: HMAC-SHA-256 under a key from the agreed one.
Digest transfer_chunk_tag(const SecretBytes& key, std::uint32_t index, const Digest& chunk);

// A key on its way: blobs replaced by what seals their content for the other unit.
struct SealedVersion {
  VersionId id;
  Bytes sealed;
};
struct TravellingKey {
  BlobPurpose purpose = BlobPurpose::RootKey;
  KeyId key;
  Bytes record;
  std::vector<SealedVersion> versions;
};

// Seals and opens under the agreed key; one per thread.
class TransferCipher {
 public:
  TransferCipher(const SecretBytes& key, const Digest& offer) : key_(key), offer_(offer) {}
  Bytes seal(const TravellingKey& key, const VersionId& version,
             std::span<const std::uint8_t> material);
  // Errors: DecryptFailed.
  Result<SecretBytes> open(const TravellingKey& key, const SealedVersion& version);

 private:
  crypto::XaesKey key_;
  Digest offer_;
};

Bytes encode_transfer_chunk(const Uuid& transfer, std::uint32_t index,
                            const std::vector<TravellingKey>& keys);
// Errors: InvalidArgument: not a chunk, of another transfer or place, sizes out of bounds, trailing
// bytes.
Result<std::vector<TravellingKey>> decode_transfer_chunk(ByteView bytes, const Uuid& transfer,
                                                         std::uint32_t index);

}  // namespace keyhaven::unit
