// Instance records as the store keeps them: one record has one encoding, and format 1 is read into
// it.
#include "instances/instance_record.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto record = instances::decode_instance_record(in);
  if (!record) return;
  if (in[0] != 1) KH_ASSERT(fuzz::same(instances::encode(*record), in));
  KH_ASSERT(instances::decode_instance_record(instances::encode(*record)).value() == *record);
}
