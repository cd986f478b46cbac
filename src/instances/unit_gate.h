// Keeps what makes key blobs and what changes the master keys of an instance apart.
//
// Whoever seals and stores blobs shares the gate from before the unit seals until the commit is
// done; whoever changes a register, or the phase of a rotation, excludes them. So what such a
// change finds out about the stored blobs is still true when it happens. Uses of keys (wrap,
// unwrap, read) never come here.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "base/id.h"

namespace keyhaven::instances {

// Thread-safe. Who wants to exclude goes before those who come to share after it, so that it gets
// its turn while keys are made all the time. A thread holds the gate of one instance at most, once.
class UnitGate {
 public:
  // Held until the last copy is gone. Null is never returned.
  using Hold = std::shared_ptr<const void>;

  // Each waits for its turn.
  [[nodiscard]] Hold share(const InstanceId& instance);
  [[nodiscard]] Hold exclude(const InstanceId& instance);

 private:
  struct Door {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t sharing = 0;
    std::size_t waiting_to_exclude = 0;
    bool excluded = false;
  };
  std::shared_ptr<Door> door(const InstanceId& instance);

  std::mutex mutex_;                                   // of the map
  std::map<InstanceId, std::shared_ptr<Door>> doors_;  // as many as instances were ever used
};

}  // namespace keyhaven::instances
