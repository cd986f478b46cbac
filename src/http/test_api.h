// An Api without sockets, for tests of route tables: requests go in as text, answers and audit
// events come out. The calling thread is the loop; blocking handlers run on a real worker pool.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http/api.h"

namespace keyhaven::http {

// Keeps events instead of writing them.
class MemoryLog final : public audit::Log {
 public:
  void append_loop(unsigned, const audit::Event& event) override { add(event); }
  Result<void> flush_loop(unsigned) override { return {}; }
  Result<void> append_management(const audit::Event& event) override {
    add(event);
    return {};
  }
  Result<void> append_outbox(const std::vector<OutboxEntry>&) override { return {}; }
  std::uint64_t last_outbox_id() const override { return 0; }
  Result<void> checkpoint() override {
    ++checkpoints_;
    return {};
  }
  Result<audit::Receipt> append_with_receipt(const audit::Event& event) override {
    KH_TRY(append_management(event));
    return audit::Receipt{"record", "checkpoint"};
  }
  Result<void> health() const override { return {}; }

  std::vector<audit::Event> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }
  int checkpoints() const { return checkpoints_; }

 private:
  void add(const audit::Event& event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(event);
  }
  std::mutex mutex_;
  std::vector<audit::Event> events_;
  int checkpoints_ = 0;
};

// Runs what is posted when the test pumps it.
class TestLoop final : public net::Loop {
 public:
  unsigned index() const noexcept override { return 0; }
  bool in_loop_thread() const noexcept override { return std::this_thread::get_id() == thread_; }
  void post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    wake_.notify_all();
  }
  std::unique_ptr<Watch> watch(int, std::function<void()>) override { return nullptr; }
  void every(std::chrono::milliseconds, std::function<void()>) override {}

  template <class Done>
  void run_until(Done done) {
    while (!done()) {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, std::chrono::seconds(10), [&] { return !tasks_.empty() || done(); });
      if (tasks_.empty()) continue;
      const std::function<void()> task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }
  void wake() { wake_.notify_all(); }

 private:
  const std::thread::id thread_ = std::this_thread::get_id();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
};

class TestApi {
 public:
  struct Given {
    std::string token;  // empty: no Authorization header
    std::string body;
    std::vector<std::pair<std::string, std::string>> headers;
    std::string remote_address = "127.0.0.1";
    bool private_network = false;
  };

  TestApi(Authenticator& authenticator, const InstanceLookup& instances, const Clock& clock)
      : api_({.loops = 1, .unauthenticated_records_per_second = 1'000'000}, authenticator,
             instances, log_, workers_, clock) {}
  ~TestApi() { workers_.stop(); }

  Api& api() { return api_; }
  MemoryLog& log() { return log_; }

  // One call; `target` is the path, perhaps with a query.
  Response call(std::string method, const std::string& target, const Given& given) {
    std::vector<std::uint8_t> body(given.body.begin(), given.body.end());
    body.resize(body.size() + net::kBodySlack);
    const std::string authorization = "Bearer " + given.token;
    std::vector<net::Header> headers;
    if (!given.token.empty()) headers.push_back({"Authorization", authorization});
    for (const auto& [name, value] : given.headers) headers.push_back({name, value});
    const std::size_t question = std::min(target.find('?'), target.size());

    net::Request request;
    request.method = method;
    request.path = std::string_view(target).substr(0, question);
    request.query = std::string_view(target).substr(std::min(question + 1, target.size()));
    request.headers = headers;
    request.body = std::span(body).first(given.body.size());
    request.remote_address = given.remote_address;
    request.private_network = given.private_network;
    request.loop = &loop_;
    auto inbox = std::make_shared<Inbox>(loop_);
    api_.handler()(request, net::Reply(inbox));
    loop_.run_until([&] { return inbox->arrived.load(); });
    return std::move(inbox->response);
  }

 private:
  struct Inbox final : net::Reply::Target {
    explicit Inbox(TestLoop& owner) : loop(owner) {}
    void send(Response answer) override {
      response = std::move(answer);
      arrived = true;
      loop.wake();
    }
    TestLoop& loop;
    Response response;
    std::atomic<bool> arrived = false;
  };

  MemoryLog log_;
  WorkerPool workers_{2, 16};
  TestLoop loop_;
  Api api_;
};

}  // namespace keyhaven::http
