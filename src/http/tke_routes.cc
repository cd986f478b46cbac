#include "http/tke_routes.h"

#include <mutex>
#include <optional>

#include "crypto/ec.h"
#include "http/call.h"
#include "http/instance_routes.h"
#include "http/json.h"
#include "tke/frame.h"
#include "tke/signer_info.h"

namespace keyhaven::http {
namespace {

using instances::InstanceRecordPtr;
using instances::InstanceService;
using unit::RegisterState;
using unit::UnitStatus;

std::string_view state_of(const UnitStatus& status) {
  if (status.imprint) return "imprint";
  switch (status.current) {
    case RegisterState::Valid:
      return "initialized";
    case RegisterState::Empty:
    case RegisterState::FullUncommitted:
    case RegisterState::FullCommitted:
      break;
  }
  return "uninitialized";
}

// Every member of a unit is a text: clients read them so (instances-tke-iam.md 3.1).
void write_units(JsonWriter& json, std::string_view list, unit::UnitType type,
                 const std::vector<UnitStatus>& units) {
  json.key(list).begin_array();
  for (const UnitStatus& status : units) {
    if (status.type != type) continue;
    json.begin_object().field("hsm_id", status.id.text()).field("location", status.location);
    json.field("serial_number", status.serial_number).field("state", state_of(status));
    json.field("type", name_of(status.type));
    if (type == unit::UnitType::Operational)
      json.field("membership", status.joined ? "joined" : "waiting");
    json.end_object();
  }
  json.end_array();
}

Result<Response> list_units(InstanceService& service, Call& call) {
  const InstanceRecordPtr record =
      KH_TRY(authorized_instance(call, service, call.param("instance")));
  const std::vector<UnitStatus> units = KH_TRY(service.units_of(record->id));
  Response response;
  JsonWriter json(response.body);
  json.begin_object().key("metadata").begin_object();
  json.field("collectionType", "application/vnd.ibm.tke.hsm+json")
      .field("collectionTotal", units.size())
      .end_object();
  write_units(json, "hsms", unit::UnitType::Operational, units);
  // Named so for historical reasons: the unit from which a master key is copied.
  write_units(json, "source_hsms", unit::UnitType::Recovery, units);
  write_units(json, "failover_hsms", unit::UnitType::Failover, units);
  json.end_object();
  call.detail("responseData.totalResources", std::to_string(units.size()));
  return response;
}

Result<std::string> read_frame(Call& call) {
  std::string request;
  const auto visit = [&](std::string_view name, JsonValue& value) -> Result<void> {
    if (name == "request") request = KH_TRY(value.text("request", tke::kMaxFrameCharacters));
    return {};
  };
  KH_TRY(read_json(call.body(), visit));
  if (request.empty())
    return Error{Reason::InvalidField, "\"request\" must hold an HTPRequest text", "request"};
  return request;
}

Result<Response> administer(const FrameFront& front, Call& call) {
  const InstanceRecordPtr record =
      KH_TRY(authorized_instance(call, front.service, call.param("instance")));
  const auto unit = UnitId::parse(call.param("hsm"));
  if (!unit) return Error{Reason::UnitNotFound, "the instance has no such crypto unit", "hsm_id"};
  const std::string frame = KH_TRY(read_frame(call));

  const instances::AdministeredAction asked = instances::administered_action(frame);
  call.set_action(asked.action);
  KH_TRY(call.authorize({.instance = &record->id}));
  const instances::Loss loss = KH_TRY(accepted_loss(call));
  const PassedFrame passed = KH_TRY(pass_frame(call, front, record, *unit, frame, asked, loss));
  Response response;
  JsonWriter json(response.body);
  json.begin_object().field("response", passed.answer);
  json.text_field_if("transcript_fault", passed.transcript_fault).end_object();
  return response;
}

// The root that clients pin, as printed at installation. It does not change while the deployment
// lives: the unit is asked once.
class AttestationRoot {
 public:
  explicit AttestationRoot(InstanceService& service) : service_(service) {}
  Result<Response> operator()(Call&) {
    const std::lock_guard lock(mutex_);
    if (body_.empty()) body_ = KH_TRY(describe());
    Response response;
    response.body = body_;
    return response;
  }

 private:
  Result<std::string> describe() {
    const Bytes spki = KH_TRY(service_.attestation_root());
    const crypto::P521PublicKey key = KH_TRY(crypto::P521PublicKey::from_spki(spki));
    const ByteView point(key.point());
    std::string body;
    JsonWriter json(body);
    json.begin_object().field("ski", to_hex(tke::ski_of(key.point())));
    json.field("x", to_hex(point.subspan(1, crypto::kP521CoordinateSize)));
    json.field("y", to_hex(point.last(crypto::kP521CoordinateSize)));
    json.key("spki").base64(spki).end_object();
    return body;
  }
  InstanceService& service_;
  std::mutex mutex_;
  std::string body_;
};

}  // namespace

std::string_view name_of(unit::UnitType type) noexcept {
  switch (type) {
    case unit::UnitType::Operational:
      return "operational";
    case unit::UnitType::Recovery:
      return "recovery";
    case unit::UnitType::Failover:
      return "failover";
  }
  fatal(__FILE__, __LINE__, "unknown UnitType");
}

Routes tke_routes(const FrameFront& front) {
  using enum Method;
  InstanceService& service = front.service;
  const auto root =
      std::make_shared<AttestationRoot>(service);  // shared: std::function copies its target
  return {
      blocking(Get, "/v1/tke/{instance}/hsms", iam::Action::TkeRead, Check::Handler,
               [&service](Call& call) { return list_units(service, call); }),
      blocking(Post, "/v1/tke/{instance}/hsms/{hsm}", iam::Action::TkeUnknown, Check::Handler,
               [&front](Call& call) { return administer(front, call); }),
      blocking(Get, "/v1/tke/attestation_root", iam::Action::DocumentRead, Check::Handler,
               [root](Call& call) { return (*root)(call); }),
  };
}

}  // namespace keyhaven::http
