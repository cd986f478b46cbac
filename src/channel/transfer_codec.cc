#include "channel/transfer_codec.h"

#include <algorithm>

#include "channel/codec.h"

namespace keyhaven::channel {

namespace {

using unit::ChunkProof;
using unit::TransferKey;
using unit::TransferStatus;
using unit::TransferVersion;

constexpr std::size_t kIdSize = 16;
constexpr std::size_t kLeastVersionSize = kIdSize + 2 + unit::kCommitmentSize + 2;
constexpr std::size_t kLeastKeySize = 1 + kIdSize + 4 + 2;
constexpr std::size_t kProofSize = 2 * sizeof(Digest);
constexpr std::size_t kMaxUnitsOfInstance = 16;
constexpr std::size_t kLeastTransferSize = 2 * kIdSize + 8;

void write_version(SecretWriter& out, const TransferVersion& version) {
  out.uuid(version.id.uuid);
  out.bytes16(version.blob.bytes, kMaxBlobBytes);
  out.raw(version.commitment);
  out.u16(version.bits);
}

TransferVersion read_version(Reader& in) {
  TransferVersion version;
  version.id = VersionId{in.uuid()};
  const std::size_t size = in.u16();
  if (size > kMaxBlobBytes) in.fail();
  version.blob.bytes = to_bytes(in.raw(size));
  in.into(version.commitment);
  version.bits = in.u16();
  return version;
}

void write_keys(SecretWriter& out, const std::vector<TransferKey>& keys) {
  if (keys.size() > unit::kMaxTransferKeysPerChunk) return out.fail();
  out.u16(static_cast<std::uint16_t>(keys.size()));
  for (const TransferKey& key : keys) {
    if (key.versions.size() > unit::kMaxTransferVersionsPerChunk) return out.fail();
    out.u8(static_cast<std::uint8_t>(key.purpose));
    out.uuid(key.key.uuid);
    out.bytes32(key.record, unit::kMaxTransferRecordBytes);
    out.u16(static_cast<std::uint16_t>(key.versions.size()));
    for (const TransferVersion& version : key.versions) write_version(out, version);
  }
}

void read_keys(Reader& in, std::vector<TransferKey>& keys) {
  keys.resize(in.count16(unit::kMaxTransferKeysPerChunk, kLeastKeySize));
  for (TransferKey& key : keys) {
    key.purpose = unit::BlobPurpose{in.u8()};
    if (key.purpose != unit::BlobPurpose::RootKey && key.purpose != unit::BlobPurpose::StandardKey)
      in.fail();
    key.key = KeyId{in.uuid()};
    key.record = to_bytes(in.bytes32(unit::kMaxTransferRecordBytes));
    key.versions.resize(in.count16(unit::kMaxTransferVersionsPerChunk, kLeastVersionSize));
    for (TransferVersion& version : key.versions) version = read_version(in);
  }
}

}  // namespace

ExportChunkCall read_export_chunk(Reader& in) {
  ExportChunkCall call;
  call.instance = InstanceId{in.uuid()};
  call.transfer = in.uuid();
  call.index = in.u32();
  read_keys(in, call.keys);
  return call;
}

void write_export_chunk(SecretWriter& out, const InstanceId& instance, const Uuid& transfer,
                        std::uint32_t index, const std::vector<TransferKey>& keys) {
  out.uuid(instance.uuid);
  out.uuid(transfer);
  out.u32(index);
  write_keys(out, keys);
}

SignManifestCall read_sign_manifest(Reader& in) {
  SignManifestCall call;
  call.instance = InstanceId{in.uuid()};
  call.transfer = in.uuid();
  call.keys = in.u32();
  call.chunks.resize(in.count16(unit::kMaxTransferChunks, kProofSize));
  for (ChunkProof& proof : call.chunks) {
    in.into(proof.digest);
    in.into(proof.tag);
  }
  return call;
}

void write_sign_manifest(SecretWriter& out, const InstanceId& instance, const Uuid& transfer,
                         std::uint32_t keys, const std::vector<ChunkProof>& chunks) {
  if (chunks.size() > unit::kMaxTransferChunks) return out.fail();
  out.uuid(instance.uuid);
  out.uuid(transfer);
  out.u32(keys);
  out.u16(static_cast<std::uint16_t>(chunks.size()));
  for (const ChunkProof& proof : chunks) {
    out.raw(proof.digest);
    out.raw(proof.tag);
  }
}

ImportChunkCall read_import_chunk(Reader& in) {
  ImportChunkCall call;
  call.instance = InstanceId{in.uuid()};
  call.manifest = to_bytes(in.bytes32(unit::kMaxTransferManifestBytes));
  call.index = in.u32();
  call.chunk = to_bytes(in.bytes32(unit::kMaxTransferChunkBytes));
  return call;
}

void write_import_chunk(SecretWriter& out, const InstanceId& instance, ByteView manifest,
                        std::uint32_t index, ByteView chunk) {
  out.uuid(instance.uuid);
  out.bytes32(manifest, unit::kMaxTransferManifestBytes);
  out.u32(index);
  out.bytes32(chunk, unit::kMaxTransferChunkBytes);
}

void write_value(SecretWriter& out, const TransferStatus& status) {
  if (status.outgoing.size() > kMaxUnitsOfInstance || status.incoming.size() > kMaxUnitsOfInstance)
    return out.fail();
  out.u16(static_cast<std::uint16_t>(status.outgoing.size()));
  for (const auto& each : status.outgoing) {
    out.uuid(each.id);
    out.uuid(each.target.uuid);
    out.u64(static_cast<std::uint64_t>(each.expires.us));
  }
  out.u16(static_cast<std::uint16_t>(status.incoming.size()));
  for (const auto& each : status.incoming) {
    out.uuid(each.id);
    out.uuid(each.source.uuid);
    out.u64(static_cast<std::uint64_t>(each.expires.us));
    out.u8(each.manifest ? 1 : 0);
    if (each.manifest) out.raw(*each.manifest);
  }
}

void read_value(Reader& in, TransferStatus& status) {
  status.outgoing.resize(in.count16(kMaxUnitsOfInstance, kLeastTransferSize));
  for (auto& each : status.outgoing) {
    each.id = in.uuid();
    each.target = InstanceId{in.uuid()};
    each.expires = Timestamp{in.i64()};
  }
  status.incoming.resize(in.count16(kMaxUnitsOfInstance, kLeastTransferSize + 1));
  for (auto& each : status.incoming) {
    each.id = in.uuid();
    each.source = InstanceId{in.uuid()};
    each.expires = Timestamp{in.i64()};
    const std::uint8_t consented = in.u8();
    if (consented > 1) in.fail();
    if (consented == 1) in.into(each.manifest.emplace());
  }
}

void write_value(SecretWriter& out, const unit::TransferChunk& chunk) {
  out.bytes32(chunk.bytes, unit::kMaxTransferChunkBytes);
  out.raw(chunk.tag);
}

void read_value(Reader& in, unit::TransferChunk& chunk) {
  chunk.bytes = to_bytes(in.bytes32(unit::kMaxTransferChunkBytes));
  in.into(chunk.tag);
}

void write_value(SecretWriter& out, const SignedManifest& manifest) {
  out.bytes32(manifest.bytes, unit::kMaxTransferManifestBytes);
}

void read_value(Reader& in, SignedManifest& manifest) {
  manifest.bytes = to_bytes(in.bytes32(unit::kMaxTransferManifestBytes));
}

void write_value(SecretWriter& out, const std::vector<TransferKey>& keys) { write_keys(out, keys); }
void read_value(Reader& in, std::vector<TransferKey>& keys) { read_keys(in, keys); }

}  // namespace keyhaven::channel
