#include "net/tls_stream.h"

#include <openssl/err.h>

#include <boost/asio/error.hpp>

namespace keyhaven::net {

TlsStream::TlsStream(Socket socket, SSL_CTX* context)
    : socket_(std::move(socket)), ssl_(SSL_new(context)) {
  ErrorCode ec;
  socket_.non_blocking(true, ec);
  if (ec || !ssl_ || SSL_set_fd(ssl_.get(), socket_.native_handle()) != 1) {
    ssl_.reset();
    ERR_clear_error();
    return;
  }
  SSL_set_accept_state(ssl_.get());
}

TlsStream::Attempt TlsStream::attempt(const Operation& operation) {
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
