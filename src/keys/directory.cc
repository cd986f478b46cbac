#include "keys/directory.h"

#include <algorithm>
#include <mutex>
#include <tuple>
#include <utility>

#include "base/flat_map.h"
#include "keys/key_rules.h"

namespace keyhaven::keys {
namespace {

struct AliasKey {
  InstanceId instance;
  std::string alias;
};
struct AliasView {
  const InstanceId& instance;
  std::string_view alias;
};
struct AliasHash {
  using is_transparent = void;
  std::size_t operator()(const AliasView& view) const noexcept {
    return UuidHash{}(view.instance) ^ std::hash<std::string_view>{}(view.alias);
  }
  std::size_t operator()(const AliasKey& key) const noexcept {
    return (*this)(AliasView{key.instance, key.alias});
  }
};
struct AliasEqual {
  using is_transparent = void;
  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept {
    return a.instance == b.instance && std::string_view(a.alias) == std::string_view(b.alias);
  }
};

Error no_such_ring() {
  return {Reason::KeyRingNotFound, "the instance has no key ring of this id", ""};
}

}  // namespace

// Own cache lines, so that readers of neighbouring shards do not disturb each other.
struct alignas(64) Directory::Shard {
  mutable std::shared_mutex mutex;
  FlatMap<KeyId, KeyRecordPtr, UuidHash> keys;
  // Ids are unique unless a transfer brought one key into several instances: the second one is
  // here, so that a look-up of all others needs no more than an id.
  std::map<std::pair<InstanceId, KeyId>, KeyRecordPtr> twins;

  KeyRecordPtr find(const InstanceId& instance, const KeyId& id) const {
    const KeyRecordPtr* found = keys.find(id);
    if (found != nullptr && (*found)->instance == instance) return *found;
    if (twins.empty()) return nullptr;
    const auto twin = twins.find({instance, id});
    return twin == twins.end() ? nullptr : twin->second;
  }
  void put(KeyRecordPtr record) {
    const KeyRecordPtr* found = keys.find(record->id);
    const std::pair name(record->instance, record->id);
    const bool is_twin =
        found != nullptr ? (*found)->instance != record->instance : twins.find(name) != twins.end();
    if (is_twin) {
      twins[name] = std::move(record);
    } else {
      keys.put(name.second, std::move(record));
    }
  }
  void erase(const InstanceId& instance, const KeyId& id) {
    if (twins.erase({instance, id}) == 0) keys.erase(id);
  }
};

struct alignas(64) Directory::AliasShard {
  mutable std::shared_mutex mutex;
  std::unordered_map<AliasKey, KeyId, AliasHash, AliasEqual> aliases;
};

// Guarded by its mutex; taken before a shard's mutex, never after.
struct Directory::InstanceKeys {
  enum class RingState : std::uint8_t { There, Claimed, Going };
  struct Ring {
    KeyRing ring;
    RingState state = RingState::There;
    std::size_t keys = 0;  // members and claims
  };
  Ring* joinable(std::string_view id, RingState state = RingState::There) {
    const auto found = rings.find(id);
    return found == rings.end() || found->second.state != state ? nullptr : &found->second;
  }
  mutable std::shared_mutex mutex;
  KeyTable table;
  BlobCensus census;
  std::size_t claimed_keys = 0;
  std::size_t aliases = 0;  // claims included
  std::map<std::string, Ring, std::less<>> rings;
};

Directory::Directory()
    : shards_(std::make_unique<std::array<Shard, kShards>>()),
      alias_shards_(std::make_unique<std::array<AliasShard, kShards>>()) {}
Directory::~Directory() = default;

Directory::Shard& Directory::shard(const KeyId& id) const {
  return (*shards_)[id.uuid.bytes[15] % kShards];
}

Directory::AliasShard& Directory::alias_shard(const InstanceId& instance,
                                              std::string_view alias) const {
  return (*alias_shards_)[AliasHash{}(AliasView{instance, alias}) % kShards];
}

Directory::InstanceKeys* Directory::instance(const InstanceId& id) const {
  std::shared_lock lock(instances_mutex_);
  const auto found = instances_.find(id);
  return found == instances_.end() ? nullptr : found->second.get();
}

Directory::InstanceKeys& Directory::instance_or_new(const InstanceId& id) {
  if (InstanceKeys* found = instance(id)) return *found;
  std::unique_lock lock(instances_mutex_);
  auto& slot = instances_[id];
  if (!slot) {
    slot = std::make_unique<InstanceKeys>();
    KeyRing ring;
    ring.instance = id;
    ring.id = kDefaultRing;
    slot->rings.emplace(ring.id, InstanceKeys::Ring{.ring = ring});
  }
  return *slot;
}

KeyRecordPtr Directory::find(const InstanceId& instance_id, const KeyId& id) const {
  const Shard& part = shard(id);
  std::shared_lock lock(part.mutex);
  return part.find(instance_id, id);
}

KeyRecordPtr Directory::find_alias(const InstanceId& instance_id, std::string_view alias) const {
  KeyId id;
  {
    const AliasShard& part = alias_shard(instance_id, alias);
    std::shared_lock lock(part.mutex);
    const auto found = part.aliases.find(AliasView{instance_id, alias});
    if (found == part.aliases.end()) return nullptr;
    id = found->second;
  }
  KeyRecordPtr record = find(instance_id, id);
  // A claimed alias shows only once its change is published.
  if (record &&
      std::find(record->aliases.begin(), record->aliases.end(), alias) == record->aliases.end())
    return nullptr;
  return record;
}

KeyRecordPtr Directory::resolve(const InstanceId& instance_id, std::string_view id_or_alias,
                                std::string_view ring) const {
  KeyRecordPtr record;
  if (id_or_alias.size() == 36) {
    if (auto id = KeyId::parse(id_or_alias)) record = find(instance_id, id.value());
  }
  if (!record) record = find_alias(instance_id, id_or_alias);
  if (record && !ring.empty() && record->key_ring != ring) return nullptr;
  return record;
}

void Directory::walk(const InstanceId& instance_id, const KeySelection& selection, std::size_t skip,
                     const KeyTable::Visit& visit) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return;
  std::shared_lock lock(keys->mutex);
  keys->table.walk(selection, skip, visit);
}

void Directory::walk_after(const InstanceId& instance_id, const KeyId& after,
                           const KeyTable::Visit& visit) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return;
  std::shared_lock lock(keys->mutex);
  keys->table.walk_after(after, visit);
}

std::size_t Directory::count(const InstanceId& instance_id, const KeySelection& selection) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return 0;
  std::shared_lock lock(keys->mutex);
  return keys->table.count(selection);
}

std::vector<KeyRecordPtr> Directory::list(
    const InstanceId& instance_id, const std::function<bool(const KeyRecord&)>& wanted) const {
  std::vector<KeyRecordPtr> out;
  walk(instance_id, {}, 0, [&](const KeyRecordPtr& record) {
    if (wanted(*record)) out.push_back(record);
    return true;
  });
  return out;
}

std::size_t Directory::live_keys(const InstanceId& instance_id) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return 0;
  KeySelection live;
  live.states = kEveryState & static_cast<StateSet>(~bit(KeyState::Destroyed));
  std::shared_lock lock(keys->mutex);
  return keys->table.count(live) + keys->claimed_keys;
}

std::vector<SealedUnder> Directory::sealed_under(const InstanceId& instance_id) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return {};
  std::shared_lock lock(keys->mutex);
  return keys->census.rows();
}

bool Directory::has_ring(const InstanceId& instance_id, std::string_view ring) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return ring == kDefaultRing;
  std::shared_lock lock(keys->mutex);
  const auto found = keys->rings.find(ring);
  return found != keys->rings.end() && found->second.state != InstanceKeys::RingState::Claimed;
}

std::vector<KeyRing> Directory::rings(const InstanceId& instance_id) const {
  std::vector<KeyRing> out;
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) {
    KeyRing ring;
    ring.instance = instance_id;
    ring.id = kDefaultRing;
    return {ring};
  }
  {
    std::shared_lock lock(keys->mutex);
    for (const auto& [id, ring] : keys->rings) {
      if (ring.state != InstanceKeys::RingState::Claimed) out.push_back(ring.ring);
    }
  }
  std::sort(out.begin(), out.end(), [](const KeyRing& a, const KeyRing& b) {
    const bool a_default = a.id == kDefaultRing;
    const bool b_default = b.id == kDefaultRing;
    if (a_default != b_default) return a_default;
    return std::tie(a.created, a.id) < std::tie(b.created, b.id);
  });
  return out;
}

Result<void> Directory::claim(const Claim& claim, const Limits& limits) {
  InstanceKeys& keys = instance_or_new(claim.instance);
  std::unique_lock lock(keys.mutex);
  if (claim.new_key && keys.table.size() + keys.claimed_keys >= limits.keys) {
    return Error{Reason::KeyLimit,
                 "the instance has " + std::to_string(limits.keys) +
                     " keys (deleted ones count until they are purged), which is its limit; purge "
                     "deleted keys or use another instance",
                 ""};
  }
  InstanceKeys::Ring* ring = nullptr;
  if (!claim.ring.empty()) {
    using enum InstanceKeys::RingState;
    ring = keys.joinable(claim.ring, claim.with_ring ? Claimed : There);
    if (ring == nullptr) return no_such_ring();
  }
  // A limit lowered below what is there stops new aliases only, not changes without any.
  if (!claim.aliases.empty() && keys.aliases + claim.aliases.size() > limits.aliases) {
    return Error{Reason::AliasLimit,
                 "the instance has at most " + std::to_string(limits.aliases) +
                     " aliases; remove some that are no longer used",
                 "aliases"};
  }
  for (const std::string& alias : claim.aliases) {
    const AliasShard& part = alias_shard(claim.instance, alias);
    std::shared_lock part_lock(part.mutex);
    if (part.aliases.find(AliasView{claim.instance, alias}) != part.aliases.end()) {
      return Error{Reason::AliasNotUnique, "another key of the instance has the alias " + alias,
                   "aliases"};
    }
  }
  for (const std::string& alias : claim.aliases) put_alias(keys, claim.instance, alias, claim.key);
  if (ring != nullptr) ++ring->keys;
  if (claim.new_key) ++keys.claimed_keys;
  return {};
}

void Directory::release(const Claim& claim) {
  InstanceKeys& keys = instance_or_new(claim.instance);
  std::unique_lock lock(keys.mutex);
  for (const std::string& alias : claim.aliases) drop_alias(keys, claim.instance, alias);
  if (!claim.ring.empty()) --keys.rings.find(claim.ring)->second.keys;
  if (claim.new_key) --keys.claimed_keys;
}

void Directory::publish(KeyRecordPtr record) {
  InstanceKeys& keys = instance_or_new(record->instance);
  std::unique_lock lock(keys.mutex);
  const KeyRecordPtr old = keys.table.put(record);
  keys.census.add(*record);
  if (old) keys.census.remove(*old);
  {
    Shard& part = shard(record->id);
    std::unique_lock part_lock(part.mutex);
    part.put(record);
  }
  if (!old) {
    KH_ASSERT(keys.claimed_keys > 0);
    --keys.claimed_keys;
    return;
  }
  if (old->key_ring != record->key_ring) --keys.rings.find(old->key_ring)->second.keys;
  for (const std::string& alias : old->aliases) {
    const auto& kept = record->aliases;
    if (std::find(kept.begin(), kept.end(), alias) == kept.end())
      drop_alias(keys, record->instance, alias);
  }
}

void Directory::erase(const InstanceId& instance_id, const KeyId& id) {
  InstanceKeys& keys = instance_or_new(instance_id);
  std::unique_lock lock(keys.mutex);
  const KeyRecordPtr old = keys.table.erase(id);
  if (!old) return;
  keys.census.remove(*old);
  {
    Shard& part = shard(id);
    std::unique_lock part_lock(part.mutex);
    part.erase(instance_id, id);
  }
  for (const std::string& alias : old->aliases) drop_alias(keys, instance_id, alias);
  --keys.rings.find(old->key_ring)->second.keys;
}

Result<void> Directory::claim_ring(const KeyRing& ring, const Limits& limits) {
  InstanceKeys& keys = instance_or_new(ring.instance);
  std::unique_lock lock(keys.mutex);
  if (keys.rings.find(ring.id) != keys.rings.end()) {
    return Error{Reason::KeyRingExists, "the instance already has a key ring of this id", ""};
  }
  if (keys.rings.size() >= limits.rings) {
    return Error{Reason::KeyRingLimit,
                 "the instance has at most " + std::to_string(limits.rings) +
                     " key rings (\"default\" included); delete one that is empty",
                 ""};
  }
  keys.rings.emplace(ring.id,
                     InstanceKeys::Ring{.ring = ring, .state = InstanceKeys::RingState::Claimed});
  return {};
}

void Directory::publish_ring(const InstanceId& instance_id, const std::string& ring) {
  InstanceKeys& keys = instance_or_new(instance_id);
  std::unique_lock lock(keys.mutex);
  keys.rings.find(ring)->second.state = InstanceKeys::RingState::There;
}

void Directory::release_ring(const InstanceId& instance_id, const std::string& ring) {
  InstanceKeys& keys = instance_or_new(instance_id);
  std::unique_lock lock(keys.mutex);
  keys.rings.erase(ring);
}

Result<void> Directory::begin_ring_removal(const InstanceId& instance_id, const std::string& ring) {
  InstanceKeys& keys = instance_or_new(instance_id);
  std::unique_lock lock(keys.mutex);
  InstanceKeys::Ring* found = keys.joinable(ring);
  if (found == nullptr) return no_such_ring();
  found->state = InstanceKeys::RingState::Going;
  return {};
}

void Directory::cancel_ring_removal(const InstanceId& instance_id, const std::string& ring) {
  InstanceKeys& keys = instance_or_new(instance_id);
  std::unique_lock lock(keys.mutex);
  keys.rings.find(ring)->second.state = InstanceKeys::RingState::There;
}

void Directory::finish_ring_removal(const InstanceId& instance_id, const std::string& ring) {
  release_ring(instance_id, ring);
}

std::size_t Directory::ring_size(const InstanceId& instance_id, const std::string& ring) const {
  const InstanceKeys* keys = instance(instance_id);
  if (keys == nullptr) return 0;
  std::shared_lock lock(keys->mutex);
  const auto found = keys->rings.find(ring);
  return found == keys->rings.end() ? 0 : found->second.keys;
}

void Directory::load(KeyRing ring) {
  InstanceKeys& keys = instance_or_new(ring.instance);
  std::unique_lock lock(keys.mutex);
  keys.rings.insert_or_assign(ring.id, InstanceKeys::Ring{.ring = ring});
}

void Directory::load(KeyRecord record) {
  InstanceKeys& keys = instance_or_new(record.instance);
  auto shared = std::make_shared<const KeyRecord>(std::move(record));
  {
    std::unique_lock lock(keys.mutex);
    for (const std::string& alias : shared->aliases)
      put_alias(keys, shared->instance, alias, shared->id);
    KeyRing ring;
    ring.instance = shared->instance;
    ring.id = shared->key_ring;
    ++keys.rings.try_emplace(ring.id, InstanceKeys::Ring{.ring = ring}).first->second.keys;
    ++keys.claimed_keys;
  }
  publish(std::move(shared));
}

void Directory::put_alias(InstanceKeys& keys, const InstanceId& instance_id,
                          const std::string& alias, const KeyId& key) {
  AliasShard& part = alias_shard(instance_id, alias);
  std::unique_lock lock(part.mutex);
  part.aliases.insert_or_assign(AliasKey{instance_id, alias}, key);
  ++keys.aliases;
}

void Directory::drop_alias(InstanceKeys& keys, const InstanceId& instance_id,
                           const std::string& alias) {
  AliasShard& part = alias_shard(instance_id, alias);
  std::unique_lock lock(part.mutex);
  if (part.aliases.erase(AliasKey{instance_id, alias}) > 0) --keys.aliases;
}

}  // namespace keyhaven::keys
