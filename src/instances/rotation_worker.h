// The thread that does the work of master key rotations: batch by batch, all instances in turn, at
// a pace that leaves the processors to the callers.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "instances/master_key_rotation.h"

namespace keyhaven::instances {

class RotationWorker {
 public:
  struct Pace {
    // After a failure, doubled each time up to the most.
    std::chrono::milliseconds least_wait{250};
    std::chrono::milliseconds most_wait{30'000};
    // Rest after each batch, as a share of the time that the batch took.
    double rest = 0.5;
  };
  // Borrows both; begins with what the records say is under way.
  RotationWorker(InstanceService& instances, MasterKeyRotations& rotations, Pace pace);
  RotationWorker(const RotationWorker&) = delete;
  RotationWorker& operator=(const RotationWorker&) = delete;
  ~RotationWorker() { stop(); }
  // Ends after the batch under way. Idempotent.
  void stop();

 private:
  using Steady = std::chrono::steady_clock;
  struct Turn {
    Steady::time_point at;  // not before
    std::chrono::milliseconds wait{0};
  };
  void wake(const InstanceId& instance);
  void run();
  std::map<InstanceId, Turn> take_turns();
  // One batch of each instance that is due; when to look again.
  Steady::time_point round();
  Turn next_turn(const Turn& last, MasterKeyRotations::Work work, Steady::duration took) const;
  bool is_stopping();

  InstanceService& instances_;
  MasterKeyRotations& rotations_;
  const Pace pace_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::set<InstanceId> woken_;        // of several threads, like stopping_
  std::map<InstanceId, Turn> turns_;  // of the thread
  std::thread thread_;
};

}  // namespace keyhaven::instances
