#include "channel/frame.h"

#include <algorithm>
#include <chrono>

#include "base/wire.h"

namespace keyhaven::channel {
namespace {

constexpr std::string_view kMagic = "KHCH";

std::uint32_t body_size(ByteView prefix) noexcept {
  return std::uint32_t{prefix[0]} << 24 | std::uint32_t{prefix[1]} << 16 |
         std::uint32_t{prefix[2]} << 8 | prefix[3];
}

}  // namespace

std::array<std::uint8_t, kFramePrefixSize + kHelloBodySize> hello_frame(Side side) noexcept {
  std::array<std::uint8_t, kFramePrefixSize + kHelloBodySize> out{};
  out[3] = kHelloBodySize;
  std::copy(kMagic.begin(), kMagic.end(), out.begin() + 4);
  out[8] = kProtocolVersion >> 8;
  out[9] = kProtocolVersion & 0xff;
  out[10] = static_cast<std::uint8_t>(static_cast<unsigned>(side) >> 8);
  out[11] = static_cast<std::uint8_t>(static_cast<unsigned>(side) & 0xff);
  for (int i = 0; i < 4; ++i) {
    out[static_cast<std::size_t>(12 + i)] =
        static_cast<std::uint8_t>(kMaxFrameBodySize >> (24 - 8 * i));
  }
  return out;
}

Result<void> check_hello(ByteView body, Side expected) {
  Reader in(body);
  const std::string_view magic = as_text(in.raw(kMagic.size()));
  const std::uint16_t version = in.u16();
  const std::uint16_t side = in.u16();
  const std::uint32_t limit = in.u32();
  if (!in.at_end() || magic != kMagic) {
    return Error{Reason::InvalidArgument, "channel: the first frame is not a hello", ""};
  }
  if (version != kProtocolVersion || limit != kMaxFrameBodySize) {
    return Error{Reason::InvalidArgument,
                 "channel: the peer speaks version " + std::to_string(version) +
                     ", this program version " + std::to_string(kProtocolVersion) +
                     "; install server and unit of one release",
                 ""};
  }
  if (side != static_cast<std::uint16_t>(expected)) {
    return Error{Reason::InvalidArgument, "channel: the peer is on the same side", ""};
  }
  return {};
}

Result<std::optional<ByteView>> first_frame(ByteView received) {
  if (received.size() < kFramePrefixSize) return std::optional<ByteView>();
  const std::size_t size = body_size(received);
  if (size > kMaxFrameBodySize) {
    return Error{Reason::TooLarge,
                 "channel: a frame announces " + std::to_string(size) + " bytes, at most " +
                     std::to_string(kMaxFrameBodySize),
                 ""};
  }
  if (received.size() - kFramePrefixSize < size) return std::optional<ByteView>();
  return std::optional<ByteView>(received.subspan(kFramePrefixSize, size));
}

std::size_t missing_bytes(ByteView received) noexcept {
  if (received.size() < kFramePrefixSize) return kFramePrefixSize - received.size();
  const std::size_t whole =
      kFramePrefixSize + std::min<std::size_t>(body_size(received), kMaxFrameBodySize);
  return whole > received.size() ? whole - received.size() : 1;
}

std::uint64_t monotonic_us() noexcept {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

}  // namespace keyhaven::channel
