// Frames from the unit to the server.
#include "channel/codec.h"
#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  static_cast<void>(channel::check_hello(in, channel::Side::Unit));
  const bool accepted = channel::decode_response(in).has_value();
  const auto answer = channel::decode_answer(in);
  if (accepted) KH_ASSERT(answer.has_value());
  if (answer && answer->error) KH_ASSERT(answer->value.empty());
}
