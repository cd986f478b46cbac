#include "instances/unit_inquiry.h"

#include <algorithm>

#include "base/wire.h"
#include "tke/codes.h"
#include "tke/frame.h"
#include "tke/oa_certificate.h"

namespace keyhaven::instances {
namespace {

Error not_understood() {
  return {Reason::UnitUnavailable, "the crypto unit gave an answer that cannot be read", {}};
}

tke::AdminBlock query_of(std::uint32_t command, std::uint32_t domain, ByteView input) {
  tke::AdminBlock block;
  block.command = command;
  block.domain_index = domain;
  block.input = to_bytes(input);
  return block;
}

}  // namespace

Result<unit::UnitStatus> UnitInquiry::find(const UnitId& id) {
  std::vector<unit::UnitStatus> units = KH_TRY(instances_.units_of(instance_));
  const auto found = std::find_if(units.begin(), units.end(),
                                  [&](const unit::UnitStatus& each) { return each.id == id; });
  if (found == units.end())
    return Error{Reason::UnitNotFound, "the instance has no such crypto unit", "hsm_id"};
  return std::move(*found);
}

Result<tke::AdminResponseBlock> UnitInquiry::query(const unit::UnitStatus& unit,
                                                   const tke::AdminBlock& block) {
  const tke::AdminRequest request{unit.domain_index, tke::encode(block), {}};
  const std::string frame =
      tke::format_request({unit.module_index, unit.domain_index, tke::encode(request)});
  const std::string text = KH_TRY(instances_.administer(instance_, unit.id, frame));
  const auto response = tke::parse_response(text);
  if (!response) return not_understood();
  const auto answer = tke::parse_admin_response(response->payload);
  if (!answer || answer->return_code != 0) return not_understood();
  auto out = tke::parse_admin_response_block(answer->block);
  if (!out) return not_understood();
  return out;
}

Result<UnitMoment> UnitInquiry::moment(const unit::UnitStatus& unit) {
  tke::AdminResponseBlock answer =
      KH_TRY(query(unit, query_of(tke::kQueryAttributes, unit.domain_index, {})));
  if (answer.return_code != 0) return tke::error_of({answer.return_code, answer.reason_code()});
  const auto attributes = tke::apply_attribute_list({}, answer.output);
  if (!attributes) return not_understood();
  return UnitMoment{answer.domain_instance, std::move(answer.module_id), std::move(answer.counter),
                    *attributes};
}

Result<tke::AdministratorCertificate> UnitInquiry::administrator(const unit::UnitStatus& unit,
                                                                 const tke::Ski& ski) {
  const tke::AdminResponseBlock answer =
      KH_TRY(query(unit, query_of(tke::kQueryAdministrators, unit.domain_index, ski)));
  if (answer.return_code != 0)
    return Error{Reason::NotFound, "the crypto unit has no administrator with this key", {}};
  auto certificate = tke::parse_administrator_certificate(answer.output);
  if (!certificate || certificate->ski != ski) return not_understood();
  return certificate;
}

Result<std::vector<Bytes>> UnitInquiry::module_certificates(const unit::UnitStatus& unit) {
  std::vector<Bytes> out;
  while (out.size() < tke::kMaxOaChainLength) {
    Bytes index;
    Writer(index).u32(static_cast<std::uint32_t>(out.size()));
    // Of the module: domain 0 inside.
    tke::AdminResponseBlock answer =
        KH_TRY(query(unit, query_of(tke::kQueryOaCertificate, 0, index)));
    if (answer.return_code != 0) break;
    out.push_back(std::move(answer.output));
  }
  return out;
}

}  // namespace keyhaven::instances
