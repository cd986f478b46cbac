// Frames from the server to the unit: what decodes encodes to the same bytes.
#include "channel/codec.h"
#include "fuzz.h"

using namespace keyhaven;

KH_FUZZ_TARGET(in) {
  static_cast<void>(channel::check_hello(in, channel::Side::Server));
  if (const auto frame = channel::first_frame(in); frame && *frame)
    KH_ASSERT((**frame).size() <= channel::kMaxFrameBodySize);
  const auto request = channel::decode_request(in);
  if (!request) return;
  channel::SecretBuffer buffer(channel::kBufferSize, channel::kMaxFrameSize);
  KH_ASSERT(channel::encode_request(buffer, *request).has_value());
  KH_ASSERT(fuzz::same(buffer.filled().subspan(channel::kFramePrefixSize), in));
}
