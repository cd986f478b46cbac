// Service instances as the vendor's resource controller shows them, and the endpoint look-up
// (instances-tke-iam.md 1.3 and 1.4).
#pragma once

#include "http/api.h"
#include "http/route.h"
#include "instances/instance_service.h"

namespace keyhaven::http {

// /v2/resource_instances and /v2/resource_instances/{id} (a GUID or an encoded CRN),
// /crypto_v2/instances/{id}, /crypto_v1/instances/{id}. `service` must outlive the routes.
Routes instance_routes(instances::InstanceService& service);

// The InstanceLookup of the server.
class ServiceInstances final : public InstanceLookup {
 public:
  explicit ServiceInstances(const instances::InstanceService& service) : service_(service) {}
  InstancePtr find(const InstanceId& id) const override { return service_.find(id); }

 private:
  const instances::InstanceService& service_;
};

// For routes with an instance in the path: the instance, once the caller's right to `action` on it
// is settled. An absent one is told apart from a foreign one only to a caller who has the right on
// the whole account. Errors: Unauthorized, InstanceNotFound.
Result<instances::InstanceRecordPtr> authorized_instance(Call& call,
                                                         const instances::InstanceService& service,
                                                         const std::string& guid_or_crn);

}  // namespace keyhaven::http
