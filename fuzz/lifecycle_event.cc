// Lifecycle events as the store keeps them: one event has one encoding.
#include "keys/registration.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto event = keys::decode_lifecycle_event(in);
  if (!event) return;
  KH_ASSERT(!name_of(event->kind).empty());
  KH_ASSERT(fuzz::same(keys::encode(*event), in));
}
