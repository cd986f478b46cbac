// The one way a key record changes: under the key's lock, from the record as it is now, committed
// with its audit event and what belongs to it, then published.
//
// KeyService (the life of keys) and Registrations (who depends on them) write through this.
#pragma once

#include <array>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <tuple>
#include <vector>

#include "audit/event.h"
#include "keys/directory.h"
#include "keys/key_clocks.h"
#include "keys/key_store.h"

namespace keyhaven::keys {

// One management call: who, and the event that is committed with the change. The operation adds
// details to the event.
struct Change {
  std::string actor;      // iam id
  audit::Event event;     // as it will be on success
  bool recorded = false;  // set when the change and its event are committed; stays set if the fence
                          // fails afterwards
};

// Adds a detail to the event of a change.
void add_detail(Change& change, std::string name, std::string value);

// Thread-safe.
class KeyChanges {
 public:
  // One change at a time per key; a change of all keys of a ring excludes them all.
  struct KeyLock {
    std::shared_lock<std::shared_mutex> among_all;
    std::unique_lock<std::mutex> alone;
  };
  using AllLock = std::unique_lock<std::shared_mutex>;
  struct ManyLock {
    std::shared_lock<std::shared_mutex> among_all;
    std::vector<std::unique_lock<std::mutex>> alone;
  };
  struct Due {
    InstanceId instance;
    KeyId key;
    Timestamp at;
  };

  // Borrows all of them. `times` decides when the sweep must look at a key again.
  KeyChanges(KeyStore& store, Directory& directory, const KeyTimes& times);

  KeyLock lock(const KeyId& id);
  AllLock lock_all() { return AllLock(all_keys_); }
  // Of several keys at once; the caller must hold no other lock of a key.
  ManyLock lock_many(std::span<const KeyId> ids);

  // The record now, for a caller who was authorised for `seen`; the lock must be held. Errors:
  // KeyNotFound (purged meanwhile), Conflict (moved to another ring).
  Result<KeyRecordPtr> current(const KeyRecord& seen) const;

  // Commits `next` and the event, then publishes the record. Errors of KeyStore::commit: nothing
  // changed.
  Result<KeyRecordPtr> commit(KeyRecord next, Change& change);
  // The same together with `rest`, whose `put` must be empty and is empty again afterwards; what
  // else it holds stays as it is, for the caller to publish.
  Result<KeyRecordPtr> commit(KeyRecord next, Change& change, KeyChange& rest);
  // Commits all of `next` in one transaction, then publishes them.
  Result<void> commit_many(std::vector<KeyRecord> next, Change& change);
  // Any other change: commits and sets `recorded`; publishing is the caller's.
  Result<std::vector<std::uint64_t>> commit(const KeyChange& stored, Change& change);

  // Remembers when the sweep must look at the key again; for load. commit does it by itself.
  void note_due(const KeyRecord& key);
  // Takes the keys that are due at `now`, longest due first. Entries may be stale: look at the key
  // again.
  std::vector<Due> take_due(Timestamp now);
  // Puts one back for the next sweep, where it stands as if it had become due at `at`.
  void put_back(const Due& due, Timestamp at);

  Directory& directory() noexcept { return directory_; }
  const Directory& directory() const noexcept { return directory_; }
  KeyStore& store() noexcept { return store_; }
  const KeyTimes& times() const noexcept { return times_; }

 private:
  static constexpr std::size_t kStripes = 256;
  using Entry = std::tuple<Timestamp, InstanceId, KeyId>;

  KeyStore& store_;
  Directory& directory_;
  const KeyTimes times_;
  std::shared_mutex all_keys_;  // taken before a stripe
  std::array<std::mutex, kStripes> stripes_;
  std::mutex due_mutex_;
  std::set<Entry> due_;
};

}  // namespace keyhaven::keys
