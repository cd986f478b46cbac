// The keys of one instance by ascending id, made for pages and counts of large instances.
//
// Rows lie in chunks of at most 256, next to one another in memory, with what selects most listings
// beside the pointer to the record: state, kind, expiration and ring. Each chunk also knows how
// many of its rows have which state and kind. So a count, and the part of a page's offset that is
// skipped, costs one step per chunk; a selection by ring one step per row; only what asks more (a
// filter, a search, an order) reads records.
//
// Expiry is judged at the moment of the question: in a chunk where a key has expired since its
// state was written, rows are looked at one by one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "keys/key_record.h"

namespace keyhaven::keys {

// A set of states; bit n is the state with the number n.
using StateSet = std::uint8_t;
constexpr StateSet bit(KeyState state) noexcept {
  return static_cast<StateSet>(1U << static_cast<unsigned>(state));
}
inline constexpr StateSet kEveryState = 0b111111;

// What rows can be selected by.
struct KeySelection {
  StateSet states = kEveryState;  // as they are at `now`
  std::optional<KeyKind> kind;
  std::function<bool(std::string_view)> ring;  // asked once for each ring; empty: every ring
  Timestamp now;
};

// Not thread-safe: the directory guards it.
class KeyTable {
 public:
  using Visit = std::function<bool(const KeyRecordPtr&)>;  // false ends the walk

  // Puts `record` in place of what had its id; returns that, or null.
  KeyRecordPtr put(KeyRecordPtr record);
  // Returns what was there, or null.
  KeyRecordPtr erase(const KeyId& id);
  std::size_t size() const noexcept { return size_; }
  std::size_t count(const KeySelection& selection) const;
  // Visits the selected keys by ascending id, without the first `skip`.
  void walk(const KeySelection& selection, std::size_t skip, const Visit& visit) const;
  // Visits all keys with a greater id than `after`, by ascending id.
  void walk_after(const KeyId& after, const Visit& visit) const;

 private:
  static constexpr std::size_t kChunkRows = 256;
  static constexpr std::size_t kStates = 6;
  static constexpr std::size_t kKinds = 2;
  struct Row {
    KeyId id;
    KeyRecordPtr record;
    Timestamp expires;
    std::uint32_t ring = 0;  // its number in rings_
    KeyState state = KeyState::Active;
    KeyKind kind = KeyKind::RootKey;
  };
  struct Chunk {
    std::vector<Row> rows;  // never empty
    std::array<std::array<std::uint16_t, kKinds>, kStates> counts{};
    Timestamp next_expiry;  // of its active keys; not set: none expires

    void add(const Row& row) noexcept;     // a row that was put into `rows`
    void remove(const Row& row) noexcept;  // a row that is no longer in them
    void summarise() noexcept;
  };
  // Beside each other, so that finding a chunk touches few places in memory.
  struct Place {
    KeyId first;  // no row of the chunk has a smaller id
    std::unique_ptr<Chunk> chunk;
  };
  struct Ring {
    std::string id;
    std::size_t keys = 0;  // 0: the number is free
  };
  using Chunks = std::vector<Place>;
  class Selector;

  std::uint32_t join_ring(const std::string& id);
  // The chunk where `id` is or belongs; the end when there is none.
  Chunks::iterator chunk_of(const KeyId& id);
  static std::vector<Row>::iterator row_of(Chunk& chunk, const KeyId& id);
  Chunks::iterator split(Chunks::iterator chunk, const KeyId& id);
  void insert(Row row);

  Chunks chunks_;
  std::vector<Ring> rings_;
  std::size_t size_ = 0;
};

}  // namespace keyhaven::keys
