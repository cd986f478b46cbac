// One request and one answer a datagram between unit and sealing helper. Internal to
// sealing_helper*.cc.
//
//   request  u8 Call, then: Create u16 method, text reference; Stored u16 method, bytes parameters;
//            all others u32 id and the fields of the function of that name
//   answer   u8 1 and the result, or u8 0, u16 reason, text message
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/wire.h"

namespace keyhaven::unitd {

enum class HelperCall : std::uint8_t {
  Create = 1,  // gives: u32 id
  Stored,      // gives: u32 id
  Forget,
  Wrap,    // u8 occasion, 32 bytes; gives: bytes parameters, bytes wrapped, text reference, u8 age
  Unwrap,  // bytes parameters, bytes wrapped; gives: 32 bytes, text reference, u8 age
  Committed,
  Abandoned,
  Retire,  // u16 successor
  CheckAge,
  AgeOfNext,  // gives: u64
  Saved,
};
inline constexpr std::size_t kMaxHelperFrame = 12 * 1024;

// A buffer that does not move while a frame is written, so that wiping it wipes all of the frame.
inline Bytes new_helper_frame() {
  Bytes out;
  out.reserve(kMaxHelperFrame);
  return out;
}

}  // namespace keyhaven::unitd
