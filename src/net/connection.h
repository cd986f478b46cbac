// One TLS connection of the server and the lists by which a loop keeps the time limits of all of
// them. For the .cc files of this folder.
#pragma once

#include <array>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "net/buffer.h"
#include "net/http_server.h"
#include "net/loop_impl.h"
#include "net/request_parser.h"
#include "net/response_writer.h"
#include "net/tls_stream.h"

namespace keyhaven::net {

using SteadyTime = std::chrono::steady_clock::time_point;

// What a connection waits for. Each phase has one time limit, so the connections of a phase expire
// in the order in which they entered it, and looking at the front of a list is all that a tick
// does.
enum class Phase : std::uint8_t {
  Handshake,
  Idle,       // between requests: no buffer
  Receiving,  // from the first byte of a request to its last
  Handling,   // the handler has it; no limit of ours
  Sending,
  Closing,  // said goodbye, waits for the peer to read it
};
inline constexpr std::size_t kPhaseCount = 6;

// Shared by all loops of a server; constant once connections exist, but for the count.
struct ServerShared {
  ServerOptions options;
  SSL_CTX* tls = nullptr;
  Handler handler;
  ErrorBody error_body;

  bool try_add_connection();
  void remove_connection();
  bool wait_until_empty(std::chrono::milliseconds limit);

 private:
  std::mutex mutex_;
  std::condition_variable empty_;
  std::size_t connections_ = 0;
};

class Connection;

// The connections of one loop. Touched by its thread only.
class ConnectionSet {
 public:
  using List = std::list<std::shared_ptr<Connection>>;

  ConnectionSet(LoopImpl& event_loop, ServerShared& server) : loop(event_loop), shared(server) {}
  void add(Socket socket, bool private_network);
  void tick();
  // Closes what is idle; from now on every answer is the last of its connection.
  void drain();
  void close_all();
  bool draining() const noexcept { return draining_; }

  LoopImpl& loop;
  ServerShared& shared;

 private:
  friend class Connection;
  std::chrono::milliseconds limit(Phase phase) const noexcept;
  std::array<List, kPhaseCount> lists_;
  std::array<std::uint8_t, 4096> discarded_;  // what peers send after our last answer
  bool draining_ = false;
};

// Everything of a request that its handler and its Reply may use, on any thread and even after the
// connection is gone.
class Exchange final : public Reply::Target, public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<LoopGate> gate, ParserLimits limits)
      : parser(limits), gate_(std::move(gate)) {}
  void send(Response response) override;
  void abandoned() override;

  std::weak_ptr<Connection> connection;
  Buffer buffer;
  RequestParser parser;
  Request request;
  std::string remote_address;
  bool private_network = false;

 private:
  template <class Action>
  void on_connection(Action action);
  std::shared_ptr<LoopGate> gate_;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Socket socket, ConnectionSet& set, bool private_network);
  ~Connection();

  void start();
  void respond(Response response);
  Response error_response(int status, std::string_view what);
  void respond_error(int status, std::string_view what);
  void close() noexcept;
  void expire();

 private:
  friend class ConnectionSet;
  using ErrorCode = boost::system::error_code;

  void enter(Phase phase);
  void send_response(Response response);
  void await_request();
  void await_readable();
  void on_readable();
  void read_more();
  void process();
  void dispatch();
  void send_continue();
  void write(std::size_t offset);
  void on_written();
  void begin_close();
  void discard_input();

  ConnectionSet& set_;
  TlsStream stream_;
  std::shared_ptr<Exchange> exchange_;
  ConnectionSet::List::iterator position_;  // in the list of phase_
  SteadyTime deadline_;
  std::string output_;
  Phase phase_ = Phase::Handshake;
  bool listed_ = false;
  bool closed_ = false;
  bool timed_out_ = false;  // the pending read was cancelled because of its limit
  bool continue_sent_ = false;
  bool last_answer_ = false;
  bool interim_ = false;  // output_ holds "100 Continue"
};

}  // namespace keyhaven::net
