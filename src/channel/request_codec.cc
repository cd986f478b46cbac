// The calls: server to unit.
#include <algorithm>
#include <utility>

#include "base/wire.h"
#include "channel/codec.h"
#include "channel/encode_frame.h"

namespace keyhaven::channel {
namespace {

using unit::AadList;
using unit::EncryptedMaterial;
using unit::KeyBinding;
using unit::KeyBlob;
using Newest = unit::CryptoUnit::Newest;

void write_binding(SecretWriter& out, const KeyBinding& binding) {
  out.uuid(binding.instance.uuid);
  out.uuid(binding.key.uuid);
  out.uuid(binding.version.uuid);
}

void write_blob(SecretWriter& out, const KeyBlob& blob) { out.bytes16(blob.bytes, kMaxBlobBytes); }

void write_aad(SecretWriter& out, const AadList& aad) {
  if (aad.size() > unit::kMaxAadEntries) return out.fail();
  out.u8(static_cast<std::uint8_t>(aad.size()));
  for (const std::string& entry : aad) out.bytes16(as_bytes(entry), unit::kMaxAadEntryBytes);
}

void write_newest(SecretWriter& out, const Newest& newest) {
  if (newest.blob == nullptr) return out.fail();
  write_binding(out, newest.binding);
  write_blob(out, *newest.blob);
}

void write_material(SecretWriter& out, const EncryptedMaterial& material) {
  out.bytes16(material.payload, unit::kMaxEncryptedMaterialBytes);
  out.bytes16(material.encrypted_nonce, unit::kMaxEncryptedNonceBytes);
  out.bytes16(material.iv, kMaxIvBytes);
  out.u8(static_cast<std::uint8_t>(material.hash));
}

ByteView read_bytes16(Reader& in, std::size_t limit) {
  const std::uint16_t size = in.u16();
  if (size > limit) in.fail();
  return in.raw(size);
}

KeyBinding read_binding(Reader& in) {
  KeyBinding binding;
  binding.instance.uuid = in.uuid();
  binding.key.uuid = in.uuid();
  binding.version.uuid = in.uuid();
  return binding;
}

KeyBlob read_blob(Reader& in) { return KeyBlob{to_bytes(read_bytes16(in, kMaxBlobBytes))}; }

SecretBytes read_secret(Reader& in) {
  return SecretBytes::copy_of(read_bytes16(in, kMaxSecretBytes));
}

AadList read_aad(Reader& in) {
  AadList aad(in.u8());
  for (std::string& entry : aad) entry = as_text(read_bytes16(in, unit::kMaxAadEntryBytes));
  return aad;
}

NewestKey read_newest(Reader& in) {
  NewestKey newest;
  newest.binding = read_binding(in);
  newest.blob = read_blob(in);
  return newest;
}

EncryptedMaterial read_material(Reader& in) {
  EncryptedMaterial material;
  material.payload = to_bytes(read_bytes16(in, unit::kMaxEncryptedMaterialBytes));
  material.encrypted_nonce = to_bytes(read_bytes16(in, unit::kMaxEncryptedNonceBytes));
  material.iv = to_bytes(read_bytes16(in, kMaxIvBytes));
  material.hash = unit::OaepHash{in.u8()};
  if (material.hash != unit::OaepHash::Sha1 && material.hash != unit::OaepHash::Sha256) in.fail();
  return material;
}

InstanceId read_instance(Reader& in) { return InstanceId{in.uuid()}; }

void write_counts(SecretWriter& out, unit::UnitCounts counts) {
  out.u32(counts.operational);
  out.u32(counts.recovery);
  out.u32(counts.failover);
}

unit::UnitCounts read_counts(Reader& in) {
  unit::UnitCounts counts;
  counts.operational = in.u32();
  counts.recovery = in.u32();
  counts.failover = in.u32();
  return counts;
}

ResealCall read_reseal(Reader& in) {
  ResealCall call;
  call.purpose = unit::BlobPurpose{in.u8()};
  if (call.purpose < unit::BlobPurpose::RootKey || call.purpose > unit::BlobPurpose::ImportToken)
    in.fail();
  call.binding = read_binding(in);
  call.blob = read_blob(in);
  const ByteView target = in.raw(call.target.size());
  if (target.size() == call.target.size())
    std::copy(target.begin(), target.end(), call.target.begin());
  return call;
}

unit::SealingChange read_sealing_change(Reader& in) {
  unit::SealingChange change;
  change.method = unit::SealingMethod{in.u8()};
  if (change.method < unit::SealingMethod::KeyFile || change.method > unit::SealingMethod::None)
    in.fail();
  change.reference = as_text(read_bytes16(in, kMaxReferenceBytes));
  return change;
}

UnwrapCall read_unwrap(Reader& in) {
  UnwrapCall call;
  call.binding = read_binding(in);
  call.blob = read_blob(in);
  call.wrapped_dek = to_bytes(read_bytes16(in, kMaxWrappedDekBytes));
  call.aad = read_aad(in);
  const std::uint8_t has_newest = in.u8();
  if (has_newest > 1) in.fail();
  if (has_newest == 1) call.newest = read_newest(in);
  return call;
}

DropCall read_drop(Reader& in) {
  DropCall call;
  const std::uint16_t count = in.u16();
  if (count > kMaxDropBlobs) in.fail();
  std::size_t bytes = 0;
  for (std::uint16_t i = 0; i < count && in.ok(); ++i) {
    call.blobs.push_back(read_blob(in));
    bytes += 2 + call.blobs.back().bytes.size();
  }
  if (bytes > kMaxDropBytes) in.fail();
  return call;
}

// Fields are read in the order of the braces (guaranteed for braced initialisers).
std::optional<Call> read_call(Op op, Reader& in) {
  switch (op) {
    case Op::CreateUnits:
      return CreateUnitsCall{read_instance(in),
                             std::string(as_text(read_bytes16(in, kMaxRegionBytes))),
                             read_counts(in)};
    case Op::RemoveUnits:
      return RemoveUnitsCall{read_instance(in)};
    case Op::ListUnits:
      return ListUnitsCall{read_instance(in)};
    case Op::Administer:
      return AdministerCall{read_instance(in), UnitId{in.uuid()},
                            std::string(in.text32(kMaxAdministrationBytes))};
    case Op::AttestationRoot:
      return AttestationRootCall{};
    case Op::GenerateRootKey:
      return GenerateRootKeyCall{read_binding(in)};
    case Op::ImportRootKey:
      return ImportRootKeyCall{read_binding(in), read_secret(in)};
    case Op::CreateStandardKey:
      return CreateStandardKeyCall{read_binding(in), read_secret(in)};
    case Op::OpenStandardKey:
      return OpenStandardKeyCall{read_binding(in), read_blob(in)};
    case Op::Wrap:
      return WrapCall{read_binding(in), read_blob(in), read_secret(in), read_aad(in)};
    case Op::Unwrap:
      return read_unwrap(in);
    case Op::Rewrap:
      return RewrapCall{read_binding(in), read_blob(in),
                        to_bytes(read_bytes16(in, kMaxWrappedDekBytes)), read_aad(in),
                        read_newest(in)};
    case Op::Drop:
      return read_drop(in);
    case Op::CreateImportToken:
      return CreateImportTokenCall{read_binding(in)};
    case Op::ImportEncryptedRootKey:
      return ImportEncryptedRootKeyCall{read_binding(in), read_binding(in), read_blob(in),
                                        read_material(in)};
    case Op::ResizeUnits:
      return ResizeUnitsCall{read_instance(in), read_counts(in)};
    case Op::Reseal:
      return read_reseal(in);
    case Op::Sealing:
      return SealingCall{};
    case Op::ChangeSealing:
      return ChangeSealingCall{read_sealing_change(in)};
    case Op::RecordStatus:
      return RecordStatusCall{};
    case Op::SealRecords:
      return read_seal_records(in);
    case Op::SettleRecords:
      return read_settle_records(in);
    case Op::BeginGuarding:
      return BeginGuardingCall{};
    case Op::BeginRecordCheck:
      return BeginRecordCheckCall{};
    case Op::CheckRecords:
      return read_check_records(in);
    case Op::EndRecordCheck:
      return EndRecordCheckCall{in.u64()};
    case Op::RenewRecordKey:
      return RenewRecordKeyCall{read_instance(in)};
    case Op::RecordRenewal:
      return RecordRenewalCall{read_instance(in)};
    case Op::Transfers:
      return TransfersCall{read_instance(in)};
    case Op::ExportChunk:
      return read_export_chunk(in);
    case Op::SignManifest:
      return read_sign_manifest(in);
    case Op::ImportChunk:
      return read_import_chunk(in);
    case Op::CloseTransfer:
      return CloseTransferCall{read_instance(in), in.uuid()};
  }
  return std::nullopt;  // no such op
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

}  // namespace

Result<Request> decode_request(ByteView body) {
  Reader in(body);
  const Op op{in.u8()};
  Request request;
  request.header.call_id = in.u64();
  request.header.deadline_us = in.u64();
  std::optional<Call> call = read_call(op, in);
  if (!call || !in.at_end()) {
    return Error{Reason::InvalidArgument, "channel: a call is malformed", ""};
  }
  request.call = std::move(*call);
  return request;
}

Result<void> encode_create_units(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 std::string_view region, unit::UnitCounts counts) {
  return encode_frame(out, header, Op::CreateUnits, [&](SecretWriter& writer) {
    writer.uuid(instance.uuid);
    writer.bytes16(as_bytes(region), kMaxRegionBytes);
    write_counts(writer, counts);
  });
}

Result<void> encode_resize_units(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 unit::UnitCounts counts) {
  return encode_frame(out, header, Op::ResizeUnits, [&](SecretWriter& writer) {
    writer.uuid(instance.uuid);
    write_counts(writer, counts);
  });
}

Result<void> encode_reseal(SecretBuffer& out, CallHeader header, unit::BlobPurpose purpose,
                           const KeyBinding& binding, const KeyBlob& blob,
                           const unit::BlobPattern& target) {
  return encode_frame(out, header, Op::Reseal, [&](SecretWriter& writer) {
    writer.u8(static_cast<std::uint8_t>(purpose));
    write_binding(writer, binding);
    write_blob(writer, blob);
    writer.raw(target);
  });
}

Result<void> encode_sealing(SecretBuffer& out, CallHeader header) {
  return encode_frame(out, header, Op::Sealing, [](SecretWriter&) {});
}

Result<void> encode_change_sealing(SecretBuffer& out, CallHeader header,
                                   const unit::SealingChange& change) {
  return encode_frame(out, header, Op::ChangeSealing, [&](SecretWriter& writer) {
    writer.u8(static_cast<std::uint8_t>(change.method));
    writer.bytes16(as_bytes(change.reference), kMaxReferenceBytes);
  });
}

Result<void> encode_remove_units(SecretBuffer& out, CallHeader header, const InstanceId& instance) {
  return encode_frame(out, header, Op::RemoveUnits,
                      [&](SecretWriter& writer) { writer.uuid(instance.uuid); });
}

Result<void> encode_list_units(SecretBuffer& out, CallHeader header, const InstanceId& instance) {
  return encode_frame(out, header, Op::ListUnits,
                      [&](SecretWriter& writer) { writer.uuid(instance.uuid); });
}

Result<void> encode_administer(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                               const UnitId& unit, std::string_view request) {
  return encode_frame(out, header, Op::Administer, [&](SecretWriter& writer) {
    writer.uuid(instance.uuid);
    writer.uuid(unit.uuid);
    writer.bytes32(as_bytes(request), kMaxAdministrationBytes);
  });
}

Result<void> encode_attestation_root(SecretBuffer& out, CallHeader header) {
  return encode_frame(out, header, Op::AttestationRoot, [](SecretWriter&) {});
}

Result<void> encode_generate_root_key(SecretBuffer& out, CallHeader header,
                                      const KeyBinding& binding) {
  return encode_frame(out, header, Op::GenerateRootKey,
                      [&](SecretWriter& writer) { write_binding(writer, binding); });
}

Result<void> encode_import_root_key(SecretBuffer& out, CallHeader header, const KeyBinding& binding,
                                    const SecretBytes& material) {
  return encode_frame(out, header, Op::ImportRootKey, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    writer.bytes16(material.expose(), kMaxSecretBytes);
  });
}

Result<void> encode_create_standard_key(SecretBuffer& out, CallHeader header,
                                        const KeyBinding& binding, const SecretBytes& payload) {
  return encode_frame(out, header, Op::CreateStandardKey, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    writer.bytes16(payload.expose(), kMaxSecretBytes);
  });
}

Result<void> encode_open_standard_key(SecretBuffer& out, CallHeader header,
                                      const KeyBinding& binding, const KeyBlob& blob) {
  return encode_frame(out, header, Op::OpenStandardKey, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    write_blob(writer, blob);
  });
}

Result<void> encode_wrap(SecretBuffer& out, CallHeader header, const KeyBinding& binding,
                         const KeyBlob& blob, std::span<const std::uint8_t> dek,
                         const AadList& aad) {
  return encode_frame(out, header, Op::Wrap, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    write_blob(writer, blob);
    writer.bytes16(dek, kMaxSecretBytes);
    write_aad(writer, aad);
  });
}

Result<void> encode_unwrap(SecretBuffer& out, CallHeader header, const KeyBinding& binding,
                           const KeyBlob& blob, ByteView wrapped_dek, const AadList& aad,
                           const Newest* newest) {
  return encode_frame(out, header, Op::Unwrap, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    write_blob(writer, blob);
    writer.bytes16(wrapped_dek, kMaxWrappedDekBytes);
    write_aad(writer, aad);
    writer.u8(newest != nullptr ? 1 : 0);
    if (newest != nullptr) write_newest(writer, *newest);
  });
}

Result<void> encode_rewrap(SecretBuffer& out, CallHeader header, const KeyBinding& binding,
                           const KeyBlob& blob, ByteView wrapped_dek, const AadList& aad,
                           const Newest& newest) {
  return encode_frame(out, header, Op::Rewrap, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    write_blob(writer, blob);
    writer.bytes16(wrapped_dek, kMaxWrappedDekBytes);
    write_aad(writer, aad);
    write_newest(writer, newest);
  });
}

std::size_t drop_chunk(std::span<const KeyBlob> blobs) noexcept {
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (const KeyBlob& blob : blobs) {
    bytes += 2 + blob.bytes.size();
    if (count > 0 && (bytes > kMaxDropBytes || count == kMaxDropBlobs)) break;
    ++count;
  }
  return count;
}

Result<void> encode_drop(SecretBuffer& out, CallHeader header, std::span<const KeyBlob> blobs) {
  return encode_frame(out, header, Op::Drop, [&](SecretWriter& writer) {
    if (drop_chunk(blobs) != blobs.size()) return writer.fail();
    writer.u16(static_cast<std::uint16_t>(blobs.size()));
    for (const KeyBlob& blob : blobs) write_blob(writer, blob);
  });
}

Result<void> encode_create_import_token(SecretBuffer& out, CallHeader header,
                                        const KeyBinding& token) {
  return encode_frame(out, header, Op::CreateImportToken,
                      [&](SecretWriter& writer) { write_binding(writer, token); });
}

Result<void> encode_import_encrypted_root_key(SecretBuffer& out, CallHeader header,
                                              const KeyBinding& binding, const KeyBinding& token,
                                              const KeyBlob& private_key,
                                              const EncryptedMaterial& material) {
  return encode_frame(out, header, Op::ImportEncryptedRootKey, [&](SecretWriter& writer) {
    write_binding(writer, binding);
    write_binding(writer, token);
    write_blob(writer, private_key);
    write_material(writer, material);
  });
}

Result<void> encode_plain(SecretBuffer& out, CallHeader header, Op op) {
  return encode_frame(out, header, op, [](SecretWriter&) {});
}

Result<void> encode_of_scope(SecretBuffer& out, CallHeader header, Op op,
                             const unit::RecordScope& scope) {
  return encode_frame(out, header, op, [&](SecretWriter& writer) { writer.uuid(scope.uuid); });
}

Result<void> encode_seal_records(SecretBuffer& out, CallHeader header, std::uint64_t group,
                                 const std::vector<unit::RecordChange>& changes) {
  return encode_frame(out, header, Op::SealRecords,
                      [&](SecretWriter& writer) { write_fields(writer, group, changes); });
}

Result<void> encode_settle_records(SecretBuffer& out, CallHeader header, std::uint64_t group,
                                   bool committed) {
  return encode_frame(out, header, Op::SettleRecords, [&](SecretWriter& writer) {
    writer.u64(group);
    writer.u8(committed ? 1 : 0);
  });
}

Result<void> encode_check_records(SecretBuffer& out, CallHeader header, std::uint64_t check,
                                  const std::vector<unit::StoredRecord>& records) {
  return encode_frame(out, header, Op::CheckRecords,
                      [&](SecretWriter& writer) { write_fields(writer, check, records); });
}

Result<void> encode_end_record_check(SecretBuffer& out, CallHeader header, std::uint64_t check) {
  return encode_frame(out, header, Op::EndRecordCheck,
                      [&](SecretWriter& writer) { writer.u64(check); });
}

Result<void> encode_export_chunk(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 const Uuid& transfer, std::uint32_t index,
                                 const std::vector<unit::TransferKey>& keys) {
  return encode_frame(out, header, Op::ExportChunk, [&](SecretWriter& writer) {
    write_export_chunk(writer, instance, transfer, index, keys);
  });
}

Result<void> encode_sign_manifest(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                  const Uuid& transfer, std::uint32_t keys,
                                  const std::vector<unit::ChunkProof>& chunks) {
  return encode_frame(out, header, Op::SignManifest, [&](SecretWriter& writer) {
    write_sign_manifest(writer, instance, transfer, keys, chunks);
  });
}

Result<void> encode_import_chunk(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 ByteView manifest, std::uint32_t index, ByteView chunk) {
  return encode_frame(out, header, Op::ImportChunk, [&](SecretWriter& writer) {
    write_import_chunk(writer, instance, manifest, index, chunk);
  });
}

Result<void> encode_close_transfer(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                   const Uuid& transfer) {
  return encode_frame(out, header, Op::CloseTransfer, [&](SecretWriter& writer) {
    writer.uuid(instance.uuid);
    writer.uuid(transfer);
  });
}

Result<void> encode_request(SecretBuffer& out, const Request& request) {
  const CallHeader header = request.header;
  return std::visit(
      Overloaded{
          [&](const CreateUnitsCall& c) {
            return encode_create_units(out, header, c.instance, c.region, c.counts);
          },
          [&](const RemoveUnitsCall& c) { return encode_remove_units(out, header, c.instance); },
          [&](const ListUnitsCall& c) { return encode_list_units(out, header, c.instance); },
          [&](const AdministerCall& c) {
            return encode_administer(out, header, c.instance, c.unit, c.request);
          },
          [&](const AttestationRootCall&) { return encode_attestation_root(out, header); },
          [&](const GenerateRootKeyCall& c) {
            return encode_generate_root_key(out, header, c.binding);
          },
          [&](const ImportRootKeyCall& c) {
            return encode_import_root_key(out, header, c.binding, c.material);
          },
          [&](const CreateStandardKeyCall& c) {
            return encode_create_standard_key(out, header, c.binding, c.payload);
          },
          [&](const OpenStandardKeyCall& c) {
            return encode_open_standard_key(out, header, c.binding, c.blob);
          },
          [&](const WrapCall& c) {
            return encode_wrap(out, header, c.binding, c.blob, c.dek.expose(), c.aad);
          },
          [&](const UnwrapCall& c) {
            Newest newest{};
            if (c.newest) newest = {c.newest->binding, &c.newest->blob};
            return encode_unwrap(out, header, c.binding, c.blob, c.wrapped_dek, c.aad,
                                 c.newest ? &newest : nullptr);
          },
          [&](const RewrapCall& c) {
            return encode_rewrap(out, header, c.binding, c.blob, c.wrapped_dek, c.aad,
                                 Newest{c.newest.binding, &c.newest.blob});
          },
          [&](const DropCall& c) { return encode_drop(out, header, c.blobs); },
          [&](const CreateImportTokenCall& c) {
            return encode_create_import_token(out, header, c.token);
          },
          [&](const ImportEncryptedRootKeyCall& c) {
            return encode_import_encrypted_root_key(out, header, c.binding, c.token, c.private_key,
                                                    c.material);
          },
          [&](const ResizeUnitsCall& c) {
            return encode_resize_units(out, header, c.instance, c.counts);
          },
          [&](const ResealCall& c) {
            return encode_reseal(out, header, c.purpose, c.binding, c.blob, c.target);
          },
          [&](const SealingCall&) { return encode_sealing(out, header); },
          [&](const ChangeSealingCall& c) { return encode_change_sealing(out, header, c.change); },
          [&](const RecordStatusCall&) { return encode_plain(out, header, Op::RecordStatus); },
          [&](const SealRecordsCall& c) {
            return encode_seal_records(out, header, c.group, c.changes);
          },
          [&](const SettleRecordsCall& c) {
            return encode_settle_records(out, header, c.group, c.committed);
          },
          [&](const BeginGuardingCall&) { return encode_plain(out, header, Op::BeginGuarding); },
          [&](const BeginRecordCheckCall&) {
            return encode_plain(out, header, Op::BeginRecordCheck);
          },
          [&](const CheckRecordsCall& c) {
            return encode_check_records(out, header, c.check, c.records);
          },
          [&](const EndRecordCheckCall& c) {
            return encode_end_record_check(out, header, c.check);
          },
          [&](const RenewRecordKeyCall& c) {
            return encode_of_scope(out, header, Op::RenewRecordKey, c.scope);
          },
          [&](const RecordRenewalCall& c) {
            return encode_of_scope(out, header, Op::RecordRenewal, c.scope);
          },
          [&](const TransfersCall& c) {
            return encode_of_scope(out, header, Op::Transfers, c.instance);
          },
          [&](const ExportChunkCall& c) {
            return encode_export_chunk(out, header, c.instance, c.transfer, c.index, c.keys);
          },
          [&](const SignManifestCall& c) {
            return encode_sign_manifest(out, header, c.instance, c.transfer, c.keys, c.chunks);
          },
          [&](const ImportChunkCall& c) {
            return encode_import_chunk(out, header, c.instance, c.manifest, c.index, c.chunk);
          },
          [&](const CloseTransferCall& c) {
            return encode_close_transfer(out, header, c.instance, c.transfer);
          },
      },
      request.call);
}

}  // namespace keyhaven::channel
