// Threads that call into a module which may hang. A call has a deadline; one that misses it is
// given up with its thread, another thread takes its place, and when `lost_limit` threads are gone
// the pool answers Hung at once until one of them returns. Internal to token/.
//
// A thread cannot be ended from outside while it is in foreign code, so a lost one lives on with
// what its call captured; hence captures are owned, never borrowed.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>

namespace keyhaven::token {

using Deadline = std::chrono::steady_clock::time_point;

// What a running call knows about its caller.
struct Ticket {
  Deadline deadline;
  std::atomic<bool> abandoned{false};  // the caller has gone: change nothing from here on
};

enum class CallOutcome : std::uint8_t {
  Done,
  Missed,   // began and did not end in time: what it did is unknown
  Busy,     // never began: no thread became free in time
  Hung,     // never began: too many threads are lost
  NoThread  // never began: the system gave no thread
};

class CallPool {
 public:
  // `on_hung(true)` is called when the limit is reached, `on_hung(false)` when a thread returned.
  CallPool(unsigned threads, unsigned lost_limit, std::function<void(bool hung)> on_hung);
  CallPool(const CallPool&) = delete;
  CallPool& operator=(const CallPool&) = delete;
  // Waits for running calls that nobody gave up; there must be no caller inside.
  ~CallPool();

  // Runs `work` on a thread of the pool and waits for it. After Done everything it wrote is
  // visible. Thread-safe.
  CallOutcome run(std::function<void(const Ticket&)> work, Deadline deadline);

  bool hung() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace keyhaven::token
