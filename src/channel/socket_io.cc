#include "channel/socket_io.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "channel/frame.h"

namespace keyhaven::channel {
namespace {

Error io_error(const char* what, int error) {
  return Error{Reason::Io, std::string("channel: ") + what + ": " + std::strerror(error),
               ""};  // NOLINT(concurrency)
}

// True when `fd` is ready or has an error to report, false when the deadline passed.
bool wait_writable(int fd, std::uint64_t deadline_us) noexcept {
  for (;;) {
    int timeout_ms = -1;
    if (deadline_us != 0) {
      const std::uint64_t now = monotonic_us();
      if (now >= deadline_us) return false;
      timeout_ms =
          static_cast<int>(std::min<std::uint64_t>((deadline_us - now) / 1000 + 1, 60'000));
    }
    pollfd waiting{fd, POLLOUT, 0};
    const int ready = ::poll(&waiting, 1, timeout_ms);
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

}  // namespace

void widen_socket_buffers(int fd) noexcept {
  const int size = 1024 * 1024;
  for (const int option : {SO_SNDBUF, SO_RCVBUF}) {
    // Cut by the kernel to net.core.wmem_max and rmem_max; a smaller buffer only means more writes.
    (void)::setsockopt(fd, SOL_SOCKET, option, &size, sizeof size);
  }
}

Result<std::optional<std::size_t>> receive_some(int fd, SecretBuffer& buffer, std::size_t wanted,
                                                Wait wait) {
  if (!buffer.reserve(wanted))
    return Error{Reason::TooLarge, "channel: receive buffer is full", ""};
  const std::span<std::uint8_t> room = buffer.free_space();
  for (;;) {
    const ssize_t count =
        ::recv(fd, room.data(), room.size(), wait == Wait::DontBlock ? MSG_DONTWAIT : 0);
    if (count >= 0) {
      buffer.commit(static_cast<std::size_t>(count));
      return std::optional<std::size_t>(static_cast<std::size_t>(count));
    }
    if (errno == EINTR) continue;
    if (errno == ECONNRESET) return std::optional<std::size_t>(std::size_t{0});
    if (errno == EAGAIN ||
        errno == EWOULDBLOCK) {  // NOLINT(misc-redundant-expression): differ on some systems
      if (wait == Wait::DontBlock) return std::optional<std::size_t>();
      pollfd waiting{fd, POLLIN, 0};
      (void)::poll(&waiting, 1, -1);
      continue;
    }
    return io_error("read failed", errno);
  }
}

Result<std::optional<std::size_t>> send_some(int fd, SecretBuffer& buffer, Wait wait) {
  const ByteView bytes = buffer.filled();
  for (;;) {
    const int flags = MSG_NOSIGNAL | (wait == Wait::DontBlock ? MSG_DONTWAIT : 0);
    const ssize_t count = ::send(fd, bytes.data(), bytes.size(), flags);
    if (count >= 0) {
      buffer.consume(static_cast<std::size_t>(count));
      return std::optional<std::size_t>(static_cast<std::size_t>(count));
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::optional<std::size_t>();  // NOLINT
    if (errno == EPIPE || errno == ECONNRESET)
      return Error{Reason::ShuttingDown, "channel: the peer is gone", ""};
    return io_error("write failed", errno);
  }
}

Result<void> send_all(int fd, SecretBuffer& buffer, std::uint64_t deadline_us,
                      std::uint64_t& writes) {
  while (!buffer.empty()) {
    const std::optional<std::size_t> sent = KH_TRY(send_some(fd, buffer, Wait::DontBlock));
    if (sent) {
      ++writes;
    } else if (!wait_writable(fd, deadline_us)) {
      return Error{Reason::DeadlineExceeded, "channel: the peer takes no bytes", ""};
    }
  }
  return {};
}

}  // namespace keyhaven::channel
