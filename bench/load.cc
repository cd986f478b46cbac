// Closed-loop load over keep-alive TLS: every connection has one request under way; the next leaves
// when the answer is there. Every answer's status is checked, and its body if asked, so that only
// right answers count. One thread, so that what the client costs is seen as it is. Prints one JSON
// object; see README.md.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "histogram.h"
#include "process_cpu.h"
#include "response_reader.h"

namespace keyhaven::bench {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
  std::string ca_file;
  std::string server_name = "localhost";
  std::string tls = "1.3";
  std::vector<std::string> request_files;
  std::string values_file;
  int expect_status = 200;
  std::string expect_text;
  unsigned connections = 1;
  double warmup_seconds = 1;
  double seconds = 5;
  std::uint64_t max_requests = 0;
  pid_t server = 0;
  pid_t unit = 0;
};

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "keyhaven-bench-load: %s\n", what.c_str());
  std::exit(1);
}

std::string ssl_error() {
  const unsigned long code = ERR_get_error();
  return code == 0 ? "the connection was closed" : ERR_reason_error_string(code);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) die("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Free>;
using SslPtr = std::unique_ptr<SSL, Free>;

ContextPtr make_context(const Options& options) {
  ContextPtr context(SSL_CTX_new(TLS_client_method()));
  if (!context) die(ssl_error());
  const int version = options.tls == "1.2" ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  if (SSL_CTX_load_verify_locations(context.get(), options.ca_file.c_str(), nullptr) != 1) {
    die("cannot read certificates from " + options.ca_file);
  }
  return context;
}

// A request with a place for a value: one of many paths or names, all of one length.
class RequestTemplate {
 public:
  explicit RequestTemplate(const std::string& text) {
    constexpr std::string_view kPlace = "{value}";
    const std::size_t at = text.find(kPlace);
    before_ = text.substr(0, at);
    has_place_ = at != std::string::npos;
    if (has_place_) after_ = text.substr(at + kPlace.size());
  }
  void write(std::string& out, const std::string& value) const {
    out = before_;
    if (has_place_) out.append(value).append(after_);
  }

 private:
  std::string before_;
  std::string after_;
  bool has_place_ = false;
};

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path);
  if (!file) die("cannot read " + path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) die(path + " holds no values");
  return lines;
}

// One connection with at most one request under way.
class Connection {
 public:
  Connection(const Options& options, SSL_CTX* context) : fd_(connect_tcp(options)) {
    ssl_.reset(SSL_new(context));
    if (!ssl_ || SSL_set_fd(ssl_.get(), fd_) != 1 ||
        SSL_set1_host(ssl_.get(), options.server_name.c_str()) != 1 ||
        SSL_set_tlsext_host_name(ssl_.get(), options.server_name.c_str()) != 1) {
      die(ssl_error());
    }
    // The handshake blocks; only what follows is measured.
    if (SSL_connect(ssl_.get()) != 1) die("TLS handshake: " + ssl_error());
    make_non_blocking();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(fd_); }

  int fd() const noexcept { return fd_; }
  const ResponseReader& response() const noexcept { return response_; }
  SteadyClock::time_point sent() const noexcept { return sent_; }
  std::string protocol() const {
    return std::string(SSL_get_version(ssl_.get())) + " " + SSL_get_cipher_name(ssl_.get());
  }

  void send(const std::string& request) {
    response_.clear();
    sent_ = SteadyClock::now();
    // The socket's buffer is empty when nothing is under way, so a request of a few KiB fits.
    if (SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())) <= 0) {
      die("sending: " + ssl_error());
    }
  }
  // True when the answer is complete.
  bool receive() {
    for (;;) {
      const int got =
          SSL_read(ssl_.get(), response_.room(), static_cast<int>(response_.room_size()));
      if (got <= 0) {
        if (SSL_get_error(ssl_.get(), got) == SSL_ERROR_WANT_READ) return false;
        die("receiving: " + ssl_error());
      }
      switch (response_.received(static_cast<std::size_t>(got))) {
        case ResponseReader::State::Complete:
          return true;
        case ResponseReader::State::Malformed:
          die("an answer is no HTTP/1.1 with Content-Length, or too long");
        case ResponseReader::State::Incomplete:
          break;
      }
    }
  }

 private:
  static int connect_tcp(const Options& options) {
    sockaddr_in peer{};
    peer.sin_family = AF_INET;
    peer.sin_port = htons(options.port);
    if (::inet_pton(AF_INET, options.address.c_str(), &peer.sin_addr) != 1) {
      die("no IPv4 address: " + options.address);
    }
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&peer), sizeof peer) != 0) {
      die("cannot connect to " + options.address + ":" + std::to_string(options.port));
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
  }
  void make_non_blocking() const {
    if (BIO_socket_nbio(fd_, 1) != 1) die("cannot make a socket non-blocking");
  }

  int fd_;
  SslPtr ssl_;
  ResponseReader response_;
  SteadyClock::time_point sent_;
};

struct CpuReading {
  std::uint64_t server = 0;
  std::uint64_t unit = 0;
  std::uint64_t client = 0;
};

class Load {
 public:
  explicit Load(const Options& options) : options_(options), context_(make_context(options)) {
    for (const std::string& path : options.request_files) requests_.emplace_back(read_file(path));
    values_ = options.values_file.empty() ? std::vector<std::string>{""}
                                          : read_lines(options.values_file);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < options.connections; ++i) {
      connections_.push_back(std::make_unique<Connection>(options, context_.get()));
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = connections_.back().get();
      if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_.back()->fd(), &event) != 0) die("epoll");
    }
  }

  void run() {
    const auto begin = SteadyClock::now();
    const auto measure_from = begin + to_duration(options_.warmup_seconds);
    for (const auto& connection : connections_) send_next(*connection);
    turn_until(measure_from);
    if (exhausted()) die("--max-requests was reached before measuring began");
    phase_ = Phase::Measure;
    const CpuReading cpu_before = read_cpu();
    const auto started = SteadyClock::now();
    turn_until(started + to_duration(options_.seconds));
    const auto ended = SteadyClock::now();
    const CpuReading cpu_after = read_cpu();
    drain();
    print(std::chrono::duration<double>(ended - started).count(), cpu_before, cpu_after);
  }

 private:
  enum class Phase { WarmUp, Measure, Drain };

  static SteadyClock::duration to_duration(double seconds) {
    return std::chrono::duration_cast<SteadyClock::duration>(
        std::chrono::duration<double>(seconds));
  }
  CpuReading read_cpu() const {
    return {options_.server > 0 ? process_cpu_ns(options_.server) : 0,
            options_.unit > 0 ? process_cpu_ns(options_.unit) : 0, process_cpu_ns(::getpid())};
  }
  bool exhausted() const { return options_.max_requests > 0 && sent_ >= options_.max_requests; }
  void send_next(Connection& connection) {
    if (exhausted()) return;
    requests_[sent_ % requests_.size()].write(request_, values_[sent_ % values_.size()]);
    ++sent_;
    connection.send(request_);
  }
  // Handles answers until the time has come or nothing is under way any more.
  void turn_until(SteadyClock::time_point end) {
    while (SteadyClock::now() < end && sent_ > answered_) turn();
  }
  // Takes the answers to what was under way when measuring ended; they do not count.
  void drain() {
    phase_ = Phase::Drain;
    while (sent_ > answered_) turn();
  }
  void turn() {
    epoll_event events[256];
    const int ready = ::epoll_wait(epoll_, events, 256, 30'000);
    if (ready == 0) die("no answer within 30 s");
    for (int i = 0; i < ready; ++i) {
      auto& connection = *static_cast<Connection*>(events[i].data.ptr);
      if (!connection.receive()) continue;
      if (phase_ == Phase::Measure) {
        latencies_.add(
            static_cast<std::uint64_t>((SteadyClock::now() - connection.sent()).count()));
      }
      check(connection.response());
      ++answered_;
      if (phase_ != Phase::Drain) send_next(connection);
    }
  }
  void check(const ResponseReader& response) const {
    const bool right = response.status() == options_.expect_status &&
                       response.body().find(options_.expect_text) != std::string_view::npos;
    if (right) return;
    die("wrong answer: status " + std::to_string(response.status()) + "\n" +
        (response.status() >= 400 ? std::string(response.body()) : "unexpected body"));
  }
  static double per(std::uint64_t before, std::uint64_t after, std::uint64_t requests) {
    if (requests == 0 || after < before) return 0;
    return static_cast<double>(after - before) / static_cast<double>(requests) / 1000;
  }
  void print(double seconds, const CpuReading& before, const CpuReading& after) const {
    const std::uint64_t requests = latencies_.count();
    std::printf(
        "{\"connections\":%u,\"tls\":\"%s\",\"seconds\":%.3f,\"requests\":%llu,\"acknowledged\":%"
        "llu,"
        "\"requests_per_second\":%.1f,\"latency_us\":{\"mean\":%.1f,\"p50\":%.1f,\"p90\":%.1f,"
        "\"p99\":%.1f,"
        "\"p999\":%.1f,\"max\":%.1f},\"cpu_us_per_request\":{\"server\":%.2f,\"unit\":%.2f,"
        "\"client\":%.2f}}\n",
        options_.connections, connections_.front()->protocol().c_str(), seconds,
        static_cast<unsigned long long>(requests), static_cast<unsigned long long>(answered_),
        static_cast<double>(requests) / seconds, latencies_.mean_us(), latencies_.quantile_us(0.5),
        latencies_.quantile_us(0.9), latencies_.quantile_us(0.99), latencies_.quantile_us(0.999),
        latencies_.max_us(), per(before.server, after.server, requests),
        per(before.unit, after.unit, requests), per(before.client, after.client, requests));
  }

  const Options& options_;
  ContextPtr context_;
  std::vector<RequestTemplate> requests_;
  std::vector<std::string> values_;
  std::string request_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int epoll_ = -1;
  Phase phase_ = Phase::WarmUp;
  std::uint64_t sent_ = 0;
  std::uint64_t answered_ = 0;
  Histogram latencies_;
};

}  // namespace

int main_of_load(int argc, char** argv) {
  Options options;
  CLI::App app("Closed-loop load over keep-alive TLS; prints one JSON object");
  app.add_option("--address", options.address, "IPv4 address");
  app.add_option("--port", options.port, "TCP port")->required();
  app.add_option("--ca", options.ca_file,
                 "PEM file that the server's certificate is checked against")
      ->required();
  app.add_option("--server-name", options.server_name, "name that the certificate must hold");
  app.add_option("--tls", options.tls, "protocol version")->check(CLI::IsMember({"1.2", "1.3"}));
  app.add_option("--request", options.request_files,
                 "file with one whole HTTP request; several are sent in turn")
      ->required();
  app.add_option("--values", options.values_file,
                 "file whose lines in turn stand for {value} in the request; all of one length");
  app.add_option("--expect-status", options.expect_status, "status of every answer");
  app.add_option("--expect-text", options.expect_text, "what every answer's body must contain");
  app.add_option("--connections", options.connections, "requests under way at once")
      ->check(CLI::Range(1, 10'000));
  app.add_option("--warmup", options.warmup_seconds, "seconds before measuring")
      ->check(CLI::Range(0.0, 60.0));
  app.add_option("--seconds", options.seconds, "seconds of measuring")
      ->check(CLI::Range(0.1, 3600.0));
  app.add_option("--max-requests", options.max_requests, "end after so many; 0: no limit");
  app.add_option("--server-pid", options.server, "process whose CPU time is reported as server");
  app.add_option("--unit-pid", options.unit, "process whose CPU time is reported as unit");
  CLI11_PARSE(app, argc, argv);
  Load(options).run();
  return 0;
}

}  // namespace keyhaven::bench

int main(int argc, char** argv) { return keyhaven::bench::main_of_load(argc, argv); }
