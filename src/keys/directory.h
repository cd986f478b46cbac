// All keys, aliases and rings of all instances, in memory: what the hot path reads and what
// listings walk.
//
// Records are immutable snapshots behind shared pointers (shared: a call in flight keeps the record
// it decided on while a change publishes the next one). Look-ups take one of 64 shard locks in
// shared mode, never a lock common to all keys. Changes happen in three steps, so that no lock is
// held across a durable write: claim (names and places are taken, limits are checked), commit to
// the store, then publish; or release when the commit failed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "keys/blob_census.h"
#include "keys/instance_rules.h"
#include "keys/key_record.h"
#include "keys/key_table.h"
#include "keys/quarantine.h"

namespace keyhaven::keys {

// Names and places that a change needs before it is committed.
struct Claim {
  InstanceId instance;
  KeyId key;
  bool new_key = false;
  std::string ring;                  // the ring the key will join; empty: no change of ring
  std::vector<std::string> aliases;  // to be added
  bool with_ring = false;  // the ring is claimed by the same change, which will publish it first
};

// Thread-safe.
class Directory {
 public:
  Directory();
  ~Directory();
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  // --- Look-up; null when absent or of another instance ---
  KeyRecordPtr find(const InstanceId& instance, const KeyId& id) const;
  KeyRecordPtr find_alias(const InstanceId& instance, std::string_view alias) const;
  // An id or an alias; with `ring` not empty the key must be in it. Null when there is none.
  KeyRecordPtr resolve(const InstanceId& instance, std::string_view id_or_alias,
                       std::string_view ring) const;
  // The selected keys of an instance by ascending id, without the first `skip`; `visit` returns
  // false to end the walk. The walk sees the keys as they are at one moment: changes wait for it,
  // so `visit` must be quick and must not call the directory.
  void walk(const InstanceId& instance, const KeySelection& selection, std::size_t skip,
            const KeyTable::Visit& visit) const;
  // All keys of an instance with a greater id than `after`, by ascending id; as walk.
  void walk_after(const InstanceId& instance, const KeyId& after,
                  const KeyTable::Visit& visit) const;
  std::size_t count(const InstanceId& instance, const KeySelection& selection) const;
  // Every key of an instance for which `wanted` holds, by ascending id.
  std::vector<KeyRecordPtr> list(const InstanceId& instance,
                                 const std::function<bool(const KeyRecord&)>& wanted) const;
  // Keys that are not destroyed.
  std::size_t live_keys(const InstanceId& instance) const;
  // What is sealed under which master key, without a walk.
  std::vector<SealedUnder> sealed_under(const InstanceId& instance) const;
  bool has_ring(const InstanceId& instance, std::string_view ring) const;
  // "default" first, then by creation and id.
  std::vector<KeyRing> rings(const InstanceId& instance) const;

  // --- Changes ---
  // Errors: KeyLimit, KeyRingNotFound (also while the ring is being deleted), AliasNotUnique,
  // AliasLimit (of the instance). On error nothing is claimed.
  Result<void> claim(const Claim& claim, const Limits& limits);
  void release(const Claim& claim);
  // Shows `record` in place of what had its id; aliases it no longer has are free, its ring counts
  // it. New keys, new rings and new aliases must have been claimed.
  void publish(KeyRecordPtr record);
  void erase(const InstanceId& instance, const KeyId& id);  // purge

  // Takes the name of a ring before it is committed; keys can join once it is published. Errors:
  // KeyRingExists, KeyRingLimit.
  Result<void> claim_ring(const KeyRing& ring, const Limits& limits);
  void publish_ring(const InstanceId& instance, const std::string& ring);
  void release_ring(const InstanceId& instance, const std::string& ring);
  // Marks a ring as going, so that no key can join. Errors: KeyRingNotFound.
  Result<void> begin_ring_removal(const InstanceId& instance, const std::string& ring);
  void cancel_ring_removal(const InstanceId& instance, const std::string& ring);
  void finish_ring_removal(const InstanceId& instance, const std::string& ring);
  // Keys in the ring, claims included.
  std::size_t ring_size(const InstanceId& instance, const std::string& ring) const;

  // At start: no limits.
  void load(KeyRecord record);
  void load(KeyRing ring);
  // What is stored but not in use. Changed at start only.
  Quarantine& quarantine() noexcept { return quarantine_; }
  const Quarantine& quarantine() const noexcept { return quarantine_; }

 private:
  static constexpr std::size_t kShards = 64;
  struct Shard;
  struct AliasShard;
  struct InstanceKeys;

  Shard& shard(const KeyId& id) const;
  AliasShard& alias_shard(const InstanceId& instance, std::string_view alias) const;
  InstanceKeys* instance(const InstanceId& id) const;  // null if it has nothing
  InstanceKeys& instance_or_new(const InstanceId& id);
  void drop_alias(InstanceKeys& keys, const InstanceId& instance, const std::string& alias);
  void put_alias(InstanceKeys& keys, const InstanceId& instance, const std::string& alias,
                 const KeyId& key);

  std::unique_ptr<std::array<Shard, kShards>> shards_;
  std::unique_ptr<std::array<AliasShard, kShards>> alias_shards_;
  Quarantine quarantine_;
  mutable std::shared_mutex instances_mutex_;
  std::unordered_map<InstanceId, std::unique_ptr<InstanceKeys>, UuidHash> instances_;
};

}  // namespace keyhaven::keys
