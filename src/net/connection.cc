#include "net/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <cstdio>
#include <exception>

namespace keyhaven::net {
namespace {

// How long a peer may take to read our last answer and close. It keeps a reset from overtaking the
// answer when the peer is still sending.
constexpr std::chrono::milliseconds kClosingLimit{1'000};

// Answers up to this size reuse the connection's memory; 10,000 idle connections must stay cheap.
constexpr std::size_t kKeptOutputBytes = 2048;

// A response on its way to another thread: if it never gets there, its body is wiped all the same.
struct ResponseInTransit {
  explicit ResponseInTransit(Response given) : response(std::move(given)) {}
  ResponseInTransit(ResponseInTransit&&) noexcept = default;
  ResponseInTransit& operator=(ResponseInTransit&&) noexcept = default;
  ~ResponseInTransit() { wipe_response(response); }
  Response response;
};

}  // namespace

void wipe_response(Response& response) noexcept {
  wipe(response.body);
  for (auto& [name, value] : response.headers) wipe(value);
}

// ServerShared

bool ServerShared::try_add_connection() {
  const std::lock_guard lock(mutex_);
  if (connections_ >= options.max_connections) return false;
  ++connections_;
  return true;
}

void ServerShared::remove_connection() {
  const std::lock_guard lock(mutex_);
  if (--connections_ == 0) empty_.notify_all();
}

bool ServerShared::wait_until_empty(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, limit, [this] { return connections_ == 0; });
}

// ConnectionSet

std::chrono::milliseconds ConnectionSet::limit(Phase phase) const noexcept {
  switch (phase) {
    case Phase::Handshake:
      return shared.options.handshake_timeout;
    case Phase::Idle:
      return shared.options.idle_timeout;
    case Phase::Receiving:
      return shared.options.request_timeout;
    case Phase::Handling:
      return std::chrono::milliseconds::zero();
    case Phase::Sending:
      return shared.options.request_timeout;
    case Phase::Closing:
      return kClosingLimit;
  }
  return kClosingLimit;
}

void ConnectionSet::add(Socket socket, bool private_network) {
  boost::system::error_code ec;
  socket.set_option(asio::ip::tcp::no_delay(true), ec);
  if (ec || draining_) {
    shared.remove_connection();
    return;
  }
  auto connection = std::make_shared<Connection>(std::move(socket), *this, private_network);
  List& list = lists_[static_cast<std::size_t>(Phase::Handshake)];
  connection->position_ = list.insert(list.end(), connection);
  connection->listed_ = true;
  connection->start();
}

void ConnectionSet::tick() {
  const SteadyTime now = std::chrono::steady_clock::now();
  for (std::size_t phase = 0; phase < kPhaseCount; ++phase) {
    if (phase == static_cast<std::size_t>(Phase::Handling)) continue;
    List& list = lists_[phase];
    while (!list.empty() && list.front()->deadline_ <= now) {
      const std::shared_ptr<Connection> connection = list.front();
      connection->expire();  // leaves this list
    }
  }
}

void ConnectionSet::drain() {
  draining_ = true;
  for (Phase phase : {Phase::Handshake, Phase::Idle}) {
    List& list = lists_[static_cast<std::size_t>(phase)];
    while (!list.empty()) {
      const std::shared_ptr<Connection> connection = list.front();
      connection->close();
    }
  }
}

void ConnectionSet::close_all() {
  for (List& list : lists_) {
    while (!list.empty()) {
      const std::shared_ptr<Connection> connection = list.front();
      connection->close();
    }
  }
}

// Exchange

template <class Action>
void Exchange::on_connection(Action action) {
  if (gate_->in_loop_thread()) {
    if (const auto target = connection.lock()) action(*target);
    return;
  }
  gate_->post([self = shared_from_this(), action = std::move(action)]() mutable {
    if (const auto target = self->connection.lock()) action(*target);
  });
}

void Exchange::send(Response response) {
  on_connection([transit = ResponseInTransit(std::move(response))](Connection& target) mutable {
    target.respond(std::move(transit.response));
  });
}

void Exchange::abandoned() {
  on_connection([](Connection& target) {
    Response response = target.error_response(500, "the request was not answered");
    target.respond(std::move(response));
  });
}

// Connection

Connection::Connection(Socket socket, ConnectionSet& set, bool private_network)
    : set_(set),
      stream_(std::move(socket), set.shared.tls),
      exchange_(std::make_shared<Exchange>(
          set.loop.gate(), ParserLimits{.max_header_bytes = set.shared.options.max_header_bytes,
                                        .max_body_bytes = set.shared.options.max_body_bytes})) {
  exchange_->private_network = private_network;
}

Connection::~Connection() { wipe(output_); }

void Connection::start() {
  deadline_ = std::chrono::steady_clock::now() + set_.limit(Phase::Handshake);
  exchange_->connection = weak_from_this();
  ErrorCode ec;
  const auto remote = stream_.socket().remote_endpoint(ec);
  if (ec) return close();
  auto address = remote.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  exchange_->remote_address = address.to_string();
  if (!stream_.ready()) return close();
  stream_.async_handshake([self = shared_from_this()](ErrorCode error, std::size_t) {
    if (self->closed_) return;
    if (error) return self->close();
    self->await_request();
  });
}

void Connection::enter(Phase phase) {
  if (phase != Phase::Handling) {
    deadline_ = std::chrono::steady_clock::now() + set_.limit(phase);
  }
  auto& from = set_.lists_[static_cast<std::size_t>(phase_)];
  auto& to = set_.lists_[static_cast<std::size_t>(phase)];
  to.splice(to.end(), from, position_);
  phase_ = phase;
}

// Waits for a request without a buffer: idle connections must stay cheap.
void Connection::await_request() {
  exchange_->buffer.release(&set_.loop.blocks());
  if (set_.draining()) return close();
  enter(Phase::Idle);
  await_readable();
}

void Connection::await_readable() {
  stream_.async_wait_readable([self = shared_from_this()](ErrorCode ec, std::size_t) {
    if (self->closed_) return;
    if (self->timed_out_) return self->begin_close();
    if (ec) return self->close();
    self->on_readable();
  });
}

void Connection::on_readable() {
  Buffer& buffer = exchange_->buffer;
  buffer.acquire(&set_.loop.blocks());
  std::size_t count = 0;
  const ErrorCode ec = stream_.read_now(buffer.room(), count);
  if (ec == asio::error::would_block) {  // a part of a record, or a message of TLS itself
    buffer.release(&set_.loop.blocks());
    return await_readable();
  }
  if (ec == asio::error::eof) return begin_close();  // the peer said goodbye: answer it
  if (ec) return close();
  buffer.commit(count);
  exchange_->parser.reset();
  continue_sent_ = false;
  enter(Phase::Receiving);
  process();
}

void Connection::read_more() {
  const auto room = exchange_->buffer.room();
  stream_.async_read(room, [self = shared_from_this()](ErrorCode ec, std::size_t count) {
    if (self->closed_) return;
    if (self->timed_out_) {
      return self->respond_error(408, "the request took too long to arrive");
    }
    if (ec) return self->close();
    self->exchange_->buffer.commit(count);
    self->process();
  });
}

void Connection::process() {
  RequestParser& parser = exchange_->parser;
  switch (parser.advance(exchange_->buffer)) {
    case RequestParser::Outcome::NeedMore:
      if (!continue_sent_ && parser.wants_continue(exchange_->buffer)) return send_continue();
      return read_more();
    case RequestParser::Outcome::Complete:
      return dispatch();
    case RequestParser::Outcome::Refused:
      return respond_error(parser.refusal().status, parser.refusal().what);
  }
}

void Connection::dispatch() {
  Exchange& exchange = *exchange_;
  exchange.request = Request{.method = exchange.parser.method(),
                             .path = exchange.parser.path(),
                             .query = exchange.parser.query(),
                             .headers = exchange.parser.headers(),
                             .body = exchange.parser.body(exchange.buffer),
                             .remote_address = exchange.remote_address,
                             .private_network = exchange.private_network,
                             .loop = &set_.loop};
  last_answer_ = last_answer_ || !exchange.parser.keep_alive();
  enter(Phase::Handling);
  try {
    set_.shared.handler(exchange.request, Reply(exchange_));
  } catch (const std::exception& exception) {
    // Its reply went with it and has answered 500.
    std::fprintf(stderr, "keyhaven: exception in a request handler: %s\n", exception.what());
  }
}

void Connection::respond(Response response) {
  if (closed_ || phase_ != Phase::Handling) {
    wipe_response(response);
    return;
  }
  send_response(std::move(response));
}

Response Connection::error_response(int status, std::string_view what) {
  if (set_.shared.error_body) {
    Response response = set_.shared.error_body(status, what);
    response.status = status;
    return response;
  }
  Response response;
  response.status = status;
  response.content_type = "text/plain";
  response.body = what;
  return response;
}

void Connection::respond_error(int status, std::string_view what) {
  last_answer_ = true;
  send_response(error_response(status, what));
}

void Connection::send_response(Response response) {
  last_answer_ = last_answer_ || set_.draining();
  const RequestParser& parser = exchange_->parser;
  write_response(
      output_, response,
      {.head_request = parser.is_head(), .http10 = parser.is_http10(), .close = last_answer_},
      set_.loop.date());
  wipe_response(response);
  enter(Phase::Sending);
  write(0);
}

void Connection::send_continue() {
  continue_sent_ = true;
  interim_ = true;
  output_ = "HTTP/1.1 100 Continue\r\n\r\n";
  write(0);
}

void Connection::write(std::size_t offset) {
  stream_.async_write(as_bytes(output_).subspan(offset),
                      [self = shared_from_this(), offset](ErrorCode ec, std::size_t count) {
                        if (self->closed_) return;
                        if (ec) return self->close();
                        if (offset + count < self->output_.size())
                          return self->write(offset + count);
                        self->on_written();
                      });
}

void Connection::on_written() {
  wipe(output_);
  output_.clear();
  if (output_.capacity() > kKeptOutputBytes) output_.shrink_to_fit();
  if (interim_) {
    interim_ = false;
    return read_more();
  }
  if (last_answer_) return begin_close();
  Buffer& buffer = exchange_->buffer;
  const std::size_t end = exchange_->parser.end();
  if (buffer.size() <= end) return await_request();
  // The client has sent its next request already.
  buffer.close_gap(0, end);
  exchange_->parser.reset();
  continue_sent_ = false;
  enter(Phase::Receiving);
  process();
}

// Says goodbye in TLS, then reads and forgets what the peer still sends until it closes or
// kClosingLimit is over.
void Connection::begin_close() {
  exchange_->buffer.release(&set_.loop.blocks());
  if (phase_ != Phase::Closing) enter(Phase::Closing);
  stream_.async_shutdown([self = shared_from_this()](ErrorCode ec, std::size_t) {
    if (self->closed_) return;
    if (!ec) return self->close();
    ErrorCode ignored;
    self->stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
    self->discard_input();
  });
}

void Connection::discard_input() {
  stream_.socket().async_read_some(asio::buffer(set_.discarded_),
                                   [self = shared_from_this()](ErrorCode ec, std::size_t) {
                                     if (self->closed_) return;
                                     if (ec) return self->close();
                                     self->discard_input();
                                   });
}

void Connection::expire() {
  ErrorCode ec;
  switch (phase_) {
    case Phase::Receiving:
      if (interim_) return close();
      timed_out_ = true;
      enter(Phase::Sending);
      stream_.socket().cancel(ec);  // read_more's handler answers
      break;
    case Phase::Idle:
      timed_out_ = true;
      enter(Phase::Closing);
      stream_.socket().cancel(ec);  // await_request's handler closes
      break;
    case Phase::Handshake:
    case Phase::Handling:
    case Phase::Sending:
    case Phase::Closing:
      close();
      break;
  }
}

// The buffers stay until the last operation under way has let go of the connection.
void Connection::close() noexcept {
  if (closed_) return;
  closed_ = true;
  ErrorCode ec;
  stream_.socket().close(ec);
  if (!listed_) return;
  listed_ = false;
  const auto self = shared_from_this();
  set_.lists_[static_cast<std::size_t>(phase_)].erase(position_);
  set_.shared.remove_connection();
}

}  // namespace keyhaven::net
