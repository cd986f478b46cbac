// A hash map for look-ups in tables too large for the processor's caches: one array, keys beside
// their values, so that a look-up touches one place in memory where a map of nodes touches three.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

namespace keyhaven {

// `Key` is compared by its bytes; it is an identifier or a digest, so `Hash` may take some of them.
// `Value` converts to bool; one that is false marks a free slot and cannot be stored (shared_ptr,
// optional). Pointers into the map last until the next change. Not thread-safe.
template <class Key, class Value, class Hash>
class FlatMap {
  static_assert(std::has_unique_object_representations_v<Key>);

 public:
  std::size_t size() const noexcept { return size_; }

  // Null when absent.
  Value* find(const Key& key) noexcept {
    if (slots_.empty()) return nullptr;
    Slot& slot = slots_[place_of(key)];
    return slot.value ? &slot.value : nullptr;
  }
  const Value* find(const Key& key) const noexcept { return const_cast<FlatMap*>(this)->find(key); }

  void put(const Key& key, Value value) {
    if ((size_ + 1) * 4 > slots_.size() * 3) grow();
    Slot& slot = slots_[place_of(key)];
    if (!slot.value) {
      slot.key = key;
      ++size_;
    }
    slot.value = std::move(value);
  }

  // Whether it was there. What follows it in its run of slots moves up, so that no slot stays
  // blocked.
  bool erase(const Key& key) {
    if (slots_.empty()) return false;
    std::size_t free = place_of(key);
    if (!slots_[free].value) return false;
    slots_[free] = Slot{};
    --size_;
    for (std::size_t at = next(free); slots_[at].value; at = next(at)) {
      const std::size_t home = home_of(slots_[at].key);
      const bool may_move = ((at - home) & mask()) >= ((at - free) & mask());
      if (!may_move) continue;
      slots_[free] = std::exchange(slots_[at], Slot{});
      free = at;
    }
    return true;
  }

  void clear() noexcept {
    slots_.clear();
    size_ = 0;
  }

 private:
  static constexpr std::size_t kLeastSlots = 16;
  struct Slot {
    Key key{};
    Value value{};
  };

  std::size_t mask() const noexcept { return slots_.size() - 1; }  // the size is a power of two
  std::size_t next(std::size_t at) const noexcept { return (at + 1) & mask(); }
  // The upper bits of the product depend on every bit of the hash, of which some may be fixed (a
  // UUID has its variant there).
  std::size_t home_of(const Key& key) const noexcept {
    constexpr std::uint64_t kOddNumber = 0x9E3779B97F4A7C15;  // 2^64 by the golden ratio
    return static_cast<std::size_t>(Hash{}(key)*kOddNumber >> shift_);
  }
  // Where `key` is, or the free slot where it belongs; there always is one.
  std::size_t place_of(const Key& key) const noexcept {
    std::size_t at = home_of(key);
    while (slots_[at].value && std::memcmp(&slots_[at].key, &key, sizeof key) != 0) at = next(at);
    return at;
  }
  void grow() {
    std::vector<Slot> old(slots_.empty() ? kLeastSlots : slots_.size() * 2);
    old.swap(slots_);
    shift_ = std::countl_zero(slots_.size()) + 1;
    for (Slot& slot : old) {
      if (slot.value) slots_[place_of(slot.key)] = std::move(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
  int shift_ = 0;  // 64 less the logarithm of the number of slots
};

}  // namespace keyhaven
