// The state of a unit process as it stands in the sealed file.
#include "fuzz.h"
#include "unit/table_state.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  const auto state = unit::parse_state(in);
  if (!state) return;
  const SecretBytes again = unit::serialize_state(*state);
  if (in[5] == 3) {  // the format that is written
    KH_ASSERT(fuzz::same(again.expose(), in));
  } else {
    KH_ASSERT(unit::parse_state(again.expose()).has_value() ||
              state->modules.size() != unit::kModules);
  }
}
