#include "net/loopback_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

namespace keyhaven::net {
namespace {

// A plain connection; -1 when there is none.
class PlainClient {
 public:
  explicit PlainClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{10, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  PlainClient(const PlainClient&) = delete;
  PlainClient& operator=(const PlainClient&) = delete;
  ~PlainClient() { ::close(fd_); }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      ASSERT_GT(sent, 0);
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  // Until `size` bytes, or the server's end of the stream.
  std::string read(std::size_t size) {
    std::string out;
    char block[65536];
    while (out.size() < size) {
      const ssize_t got = ::recv(fd_, block, std::min(sizeof block, size - out.size()), 0);
      if (got <= 0) break;
      out.append(block, static_cast<std::size_t>(got));
    }
    return out;
  }

 private:
  int fd_;
};

std::unique_ptr<Server> start() {
  ServerOptions options;
  options.loops = 1;
  auto server = create_loopback_server(options);
  EXPECT_TRUE(server) << server.error().message;
  (*server)->serve(
      [](Request& request, Reply reply) {
        Response response;
        response.content_type = "text/plain";
        response.body = request.path == "/large" ? std::string(5'000'000, 'x')
                                                 : std::string(as_text(request.body));
        reply(std::move(response));
      },
      {});
  return std::move(server).value();
}

TEST(LoopbackServerTest, ServesPlainHttpWithKeepAlive) {
  const auto server = start();
  PlainClient client(server->port());
  const std::string body(100'000, 'b');
  for (int i = 0; i < 3; ++i) {
    client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" + body);
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) answer += client.read(1);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
    EXPECT_EQ(client.read(100'000), body);
  }
}

TEST(LoopbackServerTest, SendsWhatIsLargerThanTheSocketTakesThenEndsTheStream) {
  const auto server = start();
  PlainClient client(server->port());
  client.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read(10'000'000);
  EXPECT_TRUE(answer.ends_with(std::string(5'000'000, 'x')));
}

TEST(LoopbackServerTest, StopsWithConnectionsOpen) {
  const auto server = start();
  PlainClient client(server->port());
  client.send("GET / HTTP/1.1\r\n");
  server->stop();
  EXPECT_EQ(client.read(1), "");
}

TEST(LoopbackServerTest, ListensNowhereElse) {
  for (const char* address : {"0.0.0.0", "::", "192.0.2.1", "localhost", ""}) {
    ServerOptions options;
    options.address = address;
    const auto server = create_loopback_server(options);
    ASSERT_FALSE(server) << address;
    EXPECT_EQ(server.error().reason, Reason::InvalidArgument);
  }
}

}  // namespace
}  // namespace keyhaven::net
