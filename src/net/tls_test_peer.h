// For the tests of this folder only: certificates, a server with a handler, and a client that may
// misbehave.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/file.h"
#include "crypto/certificate.h"
#include "net/http_server.h"

namespace keyhaven::net::testing {

// A CA and a certificate for localhost and 127.0.0.1, made once.
struct TestIdentity {
  std::string ca_pem;
  crypto::IssuedCertificate server;

  static const TestIdentity& instance() {
    static const TestIdentity identity = make({"localhost"}, {"127.0.0.1"});
    return identity;
  }
  static TestIdentity make(const std::vector<std::string>& names,
                           const std::vector<std::string>& addresses) {
    const Timestamp now = SystemClock().now();
    auto ca = crypto::make_ca("Keyhaven test CA", now);
    auto issued = crypto::issue_server_certificate(ca.certificate_pem, ca.private_key_pem, names,
                                                   addresses, now, 2);
    return {ca.certificate_pem, std::move(issued).value()};
  }
  TlsFiles files() const { return {server.certificate_pem, server.private_key_pem.clone()}; }
};

inline Response text_response(std::string body) {
  Response response;
  response.content_type = "text/plain";
  response.body = std::move(body);
  return response;
}

// Answers "METHOD path?query body", and on some paths in other ways; see below.
inline void echo(Request& request, Reply reply) {
  if (request.path == "/throw") throw std::runtime_error("a library threw");
  if (request.path == "/drop") return;
  if (request.path == "/large") {
    return reply(text_response(std::string(std::atol(std::string(request.query).c_str()), 'x')));
  }
  if (request.path == "/empty") {
    Response response;
    response.status = 204;
    return reply(std::move(response));
  }
  std::string out = std::string(request.method) + " " + std::string(request.path);
  if (!request.query.empty()) out += "?" + std::string(request.query);
  out += " " + std::string(request.body.begin(), request.body.end());
  reply(text_response(std::move(out)));
}

inline Response error_body(int status, std::string_view what) {
  return text_response("error " + std::to_string(status) + " " + std::string(what));
}

inline std::unique_ptr<Server> start_server(ServerOptions options = {}, Handler handler = echo) {
  if (options.loops == 0) options.loops = 2;
  auto server = Server::create(options, TestIdentity::instance().files());
  EXPECT_TRUE(server) << (server ? "" : server.error().message);
  server.value()->serve(std::move(handler), error_body);
  return std::move(server).value();
}

inline FileDescriptor connect_to(std::uint16_t port) {
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  timeval limit{20, 0};  // no test waits for ever
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  return socket;
}

// Says exactly what the test tells it to, over TLS, without checking the certificate.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port, int version = 0) : socket_(connect_to(port)) {
    context_ = SSL_CTX_new(TLS_client_method());
    if (version != 0) {
      SSL_CTX_set_security_level(context_, 0);  // else OpenSSL refuses to offer old versions
      SSL_CTX_set_min_proto_version(context_, version);
      SSL_CTX_set_max_proto_version(context_, version);
    }
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_.get());
    connected_ = SSL_connect(ssl_) == 1;
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }

  bool connected() const { return connected_; }
  bool send(std::string_view text) {
    return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) > 0;
  }
  // TLS's goodbye and TCP's, in our direction only.
  void half_close() {
    SSL_shutdown(ssl_);
    ::shutdown(socket_.get(), SHUT_WR);
  }
  void close_socket() { ::shutdown(socket_.get(), SHUT_RDWR); }

  // One answer with Content-Length (or none); empty when the connection ended before it was whole.
  std::string read_answer(bool with_body = true) {
    for (;;) {
      const std::size_t blank = pending_.find("\r\n\r\n");
      if (blank != std::string::npos) {
        std::size_t size = blank + 4;
        const std::size_t length = pending_.find("Content-Length: ");
        if (with_body && length < blank) size += std::stoul(pending_.substr(length + 16));
        if (pending_.size() >= size) {
          std::string answer = pending_.substr(0, size);
          pending_.erase(0, size);
          return answer;
        }
      }
      if (!read_some()) return {};
    }
  }
  // Everything up to the end of the connection.
  std::string read_to_end() {
    while (read_some()) {
    }
    return std::exchange(pending_, {});
  }
  std::string ask(std::string_view request) {
    send(request);
    return read_answer();
  }
  // Whether the server ends the connection (within the 20 seconds of the socket) without another
  // byte.
  bool is_closed() { return read_to_end().empty() && !timed_out_; }

 private:
  bool read_some() {
    char bytes[4096];
    const int count = SSL_read(ssl_, bytes, sizeof bytes);
    if (count <= 0) {
      timed_out_ = SSL_get_error(ssl_, count) == SSL_ERROR_WANT_READ ||
                   (SSL_get_error(ssl_, count) == SSL_ERROR_SYSCALL && errno == EAGAIN);
      return false;
    }
    pending_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  FileDescriptor socket_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string pending_;
  bool connected_ = false;
  bool timed_out_ = false;
};

inline std::string body_of(const std::string& answer) {
  const std::size_t blank = answer.find("\r\n\r\n");
  return blank == std::string::npos ? std::string() : answer.substr(blank + 4);
}
inline int status_of(const std::string& answer) {
  return answer.size() < 12 ? 0 : std::atoi(answer.c_str() + 9);
}

// Lets one thread wait for what another does.
class Event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait(std::chrono::seconds limit = std::chrono::seconds(20)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

}  // namespace keyhaven::net::testing
