#include <cstdint>

#include "base/bytes.h"
#include "http/instance_routes.h"
#include "http/json.h"
#include "http/key_front.h"
#include "http/proposal_routes.h"

namespace keyhaven::http {
namespace {

using instances::TranscriptEntry;

constexpr std::int64_t kMaxSequence = INT32_MAX;
constexpr std::int64_t kMaxPage = 100;  // entries have up to 128 KiB
constexpr std::int64_t kPage = 20;

void write_entry(JsonWriter& json, const TranscriptEntry& entry) {
  json.begin_object().field("sequence", static_cast<std::int64_t>(entry.sequence));
  json.field("previous", to_hex(entry.previous)).field("hash", to_hex(hash_of(entry)));
  json.date_field("time", entry.time).field("time_us", entry.time.us);
  json.field("hsm_id", entry.unit.text()).field("location", entry.location);
  json.field("caller", entry.caller);
  for (const auto& [name, value] : instances::administered_action(entry.request).details) {
    if (name == "requestData.command") json.field("command", value);
  }
  json.field("request", entry.request).field("response", entry.response);
  json.key("certificates").begin_array();
  for (const Bytes& certificate : entry.certificates) json.base64(certificate);
  json.end_array().end_object();
}

Result<Response> read(const FrameFront& front, Call& call) {
  const instances::InstanceRecordPtr record =
      KH_TRY(authorized_instance(call, front.service, call.param("instance")));
  const std::int64_t start = KH_TRY(call.query_integer("start", 1, kMaxSequence, 1));
  const std::int64_t limit = KH_TRY(call.query_integer("limit", 1, kMaxPage, kPage));
  const instances::TranscriptPage page = KH_TRY(front.transcript.read(
      record->id, static_cast<std::uint64_t>(start), static_cast<std::size_t>(limit)));
  call.detail("responseData.totalResources", std::to_string(page.entries.size()));
  std::string body;
  JsonWriter json(body);
  json.begin_object().field("first", static_cast<std::int64_t>(page.first));
  json.field("last", static_cast<std::int64_t>(page.last)).key("entries").begin_array();
  for (const TranscriptEntry& entry : page.entries) write_entry(json, entry);
  json.end_array().end_object();
  return json_response(200, std::move(body));
}

}  // namespace

Routes transcript_routes(const FrameFront& front) {
  return {blocking(Method::Get, "/v1/tke/{instance}/transcript", iam::Action::TkeTranscriptRead,
                   Check::Handler, [&front](Call& call) { return read(front, call); })};
}

}  // namespace keyhaven::http
