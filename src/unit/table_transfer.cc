#include "unit/table_transfer.h"

#include <algorithm>

#include "crypto/hash.h"
#include "tke/transfer.h"
#include "unit/domain_state.h"
#include "unit/sealing_key.h"
#include "unit/transfer_seal.h"

namespace keyhaven::unit {

namespace {

Error not_allowed(std::string why) { return {Reason::TransferNotAllowed, std::move(why), {}}; }

// A permission that would last longer than permissions may was never one.
Result<void> check_time(Timestamp expires, Timestamp now) {
  if (now >= expires) return not_allowed("the transfer of keys has expired; begin a new one");
  if (expires > now.plus_seconds(tke::kMaxTransferSeconds))
    return not_allowed("the transfer of keys would be open for more than seven days");
  return {};
}

Result<void> check_unit(const DomainState& unit, unsigned control_point) {
  if (!unit.joined || !unit.current.full())
    return not_allowed("the crypto unit that allowed this transfer does not serve any more");
  if (!tke::has_control_point(unit.control_points, control_point))
    return not_allowed("the control point for transfers has been switched off in the crypto unit");
  return {};
}

struct Source {
  UnitOfTable unit;
  const OutgoingTransfer& outgoing() const { return *unit.domain.outgoing; }
};

Result<Source> find_source(const DomainTable& table, const InstanceId& instance,
                           const Uuid& transfer, Timestamp now) {
  for (UnitOfTable& unit : table.units(instance)) {
    if (!unit.domain.outgoing || unit.domain.outgoing->id != transfer) continue;
    KH_TRY(check_unit(unit.domain, tke::kControlPointTransferOut));
    KH_TRY(check_time(unit.domain.outgoing->expires, now));
    return Source{std::move(unit)};
  }
  return not_allowed("no crypto unit of this instance was told to send keys by this transfer");
}

Result<void> check_keys(const std::vector<TransferKey>& keys) {
  const auto refuse = [](const char* why) {
    return Error{Reason::InvalidArgument, std::string("keys to transfer: ") + why, {}};
  };
  if (keys.empty() || keys.size() > kMaxTransferKeysPerChunk)
    return refuse("a chunk takes 1 to 64 keys");
  std::size_t size = kTransferChunkOverhead;
  std::size_t versions = 0;
  for (const TransferKey& key : keys) {
    const bool known =
        key.purpose == BlobPurpose::RootKey || key.purpose == BlobPurpose::StandardKey;
    if (!known || key.versions.empty() || key.record.size() > kMaxTransferRecordBytes)
      return refuse("a key without versions, with too large a record, or of another purpose");
    size += transfer_size(key);
    versions += key.versions.size();
  }
  if (size > kMaxTransferChunkBytes || versions > kMaxTransferVersionsPerChunk)
    return refuse("more than a chunk takes");
  return {};
}

struct Target {
  UnitOfTable unit;
  tke::TransferManifest manifest;
  const IncomingTransfer& incoming() const { return *unit.domain.incoming; }
};

Error altered() {
  return {
      Reason::Forbidden,
      "the bundle is not the one that the quorum of this instance has consented to, or not from "
      "where they allowed it; nothing was taken from it",
      {}};
}

// The unit that offered to take what this manifest lists, after everything about it was checked.
Result<Target> find_target(const DomainTable& table, const InstanceId& instance, ByteView encoded,
                           Timestamp now) {
  const Digest digest = crypto::sha256(encoded);
  bool waits = false;
  for (UnitOfTable& unit : table.units(instance)) {
    if (!unit.domain.incoming) continue;
    const IncomingTransfer& incoming = *unit.domain.incoming;
    waits |= !incoming.manifest.has_value();
    if (incoming.manifest != digest) continue;
    KH_TRY(check_unit(unit.domain, tke::kControlPointTransferIn));
    KH_TRY(check_time(incoming.expires, now));
    auto manifest =
        KH_TRY(tke::verify_manifest(encoded, tke::AttestationRoot::of(incoming.source_root)));
    const tke::TransferManifest& content = manifest.content;
    if (content.offer != incoming.offer || content.id != incoming.id ||
        content.source != incoming.source || content.target != instance) {
      return altered();
    }
    return Target{std::move(unit), std::move(manifest.content)};
  }
  return not_allowed(waits ? "the quorum of this instance has not consented to this bundle"
                           : "no crypto unit of this instance waits for this bundle: it was never "
                             "offered, belongs to another offer, or is finished");
}

Result<TransferVersion> take_version(const InstanceId& instance, const TravellingKey& key,
                                     const SealedVersion& version, TransferCipher& cipher,
                                     SealingKey& sealing) {
  const SecretBytes material = KH_TRY(cipher.open(key, version));
  const KeyBinding binding{instance, key.key, version.id};
  TransferVersion out;
  out.id = version.id;
  if (key.purpose == BlobPurpose::RootKey) {
    SealedRootKey sealed = KH_TRY(sealing.seal_root_key(binding, material));
    out.blob = std::move(sealed.blob);
    out.commitment = sealed.commitment;
    out.bits = sealed.bits;
  } else {
    out.blob = sealing.seal(BlobPurpose::StandardKey, binding, material.expose());
  }
  return out;
}

}  // namespace

Result<TransferStatus> TableTransfer::transfers(const InstanceId& instance) {
  TransferStatus out;
  for (const UnitOfTable& unit : table_.units(instance)) {
    if (const auto& one = unit.domain.outgoing)
      out.outgoing.push_back({one->id, one->target, one->expires});
    if (const auto& one = unit.domain.incoming)
      out.incoming.push_back({one->id, one->source, one->expires, one->manifest});
  }
  return out;
}

Result<TransferChunk> TableTransfer::export_chunk(const InstanceId& instance, const Uuid& transfer,
                                                  std::uint32_t index,
                                                  const std::vector<TransferKey>& keys) {
  KH_TRY(check_keys(keys));
  if (index >= tke::kMaxTransferChunks)
    return Error{Reason::InvalidArgument, "a bundle has at most 4096 chunks", "index"};
  const Source source = KH_TRY(find_source(table_, instance, transfer, clock_.now()));
  crypto::XaesContexts contexts;
  SealingKey sealing = KH_TRY(SealingKey::of(*table_.snapshot(), instance, contexts));
  TransferCipher cipher(source.outgoing().key, source.outgoing().offer);
  std::vector<TravellingKey> travelling;
  for (const TransferKey& key : keys) {
    TravellingKey& out =
        travelling.emplace_back(TravellingKey{key.purpose, key.key, key.record, {}});
    for (const TransferVersion& version : key.versions) {
      const SecretBytes material =
          KH_TRY(sealing.open(key.purpose, {instance, key.key, version.id}, version.blob.bytes));
      out.versions.push_back({version.id, cipher.seal(out, version.id, material.expose())});
    }
  }
  TransferChunk out;
  out.bytes = encode_transfer_chunk(transfer, index, travelling);
  out.tag = transfer_chunk_tag(source.outgoing().key, index, crypto::sha256(out.bytes));
  return out;
}

Result<Bytes> TableTransfer::sign_manifest(const InstanceId& instance, const Uuid& transfer,
                                           std::uint32_t keys,
                                           const std::vector<ChunkProof>& chunks) {
  if (chunks.empty() || chunks.size() > tke::kMaxTransferChunks)
    return Error{Reason::InvalidArgument, "a bundle has 1 to 4096 chunks", "chunks"};
  const Source source = KH_TRY(find_source(table_, instance, transfer, clock_.now()));
  const OutgoingTransfer& outgoing = source.outgoing();
  tke::TransferManifest manifest;
  manifest.offer = outgoing.offer;
  manifest.id = outgoing.id;
  manifest.source = instance;
  manifest.target = outgoing.target;
  manifest.ephemeral = outgoing.ephemeral;
  manifest.keys = keys;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    const Digest expected =
        transfer_chunk_tag(outgoing.key, static_cast<std::uint32_t>(i), chunks[i].digest);
    if (!crypto::equal_constant_time(expected, chunks[i].tag)) {
      return Error{Reason::Forbidden,
                   "chunk " + std::to_string(i) +
                       " was not made by this crypto unit for this transfer and place; export it "
                       "again",
                   "chunks"};
    }
    manifest.chunks.push_back(chunks[i].digest);
  }
  return tke::encode_signed(manifest, source.unit.module.certificate, source.unit.module.key);
}

Result<std::vector<TransferKey>> TableTransfer::import_chunk(const InstanceId& instance,
                                                             ByteView manifest, std::uint32_t index,
                                                             ByteView chunk) {
  const Target target = KH_TRY(find_target(table_, instance, manifest, clock_.now()));
  const auto& chunks = target.manifest.chunks;
  if (index >= chunks.size() || crypto::sha256(chunk) != chunks[index]) return altered();
  const auto travelling = KH_TRY(decode_transfer_chunk(chunk, target.manifest.id, index));
  const IncomingTransfer& incoming = target.incoming();
  const auto ephemeral = KH_TRY(crypto::P521PublicKey::from_point(target.manifest.ephemeral));
  const SecretBytes key =
      KH_TRY(agree_transfer_key(incoming.import_key, ephemeral, incoming.offer, ephemeral.point(),
                                incoming.import_key.public_key().point()));
  TransferCipher cipher(key, incoming.offer);
  crypto::XaesContexts contexts;
  SealingKey sealing = KH_TRY(SealingKey::of(*table_.snapshot(), instance, contexts));
  std::vector<TransferKey> out;
  for (const TravellingKey& each : travelling) {
    TransferKey& taken = out.emplace_back(TransferKey{each.purpose, each.key, each.record, {}});
    for (const SealedVersion& version : each.versions) {
      taken.versions.push_back(KH_TRY(take_version(instance, each, version, cipher, sealing)));
    }
  }
  return out;
}

Result<void> TableTransfer::close_transfer(const InstanceId& instance, const Uuid& transfer) {
  return table_.close_transfer(instance, transfer);
}

}  // namespace keyhaven::unit
