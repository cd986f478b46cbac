// Socket calls that both ends share: no SIGPIPE, EINTR repeated, errors as values.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "channel/secret_buffer.h"

namespace keyhaven::channel {

enum class Wait : std::uint8_t { Block, DontBlock };

// Asks for large socket buffers (as far as the system allows), so that a batch is one write.
void widen_socket_buffers(int fd) noexcept;

// One read of at least `wanted` bytes of room into `buffer`. Yields the number of bytes, 0 at the
// end of the stream, nothing when there is nothing to read now (DontBlock). Errors: TooLarge
// (buffer limit), Io.
Result<std::optional<std::size_t>> receive_some(int fd, SecretBuffer& buffer, std::size_t wanted,
                                                Wait wait);

// One write from the front of `buffer`, which it consumes. Yields how many bytes went, nothing when
// the socket takes none now. Errors: ShuttingDown (the peer has closed), Io.
Result<std::optional<std::size_t>> send_some(int fd, SecretBuffer& buffer, Wait wait);

// Writes all of `buffer`, waiting up to `deadline_us` (monotonic_us; 0 waits for ever). Adds the
// number of writes to `writes`. Errors: DeadlineExceeded, ShuttingDown, Io.
Result<void> send_all(int fd, SecretBuffer& buffer, std::uint64_t deadline_us,
                      std::uint64_t& writes);

}  // namespace keyhaven::channel
