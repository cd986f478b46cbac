// Key records as the store keeps them: one record has one encoding.
#include "keys/key_record.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto record = keys::decode_key_record(in);
  if (record) KH_ASSERT(fuzz::same(keys::encode(*record), in));
}
