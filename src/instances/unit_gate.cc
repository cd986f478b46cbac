#include "instances/unit_gate.h"

#include <utility>

namespace keyhaven::instances {
namespace {

// Undoes a hold when its last copy goes.
template <class Release>
UnitGate::Hold hold(Release release) {
  return {static_cast<const void*>("held"),
          [release = std::move(release)](const void*) { release(); }};
}

}  // namespace

std::shared_ptr<UnitGate::Door> UnitGate::door(const InstanceId& instance) {
  const std::lock_guard lock(mutex_);
  std::shared_ptr<Door>& found = doors_[instance];
  if (!found) found = std::make_shared<Door>();
  return found;
}

UnitGate::Hold UnitGate::share(const InstanceId& instance) {
  auto here = door(instance);
  {
    std::unique_lock lock(here->mutex);
    here->changed.wait(lock, [&] { return !here->excluded && here->waiting_to_exclude == 0; });
    ++here->sharing;
  }
  return hold([here] {
    const std::lock_guard lock(here->mutex);
    if (--here->sharing == 0) here->changed.notify_all();
  });
}

UnitGate::Hold UnitGate::exclude(const InstanceId& instance) {
  auto here = door(instance);
  {
    std::unique_lock lock(here->mutex);
    ++here->waiting_to_exclude;
    here->changed.wait(lock, [&] { return !here->excluded && here->sharing == 0; });
    --here->waiting_to_exclude;
    here->excluded = true;
  }
  return hold([here] {
    const std::lock_guard lock(here->mutex);
    here->excluded = false;
    here->changed.notify_all();
  });
}

}  // namespace keyhaven::instances
