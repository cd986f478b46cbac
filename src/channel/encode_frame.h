// One frame of a call, for the codecs of this folder.
#pragma once

#include "channel/codec.h"

namespace keyhaven::channel {

// Appends one frame; `fields` writes what follows the fixed part. On failure the buffer is as
// before. Errors: InvalidArgument.
template <class Fields>
Result<void> encode_frame(SecretBuffer& out, CallHeader header, Op op, Fields fields) {
  const std::size_t start = out.size();
  SecretWriter writer(out);
  writer.u32(0);
  writer.u8(static_cast<std::uint8_t>(op));
  writer.u64(header.call_id);
  writer.u64(header.deadline_us);
  fields(writer);
  const std::size_t body = out.size() - start;
  if (!writer.ok() || body > kMaxFrameSize) {
    out.truncate(start);
    return Error{Reason::InvalidArgument, "an argument of the call to the crypto unit is too large",
                 ""};
  }
  out.patch_u32(start, static_cast<std::uint32_t>(body - kFramePrefixSize));
  return {};
}

}  // namespace keyhaven::channel
