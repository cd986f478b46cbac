// What time does without a request: audit checkpoints, keys that expire or are due for purge.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "audit/log.h"
#include "base/clock.h"
#include "keys/key_service.h"

namespace keyhaven::server {

// One thread. A failure is not fatal here: audit and store report it in their health, and the next
// round tries again.
class Housekeeping {
 public:
  // Borrows everything.
  Housekeeping(audit::Log& log, keys::KeyService& keys, const Clock& clock,
               std::chrono::seconds checkpoint_period);
  ~Housekeeping() { stop(); }
  Housekeeping(const Housekeeping&) = delete;
  Housekeeping& operator=(const Housekeeping&) = delete;
  void stop();

 private:
  void run();
  audit::Log& log_;
  keys::KeyService& keys_;
  const Clock& clock_;
  const std::chrono::seconds period_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace keyhaven::server
