// What time does without a request: audit checkpoints, and keys that expire, rotate or are due for
// purge.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "audit/log.h"
#include "base/clock.h"
#include "keys/key_service.h"

namespace keyhaven::server {

// One thread. A failure is not fatal here: audit and store report it in their health, a sweep's is
// told to `sweep_state`, and the next round tries again.
class Housekeeping {
 public:
  struct Periods {
    std::chrono::seconds checkpoint;
    std::chrono::seconds sweep;
  };
  // Called on the thread when a sweep begins to fail or fails for another reason, and with an empty
  // text when one works again: not once per failed sweep.
  using SweepState = std::function<void(const std::string& failure)>;
  // Borrows everything.
  Housekeeping(audit::Log& log, keys::KeyService& keys, const Clock& clock, Periods periods,
               SweepState sweep_state);
  ~Housekeeping() { stop(); }
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;
  void stop();

 private:
  void run();
  void sweep();
  audit::Log& log_;
  keys::KeyService& keys_;
  const Clock& clock_;
  const Periods periods_;
  const SweepState sweep_state_;
  std::string failure_;  // of the last sweep; empty: none
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyhaven::server
