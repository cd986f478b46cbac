// The state of a unit process as it stands in the sealed file.
#include "fuzz.h"
#include "unit/table_state.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto state = unit::parse_state(in);
  if (!state) return;
  const SecretBytes again = unit::serialize_state(*state);
  KH_ASSERT(fuzz::same(again.expose(), in));
}
