#include "unit/transfer_seal.h"

#include <string>

#include "base/wire.h"
#include "crypto/hash.h"
#include "unit/key_blob.h"

namespace keyhaven::unit {

namespace {

constexpr std::string_view kAgreementLabel = "keyhaven transfer key agreement 1";
constexpr std::string_view kTagLabel = "keyhaven transfer chunk tag 1";
constexpr std::string_view kSealLabel = "keyhaven transfer key 1";
constexpr std::string_view kChunkMagic = "KHTC";
constexpr std::uint8_t kChunkFormat = 1;
constexpr std::size_t kIdSize = 16;
constexpr std::size_t kKeyOverhead = 1 + kIdSize + 4 + 2;
constexpr std::size_t kVersionOverhead = kIdSize + 4 + crypto::kXaesOverhead;

// Everything that a sealed version is bound to.
Bytes binding_of(const Digest& offer, const TravellingKey& key, const VersionId& version) {
  Bytes out;
  Writer w(out);
  w.raw(as_bytes(kSealLabel));
  w.raw(offer);
  w.u8(static_cast<std::uint8_t>(key.purpose));
  w.uuid(key.key.uuid);
  w.uuid(version.uuid);
  w.raw(crypto::sha256(key.record));
  return out;
}

Error malformed(const char* what) {
  return {Reason::InvalidArgument, std::string("a chunk of transferred keys ") + what, "chunk"};
}

TravellingKey read_key(Reader& r, std::size_t& versions_left) {
  TravellingKey out;
  out.purpose = BlobPurpose{r.u8()};
  if (out.purpose != BlobPurpose::RootKey && out.purpose != BlobPurpose::StandardKey) r.fail();
  out.key = KeyId{r.uuid()};
  out.record = to_bytes(r.bytes32(kMaxTransferRecordBytes));
  const std::size_t versions = r.u16();
  if (versions == 0 || versions > versions_left) r.fail();
  if (!r.ok()) return out;
  versions_left -= versions;
  for (std::size_t i = 0; i < versions && r.ok(); ++i) {
    SealedVersion version;
    version.id = VersionId{r.uuid()};
    version.sealed = to_bytes(r.bytes32(kMaxStandardPayloadBytes + crypto::kXaesOverhead));
    if (version.sealed.size() <= crypto::kXaesOverhead) r.fail();
    out.versions.push_back(std::move(version));
  }
  return out;
}

}  // namespace

Result<SecretBytes> agree_transfer_key(const crypto::P521PrivateKey& own,
                                       const crypto::P521PublicKey& peer, const Digest& offer,
                                       const crypto::P521Point& ephemeral,
                                       const crypto::P521Point& import_key) {
  const SecretBytes shared = KH_TRY(own.ecdh(peer));
  std::string info(kAgreementLabel);
  info.append(as_text(ephemeral)).append(as_text(import_key));
  return crypto::hkdf_sha256(shared, offer, info, crypto::kXaesKeySize);
}

Digest transfer_chunk_tag(const SecretBytes& key, std::uint32_t index, const Digest& chunk) {
  const SecretBytes tag_key = crypto::hkdf_sha256(key, {}, kTagLabel, crypto::kXaesKeySize);
  Bytes message;
  Writer w(message);
  w.u32(index);
  w.raw(chunk);
  return crypto::hmac_sha256(tag_key.expose(), message);
}

Bytes TransferCipher::seal(const TravellingKey& key, const VersionId& version,
                           std::span<const std::uint8_t> material) {
  return key_.seal(material, binding_of(offer_, key, version));
}

Result<SecretBytes> TransferCipher::open(const TravellingKey& key, const SealedVersion& version) {
  return key_.open(version.sealed, binding_of(offer_, key, version.id));
}

std::size_t transfer_size(const TransferKey& key) noexcept {
  std::size_t size = kKeyOverhead + key.record.size();
  for (const TransferVersion& version : key.versions) {
    const std::size_t blob = version.blob.bytes.size();
    size += kVersionOverhead + (blob > kBlobOverhead ? blob - kBlobOverhead : 0);
  }
  return size;
}

Bytes encode_transfer_chunk(const Uuid& transfer, std::uint32_t index,
                            const std::vector<TravellingKey>& keys) {
  Bytes out;
  Writer w(out);
  w.raw(as_bytes(kChunkMagic));
  w.u8(kChunkFormat);
  w.uuid(transfer);
  w.u32(index);
  w.u16(static_cast<std::uint16_t>(keys.size()));
  for (const TravellingKey& key : keys) {
    w.u8(static_cast<std::uint8_t>(key.purpose));
    w.uuid(key.key.uuid);
    w.bytes32(key.record);
    w.u16(static_cast<std::uint16_t>(key.versions.size()));
    for (const SealedVersion& version : key.versions) {
      w.uuid(version.id.uuid);
      w.bytes32(version.sealed);
    }
  }
  return out;
}

Result<std::vector<TravellingKey>> decode_transfer_chunk(ByteView bytes, const Uuid& transfer,
                                                         std::uint32_t index) {
  if (bytes.size() > kMaxTransferChunkBytes) return malformed("is larger than it may be");
  Reader r(bytes);
  if (as_text(r.raw(kChunkMagic.size())) != kChunkMagic || r.u8() != kChunkFormat)
    return malformed("is none, or of another version");
  if (r.uuid() != transfer || r.u32() != index)
    return malformed("is of another transfer, or in another place");
  const std::size_t count = r.u16();
  if (!r.ok() || count == 0 || count > kMaxTransferKeysPerChunk)
    return malformed("has an impossible number of keys");
  std::vector<TravellingKey> out;
  std::size_t versions_left = kMaxTransferVersionsPerChunk;
  for (std::size_t i = 0; i < count && r.ok(); ++i) out.push_back(read_key(r, versions_left));
  if (!r.at_end()) return malformed("is malformed");
  return out;
}

}  // namespace keyhaven::unit
