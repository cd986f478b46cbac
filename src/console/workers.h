// A few threads for what blocks: calls to the server, files of a migration.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "console/upstream.h"

namespace keyhaven::console {

inline constexpr std::size_t kWorkers = 6;  // as many as a browser opens to one host
inline constexpr std::size_t kMaxWaiting = 64;

// Each thread has connections of its own.
class Workers {
 public:
  using Task = std::function<void(Upstream& upstream)>;

  explicit Workers(std::vector<Upstream> upstreams);
  ~Workers() { stop(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // False when kMaxWaiting tasks wait, or after stop. Thread-safe.
  bool submit(Task task);
  // Drops what waits and ends the threads after the calls that are under way.
  void stop();

 private:
  void run(Upstream& upstream);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> waiting_;
  bool stopped_ = false;
  std::vector<Upstream> upstreams_;
  std::vector<std::thread> threads_;
};

}  // namespace keyhaven::console
