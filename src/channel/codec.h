// Calls and answers of the channel to the byte: docs/protocols/channel.md.
//
// Encoders append one whole frame to a SecretBuffer or leave it untouched. Decoders are total: any
// bytes give a value or an error, sizes are checked before anything is allocated, trailing bytes
// are refused, and encoding a decoded frame gives the same bytes again.
#pragma once

#include <optional>
#include <variant>

#include "channel/frame.h"
#include "channel/record_codec.h"
#include "channel/transfer_codec.h"
#include "unit/crypto_unit.h"

namespace keyhaven::channel {

enum class Op : std::uint8_t {
  CreateUnits = 1,
  RemoveUnits,
  ListUnits,
  Administer,
  AttestationRoot,
  GenerateRootKey,
  ImportRootKey,
  CreateStandardKey,
  OpenStandardKey,
  Wrap,
  Unwrap,
  Rewrap,
  Drop,
  CreateImportToken,
  ImportEncryptedRootKey,
  ResizeUnits,
  Reseal,
  Sealing,
  ChangeSealing,
  RecordStatus,
  SealRecords,
  SettleRecords,
  BeginGuarding,
  BeginRecordCheck,
  CheckRecords,
  EndRecordCheck,
  RenewRecordKey,
  RecordRenewal,
  Transfers,
  ExportChunk,
  SignManifest,
  ImportChunk,
  CloseTransfer,
};
inline constexpr Op kLastOp = Op::CloseTransfer;

// Limits of single fields, above what the unit itself allows where the unit has its own answer for
// too much.
inline constexpr std::size_t kMaxBlobBytes = 8192;
inline constexpr std::size_t kMaxSecretBytes = 8192;
inline constexpr std::size_t kMaxWrappedDekBytes = 8192;
inline constexpr std::size_t kMaxRegionBytes = 64;
inline constexpr std::size_t kMaxUnits = 16;
inline constexpr std::size_t kMaxLocationBytes = 256;
inline constexpr std::size_t kMaxSerialBytes = 32;
inline constexpr std::size_t kMaxAdministrationBytes = 64 * 1024;         // request text
inline constexpr std::size_t kMaxAdministrationAnswerBytes = 256 * 1024;  // answer text
inline constexpr std::size_t kMaxRootBytes = 1024;
inline constexpr std::size_t kMaxPublicKeyBytes = 1024;
inline constexpr std::size_t kMaxIvBytes = 16;
inline constexpr std::size_t kMaxDropBlobs = 1024;  // in one frame
inline constexpr std::size_t kMaxDropBytes =
    256 * 1024;  // blobs with their length fields, in one frame
inline constexpr std::size_t kMaxMessageBytes = 1024;  // of an error; longer ones are cut
inline constexpr std::size_t kMaxTargetBytes = 128;
inline constexpr std::size_t kMaxReferenceBytes = 256;  // of a sealing secret

struct CallHeader {
  std::uint64_t call_id = 0;
  std::uint64_t deadline_us = 0;  // monotonic_us() after which the call is not begun any more
};

// --- Calls, decoded ---
struct CreateUnitsCall {
  InstanceId instance;
  std::string region;
  unit::UnitCounts counts;
};
struct ResizeUnitsCall {
  InstanceId instance;
  unit::UnitCounts counts;
};
struct RemoveUnitsCall {
  InstanceId instance;
};
struct ListUnitsCall {
  InstanceId instance;
};
struct AdministerCall {
  InstanceId instance;
  UnitId unit;
  std::string request;
};
struct AttestationRootCall {};
struct GenerateRootKeyCall {
  unit::KeyBinding binding;
};
struct ImportRootKeyCall {
  unit::KeyBinding binding;
  SecretBytes material;
};
struct CreateStandardKeyCall {
  unit::KeyBinding binding;
  SecretBytes payload;
};
struct OpenStandardKeyCall {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
};
struct WrapCall {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
  SecretBytes dek;
  unit::AadList aad;
};
struct NewestKey {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
};
struct UnwrapCall {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
  Bytes wrapped_dek;
  unit::AadList aad;
  std::optional<NewestKey> newest;
};
struct RewrapCall {
  unit::KeyBinding binding;
  unit::KeyBlob blob;
  Bytes wrapped_dek;
  unit::AadList aad;
  NewestKey newest;
};
struct DropCall {
  std::vector<unit::KeyBlob> blobs;
};
struct CreateImportTokenCall {
  unit::KeyBinding token;
};
struct ImportEncryptedRootKeyCall {
  unit::KeyBinding binding;
  unit::KeyBinding token;
  unit::KeyBlob private_key;
  unit::EncryptedMaterial material;
};
struct ResealCall {
  unit::BlobPurpose purpose{};
  unit::KeyBinding binding;
  unit::KeyBlob blob;
  unit::BlobPattern target{};
};
struct SealingCall {};
struct ChangeSealingCall {
  unit::SealingChange change;
};
using Call =
    std::variant<CreateUnitsCall, RemoveUnitsCall, ListUnitsCall, AdministerCall,
                 AttestationRootCall, GenerateRootKeyCall, ImportRootKeyCall, CreateStandardKeyCall,
                 OpenStandardKeyCall, WrapCall, UnwrapCall, RewrapCall, DropCall,
                 CreateImportTokenCall, ImportEncryptedRootKeyCall, ResizeUnitsCall, ResealCall,
                 SealingCall, ChangeSealingCall, RecordStatusCall, SealRecordsCall,
                 SettleRecordsCall, BeginGuardingCall, BeginRecordCheckCall, CheckRecordsCall,
                 EndRecordCheckCall, RenewRecordKeyCall, RecordRenewalCall, TransfersCall,
                 ExportChunkCall, SignManifestCall, ImportChunkCall, CloseTransferCall>;

struct Request {
  CallHeader header;
  Call call;
};

// Body of a frame from the server. Errors: InvalidArgument.
Result<Request> decode_request(ByteView body);

// --- Calls, encoded: from borrowed arguments, without copies in between ---
// Errors of all: InvalidArgument when a field is above its limit or the buffer is full.
Result<void> encode_create_units(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 std::string_view region, unit::UnitCounts counts);
Result<void> encode_resize_units(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 unit::UnitCounts counts);
Result<void> encode_remove_units(SecretBuffer& out, CallHeader header, const InstanceId& instance);
Result<void> encode_list_units(SecretBuffer& out, CallHeader header, const InstanceId& instance);
Result<void> encode_administer(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                               const UnitId& unit, std::string_view request);
Result<void> encode_attestation_root(SecretBuffer& out, CallHeader header);
Result<void> encode_generate_root_key(SecretBuffer& out, CallHeader header,
                                      const unit::KeyBinding& binding);
Result<void> encode_import_root_key(SecretBuffer& out, CallHeader header,
                                    const unit::KeyBinding& binding, const SecretBytes& material);
Result<void> encode_create_standard_key(SecretBuffer& out, CallHeader header,
                                        const unit::KeyBinding& binding,
                                        const SecretBytes& payload);
Result<void> encode_open_standard_key(SecretBuffer& out, CallHeader header,
                                      const unit::KeyBinding& binding, const unit::KeyBlob& blob);
Result<void> encode_wrap(SecretBuffer& out, CallHeader header, const unit::KeyBinding& binding,
                         const unit::KeyBlob& blob, std::span<const std::uint8_t> dek,
                         const unit::AadList& aad);
Result<void> encode_unwrap(SecretBuffer& out, CallHeader header, const unit::KeyBinding& binding,
                           const unit::KeyBlob& blob, ByteView wrapped_dek,
                           const unit::AadList& aad, const unit::CryptoUnit::Newest* newest);
Result<void> encode_rewrap(SecretBuffer& out, CallHeader header, const unit::KeyBinding& binding,
                           const unit::KeyBlob& blob, ByteView wrapped_dek,
                           const unit::AadList& aad, const unit::CryptoUnit::Newest& newest);
Result<void> encode_drop(SecretBuffer& out, CallHeader header,
                         std::span<const unit::KeyBlob> blobs);
Result<void> encode_create_import_token(SecretBuffer& out, CallHeader header,
                                        const unit::KeyBinding& token);
Result<void> encode_import_encrypted_root_key(SecretBuffer& out, CallHeader header,
                                              const unit::KeyBinding& binding,
                                              const unit::KeyBinding& token,
                                              const unit::KeyBlob& private_key,
                                              const unit::EncryptedMaterial& material);
Result<void> encode_reseal(SecretBuffer& out, CallHeader header, unit::BlobPurpose purpose,
                           const unit::KeyBinding& binding, const unit::KeyBlob& blob,
                           const unit::BlobPattern& target);
Result<void> encode_sealing(SecretBuffer& out, CallHeader header);
Result<void> encode_change_sealing(SecretBuffer& out, CallHeader header,
                                   const unit::SealingChange& change);
// Calls without fields: RecordStatus, BeginGuarding, BeginRecordCheck.
Result<void> encode_plain(SecretBuffer& out, CallHeader header, Op op);
// RenewRecordKey, RecordRenewal, Transfers.
Result<void> encode_of_scope(SecretBuffer& out, CallHeader header, Op op,
                             const unit::RecordScope& scope);
Result<void> encode_seal_records(SecretBuffer& out, CallHeader header, std::uint64_t group,
                                 const std::vector<unit::RecordChange>& changes);
Result<void> encode_settle_records(SecretBuffer& out, CallHeader header, std::uint64_t group,
                                   bool committed);
Result<void> encode_check_records(SecretBuffer& out, CallHeader header, std::uint64_t check,
                                  const std::vector<unit::StoredRecord>& records);
Result<void> encode_end_record_check(SecretBuffer& out, CallHeader header, std::uint64_t check);
Result<void> encode_export_chunk(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 const Uuid& transfer, std::uint32_t index,
                                 const std::vector<unit::TransferKey>& keys);
Result<void> encode_sign_manifest(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                  const Uuid& transfer, std::uint32_t keys,
                                  const std::vector<unit::ChunkProof>& chunks);
Result<void> encode_import_chunk(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                 ByteView manifest, std::uint32_t index, ByteView chunk);
Result<void> encode_close_transfer(SecretBuffer& out, CallHeader header, const InstanceId& instance,
                                   const Uuid& transfer);
// The same from a decoded call.
Result<void> encode_request(SecretBuffer& out, const Request& request);

// How many of `blobs` from its start fit into one drop frame; at least 1 unless empty. (A blob
// above kMaxBlobBytes counts as fitting and is refused by encode_drop.)
std::size_t drop_chunk(std::span<const unit::KeyBlob> blobs) noexcept;

// --- Answers ---
// `Value` of each call's Result; std::monostate stands for void.
template <class Value>
Result<void> encode_answer(SecretBuffer& out, std::uint64_t call_id, Op op,
                           const Result<Value>& result);

// The fixed part of an answer; `value` is empty when `error` is there and is not yet decoded when
// it is not. Views point into the frame.
struct AnswerView {
  std::uint64_t call_id = 0;
  Op op{};
  std::optional<Error> error;
  ByteView value;
};
// Errors: InvalidArgument.
Result<AnswerView> decode_answer(ByteView body);
// The value of an answer without error. Errors: InvalidArgument.
template <class Value>
Result<Value> decode_value(ByteView value);
// decode_answer and the decode_value that its op asks for, for the fuzzer: success means that a
// client accepts it.
Result<void> decode_response(ByteView body);

}  // namespace keyhaven::channel
