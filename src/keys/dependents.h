// Who depends on a key: what the key service asks of the registrations, without knowing them.
#pragma once

#include "keys/key_record.h"
#include "keys/key_store.h"
#include "keys/registration.h"

namespace keyhaven::keys {

// Thread-safe. Called with the key's lock held (keys/key_changes.h).
class Dependents {
 public:
  virtual ~Dependents() = default;
  struct Blockers {
    std::size_t registrations = 0;  // active ones
    bool prevent_deletion = false;  // one of them forbids deletion
  };
  virtual Blockers blockers(const KeyRecord& key) const = 0;
  // Adds to `change` what a lifecycle step of `next` means for its registrations: an event for each
  // active one. Deleting the key needs no more: while it is destroyed none of them counts, and with
  // a restore they count again.
  virtual void add_effects(LifecycleKind kind, const KeyRecord& next, Timestamp now,
                           KeyChange& change) const = 0;
  // `change` has been committed: shows its registrations.
  virtual void publish(const KeyChange& change) = 0;
  // The key was purged, and its rows with it.
  virtual void forget(const InstanceId& instance, const KeyId& key) = 0;
};

}  // namespace keyhaven::keys
