#include "server/instance_rules.h"

namespace keyhaven::server {

keys::InstanceRules rules_of(const instances::InstanceRecord& instance) {
  const instances::InstanceLimits& limits = instance.limits;
  const instances::InstancePolicies& policies = instance.policies;
  const instances::KeyCreateImportAccess access = policies.key_create_import_access();
  keys::InstanceRules out;
  out.limits = {.keys = limits.keys,
                .rings = limits.key_rings,
                .aliases = limits.aliases,
                .aliases_per_key = limits.aliases_per_key,
                .registrations_per_key = limits.registrations_per_key,
                .standard_key_bytes = limits.standard_key_bytes};
  out.rotation_interval_seconds = instance.rotation_interval_seconds;
  out.create_root_key = access.create_root_key;
  out.create_standard_key = access.create_standard_key;
  out.import_root_key = access.import_root_key;
  out.import_standard_key = access.import_standard_key;
  out.enforce_token = access.enforce_token;
  out.dual_auth_delete = policies.is_enabled(instances::PolicyType::DualAuthDelete);
  out.rotation_months = policies.rotation_months();
  return out;
}

}  // namespace keyhaven::server
