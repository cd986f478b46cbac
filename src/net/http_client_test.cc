#include "net/http_client.h"

#include <atomic>
#include <thread>

#include "net/tls_test_peer.h"

namespace keyhaven::net {
namespace {

using namespace std::chrono_literals;
using namespace testing;

ClientOptions options_for(std::uint16_t port, const std::string& host = "127.0.0.1") {
  ClientOptions options;
  options.base_url = "https://" + host + ":" + std::to_string(port) + "/base/";
  options.ca_pem = TestIdentity::instance().ca_pem;
  options.connect_timeout = 10s;
  options.request_timeout = 10s;
  return options;
}

HttpClient client_for(std::uint16_t port) {
  return std::move(HttpClient::create(options_for(port))).value();
}

ClientRequest request_to(std::string target, std::string method = "GET") {
  ClientRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  return request;
}

std::string text_of(const ClientResponse& response) {
  return std::string(as_text(response.body.expose()));
}

// A TLS server that says, on each connection it accepts, what the script tells: answers given one
// for each request head read, then the socket is closed, with or without TLS's goodbye.
class ScriptedServer {
 public:
  struct Connection {
    std::vector<std::string> answers;
    bool goodbye = true;
  };

  explicit ScriptedServer(std::vector<Connection> script) : script_(std::move(script)) {
    listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 8), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }

  std::uint16_t port = 0;
  std::atomic<int> connections{0};
  std::atomic<int> requests{0};
  Event closed_first;  // the first connection has been closed by us

 private:
  void run() {
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    use_identity(context);
    for (const Connection& connection : script_) {
      const FileDescriptor socket(::accept(listener_.get(), nullptr, nullptr));
      if (!socket.valid()) break;
      ++connections;
      serve(context, socket.get(), connection);
      ::shutdown(socket.get(), SHUT_RDWR);
      closed_first.set();
    }
    SSL_CTX_free(context);
  }

  static void use_identity(SSL_CTX* context) {
    const TestIdentity& identity = TestIdentity::instance();
    BIO* const chain = BIO_new_mem_buf(identity.server.certificate_pem.data(), -1);
    X509* const certificate = PEM_read_bio_X509(chain, nullptr, nullptr, nullptr);
    const auto key_text = identity.server.private_key_pem.expose();
    BIO* const key_bio = BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size()));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    SSL_CTX_use_certificate(context, certificate);
    SSL_CTX_use_PrivateKey(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    BIO_free(chain);
    BIO_free(key_bio);
  }

  void serve(SSL_CTX* context, int fd, const Connection& connection) {
    SSL* const ssl = SSL_new(context);
    SSL_set_fd(ssl, fd);
    bool going = SSL_accept(ssl) == 1;
    for (std::size_t i = 0; going && i < connection.answers.size(); ++i) {
      going = read_request(ssl);
      const std::string& answer = connection.answers[i];
      if (going && !answer.empty()) {
        going = SSL_write(ssl, answer.data(), static_cast<int>(answer.size())) > 0;
      }
    }
    if (connection.goodbye) SSL_shutdown(ssl);
    SSL_free(ssl);
  }

  bool read_request(SSL* ssl) {
    std::string text;
    for (char c; text.find("\r\n\r\n") == std::string::npos; text.push_back(c)) {
      if (SSL_read(ssl, &c, 1) != 1) return false;
    }
    ++requests;
    return true;
  }

  std::vector<Connection> script_;
  FileDescriptor listener_;
  std::thread thread_;
};

const std::string kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(HttpClientTest, SendsWhatTheServerUnderstands) {
  std::string authorization, custom, agent;
  const auto server = start_server({}, [&](Request& request, Reply reply) {
    authorization = request.header("authorization").value_or("none");
    custom = request.header("bluemix-instance").value_or("none");
    agent = request.header("user-agent").value_or("none");
    echo(request, std::move(reply));
  });
  HttpClient client = client_for(server->port());
  ClientRequest request = request_to("/keys?limit=1", "POST");
  request.headers = {{"Bluemix-Instance", "i-1"}};
  request.authorization = SecretBytes::copy_of("Bearer t");
  request.body = SecretBytes::copy_of("{}");
  const auto answer = client.send(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(text_of(*answer), "POST /base/keys?limit=1 {}");
  EXPECT_EQ(answer->header("content-type"), "text/plain");
  EXPECT_EQ(answer->header("absent"), "");
  EXPECT_EQ(authorization, "Bearer t");
  EXPECT_EQ(custom, "i-1");
  EXPECT_TRUE(agent.starts_with("keyhaven/"));
  EXPECT_TRUE(client.may_have_been_sent());
}

TEST(HttpClientTest, ReusesItsConnection) {
  ScriptedServer server({{.answers = {kOk, kOk, kOk}}});
  HttpClient client = client_for(server.port);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.send(request_to("/")));
  EXPECT_EQ(server.connections, 1);
}

TEST(HttpClientTest, HandlesEveryKindOfBody) {
  const auto server = start_server();
  HttpClient client = client_for(server->port());
  const auto head = client.send(request_to("/x", "HEAD"));
  ASSERT_TRUE(head);
  EXPECT_TRUE(head->body.empty());
  EXPECT_EQ(head->header("content-length"), "13");
  EXPECT_EQ(text_of(client.send(request_to("/x")).value()), "GET /base/x ");

  ScriptedServer scripted({{.answers = {"HTTP/1.1 204 No Content\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                        "3\r\nabc\r\n0\r\n\r\n",
                                        "HTTP/1.1 200 OK\r\n\r\nto the end"}},
                           {.answers = {"HTTP/1.1 200 OK\r\n\r\ncut"}, .goodbye = false}});
  HttpClient other = client_for(scripted.port);
  EXPECT_EQ(other.send(request_to("/"))->status, 204);
  EXPECT_EQ(text_of(other.send(request_to("/")).value()), "abc");
  EXPECT_EQ(text_of(other.send(request_to("/")).value()), "to the end");
  // Without TLS's goodbye nobody knows whether that was the end.
  const auto cut = other.send(request_to("/"));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().reason, Reason::Io);
}

TEST(HttpClientTest, RefusesOtherAuthoritiesAndNames) {
  const auto server = start_server();
  ClientOptions wrong_ca = options_for(server->port());
  wrong_ca.ca_pem = TestIdentity::make({"localhost"}, {"127.0.0.1"}).ca_pem;
  auto refused = HttpClient::create(wrong_ca)->send(request_to("/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::Io);
  EXPECT_NE(refused.error().message.find("not trusted"), std::string::npos)
      << refused.error().message;

  ClientOptions system_roots = options_for(server->port());
  system_roots.ca_pem.clear();
  EXPECT_FALSE(HttpClient::create(system_roots)->send(request_to("/")));

  EXPECT_TRUE(HttpClient::create(options_for(server->port(), "localhost"))->send(request_to("/")));
  // The same certificate under an address that it does not name.
  ServerOptions elsewhere;
  elsewhere.address = "127.0.0.2";
  const auto misplaced = start_server(elsewhere);
  refused = HttpClient::create(options_for(misplaced->port(), "127.0.0.2"))->send(request_to("/"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("not trusted"), std::string::npos)
      << refused.error().message;
}

TEST(HttpClientTest, RefusesAHostNameMismatch) {
  const TestIdentity elsewhere = TestIdentity::make({"elsewhere.example"}, {"127.0.0.9"});
  auto server = std::move(Server::create({}, elsewhere.files())).value();
  server->serve(echo, error_body);
  ClientOptions options = options_for(server->port(), "localhost");
  options.ca_pem = elsewhere.ca_pem;
  HttpClient client = std::move(HttpClient::create(options)).value();
  const auto refused = client.send(request_to("/"));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("ostname mismatch"), std::string::npos)
      << refused.error().message;
  EXPECT_FALSE(client.may_have_been_sent());
}

TEST(HttpClientTest, ADeadIdleConnectionIsReplacedBeforeAnythingIsSent) {
  for (bool goodbye : {true, false}) {
    ScriptedServer server({{.answers = {kOk}, .goodbye = goodbye}, {.answers = {kOk}}});
    HttpClient client = client_for(server.port);
    ASSERT_TRUE(client.send(request_to("/")));
    ASSERT_TRUE(server.closed_first.wait());
    // Even a POST: not a byte of it went to the dead connection.
    const auto answer = client.send(request_to("/", "POST"));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(server.connections, 2);
    EXPECT_EQ(server.requests, 2);
  }
}

TEST(HttpClientTest, OnlyIdempotentRequestsAreRepeatedOnceSent) {
  // The server reads the second request of the connection and closes without an answer.
  {
    ScriptedServer server({{.answers = {kOk, ""}}, {.answers = {kOk}}});
    HttpClient client = client_for(server.port);
    ASSERT_TRUE(client.send(request_to("/")));
    ASSERT_TRUE(client.send(request_to("/")));
    EXPECT_EQ(server.requests, 3);
  }
  ScriptedServer server({{.answers = {kOk, ""}}, {.answers = {kOk}}});
  HttpClient client = client_for(server.port);
  ASSERT_TRUE(client.send(request_to("/")));
  const auto lost = client.send(request_to("/", "POST"));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().reason, Reason::Io);
  EXPECT_TRUE(client.may_have_been_sent());
  EXPECT_EQ(server.requests, 2);
  EXPECT_TRUE(client.send(request_to("/", "POST")));  // the caller's own decision
}

TEST(HttpClientTest, ARequestIsNotRepeatedOnAFreshConnectionOrAfterTheAnswerBegan) {
  {
    ScriptedServer server({{.answers = {""}}, {.answers = {kOk}}});
    EXPECT_FALSE(client_for(server.port).send(request_to("/")));
    EXPECT_EQ(server.requests, 1);
  }
  ScriptedServer server(
      {{.answers = {kOk, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"}}, {.answers = {kOk}}});
  HttpClient client = client_for(server.port);
  ASSERT_TRUE(client.send(request_to("/")));
  const auto half = client.send(request_to("/"));
  ASSERT_FALSE(half);
  EXPECT_EQ(half.error().reason, Reason::Io);
  EXPECT_EQ(server.requests, 2);
}

TEST(HttpClientTest, LargeAnswersAreRefused) {
  const auto server = start_server();
  ClientOptions options = options_for(server->port());
  options.base_url = "https://127.0.0.1:" + std::to_string(server->port());
  options.max_response_bytes = 1'000;
  HttpClient client = std::move(HttpClient::create(options)).value();
  EXPECT_EQ(client.send(request_to("/large?1000"))->body.size(), 1'000U);
  const auto refused = client.send(request_to("/large?1001"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::TooLarge);
  EXPECT_TRUE(client.send(request_to("/large?1000")));  // on a new connection
}

TEST(HttpClientTest, CarriesMegabytesBothWays) {
  ServerOptions server_options;
  server_options.max_body_bytes = 8 * 1024 * 1024;
  const auto server = start_server(server_options);
  HttpClient client = client_for(server->port());
  ClientRequest request = request_to("/m", "PUT");
  request.body = SecretBytes(5 * 1024 * 1024);
  for (auto& byte : request.body.expose_mutable()) byte = 'm';
  const auto answer = client.send(request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->body.size(), 5U * 1024 * 1024 + std::string_view("PUT /base/m ").size());
}

TEST(HttpClientTest, DeadlinesHold) {
  Reply kept;  // never answered before the deadline
  Event handling;
  const auto server = start_server({}, [&](Request&, Reply reply) {
    kept = std::move(reply);
    handling.set();
  });
  ClientOptions options = options_for(server->port());
  options.request_timeout = 100ms;
  HttpClient client = std::move(HttpClient::create(options)).value();
  const auto late = client.send(request_to("/", "POST"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().reason, Reason::DeadlineExceeded);
  EXPECT_TRUE(client.may_have_been_sent());
  ASSERT_TRUE(handling.wait());
  kept(Response{});

  // Accepts by its backlog and never begins TLS.
  const FileDescriptor mute(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(mute.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(mute.get(), 1), 0);
  ASSERT_EQ(::getsockname(mute.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ClientOptions hurried = options_for(ntohs(address.sin_port));
  hurried.connect_timeout = 100ms;
  const auto refused = HttpClient::create(hurried)->send(request_to("/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::DeadlineExceeded);
}

TEST(HttpClientTest, NobodyListening) {
  std::uint16_t port = 0;
  {
    const auto server = start_server();
    port = server->port();
  }
  HttpClient client = client_for(port);
  const auto refused = client.send(request_to("/"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, Reason::Io);
  EXPECT_NE(refused.error().message.find("refused"), std::string::npos);
  EXPECT_FALSE(client.may_have_been_sent());
}

TEST(HttpClientTest, RefusesBadSettingsAndRequests) {
  for (const char* url : {"http://localhost", "localhost", "https://u:p@h", ""}) {
    ClientOptions options;
    options.base_url = url;
    EXPECT_EQ(HttpClient::create(options).error().reason, Reason::InvalidArgument) << url;
  }
  ClientOptions bad_ca = options_for(1);
  bad_ca.ca_pem = "-----BEGIN CERTIFICATE-----\nnot\n-----END CERTIFICATE-----\n";
  EXPECT_EQ(HttpClient::create(bad_ca).error().reason, Reason::InvalidArgument);

  HttpClient client = client_for(1);
  EXPECT_EQ(client.send(request_to("keys")).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(client.send(request_to("/a b")).error().reason, Reason::InvalidArgument);
  EXPECT_EQ(client.send(request_to("/", "GET /")).error().reason, Reason::InvalidArgument);
  ClientRequest request = request_to("/");
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(client.send(request).error().reason, Reason::InvalidArgument);
  request.headers = {{"X:", "a"}};
  EXPECT_EQ(client.send(request).error().reason, Reason::InvalidArgument);
  request.headers.clear();
  request.authorization = SecretBytes::copy_of("Bearer a\nb");
  EXPECT_EQ(client.send(request).error().reason, Reason::InvalidArgument);
}

}  // namespace
}  // namespace keyhaven::net
