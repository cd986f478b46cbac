#include "tke/transcript_entry.h"

#include <variant>

#include "base/wire.h"
#include "crypto/hash.h"
#include "tke/frame.h"

namespace keyhaven::tke {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::string_view kHashLabel{"keyhaven transcript entry\0", 26};

void read_request(const std::string& text, ReadEntry& out) {
  const auto frame = parse_request(text);
  if (!frame) return;
  auto payload = parse_request_payload(frame->payload);
  if (!payload || !std::holds_alternative<AdminRequest>(*payload)) return;
  AdminRequest request = std::get<AdminRequest>(std::move(*payload));
  auto block = parse_admin_block(request.block);
  auto signers = parse_signer_infos(request.signer_infos);
  if (!block || !signers || frame->domain_index != request.domain_index) return;
  out.request = std::move(request);
  out.block = std::move(*block);
  out.signers = std::move(*signers);
}

void read_response(const std::string& text, ReadEntry& out) {
  if (text.empty()) return;
  out.kind = ReadEntry::Answer::Broken;
  const auto frame = parse_response(text);
  if (!frame) {
    // A frame that reports an error carries no signature.
    if (frame.error().reason != Reason::UnitUnavailable) return;
    out.kind = ReadEntry::Answer::Unsigned;
    out.status = {kInternalError, kNoReason};
    return;
  }
  auto response = parse_admin_response(frame->payload);
  if (!response) return;
  if (response->return_code != 0) {
    out.kind = ReadEntry::Answer::Unsigned;
    out.status = {response->return_code, kNoReason};
    return;
  }
  auto answer = parse_admin_response_block(response->block);
  if (!answer) return;
  out.kind = ReadEntry::Answer::Signed;
  out.status = {answer->return_code, answer->reason_code()};
  out.response = std::move(*response);
  out.answer = std::move(*answer);
}

}  // namespace

Digest hash_of(const Uuid& instance, const TranscriptEntry& entry) {
  Bytes bytes;
  Writer writer(bytes);
  writer.raw(as_bytes(kHashLabel));
  writer.u8(kFormat);
  writer.uuid(instance);
  writer.u64(entry.sequence);
  writer.raw(entry.previous);
  writer.i64(entry.time_us);
  writer.uuid(entry.unit);
  writer.text32(entry.location);
  writer.text32(entry.caller);
  writer.text32(entry.request);
  writer.text32(entry.response);
  writer.u32(static_cast<std::uint32_t>(entry.certificates.size()));
  for (const Bytes& certificate : entry.certificates) writer.bytes32(certificate);
  return crypto::sha256(bytes);
}

ReadEntry read_entry(const TranscriptEntry& entry) {
  ReadEntry out;
  read_request(entry.request, out);
  read_response(entry.response, out);
  return out;
}

}  // namespace keyhaven::tke
