// What the key domain needs from a store: everything at start, and durable changes.
//
// Keys are served from memory (keys/directory.h); the store is read at start only. A change is one
// transaction: records with optimistic revisions, rings, and the audit event of the call in the
// outbox, all or nothing.
#pragma once

#include <functional>
#include <vector>

#include "audit/event.h"
#include "base/result.h"
#include "keys/key_record.h"
#include "keys/registration.h"

namespace keyhaven::keys {

struct RegistrationName {
  InstanceId instance;
  KeyId key;
  std::string resource_crn;
};

// Removing a key removes its registrations and events too.
struct KeyChange {
  std::vector<KeyRecord> put;  // revision must equal the stored one; 0 creates
  std::vector<std::pair<InstanceId, KeyId>> remove;  // purge
  std::vector<KeyRing> put_rings;
  std::vector<std::pair<InstanceId, std::string>> remove_rings;
  std::vector<Registration> put_registrations;  // replaces one of the same key and CRN
  std::vector<RegistrationName> remove_registrations;
  std::vector<LifecycleEvent> put_events;  // replaces one of the same id
  std::vector<std::pair<InstanceId, Uuid>> remove_events;
};

// Durable home of keys and rings. Thread-safe. A change that returned success survives a crash and
// power loss.
class KeyStore {
 public:
  virtual ~KeyStore() = default;
  // Streams all records / rings. Errors: StoreUnavailable, Internal (row does not decode; the
  // message names the id).
  virtual Result<void> load_keys(const std::function<void(KeyRecord)>& sink) = 0;
  virtual Result<void> load_rings(const std::function<void(KeyRing)>& sink) = 0;
  virtual Result<void> load_registrations(const std::function<void(Registration)>& sink) = 0;
  virtual Result<void> load_events(const std::function<void(LifecycleEvent)>& sink) = 0;
  // Applies `change` with `event`; blocks until durable (group commit). Returns the new revisions
  // in order of `put`. Alias uniqueness per instance is enforced by the schema too. Errors:
  // Conflict (revision), AliasNotUnique, KeyRingExists, StoreUnavailable (disk full, read-only:
  // nothing changed).
  virtual Result<std::vector<std::uint64_t>> commit(const KeyChange& change,
                                                    const audit::Event& event) = 0;
};

}  // namespace keyhaven::keys
