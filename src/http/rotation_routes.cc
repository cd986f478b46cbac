#include "http/rotation_routes.h"

#include <array>
#include <cmath>

#include "base/bytes.h"
#include "http/call.h"
#include "http/instance_routes.h"
#include "http/json.h"
#include "http/tke_routes.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;
using instances::InstanceService;
using instances::MasterKeyRotations;
using instances::RotationPhase;
using instances::RotationStatus;
using unit::RegisterState;
using unit::UnitStatus;

std::string_view name_of(RotationPhase phase) {
  switch (phase) {
    case RotationPhase::None:
      return "none";
    case RotationPhase::Resealing:
      return "resealing";
    case RotationPhase::Resealed:
      return "resealed";
    case RotationPhase::Reverting:
      return "reverting";
  }
  fatal(__FILE__, __LINE__, "unknown RotationPhase");
}

// As the vendor's tools show them (instances-tke-iam.md 2.3).
std::string_view name_of(RegisterState state) {
  switch (state) {
    case RegisterState::Empty:
      return "Empty";
    case RegisterState::FullUncommitted:
      return "Full uncommitted";
    case RegisterState::FullCommitted:
      return "Full committed";
    case RegisterState::Valid:
      return "Valid";
  }
  fatal(__FILE__, __LINE__, "unknown RegisterState");
}

void write_register(JsonWriter& json, std::string_view name, RegisterState state,
                    const std::array<std::uint8_t, unit::kVerificationPatternSize>& pattern) {
  json.key(name).begin_object().field("state", name_of(state));
  if (state != RegisterState::Empty) json.field("verification_pattern", to_hex(pattern));
  json.end_object();
}

void write_units(JsonWriter& json, const std::vector<UnitStatus>& units) {
  json.key("units").begin_array();
  for (const UnitStatus& unit : units) {
    json.begin_object().field("hsm_id", unit.id.text()).field("location", unit.location);
    json.field("type", http::name_of(unit.type)).field("joined", unit.joined);
    write_register(json, "current", unit.current, unit.current_pattern);
    write_register(json, "new", unit.pending, unit.pending_pattern);
    json.end_object();
  }
  json.end_array();
}

void write_stored(JsonWriter& json, const RotationStatus& status) {
  json.key("stored").begin_array();
  for (const instances::StoredUnder& row : status.stored.rows) {
    json.begin_object().field("master_key", to_hex(row.master_key));
    json.field("keys", row.keys).field("key_versions", row.blobs - (row.import_token ? 1 : 0));
    json.field("import_token", row.import_token).end_object();
  }
  json.end_array();
}

void write_unopened(JsonWriter& json, const RotationStatus& status) {
  json.key("unopened").begin_array();
  for (const instances::UnopenedBlob& blob : status.unopened) {
    json.begin_object().field("key_id", blob.key.text());
    json.field("version_id", blob.version.text()).field("cause", blob.cause).end_object();
  }
  json.end_array().field("unopened_total", status.unopened_total);
}

Response answer(int http_status, const RotationStatus& status) {
  Response response;
  response.status = http_status;
  JsonWriter json(response.body);
  json.begin_object().field("phase", name_of(status.rotation.phase));
  json.field("message", status.message);
  // With phase "none": of the last rotation, if there was one.
  if (status.rotation.started.is_set()) {
    json.field("from", to_hex(status.rotation.from)).field("to", to_hex(status.rotation.to));
    json.date_field("started_at", status.rotation.started);
    json.field("started_by", status.rotation.started_by);
  }
  json.field("keys_total", status.stored.keys);
  const bool under_way = status.rotation.phase != RotationPhase::None;
  json.field("keys_left", under_way ? status.keys_left() : 0);
  json.field("keys_per_second", static_cast<std::int64_t>(std::llround(status.keys_per_second)));
  if (!status.waiting_for.empty()) json.field("waiting_for", status.waiting_for);
  write_stored(json, status);
  write_unopened(json, status);
  write_units(json, status.units);
  json.end_object();
  return response;
}

Result<Response> read(const InstanceService& service, MasterKeyRotations& rotations, Call& call) {
  const InstanceRecordPtr record =
      KH_TRY(authorized_instance(call, service, call.param("instance")));
  return answer(200, KH_TRY(rotations.status(record->id)));
}

using Change = Result<RotationStatus> (MasterKeyRotations::*)(const InstanceId&, audit::Event,
                                                              bool&);

Result<Response> change(const InstanceService& service, MasterKeyRotations& rotations,
                        Change operation, Call& call) {
  const InstanceRecordPtr record =
      KH_TRY(authorized_instance(call, service, call.param("instance")));
  bool recorded = false;
  auto status = (rotations.*operation)(record->id, call.success_event(202), recorded);
  if (recorded) call.set_event_recorded();
  if (!status) return std::move(status).error();
  return answer(202, *status);
}

}  // namespace

Routes rotation_routes(const InstanceService& service, MasterKeyRotations& rotations) {
  using enum Method;
  constexpr std::string_view kPath = "/v1/tke/{instance}/rotation";
  return {
      blocking(Get, kPath, iam::Action::TkeRotationRead, Check::Handler,
               [&](Call& call) { return read(service, rotations, call); }),
      blocking(
          Post, kPath, iam::Action::TkeRotationStart, Check::Handler,
          [&](Call& call) { return change(service, rotations, &MasterKeyRotations::start, call); }),
      blocking(Delete, kPath, iam::Action::TkeRotationStart, Check::Handler,
               [&](Call& call) {
                 return change(service, rotations, &MasterKeyRotations::abandon, call);
               }),
  };
}

}  // namespace keyhaven::http
