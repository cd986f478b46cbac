// A blocking TLS connection with deadlines, for the client.
#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "base/file.h"
#include "base/result.h"
#include "net/url.h"

namespace keyhaven::net {

class TlsChannel {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  // Connects to the first address of the host that answers and verifies the certificate: chain,
  // validity, and that it is for this host name or IP address. Errors: Io (the message names host
  // and cause), DeadlineExceeded.
  static Result<TlsChannel> open(SSL_CTX* context, const HttpsUrl& url, Deadline deadline);

  // Writes all of `bytes`. Errors: Io, DeadlineExceeded.
  Result<void> write(ByteView bytes, Deadline deadline);
  // Reads at least one byte; 0 means that the peer closed in the proper way. Errors: Io (also for a
  // connection cut without TLS's goodbye), DeadlineExceeded.
  Result<std::size_t> read(std::span<std::uint8_t> into, Deadline deadline);
  // Whether an idle connection still looks usable: open, and nothing to read but TLS's own
  // messages.
  bool looks_alive();
  // Bytes handed to the system so far, of TLS records.
  std::uint64_t bytes_sent() const;

 private:
  struct SslFree {
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
  };
  TlsChannel(FileDescriptor socket, std::unique_ptr<SSL, SslFree> ssl, std::string name)
      : socket_(std::move(socket)), ssl_(std::move(ssl)), name_(std::move(name)) {}

  Result<void> handshake(Deadline deadline);
  // After an SSL call returned `result`: waits for what it wants, or says why it failed.
  Result<void> wait_or_fail(int result, Deadline deadline, const char* doing);

  FileDescriptor socket_;
  std::unique_ptr<SSL, SslFree> ssl_;
  std::string name_;  // host and port, for messages
};

}  // namespace keyhaven::net
