#include "net/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <cerrno>

namespace keyhaven::net {

TlsStream::TlsStream(Socket socket, SSL_CTX* context)
    : socket_(std::move(socket)), ssl_(context == nullptr ? nullptr : SSL_new(context)) {
  ErrorCode ec;
  socket_.non_blocking(true, ec);
  if (ec) return;
  if (context != nullptr) {
    if (!ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) {
      ERR_clear_error();
      return;
    }
    SSL_set_accept_state(ssl_.get());
  }
  ready_ = true;
}

TlsStream::Attempt TlsStream::attempt_plain(const Operation& operation) {
  ssize_t done = 0;
  Attempt::Next wait = Attempt::Next::AwaitReadable;
  switch (operation.kind) {
    case Kind::Handshake:
      return {Attempt::Next::Done, {}, 0};
    case Kind::Read:
      done = ::recv(socket_.native_handle(), operation.into.data(), operation.into.size(), 0);
      break;
    case Kind::Write:
      done = ::send(socket_.native_handle(), operation.from.data(), operation.from.size(),
                    MSG_NOSIGNAL);
      wait = Attempt::Next::AwaitWritable;
      break;
    case Kind::Shutdown:  // no goodbye but the end of the stream, which the caller sends
      return {Attempt::Next::Done, asio::error::eof, 0};
  }
  if (done > 0) return {Attempt::Next::Done, {}, static_cast<std::size_t>(done)};
  if (done == 0 && operation.kind == Kind::Read) return {Attempt::Next::Done, asio::error::eof, 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {wait, {}, 0};
  return {Attempt::Next::Done, asio::error::connection_reset, 0};
}

TlsStream::Attempt TlsStream::attempt(const Operation& operation) {
  if (!ssl_) return attempt_plain(operation);
  SSL* const ssl = ssl_.get();
  std::size_t count = 0;
  int result = 0;
  // Or the failure of another connection of this thread would be taken for one of this. Asked
  // first: clearing an empty queue costs more than asking.
  if (ERR_peek_error() != 0) ERR_clear_error();
  switch (operation.kind) {
    case Kind::Handshake:
      result = SSL_do_handshake(ssl);
      break;
    case Kind::Read:
      result = SSL_read_ex(ssl, operation.into.data(), operation.into.size(), &count);
      break;
    case Kind::Write:
      result = SSL_write_ex(ssl, operation.from.data(), operation.from.size(), &count);
      break;
    case Kind::Shutdown:
      result = SSL_shutdown(ssl);
      if (result == 0) result = SSL_shutdown(ssl);  // ours is sent; now the peer's
      break;
  }
  if (result == 1) return {Attempt::Next::Done, {}, count};
  const int error = SSL_get_error(ssl, result);
  if (ERR_peek_error() != 0) ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ:
      return {Attempt::Next::AwaitReadable, {}, 0};
    case SSL_ERROR_WANT_WRITE:
      return {Attempt::Next::AwaitWritable, {}, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {Attempt::Next::Done, asio::error::eof, 0};
    default:
      return {Attempt::Next::Done, asio::error::connection_reset, 0};
  }
}

TlsStream::ErrorCode TlsStream::read_now(std::span<std::uint8_t> into, std::size_t& count) {
  const Attempt result = attempt({Kind::Read, into, {}});
  count = result.count;
  return result.next == Attempt::Next::Done ? result.error : ErrorCode(asio::error::would_block);
}

}  // namespace keyhaven::net
