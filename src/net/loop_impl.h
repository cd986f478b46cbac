// The event loop on Asio, for the .cc files of this folder: including it costs seconds of compile
// time.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/buffer.h"
#include "net/loop.h"

namespace keyhaven::net {

namespace asio = boost::asio;

// The way into a loop for objects that may outlive it, such as a reply held by another thread.
class LoopGate {
 public:
  explicit LoopGate(asio::io_context& context) : context_(&context) {}

  // True on the loop's own thread.
  bool in_loop_thread() const noexcept { return current_ == this; }
  // Runs `task` on the loop; after the loop has ended it is dropped. Thread-safe.
  template <class Task>
  void post(Task&& task) {
    const std::lock_guard lock(mutex_);
    if (context_ != nullptr) asio::post(*context_, std::forward<Task>(task));
  }
  void enter() noexcept { current_ = this; }
  // The loop ends: nothing can be posted any more.
  void close() noexcept {
    const std::lock_guard lock(mutex_);
    context_ = nullptr;
    current_ = nullptr;
  }

 private:
  std::mutex mutex_;
  asio::io_context* context_;
  static thread_local const LoopGate* current_;
};

class LoopImpl final : public Loop {
 public:
  explicit LoopImpl(unsigned index);
  ~LoopImpl() override;

  unsigned index() const noexcept override { return index_; }
  bool in_loop_thread() const noexcept override { return gate_->in_loop_thread(); }
  void post(std::function<void()> task) override;
  std::unique_ptr<Watch> watch(int fd, std::function<void()> on_readable) override;
  void every(std::chrono::milliseconds period, std::function<void()> task) override;

  void start();
  // Ends the thread after the handler that runs now and waits for it; what is still queued is
  // dropped.
  void stop();

  asio::io_context& context() noexcept { return context_; }
  const std::shared_ptr<LoopGate>& gate() const noexcept { return gate_; }
  BlockPool& blocks() noexcept { return blocks_; }
  // The current value of the Date header, made once a second.
  std::string_view date();

 private:
  struct Periodic;
  static void arm(const std::shared_ptr<Periodic>& periodic);
  void run();

  unsigned index_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::shared_ptr<LoopGate> gate_;
  std::thread thread_;
  BlockPool blocks_;
  std::string date_;
  std::int64_t date_second_ = -1;
};

}  // namespace keyhaven::net
