// The HTTPS server: TLS 1.2/1.3, HTTP/1.1 with keep-alive, limits and timeouts; one loop per core
// fed by one listening socket. It frames requests and answers; it knows no route and no JSON.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret_bytes.h"
#include "net/loop.h"

namespace keyhaven::net {

struct Header {
  std::string_view name;
  std::string_view value;
};

// One request, valid until it is answered. Views point into the connection's receive buffer, which
// is wiped after the answer because bodies carry DEKs and headers carry tokens.
struct Request {
  std::string_view method;  // upper-case token as received
  std::string_view path;    // raw, percent-encoded, without the query
  std::string_view query;   // raw, without '?'
  std::span<const Header> headers;
  std::span<std::uint8_t> body;  // mutable; kBodySlack readable bytes follow its end (for simdjson)
  std::string_view remote_address;  // numeric, without port
  bool private_network = false;     // came in by the private listener
  Loop* loop = nullptr;

  // First header of that name, case-insensitively; absent: nullopt. `count` tells how often it
  // occurs.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
  std::size_t count(std::string_view name) const noexcept;
};
inline constexpr std::size_t kBodySlack = 64;

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  // static text
  std::vector<std::pair<std::string_view, std::string>>
      headers;       // names static, canonical capitalisation; wiped after it is sent
  std::string body;  // wiped after it is sent
};

// What may be secret in it: the body and the headers' values (a session's cookie).
void wipe_response(Response& response) noexcept;

// Answers one request, exactly once. Move-only; destroyed unused it answers 500. The answer may be
// given from any thread; on the request's own loop it is direct, else it is posted there. For HEAD
// the body is not sent.
class Reply {
 public:
  class Target {
   public:
    virtual ~Target() = default;
    virtual void send(Response response) = 0;
    // The reply was destroyed unused.
    virtual void abandoned() {
      Response response;
      response.status = 500;
      send(std::move(response));
    }
  };
  Reply() = default;
  explicit Reply(std::shared_ptr<Target> target) : target_(std::move(target)) {}
  Reply(Reply&&) noexcept = default;
  Reply& operator=(Reply&& other) noexcept {
    if (target_ && this != &other) abandon();
    target_ = std::move(other.target_);
    return *this;
  }
  ~Reply() {
    if (target_) abandon();
  }
  void operator()(Response response) {
    auto target = std::move(target_);
    target->send(std::move(response));
  }
  explicit operator bool() const noexcept { return target_ != nullptr; }

 private:
  void abandon() noexcept;
  std::shared_ptr<Target> target_;
};

// Called on the request's loop. `request` lives until `reply` has been used.
using Handler = std::function<void(Request& request, Reply reply)>;

// What the server answers by itself (malformed request, too large, timeout): the front end's error
// body.
using ErrorBody = std::function<Response(int status, std::string_view what)>;

struct TlsFiles {
  std::string certificate_chain_pem;
  SecretBytes private_key_pem;
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  // 0: the system chooses; see Server::port()
  // A second listener, whose requests have private_network set.
  std::string private_address;     // empty: none
  std::uint16_t private_port = 0;  // as port
  unsigned loops = 0;              // 0: one per core
  std::size_t max_header_bytes = 32 * 1024;
  std::size_t max_body_bytes = 1024 * 1024;
  std::size_t max_connections = 10'000;
  std::chrono::milliseconds idle_timeout{75'000};  // between requests; clients reuse for a minute
  std::chrono::milliseconds request_timeout{30'000};  // first to last byte of a request
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds drain_timeout{
      10'000};  // graceful stop waits this long for requests in flight
};

class Server {
 public:
  // Binds and listens (no SO_REUSEPORT: a second server on the port is refused). Errors:
  // InvalidArgument (address, certificate), AlreadyExists (port in use; the message names address
  // and port), Io.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, TlsFiles tls);
  virtual ~Server() = default;

  virtual std::uint16_t port() const noexcept = 0;
  virtual std::uint16_t private_port() const noexcept = 0;  // 0: no private listener
  virtual unsigned loop_count() const noexcept = 0;
  virtual Loop& loop(unsigned index) noexcept = 0;
  // Starts the loops (so that post, watch and every work) without accepting yet.
  virtual void start_loops() = 0;
  // Begins to accept. `handler` is called on the loops.
  virtual void serve(Handler handler, ErrorBody error_body) = 0;
  // Stops accepting, answers what is in flight (Connection: close), waits at most drain_timeout,
  // stops the loops and joins their threads. Thread-safe, idempotent; not from a loop thread.
  virtual void stop() = 0;
};

}  // namespace keyhaven::net
