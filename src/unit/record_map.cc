#include "unit/record_map.h"

#include <cstring>

#include "crypto/random.h"

namespace keyhaven::unit {

namespace {

constexpr std::size_t kLeastSlots = 16;

// Both halves of the 128-bit product.
std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// The slot of a hash in an array of any size. The upper eight bits have chosen the shard.
std::size_t home_of(std::uint64_t hash, std::size_t slots) noexcept {
  return static_cast<std::size_t>((hash >> 24 & 0xFFFF'FFFF) * slots >> 32);
}

bool is_of(const RecordMap::Entry& entry, const ScopedName& name) noexcept {
  return entry.id == name.name.id && entry.scope == name.scope && entry.table == name.name.table;
}

}  // namespace

RecordMap::RecordMap() {
  Bytes random(sizeof seed_);
  crypto::random_bytes(random);
  std::memcpy(seed_.data(), random.data(), sizeof seed_);
}

std::uint64_t RecordMap::hash_of(const ScopedName& name) const noexcept {
  std::array<std::uint64_t, 2> id;
  std::memcpy(id.data(), name.name.id.data(), sizeof id);
  const std::uint64_t place = std::uint64_t{name.scope} << 8 | name.name.table;
  return mix(mix(id[0] ^ seed_[0], id[1] ^ seed_[1]) ^ place, seed_[2] | 1);
}

std::size_t RecordMap::place_of(const Shard& shard, const ScopedName& name,
                                std::uint64_t hash) const noexcept {
  std::size_t at = home_of(hash, shard.slots.size());
  while (shard.slots[at].epoch != 0 && !is_of(shard.slots[at], name)) {
    if (++at == shard.slots.size()) at = 0;
  }
  return at;
}

RecordMap::Entry* RecordMap::find(const ScopedName& name) noexcept {
  const std::uint64_t hash = hash_of(name);
  Shard& shard = shard_of(hash);
  if (shard.slots.empty()) return nullptr;
  Entry& entry = shard.slots[place_of(shard, name, hash)];
  return entry.epoch != 0 ? &entry : nullptr;
}

void RecordMap::put(const ScopedName& name, PackedSeal seal) {
  KH_ASSERT(epoch_of(seal) != 0);
  const std::uint64_t hash = hash_of(name);
  Shard& shard = shard_of(hash);
  if ((shard.used + 1) * 5 > shard.slots.size() * 4) grow(shard);
  Entry& entry = shard.slots[place_of(shard, name, hash)];
  if (entry.epoch == 0) {
    entry = {name.name.id, 0, 0, 0, name.scope, name.name.table, 0};
    ++shard.used;
    ++size_;
  }
  entry.epoch = static_cast<std::uint16_t>(epoch_of(seal));
  entry.sequence_high = static_cast<std::uint16_t>(sequence_of(seal) >> 32);
  entry.sequence_low = static_cast<std::uint32_t>(seal);
}

// What follows in the run of slots moves up, so that no slot stays blocked.
bool RecordMap::erase(const ScopedName& name) {
  const std::uint64_t hash = hash_of(name);
  Shard& shard = shard_of(hash);
  if (shard.slots.empty()) return false;
  const std::size_t count = shard.slots.size();
  std::size_t free = place_of(shard, name, hash);
  if (shard.slots[free].epoch == 0) return false;
  shard.slots[free] = {};
  --shard.used;
  --size_;
  const auto distance = [count](std::size_t from, std::size_t to) {
    return to >= from ? to - from : to + count - from;
  };
  for (std::size_t at = (free + 1) % count; shard.slots[at].epoch != 0; at = (at + 1) % count) {
    const std::size_t home = home_of(hash_of(shard.slots[at].name()), count);
    if (distance(home, at) < distance(free, at)) continue;
    shard.slots[free] = std::exchange(shard.slots[at], Entry{});
    free = at;
  }
  return true;
}

void RecordMap::grow(Shard& shard) {
  const std::size_t size = shard.slots.size();
  std::vector<Entry> old(size == 0 ? kLeastSlots : size + size / 4);
  old.swap(shard.slots);
  for (const Entry& entry : old) {
    if (entry.epoch == 0) continue;
    const ScopedName name = entry.name();
    shard.slots[place_of(shard, name, hash_of(name))] = entry;
  }
}

}  // namespace keyhaven::unit
