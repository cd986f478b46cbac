// What a crypto unit says of itself when asked by query frames. Its signatures are not verified
// here: the server reaches its unit by a channel of its own, and nobody's rights follow from the
// answers. The unit judges every command by itself.
#pragma once

#include <vector>

#include "instances/instance_service.h"
#include "tke/admin.h"
#include "tke/certificate.h"
#include "tke/command_rules.h"

namespace keyhaven::instances {

using tke::UnitMoment;

// Borrows its parts for its life. Not thread-safe: one per call. Errors of all: UnitUnavailable,
// UnitNotFound, InstanceNotFound.
class UnitInquiry {
 public:
  UnitInquiry(InstanceService& instances, const InstanceId& instance)
      : instances_(instances), instance_(instance) {}

  Result<unit::UnitStatus> find(const UnitId& id);
  Result<UnitMoment> moment(const unit::UnitStatus& unit);
  // Errors: NotFound when the unit has no administrator with this key.
  Result<tke::AdministratorCertificate> administrator(const unit::UnitStatus& unit,
                                                      const tke::Ski& ski);
  // The certificates of the module, certificate 0 first, without the root.
  Result<std::vector<Bytes>> module_certificates(const unit::UnitStatus& unit);

 private:
  Result<tke::AdminResponseBlock> query(const unit::UnitStatus& unit, const tke::AdminBlock& block);

  InstanceService& instances_;
  const InstanceId instance_;
};

}  // namespace keyhaven::instances
