#include "instances/transcript.h"

#include <algorithm>

#include "base/wire.h"
#include "crypto/hash.h"
#include "tke/frame.h"
#include "tke/oa_certificate.h"

namespace keyhaven::instances {
namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kMaxTextBytes = 4096;
constexpr std::string_view kHashLabel{"keyhaven transcript entry\0", 26};
constexpr std::size_t kMaxKnownModules = 10'000;

// The key that signed an answer; nothing in an unsigned one.
std::optional<tke::Ski> signer_of(const std::string& response) {
  const auto frame = tke::parse_response(response);
  if (!frame) return std::nullopt;
  const auto answer = tke::parse_admin_response(frame->payload);
  if (!answer) return std::nullopt;
  const auto infos = tke::parse_signer_infos(answer->signer_infos);
  if (!infos || infos->empty()) return std::nullopt;
  return infos->front().ski;
}

}  // namespace

Bytes encode(const TranscriptEntry& entry) {
  Bytes out;
  Writer writer(out);
  writer.u8(kFormat);
  writer.uuid(entry.instance.uuid);
  writer.u64(entry.sequence);
  writer.raw(entry.previous);
  writer.i64(entry.time.us);
  writer.uuid(entry.unit.uuid);
  writer.text32(entry.location);
  writer.text32(entry.caller);
  writer.text32(entry.request);
  writer.text32(entry.response);
  writer.u32(static_cast<std::uint32_t>(entry.certificates.size()));
  for (const Bytes& certificate : entry.certificates) writer.bytes32(certificate);
  return out;
}

Result<TranscriptEntry> decode_transcript_entry(ByteView bytes) {
  Reader reader(bytes);
  TranscriptEntry out;
  if (reader.u8() != kFormat) reader.fail();
  out.instance = {reader.uuid()};
  out.sequence = reader.u64();
  const ByteView previous = reader.raw(out.previous.size());
  std::copy(previous.begin(), previous.end(), out.previous.begin());
  out.time.us = reader.i64();
  out.unit = {reader.uuid()};
  out.location = reader.text32(kMaxTextBytes);
  out.caller = reader.text32(kMaxTextBytes);
  out.request = reader.text32(kMaxTranscriptFrame);
  out.response = reader.text32(kMaxTranscriptFrame);
  const std::uint32_t count = reader.u32();
  if (count > tke::kMaxOaChainLength) reader.fail();
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i)
    out.certificates.push_back(to_bytes(reader.bytes32(tke::kMaxOaCertificateBytes)));
  if (reader.at_end()) return out;
  return Error{
      Reason::Internal, "a stored transcript entry is damaged or of an unknown format", {}};
}

Digest hash_of(const TranscriptEntry& entry) {
  return crypto::sha256({as_bytes(kHashLabel), encode(entry)});
}

bool Transcript::covers(const AdministeredAction& asked) noexcept {
  return asked.command && !tke::is_query(*asked.command) && *asked.command != tke::kReencryptBlob;
}

// A module's chain is asked for once for each of its keys.
std::vector<Bytes> Transcript::certificates_of(UnitInquiry& inquiry, const unit::UnitStatus& unit,
                                               const std::string& response) {
  const auto signer = signer_of(response);
  if (!signer) return {};
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = certificates_.find(*signer); found != certificates_.end())
      return found->second;
  }
  auto chain = inquiry.module_certificates(unit);
  if (!chain || chain->empty()) return {};
  const auto leaf = tke::parse_oa_certificate(chain->front());
  if (!leaf || leaf->subject != *signer) return {};  // not those of this answer
  const std::lock_guard lock(mutex_);
  if (certificates_.size() >= kMaxKnownModules) certificates_.clear();
  certificates_[*signer] = *chain;
  return std::move(*chain);
}

Result<void> Transcript::record(const InstanceId& instance, const UnitId& unit,
                                const std::string& caller, const std::string& request,
                                const std::string& response) {
  if (request.size() > kMaxTranscriptFrame || response.size() > kMaxTranscriptFrame)
    return Error{Reason::TooLarge, "a frame of more than 65536 characters is not kept", {}};
  TranscriptEntry entry;
  entry.instance = instance;
  entry.time = parts_.clock.now();
  entry.unit = unit;
  entry.caller = caller;
  entry.request = request;
  entry.response = response;
  UnitInquiry inquiry(parts_.instances, instance);
  if (const auto status = inquiry.find(unit)) {
    entry.location = status->location;
    entry.certificates = certificates_of(inquiry, *status, response);
  }
  KH_TRY(parts_.store.append_transcript(std::move(entry)));
  return {};
}

}  // namespace keyhaven::instances
