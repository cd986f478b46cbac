// Form bodies of the token endpoint, decoded in place.
#include "http/form.h"

#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  Bytes body = to_bytes(in);
  const auto form = http::Form::decode(body);
  if (!form) return;
  KH_ASSERT(in.size() <= http::kMaxFormBytes);
  for (const std::string_view name : {"grant_type", "apikey", "response_type", ""}) {
    const auto value = form->field(name);
    if (value && !value->empty()) {
      const auto* begin = reinterpret_cast<const std::uint8_t*>(value->data());
      KH_ASSERT(begin >= body.data() && begin + value->size() <= body.data() + body.size());
    }
  }
}
