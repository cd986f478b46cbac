// Parameter maps and key part holders of master key exports: what is accepted is exactly what would
// be written.
#include "tke/key_export.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  switch (fuzz::take_byte(in) % 4) {
    case 0: {
      const auto parameters = tke::parse_parameters(in);
      if (parameters) KH_ASSERT(fuzz::same(tke::encode_parameters(*parameters), in));
      return;
    }
    case 1: {
      const auto key = tke::parse_key_part_holder(in);
      if (key) KH_ASSERT(fuzz::same(tke::make_key_part_holder(*key), in));
      return;
    }
    case 2: {
      tke::Status why;
      const auto key = tke::parse_export_request(in, &why);
      KH_ASSERT(key.has_value() == why.ok());
      return;
    }
    default: {
      const auto sealed = tke::parse_export_answer(in);
      if (sealed) KH_ASSERT(sealed->size() <= tke::kMaxParameterBytes);
      return;
    }
  }
}
