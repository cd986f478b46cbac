// The newest seal of every record, in little memory: 28 bytes an entry in open addressing, in
// shards that grow one by one, so that no single call pays for the growth of the whole.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "unit/record_sinks.h"

namespace keyhaven::unit {

// Epoch and sequence of a seal in one number, the epoch above; 0 is no seal.
using PackedSeal = std::uint64_t;
inline constexpr std::uint64_t kMaxSequence = (std::uint64_t{1} << 48) - 1;
constexpr PackedSeal pack_seal(std::uint32_t epoch, std::uint64_t sequence) noexcept {
  return std::uint64_t{epoch} << 48 | sequence;
}
constexpr std::uint32_t epoch_of(PackedSeal seal) noexcept {
  return static_cast<std::uint32_t>(seal >> 48);
}
constexpr std::uint64_t sequence_of(PackedSeal seal) noexcept { return seal & kMaxSequence; }

// A record's name with the number that its scope has in the table's memory.
struct ScopedName {
  std::uint16_t scope = 0;
  RecordName name;
  auto operator<=>(const ScopedName&) const = default;
};

// Not thread-safe. Entries move when another one is put or erased.
class RecordMap {
 public:
  struct Entry {
    std::array<std::uint8_t, 16> id{};
    std::uint16_t epoch = 0;  // 0: a free slot
    std::uint16_t sequence_high = 0;
    std::uint32_t sequence_low = 0;
    std::uint16_t scope = 0;
    std::uint8_t table = 0;
    std::uint8_t stamp = 0;  // of the check that saw it; for the owner

    PackedSeal seal() const noexcept {
      return pack_seal(epoch, std::uint64_t{sequence_high} << 32 | sequence_low);
    }
    ScopedName name() const noexcept { return {scope, {table, id}}; }
  };
  static_assert(sizeof(Entry) == 28);

  RecordMap();  // hashes by random numbers: nobody can choose ids that collide

  std::uint64_t size() const noexcept { return size_; }
  Entry* find(const ScopedName& name) noexcept;
  const Entry* find(const ScopedName& name) const noexcept {
    return const_cast<RecordMap*>(this)->find(name);
  }
  // `seal` is not 0. A new entry has stamp 0, another one keeps its stamp.
  void put(const ScopedName& name, PackedSeal seal);
  bool erase(const ScopedName& name);

  template <class Visit>
  void for_each(Visit visit) {
    for (std::size_t shard = 0; shard < kShards; ++shard) for_each_in(shard, visit);
  }
  static constexpr std::size_t kShards = 256;
  template <class Visit>
  void for_each_in(std::size_t shard, Visit visit) {
    for (Entry& entry : shards_[shard].slots) {
      if (entry.epoch != 0) visit(entry);
    }
  }

 private:
  struct Shard {
    std::vector<Entry> slots;
    std::size_t used = 0;
  };
  std::uint64_t hash_of(const ScopedName& name) const noexcept;
  Shard& shard_of(std::uint64_t hash) noexcept { return shards_[hash >> 56]; }
  // Where the entry is, or the free slot where it belongs.
  std::size_t place_of(const Shard& shard, const ScopedName& name,
                       std::uint64_t hash) const noexcept;
  void grow(Shard& shard);

  std::array<std::uint64_t, 3> seed_{};
  std::array<Shard, kShards> shards_;
  std::uint64_t size_ = 0;
};

}  // namespace keyhaven::unit
