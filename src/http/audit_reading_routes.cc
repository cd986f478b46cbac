#include "http/audit_reading_routes.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "audit/check.h"
#include "audit/search.h"
#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

constexpr int kSearchesAtOnce = 2;

// What the routes share.
struct Reader {
  explicit Reader(const AuditReading& from)
      : reading(from), check(from.log, from.directory, from.public_key, from.clock) {}
  AuditReading reading;
  audit::LogCheck check;
  std::atomic<int> searches = 0;
};
// Shared by the handlers of the three routes; lives as long as they do.
using ReaderPtr = std::shared_ptr<Reader>;

// One of the places for searches, given back at the end.
class Place {
 public:
  explicit Place(std::atomic<int>& taken) : taken_(taken), number_(++taken) {}
  ~Place() { --taken_; }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  bool is_free() const noexcept { return number_ <= kSearchesAtOnce; }

 private:
  std::atomic<int>& taken_;
  int number_;
};

// A checkpoint signed what was there: not a record whose content was changed since.
bool is_sealed(const audit::LogState& state, const audit::FoundRecord& record) {
  if (!record.is_whole) return false;
  if (record.stream == audit::kCheckpointStream) return true;
  const auto head = state.sealed.find(record.stream);
  return head != state.sealed.end() && record.seq <= head->second.seq;
}

void write_records(JsonWriter& json, const audit::LogState& state,
                   const audit::SearchResult& found) {
  json.key("records").begin_array();
  for (const audit::FoundRecord& record : found.records) {
    json.begin_object()
        .field("stream", record.stream)
        .field("seq", record.seq)
        .field("prev", to_hex(record.prev))
        .field("hash", to_hex(record.hash))
        .field("sealed", is_sealed(state, record))
        .key("event");
    json.out() += record.event_json;  // the search has parsed it
    json.end_object();
  }
  json.end_array();
}

void write_findings(JsonWriter& json, const audit::SearchResult& found) {
  json.key("findings").begin_array();
  for (const audit::SearchFinding& finding : found.findings) {
    json.begin_object()
        .field("stream", finding.stream)
        .field("segment", static_cast<std::int64_t>(finding.segment))
        .field("offset", finding.offset)
        .field("problem", finding.problem)
        .end_object();
  }
  json.end_array();
}

// The filters belong into the record of the search: who looked for whom is part of what happened.
Result<Response> search(Call& call, Reader& reader) {
  const Place place(reader.searches);
  const auto parameters = [&call](std::string_view name) { return call.query(name); };
  for (auto& [name, value] : audit::filters_of(parameters))
    call.detail("requestData." + name, std::move(value));
  const audit::SearchQuery query = KH_TRY(audit::parse_search(parameters));
  if (!place.is_free()) {
    return Error{Reason::TooManyRequests,
                 "two searches of the audit log are under way; try again when one has ended",
                 {}};
  }
  const audit::LogState state = reader.reading.log.state();
  const audit::SearchResult found =
      KH_TRY(audit::search_log(reader.reading.directory, state.streams, query, {}));
  call.detail("responseData.totalResources", std::to_string(found.records.size()));
  Response response;
  JsonWriter json(response.body);
  json.begin_object();
  write_records(json, state, found);
  json.field("complete", found.complete).text_field_if("cursor", found.cursor);
  if (found.looked_back_to.is_set()) json.date_field("looked_back_to", found.looked_back_to);
  json.field("records_read", found.records_read).field("bytes_read", found.bytes_read);
  write_findings(json, found);
  json.end_object();
  return response;
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

std::string_view state_of(const audit::CheckStatus& check) {
  if (check.running) return "running";
  if (!check.started.is_set()) return "none";
  return check.result ? "finished" : "failed";
}

void write_check(JsonWriter& json, const audit::CheckStatus& check) {
  json.key("check").begin_object().field("state", state_of(check));
  if (check.started.is_set()) {
    json.date_field("started_at", check.started)
        .field("bytes_total", check.bytes_total)
        .field("bytes_read", check.bytes_read);
  }
  if (!check.running && check.started.is_set()) {
    json.date_field("finished_at", check.finished).text_field_if("failure", check.failure);
  }
  if (!check.running && check.result) {
    json.key("result")
        .begin_object()
        .field("records", check.result->records)
        .field("checkpoints", check.result->checkpoints)
        .field("unsealed", check.result->unsealed);
    write_texts(json, "problems", check.result->problems);
    write_texts(json, "notes", check.result->notes);
    json.end_object();
  }
  json.end_object();
}

// Adds to `unsealed` how many records no checkpoint covers.
void write_stream(JsonWriter& json, const audit::LogState& state, const audit::StreamState& stream,
                  const audit::StreamSize& size, std::uint64_t& unsealed) {
  json.begin_object()
      .field("stream", stream.name)
      .field("seq", stream.head.seq)
      .field("hash", to_hex(stream.head.hash))
      .field("segments", static_cast<std::int64_t>(size.segments))
      .field("bytes", size.bytes);
  if (stream.name != audit::kCheckpointStream) {
    const auto sealed = state.sealed.find(stream.name);
    const std::uint64_t sealed_seq = sealed == state.sealed.end() ? 0 : sealed->second.seq;
    json.field("sealed_seq", sealed_seq);
    unsealed += stream.head.seq - std::min(stream.head.seq, sealed_seq);
  }
  json.end_object();
}

Result<Response> read_status(Reader& reader) {
  const audit::LogState state = reader.reading.log.state();
  const auto sizes = KH_TRY(audit::stream_sizes(reader.reading.directory));
  const Result<void> health = reader.reading.log.health();
  std::uint64_t unsealed = 0;
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("health", health ? std::string("ok") : health.error().message);
  json.key("streams").begin_array();
  for (const audit::StreamState& stream : state.streams) {
    const auto size = sizes.find(stream.name);
    write_stream(json, state, stream, size == sizes.end() ? audit::StreamSize{} : size->second,
                 unsealed);
  }
  json.end_array().field("unsealed_records", unsealed);
  if (state.sealed_at.is_set()) json.date_field("sealed_at", state.sealed_at);
  write_check(json, reader.check.status());
  json.end_object();
  return response;
}

Result<Response> start_check(Reader& reader) {
  const bool started = KH_TRY(reader.check.start());
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("started", started);
  write_check(json, reader.check.status());
  json.end_object();
  response.status = 202;
  return response;
}

}  // namespace

Routes audit_reading_routes(const AuditReading& reading) {
  using iam::Action;
  const auto reader = std::make_shared<Reader>(reading);
  return {
      blocking(Method::Get, "/v1/audit/records", Action::AuditSearch, Check::Account,
               [reader](Call& call) { return search(call, *reader); }),
      blocking(Method::Get, "/v1/audit/status", Action::AuditRead, Check::Account,
               [reader](Call&) { return read_status(*reader); }),
      blocking(Method::Post, "/v1/audit/check", Action::AuditCheck, Check::Account,
               [reader](Call&) { return start_check(*reader); }),
  };
}

}  // namespace keyhaven::http
