// One event loop: a thread that runs handlers, watches descriptors and timers. The server has one
// per core; everything that belongs to a loop (connections, token cache, unit channel) is touched
// by its thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace keyhaven::net {

class Loop {
 public:
  virtual ~Loop() = default;
  // 0 .. count-1, stable for the life of the server.
  virtual unsigned index() const noexcept = 0;
  virtual bool in_loop_thread() const noexcept = 0;
  // Runs `task` on this loop, soon, after the handlers that are ready now: posting a flush from the
  // first call of a turn collects everything that became ready in that turn. Thread-safe.
  virtual void post(std::function<void()> task) = 0;
  // Calls `on_readable` on the loop whenever `fd` becomes readable, until the returned watch is
  // destroyed (on the loop thread). The descriptor stays owned by the caller and must be
  // non-blocking.
  class Watch {
   public:
    virtual ~Watch() = default;
    // Asks for one call of `on_writable` when the descriptor takes bytes again.
    virtual void notify_writable(std::function<void()> on_writable) = 0;
  };
  virtual std::unique_ptr<Watch> watch(int fd, std::function<void()> on_readable) = 0;
  // Calls `task` on the loop every `period` until the server stops. Thread-safe.
  virtual void every(std::chrono::milliseconds period, std::function<void()> task) = 0;
};

}  // namespace keyhaven::net
