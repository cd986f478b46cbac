#include "console/workers.h"

#include <utility>

namespace keyhaven::console {

Workers::Workers(std::vector<Upstream> upstreams) : upstreams_(std::move(upstreams)) {
  for (Upstream& upstream : upstreams_) {
    threads_.emplace_back([this, &upstream] { run(upstream); });
  }
}

bool Workers::submit(Task task) {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void Workers::stop() {
  std::deque<Task> dropped;  // their replies answer as they go
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    dropped.swap(waiting_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Workers::run(Upstream& upstream) {
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
      if (stopped_) return;
      task = std::move(waiting_.front());
      waiting_.pop_front();
    }
    task(upstream);
  }
}

}  // namespace keyhaven::console
