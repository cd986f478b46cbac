// Instance records as the store keeps them: one record has one encoding.
#include "instances/instance_record.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto record = instances::decode_instance_record(in);
  if (!record) return;
  KH_ASSERT(fuzz::same(instances::encode(*record), in));
  KH_ASSERT(instances::decode_instance_record(instances::encode(*record)).value() == *record);
}
