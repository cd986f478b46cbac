// Registrations as the store keeps them: one registration has one encoding.
#include "keys/registration.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto registration = keys::decode_registration(in);
  if (registration) KH_ASSERT(fuzz::same(keys::encode(*registration), in));
}
