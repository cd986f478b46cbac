// The answers: unit to server.
#include <algorithm>
#include <utility>

#include "base/wire.h"
#include "channel/codec.h"

namespace keyhaven::channel {
namespace {

using unit::ImportTokenKey;
using unit::KeyBlob;
using unit::SealedRootKey;
using unit::UnitStatus;
using unit::UnwrapResult;
using unit::WrapResult;

constexpr std::uint8_t kStatusOk = 0;  // else 1 + the number of the reason

// --- Writing ---
void write_value(SecretWriter&, std::monostate) {}

void write_value(SecretWriter& out, const UnitStatus& status) {
  out.uuid(status.id.uuid);
  out.u8(static_cast<std::uint8_t>(status.type));
  out.u8(status.joined ? 1 : 0);
  out.bytes16(as_bytes(status.location), kMaxLocationBytes);
  out.bytes16(as_bytes(status.serial_number), kMaxSerialBytes);
  out.u32(status.module_index);
  out.u32(status.domain_index);
  out.u8(status.imprint ? 1 : 0);
  out.u32(status.signature_threshold);
  out.u32(status.revocation_threshold);
  out.u32(status.administrators);
  out.u8(static_cast<std::uint8_t>(status.current));
  out.u8(static_cast<std::uint8_t>(status.pending));
  out.raw(status.current_pattern);
  out.raw(status.pending_pattern);
}

void write_value(SecretWriter& out, const std::vector<UnitStatus>& units) {
  if (units.size() > kMaxUnits) return out.fail();
  out.u8(static_cast<std::uint8_t>(units.size()));
  for (const UnitStatus& status : units) write_value(out, status);
}

void write_value(SecretWriter& out, const std::string& text) {
  out.bytes32(as_bytes(text), kMaxAdministrationAnswerBytes);
}
void write_value(SecretWriter& out, const Bytes& bytes) { out.bytes16(bytes, kMaxWrappedDekBytes); }
void write_value(SecretWriter& out, const SecretBytes& secret) {
  out.bytes16(secret.expose(), kMaxSecretBytes);
}
void write_value(SecretWriter& out, const KeyBlob& blob) { out.bytes16(blob.bytes, kMaxBlobBytes); }

void write_value(SecretWriter& out, const SealedRootKey& key) {
  write_value(out, key.blob);
  out.raw(key.commitment);
  out.u16(key.bits);
}

void write_value(SecretWriter& out, const ImportTokenKey& key) {
  write_value(out, key.private_key);
  out.bytes16(key.public_key, kMaxPublicKeyBytes);
  out.raw(key.nonce);
}

void write_value(SecretWriter& out, const WrapResult& result) {
  write_value(out, result.wrapped_dek);
  write_value(out, result.generated_dek);
}

void write_value(SecretWriter& out, const UnwrapResult& result) {
  write_value(out, result.dek);
  write_value(out, result.rewrapped);
}

void write_value(SecretWriter& out, const unit::SealingStatus& status) {
  out.u8(static_cast<std::uint8_t>(status.method));
  out.bytes16(as_bytes(status.reference), kMaxReferenceBytes);
  out.u64(status.saves);
  out.u8(status.detects_old_state ? 1 : 0);
}

void write_error(SecretWriter& out, const Error& error) {
  out.bytes16(as_bytes(error.message).first(std::min(error.message.size(), kMaxMessageBytes)),
              kMaxMessageBytes);
  out.bytes16(as_bytes(error.target).first(std::min(error.target.size(), kMaxTargetBytes)),
              kMaxTargetBytes);
}

// --- Reading ---
ByteView read_bytes16(Reader& in, std::size_t limit) {
  const std::uint16_t size = in.u16();
  if (size > limit) in.fail();
  return in.raw(size);
}

void read_value(Reader&, std::monostate&) {}

unit::RegisterState read_register_state(Reader& in) {
  const std::uint8_t state = in.u8();
  if (state > static_cast<std::uint8_t>(unit::RegisterState::Valid)) in.fail();
  return unit::RegisterState{state};
}

void read_value(Reader& in, unit::SealingStatus& status) {
  status.method = unit::SealingMethod{in.u8()};
  if (status.method < unit::SealingMethod::KeyFile || status.method > unit::SealingMethod::None)
    in.fail();
  status.reference = as_text(read_bytes16(in, kMaxReferenceBytes));
  status.saves = in.u64();
  status.detects_old_state = in.flag();
}

void read_value(Reader& in, UnitStatus& status) {
  status.id.uuid = in.uuid();
  status.type = unit::UnitType{in.u8()};
  if (status.type < unit::UnitType::Operational || status.type > unit::UnitType::Failover)
    in.fail();
  status.joined = in.flag();
  status.location = as_text(read_bytes16(in, kMaxLocationBytes));
  status.serial_number = as_text(read_bytes16(in, kMaxSerialBytes));
  status.module_index = in.u32();
  status.domain_index = in.u32();
  status.imprint = in.flag();
  status.signature_threshold = in.u32();
  status.revocation_threshold = in.u32();
  status.administrators = in.u32();
  status.current = read_register_state(in);
  status.pending = read_register_state(in);
  in.into(status.current_pattern);
  in.into(status.pending_pattern);
}

void read_value(Reader& in, std::vector<UnitStatus>& units) {
  const std::uint8_t count = in.u8();
  if (count > kMaxUnits) return in.fail();
  units.resize(count);
  for (UnitStatus& status : units) read_value(in, status);
}

void read_value(Reader& in, std::string& text) { text = in.text32(kMaxAdministrationAnswerBytes); }
void read_value(Reader& in, Bytes& bytes) {
  bytes = to_bytes(read_bytes16(in, kMaxWrappedDekBytes));
}
void read_value(Reader& in, SecretBytes& secret) {
  const ByteView bytes = read_bytes16(in, kMaxSecretBytes);
  if (!bytes.empty()) secret = SecretBytes::copy_of(bytes);
}
void read_value(Reader& in, KeyBlob& blob) {
  blob.bytes = to_bytes(read_bytes16(in, kMaxBlobBytes));
}

void read_value(Reader& in, SealedRootKey& key) {
  read_value(in, key.blob);
  in.into(key.commitment);
  key.bits = in.u16();
  if (key.bits != 128 && key.bits != 192 && key.bits != 256) in.fail();
}

void read_value(Reader& in, ImportTokenKey& key) {
  read_value(in, key.private_key);
  key.public_key = to_bytes(read_bytes16(in, kMaxPublicKeyBytes));
  in.into(key.nonce);
}

void read_value(Reader& in, WrapResult& result) {
  read_value(in, result.wrapped_dek);
  read_value(in, result.generated_dek);
}

void read_value(Reader& in, UnwrapResult& result) {
  read_value(in, result.dek);
  read_value(in, result.rewrapped);
}

Error malformed() { return Error{Reason::InvalidArgument, "channel: an answer is malformed", ""}; }

template <class Value>
Result<void> check_value(ByteView value) {
  auto decoded = decode_value<Value>(value);
  if (!decoded) return std::move(decoded).error();
  return {};
}

}  // namespace

template <class Value>
Result<void> encode_answer(SecretBuffer& out, std::uint64_t call_id, Op op,
                           const Result<Value>& result) {
  const std::size_t start = out.size();
  SecretWriter writer(out);
  writer.u32(0);
  writer.u64(call_id);
  writer.u8(static_cast<std::uint8_t>(op));
  if (result) {
    writer.u8(kStatusOk);
    write_value(writer, result.value());
  } else {
    writer.u8(static_cast<std::uint8_t>(1 + static_cast<unsigned>(result.error().reason)));
    write_error(writer, result.error());
  }
  const std::size_t frame = out.size() - start;
  if (!writer.ok() || frame > kMaxFrameSize) {
    out.truncate(start);
    return Error{Reason::InvalidArgument, "channel: an answer is too large", ""};
  }
  out.patch_u32(start, static_cast<std::uint32_t>(frame - kFramePrefixSize));
  return {};
}

template <class Value>
Result<Value> decode_value(ByteView value) {
  Reader in(value);
  Value out{};
  read_value(in, out);
  if (!in.at_end()) return malformed();
  return out;
}

#define KH_ANSWER_VALUE(Value)                                                 \
  template Result<void> encode_answer<Value>(SecretBuffer&, std::uint64_t, Op, \
                                             const Result<Value>&);            \
  template Result<Value> decode_value<Value>(ByteView);
KH_ANSWER_VALUE(std::monostate)
KH_ANSWER_VALUE(std::vector<UnitStatus>)
KH_ANSWER_VALUE(std::string)
KH_ANSWER_VALUE(Bytes)
KH_ANSWER_VALUE(SecretBytes)
KH_ANSWER_VALUE(KeyBlob)
KH_ANSWER_VALUE(SealedRootKey)
KH_ANSWER_VALUE(ImportTokenKey)
KH_ANSWER_VALUE(unit::SealingStatus)
KH_ANSWER_VALUE(WrapResult)
KH_ANSWER_VALUE(UnwrapResult)
KH_ANSWER_VALUE(unit::RecordGuardStatus)
KH_ANSWER_VALUE(std::vector<unit::RecordSeal>)
KH_ANSWER_VALUE(std::vector<unit::RecordVerdict>)
KH_ANSWER_VALUE(unit::RecordCheckResult)
KH_ANSWER_VALUE(unit::RecordGuard::Renewal)
KH_ANSWER_VALUE(std::uint64_t)
KH_ANSWER_VALUE(unit::TransferStatus)
KH_ANSWER_VALUE(unit::TransferChunk)
KH_ANSWER_VALUE(SignedManifest)
KH_ANSWER_VALUE(std::vector<unit::TransferKey>)
#undef KH_ANSWER_VALUE

Result<AnswerView> decode_answer(ByteView body) {
  Reader in(body);
  AnswerView answer;
  answer.call_id = in.u64();
  const std::uint8_t op = in.u8();
  answer.op = Op{op};
  const std::uint8_t status = in.u8();
  if (op < static_cast<std::uint8_t>(Op::CreateUnits) || op > static_cast<std::uint8_t>(kLastOp) ||
      status > kReasonCount) {
    in.fail();
  }
  if (status == kStatusOk) {
    answer.value = in.rest();
  } else {
    Error error;
    error.reason = static_cast<Reason>(status - 1);
    error.message = as_text(read_bytes16(in, kMaxMessageBytes));
    error.target = as_text(read_bytes16(in, kMaxTargetBytes));
    answer.error = std::move(error);
  }
  if (!in.at_end()) return malformed();
  return answer;
}

Result<void> decode_response(ByteView body) {
  const AnswerView answer = KH_TRY(decode_answer(body));
  if (answer.error) return {};
  switch (answer.op) {
    case Op::CreateUnits:
    case Op::ResizeUnits:
    case Op::ListUnits:
      return check_value<std::vector<UnitStatus>>(answer.value);
    case Op::RemoveUnits:
    case Op::Drop:
      return check_value<std::monostate>(answer.value);
    case Op::Administer:
      return check_value<std::string>(answer.value);
    case Op::GenerateRootKey:
    case Op::ImportRootKey:
    case Op::ImportEncryptedRootKey:
      return check_value<SealedRootKey>(answer.value);
    case Op::CreateImportToken:
      return check_value<ImportTokenKey>(answer.value);
    case Op::CreateStandardKey:
    case Op::Reseal:
      return check_value<KeyBlob>(answer.value);
    case Op::Sealing:
    case Op::ChangeSealing:
      return check_value<unit::SealingStatus>(answer.value);
    case Op::OpenStandardKey:
      return check_value<SecretBytes>(answer.value);
    case Op::Wrap:
      return check_value<WrapResult>(answer.value);
    case Op::Unwrap:
      return check_value<UnwrapResult>(answer.value);
    case Op::AttestationRoot:
    case Op::Rewrap:
      return check_value<Bytes>(answer.value);
    case Op::RecordStatus:
      return check_value<unit::RecordGuardStatus>(answer.value);
    case Op::SealRecords:
      return check_value<std::vector<unit::RecordSeal>>(answer.value);
    case Op::SettleRecords:
    case Op::BeginGuarding:
      return check_value<std::monostate>(answer.value);
    case Op::BeginRecordCheck:
    case Op::RenewRecordKey:
      return check_value<std::uint64_t>(answer.value);
    case Op::CheckRecords:
      return check_value<std::vector<unit::RecordVerdict>>(answer.value);
    case Op::EndRecordCheck:
      return check_value<unit::RecordCheckResult>(answer.value);
    case Op::RecordRenewal:
      return check_value<unit::RecordGuard::Renewal>(answer.value);
    case Op::Transfers:
      return check_value<unit::TransferStatus>(answer.value);
    case Op::ExportChunk:
      return check_value<unit::TransferChunk>(answer.value);
    case Op::SignManifest:
      return check_value<SignedManifest>(answer.value);
    case Op::ImportChunk:
      return check_value<std::vector<unit::TransferKey>>(answer.value);
    case Op::CloseTransfer:
      return check_value<std::monostate>(answer.value);
  }
  return malformed();  // decode_answer let only known ops pass
}

}  // namespace keyhaven::channel
