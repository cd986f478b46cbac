// Keys on their way between two deployments, sealed from unit to unit: what the server asks of its
// crypto unit once the quorums have spoken (tke/transfer.h has their commands and the documents).
//
// A chunk is a sealed piece of the bundle. Each version of a key is sealed on its own
// (XAES-256-GCM, key from an ECDH exchange of the source's ephemeral key with the offer's import
// key), bound to the offer, the key, the version, the purpose and the key's record, so nothing can
// be moved, swapped or put in. The record is what the source's server says of the key; the units do
// not read it. Format: docs/protocols/transfer.md.
#pragma once

#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/result.h"
#include "tke/transfer.h"
#include "unit/crypto_unit.h"

namespace keyhaven::unit {

inline constexpr std::size_t kMaxTransferChunks = tke::kMaxTransferChunks;
inline constexpr std::size_t kMaxTransferManifestBytes = tke::kMaxManifestBytes;
inline constexpr std::size_t kMaxTransferRecordBytes = 64 * 1024;
inline constexpr std::size_t kMaxTransferKeysPerChunk = 64;
inline constexpr std::size_t kMaxTransferVersionsPerChunk = 1024;  // of all its keys
inline constexpr std::size_t kMaxTransferChunkBytes = 128 * 1024;

struct TransferVersion {
  VersionId id;
  KeyBlob blob;
  Commitment commitment{};  // root keys, in what is imported; not read in what is exported
  std::uint16_t bits = 0;   // the same
};
struct TransferKey {
  BlobPurpose purpose = BlobPurpose::RootKey;  // or StandardKey
  KeyId key;
  Bytes record;                           // at most kMaxTransferRecordBytes
  std::vector<TransferVersion> versions;  // at least one, in the order of the record
};

// The bytes that `key` takes in a chunk, for those who fill it; a chunk itself takes
// kTransferChunkOverhead.
inline constexpr std::size_t kTransferChunkOverhead = 64;
std::size_t transfer_size(const TransferKey& key) noexcept;

struct TransferChunk {
  Bytes bytes;   // at most kMaxTransferChunkBytes
  Digest tag{};  // proves to the unit that made it that it did
};
// What the unit signs into the manifest.
struct ChunkProof {
  Digest digest{};  // SHA-256 of the chunk
  Digest tag{};
};

struct TransferStatus {
  struct Outgoing {
    Uuid id;
    InstanceId target;
    Timestamp expires;
  };
  struct Incoming {
    Uuid id;
    InstanceId source;
    Timestamp expires;
    std::optional<Digest> manifest;  // that the quorum has consented to
  };
  std::vector<Outgoing> outgoing;  // one at most in each unit of the instance
  std::vector<Incoming> incoming;
};

// Thread-safe. Errors of all: InstanceNotInitialized, UnitsDiffer, UnitUnavailable (see
// CryptoUnit); TransferNotAllowed: no unit of the instance has this transfer open, its control
// point is off, it has expired, or (target) the quorum has not consented to this manifest.
class KeyTransfer {
 public:
  virtual ~KeyTransfer() = default;

  virtual Result<TransferStatus> transfers(const InstanceId& instance) = 0;
  // Source. Seals the keys as chunk `index` (below kMaxTransferChunks). Repeatable: another
  // call makes another chunk of the same content. Errors: DecryptFailed (a blob is not of this
  // instance, key, version and purpose), LimitExceeded reasons and InvalidArgument (sizes, none).
  virtual Result<TransferChunk> export_chunk(const InstanceId& instance, const Uuid& transfer,
                                             std::uint32_t index,
                                             const std::vector<TransferKey>& keys) = 0;
  // Source. Signs the list of all chunks, in order, holding `keys` keys in all. Errors: Forbidden
  // (a tag is not this unit's for this place), InvalidArgument (none, or too many).
  virtual Result<Bytes> sign_manifest(const InstanceId& instance, const Uuid& transfer,
                                      std::uint32_t keys,
                                      const std::vector<ChunkProof>& chunks) = 0;
  // Target. Opens chunk `index` of a manifest that the quorum has consented to and seals its keys
  // for `instance` under the same ids. Repeatable: the blobs are new each time. Errors: Forbidden
  // (the chunk or the manifest is not what was consented to, or is not the source's), DecryptFailed
  // (sealed for another import key, or altered before it was signed).
  virtual Result<std::vector<TransferKey>> import_chunk(const InstanceId& instance,
                                                        ByteView manifest, std::uint32_t index,
                                                        ByteView chunk) = 0;
  // Both. The units forget the keys of this transfer; nothing of it opens or is sealed any more.
  // Durable. One that is not open: success.
  virtual Result<void> close_transfer(const InstanceId& instance, const Uuid& transfer) = 0;
};

}  // namespace keyhaven::unit
