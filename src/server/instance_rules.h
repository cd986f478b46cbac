// What the record of an instance means for its keys.
#pragma once

#include "instances/instance_record.h"
#include "keys/instance_rules.h"

namespace keyhaven::server {

keys::InstanceRules rules_of(const instances::InstanceRecord& instance);

}  // namespace keyhaven::server
