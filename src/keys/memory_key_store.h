// A KeyStore that keeps everything in memory and honours its contract (revisions, uniqueness, all
// or nothing): for unit tests of this folder and of http/. The durable one is in store/.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "keys/key_store.h"

namespace keyhaven::keys {

class MemoryKeyStore final : public KeyStore {
 public:
  Result<void> load_keys(const std::function<void(KeyRecord)>& sink) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, bytes] : keys_) sink(KH_TRY(decode_key_record(bytes)));
    return {};
  }

  Result<void> load_rings(const std::function<void(KeyRing)>& sink) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, ring] : rings_) sink(ring);
    return {};
  }

  Result<void> load_registrations(const std::function<void(Registration)>& sink) override {
    std::lock_guard lock(mutex_);
    for (const auto& [name, registration] : registrations_) sink(registration);
    return {};
  }

  Result<void> load_events(const std::function<void(LifecycleEvent)>& sink) override {
    std::lock_guard lock(mutex_);
    for (const auto& [id, event] : lifecycle_events_) sink(event);
    return {};
  }

  Result<std::vector<std::uint64_t>> commit(const KeyChange& change,
                                            const audit::Event& event) override {
    std::lock_guard lock(mutex_);
    if (failure_) return *failure_;
    for (const KeyRecord& key : change.put) {
      if (revision_of(key.id) != key.revision)
        return Error{Reason::Conflict, "the key was changed meanwhile", ""};
    }
    for (const KeyRing& ring : change.put_rings) {
      if (rings_.contains({ring.instance, ring.id}))
        return Error{Reason::KeyRingExists, "the ring exists", ""};
    }
    std::vector<std::uint64_t> revisions;
    for (KeyRecord key : change.put) {
      revisions.push_back(++key.revision);
      keys_[key.id] = encode(key);
    }
    for (const auto& [instance, id] : change.remove) remove_key(id);
    for (const KeyRing& ring : change.put_rings) rings_[{ring.instance, ring.id}] = ring;
    for (const auto& ring : change.remove_rings) rings_.erase(ring);
    for (const RegistrationName& name : change.remove_registrations)
      registrations_.erase({name.key, name.resource_crn});
    for (const Registration& registration : change.put_registrations)
      registrations_[{registration.key, registration.resource_crn}] = registration;
    for (const auto& [instance, id] : change.remove_events) lifecycle_events_.erase(id);
    for (const LifecycleEvent& lifecycle : change.put_events)
      lifecycle_events_[lifecycle.id] = lifecycle;
    events_.push_back(event);
    return revisions;
  }

  // What was committed, in order.
  std::vector<audit::Event> events() const {
    std::lock_guard lock(mutex_);
    return events_;
  }
  // From now on every commit fails so; nullopt ends that.
  void fail_with(std::optional<Error> error) {
    std::lock_guard lock(mutex_);
    failure_ = std::move(error);
  }

 private:
  std::uint64_t revision_of(const KeyId& id) const {
    const auto found = keys_.find(id);
    return found == keys_.end() ? 0 : decode_key_record(found->second)->revision;
  }

  void remove_key(const KeyId& id) {
    keys_.erase(id);
    std::erase_if(registrations_, [&](const auto& row) { return row.second.key == id; });
    std::erase_if(lifecycle_events_, [&](const auto& row) { return row.second.key == id; });
  }

  mutable std::mutex mutex_;
  std::map<KeyId, Bytes> keys_;
  std::map<std::pair<KeyId, std::string>, Registration> registrations_;
  std::map<Uuid, LifecycleEvent> lifecycle_events_;
  std::map<std::pair<InstanceId, std::string>, KeyRing> rings_;
  std::vector<audit::Event> events_;
  std::optional<Error> failure_;
};

}  // namespace keyhaven::keys
