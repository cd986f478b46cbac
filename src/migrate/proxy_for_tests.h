// For the tests of this folder only: a directory of the test's own, and a proxy that can lose an
// answer on the way.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace keyhaven::migrate::testing {

// A directory of the test's own, removed with it.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    // In memory where there is such a place: these tests wait for thousands of fsyncs otherwise.
    const bool has_memory = std::filesystem::is_directory("/dev/shm");
    std::string name = has_memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    name += "/migrate-test-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  std::string write(std::string_view name, std::string_view content, unsigned mode = 0600) const {
    const std::string path = *this / name;
    std::filesystem::remove(path);
    EXPECT_TRUE(create_file(path, as_bytes(content), mode));
    return path;
  }
  std::vector<std::string> entries() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename());
    std::sort(out.begin(), out.end());
    return out;
  }

 private:
  std::string path_;
};

inline std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Passes bytes on, both ways, until it is told to cut every connection.
class Proxy {
 public:
  explicit Proxy(std::uint16_t upstream) : upstream_(upstream) {
    listener_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  ~Proxy() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();  // adds no more threads from here on
    cut();
    for (std::thread& thread : threads_) thread.join();
  }
  std::uint16_t port() const { return port_; }
  void cut() {
    const std::lock_guard lock(mutex_);
    for (const auto& pair : pairs_) {
      ::shutdown(pair->client.get(), SHUT_RDWR);
      ::shutdown(pair->server.get(), SHUT_RDWR);
    }
  }

 private:
  struct Pair {
    FileDescriptor client;
    FileDescriptor server;
  };
  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  void accept_all() {
    while (true) {
      auto pair = std::make_shared<Pair>();
      pair->client = FileDescriptor(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!pair->client.valid()) return;
      pair->server = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const int on = 1;
      for (const FileDescriptor* one : {&pair->client, &pair->server})
        ::setsockopt(one->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const sockaddr_in address = loopback(upstream_);
      if (::connect(pair->server.get(), reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) != 0)
        return;
      const std::lock_guard lock(mutex_);
      pairs_.push_back(pair);
      threads_.emplace_back([pair] { pump(pair->client.get(), pair->server.get()); });
      threads_.emplace_back([pair] { pump(pair->server.get(), pair->client.get()); });
    }
  }
  static void pump(int from, int to) {
    char bytes[16 * 1024];
    while (true) {
      const ssize_t count = ::recv(from, bytes, sizeof bytes, 0);
      if (count <= 0) break;
      if (::send(to, bytes, static_cast<std::size_t>(count), MSG_NOSIGNAL) != count) break;
    }
    ::shutdown(from, SHUT_RDWR);
    ::shutdown(to, SHUT_RDWR);
  }
  std::uint16_t upstream_;
  std::uint16_t port_ = 0;
  FileDescriptor listener_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Pair>> pairs_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace keyhaven::migrate::testing
