// The server's side of the launcher: receives channels when a unit is up, tells when it is down.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/unit_launcher.h"

namespace keyhaven::server {

// Thread-safe. One thread of its own reads the launcher's messages and makes the callbacks.
class UnitSupervisor {
 public:
  struct Callbacks {
    // A unit is ready; as many stream sockets as UnitLaunchOptions::channels, in a fixed order.
    // Attach each to its client (LoopClient::attach and BlockingClient::attach are thread-safe).
    std::function<void(std::vector<FileDescriptor> channels, pid_t unit)> on_channels;
    // The unit ended; the clients see the end of their channels by themselves. For logs and
    // metrics; may be empty.
    std::function<void(const std::string& cause)> on_down;
  };

  UnitSupervisor(UnitLauncher launcher, Callbacks callbacks);
  ~UnitSupervisor();  // stop()
  UnitSupervisor(const UnitSupervisor&) = delete;
  UnitSupervisor& operator=(const UnitSupervisor&) = delete;

  struct Status {
    bool up = false;
    pid_t unit_pid = 0;          // 0 while down
    std::uint64_t restarts = 0;  // units started after the first
    std::string last_cause;      // why the last one ended; empty when none has
    bool launcher_lost = false;  // nobody will start it again: the server should end
  };
  Status status() const;

  // Waits for the unit's first or next readiness. Errors: InvalidArgument (the unit refuses its
  // configuration, key or state; the message is its own), UnitUnavailable (not in time, or the
  // launcher is gone).
  Result<void> wait_until_up(std::chrono::milliseconds limit);

  // Ends launcher and unit and waits for them (at most some seconds). Detach the clients first: the
  // unit ends as soon as its channels are closed. No callback is made afterwards. Not from a
  // callback.
  void stop();

 private:
  void receive_events();
  bool receive_event();
  void became_up(std::vector<FileDescriptor> channels, pid_t unit);
  void became_down(const std::string& cause, bool refused);

  UnitLauncher launcher_;
  Callbacks callbacks_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Status status_;
  bool refused_ = false;
  bool stopping_ = false;
  std::uint64_t starts_ = 0;
  std::thread thread_;
};

}  // namespace keyhaven::server
