// Frames of the channel: a u32 length, then that many bytes; the first frame of each side is its
// hello. Source: docs/protocols/channel.md.
#pragma once

#include <array>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "channel/secret_buffer.h"

namespace keyhaven::channel {

inline constexpr std::size_t kFramePrefixSize = 4;
// Body of a frame. The largest legal call is an unwrap whose AAD has 255 entries of 1020 bytes
// (about 280,000 bytes).
inline constexpr std::size_t kMaxFrameBodySize = 320 * 1024;
inline constexpr std::size_t kMaxFrameSize = kFramePrefixSize + kMaxFrameBodySize;
// What a buffer holds while nothing large travels.
inline constexpr std::size_t kBufferSize = 64 * 1024;

inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kHelloBodySize = 12;
enum class Side : std::uint16_t { Server = 1, Unit = 2 };

// The whole hello frame (prefix included) of one side.
std::array<std::uint8_t, kFramePrefixSize + kHelloBodySize> hello_frame(Side side) noexcept;
// Checks the body of the peer's hello. Errors: InvalidArgument (not a hello, other version, wrong
// side).
Result<void> check_hello(ByteView body, Side expected);

// Body of the first whole frame at the start of `received`; nothing when more bytes are needed. The
// frame occupies kFramePrefixSize + body.size() bytes. Errors: TooLarge when it announces more than
// kMaxFrameBodySize.
Result<std::optional<ByteView>> first_frame(ByteView received);

// How many bytes the first frame of `received` still lacks, at least 1; for sizing the next read.
// Only after first_frame said that more is needed.
std::size_t missing_bytes(ByteView received) noexcept;

// Microseconds of CLOCK_MONOTONIC: one clock for both processes, so a deadline can travel with the
// call.
std::uint64_t monotonic_us() noexcept;

}  // namespace keyhaven::channel
