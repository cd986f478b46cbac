#include "net/http_server.h"

#include <algorithm>
#include <thread>

#include "net/connection.h"
#include "net/loop_impl.h"
#include "net/loopback_server.h"
#include "net/tls.h"

namespace keyhaven::net {
namespace {

using asio::ip::tcp;
using boost::system::error_code;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         asio::io_context::executor_type>;

constexpr int kListenBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
constexpr std::chrono::milliseconds kAcceptBackOff{100};  // when descriptors or memory run out

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same_name(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char left, char right) { return lower(left) == lower(right); });
}

// How often a loop looks at its time limits.
std::chrono::milliseconds tick_period(const ServerOptions& options) {
  const auto shortest =
      std::min({options.idle_timeout, options.request_timeout, options.handshake_timeout});
  return std::clamp(shortest / 4, std::chrono::milliseconds(5), std::chrono::milliseconds(250));
}

// One listening socket and its accepting, on the first loop.
struct Listener {
  Listener(asio::io_context& context, bool is_private)
      : acceptor(context), retry(context), private_network(is_private) {}
  Result<void> open(const std::string& address, std::uint16_t port_wanted);

  Acceptor acceptor;
  Timer retry;
  const bool private_network;
  std::uint16_t port = 0;
};

Result<void> Listener::open(const std::string& address, std::uint16_t port_wanted) {
  error_code ec;
  const auto numeric = asio::ip::make_address(address, ec);
  if (ec) {
    return Error{Reason::InvalidArgument, "the listen address is not a numeric IP address",
                 "address"};
  }
  const tcp::endpoint endpoint(numeric, port_wanted);
  acceptor.open(endpoint.protocol(), ec);
  if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (!ec) acceptor.listen(kListenBacklog, ec);
  if (!ec) port = acceptor.local_endpoint(ec).port();
  if (!ec) return {};
  const std::string where = "address " + address + " port " + std::to_string(port_wanted);
  if (ec == asio::error::address_in_use) {
    return Error{Reason::AlreadyExists, where + " is in use by another program", "port"};
  }
  return Error{Reason::Io, "cannot listen on " + where + ": " + ec.message(), "address"};
}

class ServerImpl final : public Server {
 public:
  ServerImpl(ServerOptions options, SslContext tls);
  ~ServerImpl() override { stop(); }

  Result<void> listen();

  std::uint16_t port() const noexcept override { return public_.port; }
  std::uint16_t private_port() const noexcept override { return private_.port; }
  unsigned loop_count() const noexcept override { return static_cast<unsigned>(loops_.size()); }
  Loop& loop(unsigned index) noexcept override { return *loops_[index]; }
  void start_loops() override;
  void serve(Handler handler, ErrorBody error_body) override;
  void stop() override;

 private:
  void accept_next(Listener& listener);
  void on_accept(Listener& listener, error_code ec, Socket socket, std::size_t target);
  void stop_once();

  SslContext tls_;
  ServerShared shared_;
  std::vector<std::unique_ptr<LoopImpl>> loops_;  // outlive what is listed below them
  std::vector<std::unique_ptr<ConnectionSet>> sets_;
  Listener public_;
  Listener private_;
  std::size_t next_target_ = 0;
  std::once_flag started_once_;
  std::once_flag stopped_once_;
  bool started_ = false;
};

std::vector<std::unique_ptr<LoopImpl>> make_loops(unsigned count) {
  if (count == 0) count = std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::unique_ptr<LoopImpl>> loops;
  for (unsigned index = 0; index < count; ++index) {
    loops.push_back(std::make_unique<LoopImpl>(index));
  }
  return loops;
}

ServerImpl::ServerImpl(ServerOptions options, SslContext tls)
    : tls_(std::move(tls)),
      loops_(make_loops(options.loops)),
      public_(loops_[0]->context(), false),
      private_(loops_[0]->context(), true) {
  shared_.options = std::move(options);
  shared_.tls = tls_.get();
  for (const auto& event_loop : loops_) {
    sets_.push_back(std::make_unique<ConnectionSet>(*event_loop, shared_));
  }
}

Result<void> ServerImpl::listen() {
  const ServerOptions& options = shared_.options;
  KH_TRY(public_.open(options.address, options.port));
  if (options.private_address.empty()) return {};
  return private_.open(options.private_address, options.private_port);
}

void ServerImpl::start_loops() {
  std::call_once(started_once_, [this] {
    started_ = true;
    const auto period = tick_period(shared_.options);
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      loops_[i]->every(period, [set = sets_[i].get()] { set->tick(); });
      loops_[i]->start();
    }
  });
}

void ServerImpl::serve(Handler handler, ErrorBody error_body) {
  shared_.handler = std::move(handler);
  shared_.error_body = std::move(error_body);
  start_loops();
  loops_[0]->post([this] {
    accept_next(public_);
    accept_next(private_);
  });
}

void ServerImpl::accept_next(Listener& listener) {
  if (!listener.acceptor.is_open()) return;
  const std::size_t target = next_target_++ % loops_.size();
  listener.acceptor.async_accept(loops_[target]->context(),
                                 [this, &listener, target](error_code ec, Socket socket) {
                                   on_accept(listener, ec, std::move(socket), target);
                                 });
}

void ServerImpl::on_accept(Listener& listener, error_code ec, Socket socket, std::size_t target) {
  if (!listener.acceptor.is_open() || ec == asio::error::operation_aborted) return;
  if (ec == asio::error::no_descriptors || ec == asio::error::no_buffer_space ||
      ec == asio::error::no_memory || ec == boost::system::errc::too_many_files_open_in_system) {
    listener.retry.expires_after(kAcceptBackOff);
    listener.retry.async_wait([this, &listener](error_code) { accept_next(listener); });
    return;
  }
  // Above the limit the socket is closed as it goes out of scope. Other errors concern a peer that
  // has left already.
  if (!ec && shared_.try_add_connection()) {
    ConnectionSet& set = *sets_[target];
    const bool is_private = listener.private_network;
    if (target == 0) {
      set.add(std::move(socket), is_private);
    } else {
      loops_[target]->gate()->post([&set, accepted = std::move(socket), is_private]() mutable {
        set.add(std::move(accepted), is_private);
      });
    }
  }
  accept_next(listener);
}

void ServerImpl::stop() {
  std::call_once(stopped_once_, [this] { stop_once(); });
}

void ServerImpl::stop_once() {
  for (const auto& event_loop : loops_) KH_ASSERT(!event_loop->in_loop_thread());
  if (started_) {
    loops_[0]->post([this] {
      for (Listener* listener : {&public_, &private_}) {
        error_code ignored;
        listener->acceptor.close(ignored);
        listener->retry.cancel();
      }
    });
    for (std::size_t i = 0; i < loops_.size(); ++i) {
      loops_[i]->post([set = sets_[i].get()] { set->drain(); });
    }
    shared_.wait_until_empty(shared_.options.drain_timeout);
    for (const auto& event_loop : loops_) event_loop->stop();
  }
  // The threads are gone, so this one may touch what was theirs.
  for (const auto& set : sets_) set->close_all();
  error_code ignored;
  public_.acceptor.close(ignored);
  private_.acceptor.close(ignored);
}

}  // namespace

std::optional<std::string_view> Request::header(std::string_view name) const noexcept {
  for (const Header& candidate : headers) {
    if (same_name(candidate.name, name)) return candidate.value;
  }
  return std::nullopt;
}

std::size_t Request::count(std::string_view name) const noexcept {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(),
                    [name](const Header& candidate) { return same_name(candidate.name, name); }));
}

void Reply::abandon() noexcept {
  const auto target = std::move(target_);
  target->abandoned();
}

Result<std::unique_ptr<Server>> Server::create(ServerOptions options, TlsFiles tls) {
  ignore_sigpipe();
  SslContext context = KH_TRY(make_server_context(tls));
  auto server = std::make_unique<ServerImpl>(std::move(options), std::move(context));
  KH_TRY(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

Result<std::unique_ptr<Server>> create_loopback_server(ServerOptions options) {
  ignore_sigpipe();
  error_code ec;
  const auto address = asio::ip::make_address(options.address, ec);
  if (ec || !address.is_loopback() || !options.private_address.empty()) {
    return Error{Reason::InvalidArgument,
                 "a server without TLS listens on a loopback address only, such as 127.0.0.1",
                 "address"};
  }
  auto server = std::make_unique<ServerImpl>(std::move(options), SslContext());
  KH_TRY(server->listen());
  return std::unique_ptr<Server>(std::move(server));
}

}  // namespace keyhaven::net
