// A small bounded pool for what must not run on an event loop: durable writes, password hashing,
// blocking unit calls.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keyhaven::http {

class WorkerPool {
 public:
  // Many threads wait for the same group commit, so more threads than cores make sense.
  WorkerPool(unsigned threads, std::size_t queue_limit);
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Queues `task`; false when the queue is full or the pool is stopping (the caller answers 503).
  // Thread-safe.
  [[nodiscard]] bool submit(std::function<void()> task);
  // Runs what is queued to its end, then joins. Idempotent; not from a pool thread.
  void stop();

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  const std::size_t queue_limit_;
  bool stopping_ = false;
};

}  // namespace keyhaven::http
