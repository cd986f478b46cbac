#include "net/tls_channel.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace keyhaven::net {
namespace {

using Deadline = TlsChannel::Deadline;

struct AddressesFree {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};

Error io_error(std::string message) { return Error{Reason::Io, std::move(message), {}}; }
Error too_late(const std::string& name, const char* doing) {
  return Error{
      Reason::DeadlineExceeded, std::string("no answer in time while ") + doing + " " + name, {}};
}

// True when `fd` is ready for `events`, false at the deadline. Errors of the socket make it ready.
bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd entry{fd, events, 0};
    const auto timeout = std::min<std::int64_t>(left.count(), 60'000);
    const int ready = ::poll(&entry, 1, static_cast<int>(timeout));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return true;
  }
}

// A connected non-blocking socket, or the errno text.
Result<FileDescriptor> connect_one(const addrinfo& address, const std::string& name,
                                   Deadline deadline) {
  FileDescriptor socket(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return io_error("no socket: " + std::generic_category().message(errno));
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  int problem = 0;
  if (::connect(socket.get(), address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) {
      problem = errno;
    } else {
      if (!wait_for(socket.get(), POLLOUT, deadline)) return too_late(name, "connecting to");
      socklen_t size = sizeof problem;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
    }
  }
  if (problem != 0) {
    return io_error("cannot connect to " + name + ": " + std::generic_category().message(problem));
  }
  return socket;
}

Result<FileDescriptor> connect_any(const HttpsUrl& url, const std::string& name,
                                   Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (url.host_is_address ? AI_NUMERICHOST : AI_ADDRCONFIG);
  addrinfo* list = nullptr;
  const int code = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &list);
  if (code != 0) {
    return io_error("cannot find the address of " + url.host + ": " + ::gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, AddressesFree> owner(list);
  Error last = io_error("no address for " + url.host);
  std::int64_t left = 0;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next) ++left;
  for (const addrinfo* address = list; address != nullptr; address = address->ai_next, --left) {
    // One that does not answer leaves the others their share of the time.
    const auto now = std::chrono::steady_clock::now();
    auto socket = connect_one(*address, name, now + (deadline - now) / left);
    if (socket) return socket;
    last = std::move(socket).error();
  }
  return last;
}

std::string openssl_text() {
  char text[256];
  const unsigned long code = ERR_peek_last_error();
  if (code == 0) return "connection closed";
  ERR_error_string_n(code, text, sizeof text);
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : text;
}

}  // namespace

Result<TlsChannel> TlsChannel::open(SSL_CTX* context, const HttpsUrl& url, Deadline deadline) {
  std::string name = url.host + " port " + std::to_string(url.port);
  FileDescriptor socket = KH_TRY(connect_any(url, name, deadline));
  std::unique_ptr<SSL, SslFree> ssl(SSL_new(context));
  KH_ASSERT(ssl != nullptr);
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named =
      url.host_is_address
          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), url.host.c_str()) == 1
          : SSL_set1_host(ssl.get(), url.host.c_str()) == 1 &&
                SSL_set_tlsext_host_name(ssl.get(), url.host.c_str()) == 1;
  if (!named || SSL_set_fd(ssl.get(), socket.get()) != 1) {
    ERR_clear_error();
    return io_error("TLS cannot be set up for " + name);
  }
  TlsChannel channel(std::move(socket), std::move(ssl), std::move(name));
  KH_TRY(channel.handshake(deadline));
  return channel;
}

Result<void> TlsChannel::handshake(Deadline deadline) {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(ssl_.get());
    if (result == 1) return {};
    const long verification = SSL_get_verify_result(ssl_.get());
    if (verification != X509_V_OK) {
      ERR_clear_error();
      return io_error("the certificate of " + name_ +
                      " is not trusted: " + X509_verify_cert_error_string(verification));
    }
    KH_TRY(wait_or_fail(result, deadline, "agreeing on TLS with"));
  }
}

Result<void> TlsChannel::wait_or_fail(int result, Deadline deadline, const char* doing) {
  const int saved_errno = errno;
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
    const short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (!wait_for(socket_.get(), events, deadline)) return too_late(name_, doing);
    return {};
  }
  std::string cause = error == SSL_ERROR_SYSCALL && saved_errno != 0
                          ? std::generic_category().message(saved_errno)
                          : openssl_text();
  ERR_clear_error();
  return io_error(std::string("failed while ") + doing + " " + name_ + ": " + cause);
}

Result<void> TlsChannel::write(ByteView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    ERR_clear_error();
    errno = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
    if (result == 1) {
      bytes = bytes.subspan(count);
    } else {
      KH_TRY(wait_or_fail(result, deadline, "sending to"));
    }
  }
  return {};
}

Result<std::size_t> TlsChannel::read(std::span<std::uint8_t> into, Deadline deadline) {
  for (;;) {
    std::size_t count = 0;
    ERR_clear_error();
    errno = 0;
    const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    if (result == 1) return count;
    if (SSL_get_error(ssl_.get(), result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    KH_TRY(wait_or_fail(result, deadline, "reading from"));
  }
}

bool TlsChannel::looks_alive() {
  std::uint8_t byte = 0;
  std::size_t count = 0;
  ERR_clear_error();
  // Nobody has asked anything, so data of the application would be as wrong as the end.
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &count);
  const bool alive = result != 1 && SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ;
  ERR_clear_error();
  return alive;
}

std::uint64_t TlsChannel::bytes_sent() const {
  return BIO_number_written(SSL_get_wbio(ssl_.get()));
}

}  // namespace keyhaven::net
