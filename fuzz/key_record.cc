// Key records as the store keeps them: one record has one encoding.
#include "keys/key_record.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto record = keys::decode_key_record(in);
  // Format 1 is read but no longer written.
  if (record && in[2] != 1) KH_ASSERT(fuzz::same(keys::encode(*record), in));
}
