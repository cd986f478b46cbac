// The server's end of a TLS connection on an Asio socket: OpenSSL reads and writes the socket
// itself, Asio says when. Asio's own ssl::stream keeps 68 KiB of buffers for each connection, busy
// or idle (ADR 0004). Without a context it is a plain connection, for servers on loopback
// (loopback_server.h). For the .cc files of this folder. One read and one write may be under way;
// handlers are never called from within the function that began.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "net/loop_impl.h"

namespace keyhaven::net {

using Socket = asio::basic_stream_socket<asio::ip::tcp, asio::io_context::executor_type>;

class TlsStream {
 public:
  using ErrorCode = boost::system::error_code;

  // The socket becomes non-blocking. `ready()` is false when that or OpenSSL fails. `context` null:
  // plain.
  TlsStream(Socket socket, SSL_CTX* context);

  bool ready() const noexcept { return ready_; }
  Socket& socket() noexcept { return socket_; }

  // Handlers of the five: void(ErrorCode, std::size_t). The caller keeps the stream alive until
  // they are called, which happens in any case; after socket().cancel() or close() with
  // operation_aborted.
  template <class Handler>
  void async_handshake(Handler handler) {
    begin({Kind::Handshake, {}, {}}, std::move(handler));
  }
  // Until a read can make progress; it takes no buffer.
  template <class Handler>
  void async_wait_readable(Handler handler) {
    if (has_buffered_input()) return post(std::move(handler), {}, 0);
    socket_.async_wait(Socket::wait_read, [this, next = std::move(handler)](ErrorCode ec) mutable {
      next(checked(ec), 0);
    });
  }
  template <class Handler>
  void async_read(std::span<std::uint8_t> into, Handler handler) {
    const Operation read{Kind::Read, into, {}};
    if (!has_buffered_input()) return wait(Socket::wait_read, read, std::move(handler));
    begin(read, std::move(handler));
  }
  template <class Handler>
  void async_write(ByteView bytes, Handler handler) {
    begin({Kind::Write, {}, bytes}, std::move(handler));
  }
  // Says goodbye and waits for the peer's; eof when the peer closed without one.
  template <class Handler>
  void async_shutdown(Handler handler) {
    begin({Kind::Shutdown, {}, {}}, std::move(handler));
  }

  // A read that does not wait: would_block when there is nothing.
  ErrorCode read_now(std::span<std::uint8_t> into, std::size_t& count);

 private:
  enum class Kind : std::uint8_t { Handshake, Read, Write, Shutdown };
  struct Operation {
    Kind kind;
    std::span<std::uint8_t> into;
    ByteView from;
  };
  struct Attempt {
    enum class Next : std::uint8_t { Done, AwaitReadable, AwaitWritable };
    Next next = Next::Done;
    ErrorCode error;
    std::size_t count = 0;
  };
  struct SslFree {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };

  Attempt attempt(const Operation& operation);
  Attempt attempt_plain(const Operation& operation);
  bool has_buffered_input() const noexcept { return ssl_ && SSL_has_pending(ssl_.get()) == 1; }
  // OpenSSL keeps the descriptor's number, which may be another connection's once the socket is
  // closed.
  ErrorCode checked(ErrorCode ec) const noexcept {
    return socket_.is_open() ? ec : ErrorCode(asio::error::operation_aborted);
  }

  template <class Handler>
  void post(Handler handler, ErrorCode ec, std::size_t count) {
    asio::post(socket_.get_executor(), [this, next = std::move(handler), ec, count]() mutable {
      next(checked(ec), count);
    });
  }
  template <class Handler>
  void begin(Operation operation, Handler handler) {
    const Attempt result = attempt(operation);
    if (result.next == Attempt::Next::Done) {
      return post(std::move(handler), result.error, result.count);
    }
    wait(wait_type(result.next), operation, std::move(handler));
  }
  template <class Handler>
  void wait(Socket::wait_type what, Operation operation, Handler handler) {
    socket_.async_wait(what, [this, operation, next = std::move(handler)](ErrorCode ec) mutable {
      if (ErrorCode problem = checked(ec)) return next(problem, 0);
      const Attempt result = attempt(operation);
      if (result.next == Attempt::Next::Done) return next(result.error, result.count);
      wait(wait_type(result.next), operation, std::move(next));
    });
  }
  static Socket::wait_type wait_type(Attempt::Next next) noexcept {
    return next == Attempt::Next::AwaitReadable ? Socket::wait_read : Socket::wait_write;
  }

  Socket socket_;
  std::unique_ptr<SSL, SslFree> ssl_;  // null: plain
  bool ready_ = false;
};

}  // namespace keyhaven::net
