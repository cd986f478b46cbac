#include "keys/registration_index.h"

#include <algorithm>
#include <mutex>
#include <tuple>

namespace keyhaven::keys {

bool RegistrationIndex::ByCreation::operator()(const RegistrationPtr& a,
                                               const RegistrationPtr& b) const noexcept {
  return std::tie(a->created, a->resource_crn, a->key) <
         std::tie(b->created, b->resource_crn, b->key);
}

bool RegistrationIndex::ByCreation::operator()(const LifecycleEventPtr& a,
                                               const LifecycleEventPtr& b) const noexcept {
  return std::tie(a->created, a->id) < std::tie(b->created, b->id);
}

void RegistrationIndex::OfInstance::put(RegistrationPtr registration) {
  RegistrationPtr& entry = keys[registration->key][registration->resource_crn];
  if (entry) in_order.erase(entry);
  entry = std::move(registration);
  in_order.insert(entry);
}

void RegistrationIndex::OfInstance::put(LifecycleEventPtr event) {
  LifecycleEventPtr& entry = events[event->id];
  if (entry) events_in_order.erase(entry);
  entry = std::move(event);
  events_in_order.insert(entry);
  events_by_key.emplace(entry->key, entry->id);
}

void RegistrationIndex::OfInstance::remove(const KeyId& key, const std::string& resource_crn) {
  const auto of_key = keys.find(key);
  if (of_key == keys.end()) return;
  const auto found = of_key->second.find(resource_crn);
  if (found == of_key->second.end()) return;
  in_order.erase(found->second);
  of_key->second.erase(found);
  if (of_key->second.empty()) keys.erase(of_key);
}

void RegistrationIndex::OfInstance::remove_event(const Uuid& id) {
  const auto found = events.find(id);
  if (found == events.end()) return;
  events_in_order.erase(found->second);
  events_by_key.erase({found->second->key, id});
  events.erase(found);
}

void RegistrationIndex::OfInstance::forget(const KeyId& key) {
  if (const auto of_key = keys.find(key); of_key != keys.end()) {
    for (const auto& [crn, registration] : of_key->second) in_order.erase(registration);
    keys.erase(of_key);
  }
  while (true) {
    const auto next = events_by_key.lower_bound({key, Uuid()});
    if (next == events_by_key.end() || next->first != key) return;
    remove_event(Uuid(next->second));  // a copy: the entry goes
  }
}

const RegistrationIndex::OfInstance* RegistrationIndex::of(const InstanceId& instance) const {
  const auto found = instances_.find(instance);
  return found == instances_.end() ? nullptr : &found->second;
}

RegistrationPtr RegistrationIndex::find(const InstanceId& instance, const KeyId& key,
                                        std::string_view resource_crn) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return nullptr;
  const auto of_key = all->keys.find(key);
  if (of_key == all->keys.end()) return nullptr;
  const auto found = of_key->second.find(resource_crn);
  return found == of_key->second.end() ? nullptr : found->second;
}

std::vector<RegistrationPtr> RegistrationIndex::of_key(const InstanceId& instance,
                                                       const KeyId& key) const {
  std::vector<RegistrationPtr> out;
  {
    const std::shared_lock lock(mutex_);
    const OfInstance* all = of(instance);
    if (all == nullptr) return out;
    const auto of_key = all->keys.find(key);
    if (of_key == all->keys.end()) return out;
    for (const auto& [crn, registration] : of_key->second) out.push_back(registration);
  }
  std::sort(out.begin(), out.end(), ByCreation());
  return out;
}

std::size_t RegistrationIndex::count(const InstanceId& instance, const KeyId& key) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return 0;
  const auto of_key = all->keys.find(key);
  return of_key == all->keys.end() ? 0 : of_key->second.size();
}

void RegistrationIndex::each(const InstanceId& instance,
                             const std::function<void(const RegistrationPtr&)>& visit) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return;
  for (const RegistrationPtr& registration : all->in_order) visit(registration);
}

LifecycleEventPtr RegistrationIndex::find_event(const InstanceId& instance, const Uuid& id) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return nullptr;
  const auto found = all->events.find(id);
  return found == all->events.end() ? nullptr : found->second;
}

void RegistrationIndex::each_event(
    const InstanceId& instance, const std::function<void(const LifecycleEventPtr&)>& visit) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return;
  for (const LifecycleEventPtr& event : all->events_in_order) visit(event);
}

std::size_t RegistrationIndex::event_count(const InstanceId& instance) const {
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  return all == nullptr ? 0 : all->events.size();
}

std::vector<Uuid> RegistrationIndex::oldest_events(
    const InstanceId& instance, std::size_t limit,
    const std::function<bool(const LifecycleEvent&, std::size_t)>& outdated) const {
  std::vector<Uuid> out;
  const std::shared_lock lock(mutex_);
  const OfInstance* all = of(instance);
  if (all == nullptr) return out;
  for (const LifecycleEventPtr& event : all->events_in_order) {
    if (out.size() >= limit || !outdated(*event, out.size())) break;
    out.push_back(event->id);
  }
  return out;
}

void RegistrationIndex::apply(const KeyChange& change) {
  const std::unique_lock lock(mutex_);
  for (const RegistrationName& name : change.remove_registrations)
    instances_[name.instance].remove(name.key, name.resource_crn);
  for (const Registration& registration : change.put_registrations)
    instances_[registration.instance].put(std::make_shared<const Registration>(registration));
  for (const auto& [instance, id] : change.remove_events) instances_[instance].remove_event(id);
  for (const LifecycleEvent& event : change.put_events)
    instances_[event.instance].put(std::make_shared<const LifecycleEvent>(event));
}

void RegistrationIndex::forget(const InstanceId& instance, const KeyId& key) {
  const std::unique_lock lock(mutex_);
  if (const auto found = instances_.find(instance); found != instances_.end())
    found->second.forget(key);
}

void RegistrationIndex::load(Registration registration) {
  const std::unique_lock lock(mutex_);
  OfInstance& all = instances_[registration.instance];
  all.put(std::make_shared<const Registration>(std::move(registration)));
}

void RegistrationIndex::load(LifecycleEvent event) {
  const std::unique_lock lock(mutex_);
  OfInstance& all = instances_[event.instance];
  all.put(std::make_shared<const LifecycleEvent>(std::move(event)));
}

}  // namespace keyhaven::keys
