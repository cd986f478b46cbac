#include "net/http_server.h"

#include <atomic>
#include <thread>

#include "net/tls_test_peer.h"

namespace keyhaven::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

constexpr std::string_view kGet = "GET /a?b=c HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST(HttpServerTest, KeepsTheConnectionForManyRequests) {
  const auto server = start_server();
  RawClient client(server->port());
  ASSERT_TRUE(client.connected());
  for (int i = 0; i < 20; ++i) {
    const std::string number = std::to_string(i);
    const std::string answer = client.ask("POST /n HTTP/1.1\r\nHost: h\r\nContent-Length: " +
                                          std::to_string(number.size()) + "\r\n\r\n" + number);
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), "POST /n " + number);
    EXPECT_NE(answer.find("Cache-Control: no-store\r\n"), std::string::npos);
    EXPECT_NE(answer.find("Date: "), std::string::npos);
  }
}

TEST(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  const auto server = start_server();
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 100; ++i) {
    all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n";
  }
  client.send(all);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(body_of(client.read_answer()), "GET /" + std::to_string(i) + " ");
  }
}

TEST(HttpServerTest, TakesChunkedAndLargeBodies) {
  const auto server = start_server();
  RawClient client(server->port());
  EXPECT_EQ(body_of(client.ask("POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                               "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")),
            "POST /c abcde");
  const std::string body(200'000, 'b');
  EXPECT_EQ(
      body_of(client.ask("POST /l HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n\r\n" + body)),
      "POST /l " + body);
  EXPECT_EQ(body_of(client.ask(kGet)), "GET /a?b=c ");
}

TEST(HttpServerTest, SendsLargeAnswers) {
  const auto server = start_server();
  RawClient client(server->port());
  EXPECT_EQ(body_of(client.ask("GET /large?3000000 HTTP/1.1\r\nHost: h\r\n\r\n")),
            std::string(3'000'000, 'x'));
  EXPECT_EQ(body_of(client.ask(kGet)), "GET /a?b=c ");
}

TEST(HttpServerTest, HeadHasLengthWithoutBody) {
  const auto server = start_server();
  RawClient client(server->port());
  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string answer = client.read_answer(false);
  EXPECT_NE(answer.find("Content-Length: 8\r\n"), std::string::npos) << answer;
  EXPECT_EQ(body_of(client.ask(kGet)), "GET /a?b=c ");  // nothing of a body came between
}

TEST(HttpServerTest, ContinuesBeforeTheBody) {
  const auto server = start_server();
  RawClient client(server->port());
  client.send("PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  EXPECT_EQ(client.read_answer(), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(body_of(client.ask("body")), "PUT /e body");
  // A body that will be refused is not asked for.
  client.send(
      "PUT /e HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
  EXPECT_EQ(status_of(client.read_answer()), 413);
}

TEST(HttpServerTest, ClosesWhenTheClientSaysSo) {
  const auto server = start_server();
  RawClient http11(server->port());
  const std::string closing = http11.ask("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_NE(closing.find("Connection: close\r\n"), std::string::npos);
  EXPECT_TRUE(http11.is_closed());
  RawClient http10(server->port());
  EXPECT_EQ(status_of(http10.ask("GET / HTTP/1.0\r\n\r\n")), 200);
  EXPECT_TRUE(http10.is_closed());
  RawClient kept(server->port());
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(kept.ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                  .find("Connection: keep-alive\r\n"),
              std::string::npos);
  }
}

TEST(HttpServerTest, LimitsAnswerWithTheFrontEndsBodyAndClose) {
  ServerOptions options;
  options.max_header_bytes = 2'000;
  options.max_body_bytes = 1'000;
  const auto server = start_server(options);
  struct Row {
    std::string request;
    int status;
  };
  const Row rows[] = {
      {"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(3'000, 'x') + "\r\n\r\n", 431},
      {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'), 413},
      {"PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3E9\r\n", 413},
      {"PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: h\n\n", 400},
      {"not http at all\r\n\r\n", 400}};
  for (const Row& row : rows) {
    RawClient client(server->port());
    const std::string answer = client.ask(row.request);
    EXPECT_EQ(status_of(answer), row.status);
    EXPECT_TRUE(body_of(answer).starts_with("error " + std::to_string(row.status)));
    EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
    EXPECT_TRUE(client.is_closed());
  }
}

TEST(HttpServerTest, ARefusalReachesAClientThatIsStillSending) {
  const auto server = start_server();
  RawClient client(server->port());
  ASSERT_TRUE(client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000000\r\n\r\n"));
  const std::string part(16'000, 'x');
  int sent = 0;
  while (sent < 60 && client.send(part)) ++sent;
  EXPECT_EQ(sent, 60);  // no reset, which on some systems throws the answer away unread
  EXPECT_EQ(status_of(client.read_answer()), 413);
}

TEST(HttpServerTest, NothingIsReadAfterARefusedRequest) {
  std::atomic<int> handled{0};
  const auto server = start_server({}, [&handled](Request& request, Reply reply) {
    ++handled;
    echo(request, std::move(reply));
  });
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd");
  client.send(kGet);
  const std::string all = client.read_to_end();
  EXPECT_EQ(status_of(all), 400);
  EXPECT_EQ(all.find("HTTP/1.1", 1), std::string::npos);
  EXPECT_EQ(handled, 0);
}

TEST(HttpServerTest, SlowClientsAreCutOff) {
  ServerOptions options;
  options.request_timeout = 300ms;
  options.handshake_timeout = 300ms;
  const auto server = start_server(options);
  // Drips a head for ever: each byte comes in time, the request does not.
  RawClient dripping(server->port());
  ASSERT_TRUE(dripping.connected());
  Event closed;
  std::string answer;
  std::thread reader([&] {
    answer = dripping.read_to_end();
    closed.set();
  });
  RawClient body_missing(server->port());
  body_missing.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n123");
  const auto begin = std::chrono::steady_clock::now();
  const std::string_view head = "GET / HTTP/1.1\r\nHost: h\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy";
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (!dripping.send(head.substr(i, 1)) || closed.wait(0s)) break;
    std::this_thread::sleep_for(25ms);  // the drip itself
  }
  ASSERT_TRUE(closed.wait());
  reader.join();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_EQ(status_of(answer), 408);
  EXPECT_EQ(status_of(body_missing.read_answer()), 408);
  EXPECT_TRUE(body_missing.is_closed());
  // Connects and never begins TLS.
  const FileDescriptor silent = connect_to(server->port());
  char byte = 0;
  EXPECT_EQ(::recv(silent.get(), &byte, 1, 0), 0);
}

TEST(HttpServerTest, IdleConnectionsEnd) {
  ServerOptions options;
  options.idle_timeout = 200ms;
  const auto server = start_server(options);
  RawClient fresh(server->port());
  RawClient used(server->port());
  EXPECT_EQ(status_of(used.ask(kGet)), 200);
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(used.is_closed());
}

TEST(HttpServerTest, APeerThatDoesNotReadIsCutOff) {
  ServerOptions options;
  options.request_timeout = 300ms;
  options.drain_timeout = 10s;
  const auto server = start_server(options);
  RawClient client(server->port());
  client.send("GET /large?60000000 HTTP/1.1\r\nHost: h\r\n\r\n");
  // The connection is gone soon, so stopping has nothing to wait for.
  RawClient other(server->port());
  EXPECT_EQ(status_of(other.ask(kGet)), 200);
  const auto begin = std::chrono::steady_clock::now();
  server->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s);
  EXPECT_LT(client.read_to_end().size(), 60'000'000U);
}

TEST(HttpServerTest, GarbageInsteadOfTlsHarmsNobody) {
  const auto server = start_server();
  RawClient good(server->port());
  for (const char* text :
       {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", "\x16\x03\x01\xff\xff garbage", ""}) {
    const FileDescriptor socket = connect_to(server->port());
    const std::string_view bytes(text);
    ASSERT_EQ(::send(socket.get(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    ::shutdown(socket.get(), SHUT_WR);
    char answer[512];
    while (::recv(socket.get(), answer, sizeof answer, 0) > 0) {
    }
  }
  EXPECT_EQ(status_of(good.ask(kGet)), 200);
}

TEST(HttpServerTest, AHalfClosedClientGetsItsAnswer) {
  const auto server = start_server();
  RawClient client(server->port());
  client.send(kGet);
  client.half_close();
  EXPECT_EQ(body_of(client.read_answer()), "GET /a?b=c ");
}

TEST(HttpServerTest, ClientsThatLeaveEarlyHarmNobody) {
  std::atomic<int> waiting{0};
  Event all_waiting;
  std::mutex mutex;
  std::vector<Reply> kept;
  const auto server = start_server({}, [&](Request& request, Reply reply) {
    if (request.path != "/wait") return echo(request, std::move(reply));
    const std::lock_guard lock(mutex);
    kept.push_back(std::move(reply));
    if (++waiting == 10) all_waiting.set();
  });
  for (int i = 0; i < 10; ++i) {
    RawClient client(server->port());
    client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    if (i % 2 == 0) client.close_socket();
    RawClient large(server->port());
    large.send("GET /large?5000000 HTTP/1.1\r\nHost: h\r\n\r\n");
  }
  ASSERT_TRUE(all_waiting.wait());
  {
    const std::lock_guard lock(mutex);
    for (Reply& reply : kept) reply(text_response("nobody reads this"));
  }
  RawClient client(server->port());
  EXPECT_EQ(status_of(client.ask(kGet)), 200);
}

TEST(HttpServerTest, OldTlsIsRefused) {
  const auto server = start_server();
  EXPECT_FALSE(RawClient(server->port(), TLS1_VERSION).connected());
  EXPECT_FALSE(RawClient(server->port(), TLS1_1_VERSION).connected());
  for (int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    RawClient client(server->port(), version);
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(status_of(client.ask(kGet)), 200);
  }
}

TEST(HttpServerTest, RepliesMayComeFromAnyThreadAndLoop) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  const auto server = start_server({}, [&](Request& request, Reply reply) {
    const std::lock_guard lock(mutex);
    threads.emplace_back([body = std::string(request.path), answer = std::move(reply)]() mutable {
      answer(text_response(std::move(body)));
    });
  });
  RawClient client(server->port());
  client.send("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(body_of(client.read_answer()), "/1");
  EXPECT_EQ(body_of(client.read_answer()), "/2");
  for (std::thread& thread : threads) thread.join();
}

TEST(HttpServerTest, AnUnusedReplyAndAnExceptionAnswer500) {
  const auto server = start_server();
  RawClient client(server->port());
  for (const char* path : {"/drop", "/throw"}) {
    const std::string answer =
        client.ask(std::string("GET ") + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(status_of(answer), 500) << path;
    EXPECT_TRUE(body_of(answer).starts_with("error 500"));
  }
  EXPECT_EQ(status_of(client.ask(kGet)), 200);  // and the connection goes on
}

TEST(HttpServerTest, HeadersAreFoundInAnyCase) {
  const auto server = start_server({}, [](Request& request, Reply reply) {
    reply(text_response(std::string(request.header("BLUEMIX-instance").value_or("none")) + " " +
                        std::to_string(request.count("x")) + " " +
                        std::string(request.header("absent").value_or("none")) + " " +
                        std::string(request.remote_address) + " " +
                        std::to_string(request.loop->in_loop_thread())));
  });
  RawClient client(server->port());
  EXPECT_EQ(body_of(client.ask(
                "GET / HTTP/1.1\r\nhost: h\r\nbluemix-Instance: i-1\r\nX: 1\r\nx: 2\r\n\r\n")),
            "i-1 2 none 127.0.0.1 1");
}

TEST(HttpServerTest, RequestsTellByWhichListenerTheyCame) {
  ServerOptions options;
  options.private_address = "127.0.0.1";
  options.loops = 2;
  const auto server = start_server(options, [](Request& request, Reply reply) {
    reply(text_response(request.private_network ? "private" : "public"));
  });
  ASSERT_NE(server->private_port(), 0);
  ASSERT_NE(server->private_port(), server->port());
  for (int i = 0; i < 4; ++i) {  // both loops
    RawClient by_public(server->port());
    RawClient by_private(server->private_port());
    for (int again = 0; again < 2; ++again) {
      EXPECT_EQ(body_of(by_public.ask(kGet)), "public");
      EXPECT_EQ(body_of(by_private.ask(kGet)), "private");
    }
  }
  EXPECT_EQ(start_server()->private_port(), 0);
}

TEST(HttpServerTest, APrivateListenerThatCannotListenStopsTheServer) {
  const auto first = start_server();
  ServerOptions options;
  options.private_address = "127.0.0.1";
  options.private_port = first->port();
  const auto second = Server::create(options, TestIdentity::instance().files());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
  options.private_address = "localhost";
  EXPECT_EQ(Server::create(options, TestIdentity::instance().files()).error().reason,
            Reason::InvalidArgument);
}

TEST(HttpServerTest, ServesTwoHundredConnectionsAtOnce) {
  const auto server = start_server();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<RawClient>(server->port()));
  for (int round = 0; round < 3; ++round) {
    for (auto& client : clients) client->send(kGet);
    for (auto& client : clients) ASSERT_EQ(status_of(client->read_answer()), 200);
  }
}

TEST(HttpServerTest, TooManyConnectionsAreClosedAtOnce) {
  ServerOptions options;
  options.max_connections = 2;
  const auto server = start_server(options);
  RawClient first(server->port());
  auto second = std::make_unique<RawClient>(server->port());
  ASSERT_TRUE(first.connected() && second->connected());
  EXPECT_FALSE(RawClient(server->port()).connected());
  EXPECT_EQ(status_of(first.ask(kGet)), 200);
  // A place that became free is given away again.
  second.reset();
  bool connected = false;
  for (int i = 0; i < 1000 && !connected; ++i) connected = RawClient(server->port()).connected();
  EXPECT_TRUE(connected);
}

TEST(HttpServerTest, StopAnswersWhatIsInFlight) {
  Event handling;
  Reply kept;
  const auto server = start_server({}, [&](Request&, Reply reply) {
    kept = std::move(reply);
    handling.set();
  });
  RawClient busy(server->port());
  RawClient idle(server->port());
  busy.send(kGet);
  ASSERT_TRUE(handling.wait());
  Event stopped;
  std::thread stopper([&] {
    server->stop();
    stopped.set();
  });
  EXPECT_TRUE(idle.is_closed());   // so the server is stopping
  EXPECT_FALSE(stopped.wait(0s));  // but waits for the handler
  kept(text_response("the last one"));
  const std::string answer = busy.read_answer();
  EXPECT_EQ(body_of(answer), "the last one");
  EXPECT_NE(answer.find("Connection: close\r\n"), std::string::npos);
  busy.half_close();
  EXPECT_TRUE(stopped.wait());
  stopper.join();
  server->stop();  // idempotent
}

TEST(HttpServerTest, StopWaitsNoLongerThanItsLimitAndLateRepliesAreHarmless) {
  ServerOptions options;
  options.drain_timeout = 100ms;
  Event handling;
  Reply kept;
  Request* seen = nullptr;
  auto server = start_server(options, [&](Request& request, Reply reply) {
    seen = &request;
    kept = std::move(reply);
    handling.set();
  });
  RawClient client(server->port());
  client.send(kGet);
  ASSERT_TRUE(handling.wait());
  server->stop();
  EXPECT_TRUE(client.is_closed());
  server.reset();
  EXPECT_EQ(seen->path, "/a");  // lives until the reply is used, even now
  kept(text_response("too late"));
}

TEST(HttpServerTest, APortInUseIsNamed) {
  const auto server = start_server();
  ServerOptions options;
  options.port = server->port();
  const auto second = Server::create(options, TestIdentity::instance().files());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, Reason::AlreadyExists);
  EXPECT_NE(second.error().message.find("127.0.0.1 port " + std::to_string(options.port)),
            std::string::npos)
      << second.error().message;
}

TEST(HttpServerTest, APortCanBeUsedAgainAtOnce) {
  ServerOptions options;
  {
    const auto server = start_server();
    options.port = server->port();
    RawClient client(server->port());
    EXPECT_EQ(status_of(client.ask(kGet)), 200);
  }
  const auto again = start_server(options);
  RawClient client(again->port());
  EXPECT_EQ(status_of(client.ask(kGet)), 200);
}

TEST(HttpServerTest, RefusesBadSettings) {
  ServerOptions options;
  options.address = "localhost";
  EXPECT_EQ(Server::create(options, TestIdentity::instance().files()).error().reason,
            Reason::InvalidArgument);
  EXPECT_EQ(Server::create({}, {"no certificate", SecretBytes()}).error().reason,
            Reason::InvalidArgument);
  const TestIdentity other = TestIdentity::make({"other"}, {});
  EXPECT_EQ(Server::create({}, {TestIdentity::instance().server.certificate_pem,
                                other.server.private_key_pem.clone()})
                .error()
                .reason,
            Reason::InvalidArgument);
  EXPECT_EQ(Server::create({}, {other.server.certificate_pem, SecretBytes::copy_of("no key")})
                .error()
                .reason,
            Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::net
