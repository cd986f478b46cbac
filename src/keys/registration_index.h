// All registrations and lifecycle events in memory, in the order in which they are listed: what
// Registrations (keys/registrations.h) reads. Entries are immutable; a change replaces them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/id.h"
#include "keys/key_store.h"
#include "keys/registration.h"

namespace keyhaven::keys {

using LifecycleEventPtr = std::shared_ptr<const LifecycleEvent>;

// Thread-safe. Each call sees and leaves whole changes.
class RegistrationIndex {
 public:
  // Null when there is none.
  RegistrationPtr find(const InstanceId& instance, const KeyId& key,
                       std::string_view resource_crn) const;
  // By creation, then CRN.
  std::vector<RegistrationPtr> of_key(const InstanceId& instance, const KeyId& key) const;
  std::size_t count(const InstanceId& instance, const KeyId& key) const;
  // Visits those of an instance by creation, then CRN, then key. `visit` must not call back.
  void each(const InstanceId& instance,
            const std::function<void(const RegistrationPtr&)>& visit) const;

  LifecycleEventPtr find_event(const InstanceId& instance, const Uuid& id) const;
  // Oldest first. `visit` must not call back.
  void each_event(const InstanceId& instance,
                  const std::function<void(const LifecycleEventPtr&)>& visit) const;
  std::size_t event_count(const InstanceId& instance) const;
  // The oldest events, at most `limit`, as long as `outdated` says so of them; it is given how many
  // have been taken before.
  std::vector<Uuid> oldest_events(
      const InstanceId& instance, std::size_t limit,
      const std::function<bool(const LifecycleEvent&, std::size_t taken)>& outdated) const;

  // Shows the registrations and events of a committed change.
  void apply(const KeyChange& change);
  void forget(const InstanceId& instance, const KeyId& key);
  void load(Registration registration);
  void load(LifecycleEvent event);

 private:
  struct ByCreation {
    bool operator()(const RegistrationPtr& a, const RegistrationPtr& b) const noexcept;
    bool operator()(const LifecycleEventPtr& a, const LifecycleEventPtr& b) const noexcept;
  };
  using OfKey = std::map<std::string, RegistrationPtr, std::less<>>;  // by CRN
  struct OfInstance {
    std::unordered_map<KeyId, OfKey, UuidHash> keys;
    std::set<RegistrationPtr, ByCreation> in_order;
    std::unordered_map<Uuid, LifecycleEventPtr, UuidHash> events;
    std::set<LifecycleEventPtr, ByCreation> events_in_order;
    std::set<std::pair<KeyId, Uuid>> events_by_key;

    void put(RegistrationPtr registration);
    void put(LifecycleEventPtr event);
    void remove(const KeyId& key, const std::string& resource_crn);
    void remove_event(const Uuid& id);
    void forget(const KeyId& key);
  };
  const OfInstance* of(const InstanceId& instance) const;  // null if it has nothing

  mutable std::shared_mutex mutex_;
  std::unordered_map<InstanceId, OfInstance, UuidHash> instances_;
};

}  // namespace keyhaven::keys
