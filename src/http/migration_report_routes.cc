#include "http/migration_report_routes.h"

#include "http/call.h"
#include "http/json.h"

namespace keyhaven::http {
namespace {

struct Recorded {
  std::string plan_id;
  std::string report_hash;
  std::string plan_hash;
  std::string journal_hash;
  std::string result;
  std::string source;
};

Error wrong_field(std::string message, std::string_view field) {
  return {Reason::InvalidField, std::move(message), std::string(field)};
}

Result<std::string> read_hash(JsonValue& value, std::string_view field) {
  constexpr std::size_t kHexDigits = 2 * sizeof(Digest);
  std::string text = KH_TRY(value.text(field, kHexDigits));
  const auto bytes = from_hex(text);
  if (!bytes || bytes->size() != sizeof(Digest) || to_hex(*bytes) != text)
    return wrong_field(std::string(field) + " must be a SHA-256 hash: 64 lower-case hex digits",
                       field);
  return text;
}

Result<std::string> read_uuid(JsonValue& value, std::string_view field) {
  constexpr std::size_t kUuidText = 36;
  const std::string text = KH_TRY(value.text(field, kUuidText));
  const auto uuid = Uuid::parse(text);
  if (!uuid) return wrong_field(std::string(field) + " must be a UUID", field);
  return uuid->text();
}

Result<void> read_member(std::string_view name, JsonValue& value, Recorded& out) {
  if (name == "plan_id") {
    out.plan_id = KH_TRY(read_uuid(value, "plan_id"));
  } else if (name == "report_sha256") {
    out.report_hash = KH_TRY(read_hash(value, "report_sha256"));
  } else if (name == "plan_sha256") {
    out.plan_hash = KH_TRY(read_hash(value, "plan_sha256"));
  } else if (name == "journal_sha256") {
    out.journal_hash = KH_TRY(read_hash(value, "journal_sha256"));
  } else if (name == "source_instance") {
    out.source = KH_TRY(read_uuid(value, "source_instance"));
  } else if (name == "result") {
    out.result = KH_TRY(value.text("result", 16));
    if (out.result != "verified" && out.result != "incomplete")
      return wrong_field("result must be verified or incomplete", "result");
  } else {
    return unknown_field(value);
  }
  return {};
}

Result<Recorded> read(Call& call) {
  Recorded out;
  const Body body = KH_TRY(read_json(call.body(), [&](std::string_view name, JsonValue& value) {
    return read_member(name, value, out);
  }));
  if (body == Body::Absent)
    return Error{Reason::NoBody, "the body names the report by its hash", {}};
  const std::pair<std::string_view, const std::string*> needed[] = {
      {"plan_id", &out.plan_id},       {"report_sha256", &out.report_hash},
      {"plan_sha256", &out.plan_hash}, {"journal_sha256", &out.journal_hash},
      {"result", &out.result},         {"source_instance", &out.source}};
  for (const auto& [name, value] : needed) {
    if (value->empty()) return wrong_field(std::string(name) + " is missing", name);
  }
  return out;
}

Result<Response> record(Call& call, audit::Log& log,
                        const std::array<std::uint8_t, 32>& public_key) {
  const Recorded report = KH_TRY(read(call));
  call.detail("requestData.planId", report.plan_id);
  call.detail("requestData.sourceInstanceId", report.source);
  call.detail("requestData.reportHash", report.report_hash);
  call.detail("requestData.planHash", report.plan_hash);
  call.detail("requestData.journalHash", report.journal_hash);
  call.detail("requestData.result", report.result);
  const audit::Receipt receipt = KH_TRY(log.append_with_receipt(call.success_event(201)));
  call.set_event_recorded();
  Response response;
  response.status = 201;
  JsonWriter json(response.body);
  json.begin_object()
      .field("record", receipt.record)
      .field("checkpoint", receipt.checkpoint)
      .field("public_key", to_hex(public_key))
      .end_object();
  return response;
}

}  // namespace

Routes migration_report_routes(audit::Log& log, const std::array<std::uint8_t, 32>& public_key) {
  return {blocking(Method::Post, "/api/v2/migration_reports", iam::Action::MigrationReportRecord,
                   Check::Instance,
                   [&log, public_key](Call& call) { return record(call, log, public_key); })};
}

}  // namespace keyhaven::http
