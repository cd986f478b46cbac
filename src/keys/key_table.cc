#include "keys/key_table.h"

#include <algorithm>
#include <utility>

#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

std::size_t index_of(KeyState state) noexcept { return static_cast<std::size_t>(state); }
std::size_t index_of(KeyKind kind) noexcept { return static_cast<std::size_t>(kind); }

}  // namespace

// A selection made ready: each ring is asked for once.
class KeyTable::Selector {
 public:
  Selector(const KeySelection& selection, const std::vector<Ring>& rings)
      : states_(selection.states), kind_(selection.kind), now_(selection.now) {
    rings_.reserve(rings.size());
    for (const Ring& ring : rings) {
      const bool wanted = ring.keys == 0 || !selection.ring || selection.ring(ring.id);
      rings_.push_back(wanted);
      every_ring_ = every_ring_ && wanted;
    }
  }

  bool wants(const Row& row) const noexcept {
    return (states_ & bit(effective_state(row.state, row.expires, now_))) != 0 &&
           (!kind_ || *kind_ == row.kind) && rings_[row.ring];
  }
  // Whether the chunk's numbers say how many of its rows are wanted.
  bool numbers_suffice(const Chunk& chunk) const noexcept {
    return every_ring_ && (!chunk.next_expiry.is_set() || now_ < chunk.next_expiry);
  }
  std::size_t count(const Chunk& chunk) const noexcept {
    std::size_t found = 0;
    if (!numbers_suffice(chunk)) {
      for (const Row& row : chunk.rows) found += wants(row) ? 1 : 0;
      return found;
    }
    for (std::size_t state = 0; state < kStates; ++state) {
      if ((states_ & 1U << state) == 0) continue;
      const auto& kinds = chunk.counts[state];
      found += kind_ ? kinds[index_of(*kind_)] : std::size_t{kinds[0]} + kinds[1];
    }
    return found;
  }

 private:
  StateSet states_;
  std::optional<KeyKind> kind_;
  Timestamp now_;
  std::vector<std::uint8_t> rings_;
  bool every_ring_ = true;
};

void KeyTable::Chunk::add(const Row& row) noexcept {
  ++counts[index_of(row.state)][index_of(row.kind)];
  const bool expires = row.state == KeyState::Active && row.expires.is_set();
  if (expires && (!next_expiry.is_set() || row.expires < next_expiry)) next_expiry = row.expires;
}

void KeyTable::Chunk::remove(const Row& row) noexcept {
  if (next_expiry.is_set() && row.expires == next_expiry) return summarise();
  --counts[index_of(row.state)][index_of(row.kind)];
}

void KeyTable::Chunk::summarise() noexcept {
  counts = {};
  next_expiry = {};
  for (const Row& row : rows) add(row);
}

std::uint32_t KeyTable::join_ring(const std::string& id) {
  auto place = rings_.end();
  for (auto ring = rings_.begin(); ring != rings_.end(); ++ring) {
    if (ring->keys > 0 && ring->id == id) {
      ++ring->keys;
      return static_cast<std::uint32_t>(ring - rings_.begin());
    }
    if (ring->keys == 0) place = ring;
  }
  if (place == rings_.end()) place = rings_.insert(rings_.end(), Ring{});
  *place = Ring{id, 1};
  return static_cast<std::uint32_t>(place - rings_.begin());
}

KeyTable::Chunks::iterator KeyTable::chunk_of(const KeyId& id) {
  const auto after = std::upper_bound(
      chunks_.begin(), chunks_.end(), id,
      [](const KeyId& wanted, const Place& place) { return wanted < place.first; });
  return after == chunks_.begin() ? after : after - 1;
}

std::vector<KeyTable::Row>::iterator KeyTable::row_of(Chunk& chunk, const KeyId& id) {
  return std::lower_bound(chunk.rows.begin(), chunk.rows.end(), id,
                          [](const Row& row, const KeyId& wanted) { return row.id < wanted; });
}

// Halves a full chunk. Returns the one of the two where `id` belongs.
KeyTable::Chunks::iterator KeyTable::split(Chunks::iterator place, const KeyId& id) {
  auto upper = std::make_unique<Chunk>();
  auto& rows = place->chunk->rows;
  const auto middle = rows.begin() + kChunkRows / 2;
  upper->rows.assign(std::make_move_iterator(middle), std::make_move_iterator(rows.end()));
  rows.erase(middle, rows.end());
  upper->summarise();
  place->chunk->summarise();
  const KeyId first = upper->rows.front().id;
  place = chunks_.insert(place + 1, Place{first, std::move(upper)});
  return first < id ? place : place - 1;
}

// Of an id that is not there.
void KeyTable::insert(Row row) {
  auto place = chunk_of(row.id);
  const bool full = place == chunks_.end() || place->chunk->rows.size() == kChunkRows;
  if (full && (place == chunks_.end() ||
               (place + 1 == chunks_.end() && place->chunk->rows.back().id < row.id))) {
    // Behind all others: what is loaded in order leaves full chunks.
    place = chunks_.insert(chunks_.end(), Place{row.id, std::make_unique<Chunk>()});
  } else if (full) {
    place = split(place, row.id);
  }
  if (row.id < place->first) place->first = row.id;
  Chunk& chunk = *place->chunk;
  chunk.add(row);
  chunk.rows.insert(row_of(chunk, row.id), std::move(row));
}

KeyRecordPtr KeyTable::put(KeyRecordPtr record) {
  Row row{.id = record->id,
          .record = record,
          .expires = record->expires,
          .ring = join_ring(record->key_ring),
          .state = record->state,
          .kind = record->kind};
  if (!chunks_.empty()) {
    Chunk& chunk = *chunk_of(row.id)->chunk;
    const auto at = row_of(chunk, row.id);
    if (at != chunk.rows.end() && at->id == row.id) {
      --rings_[at->ring].keys;
      Row old = std::exchange(*at, std::move(row));
      chunk.summarise();
      return std::move(old.record);
    }
  }
  insert(std::move(row));
  ++size_;
  return nullptr;
}

KeyRecordPtr KeyTable::erase(const KeyId& id) {
  if (chunks_.empty()) return nullptr;
  const auto place = chunk_of(id);
  Chunk& chunk = *place->chunk;
  const auto at = row_of(chunk, id);
  if (at == chunk.rows.end() || at->id != id) return nullptr;
  Row old = std::move(*at);
  --rings_[old.ring].keys;
  chunk.rows.erase(at);
  chunk.remove(old);
  if (chunk.rows.empty()) chunks_.erase(place);
  --size_;
  return std::move(old.record);
}

std::size_t KeyTable::count(const KeySelection& selection) const {
  const Selector selector(selection, rings_);
  std::size_t found = 0;
  for (const Place& place : chunks_) found += selector.count(*place.chunk);
  return found;
}

void KeyTable::walk(const KeySelection& selection, std::size_t skip, const Visit& visit) const {
  const Selector selector(selection, rings_);
  for (const Place& place : chunks_) {
    const Chunk& chunk = *place.chunk;
    if (selector.numbers_suffice(chunk)) {
      const std::size_t wanted = selector.count(chunk);
      if (wanted <= skip) {
        skip -= wanted;
        continue;
      }
    }
    for (const Row& row : chunk.rows) {
      if (!selector.wants(row)) continue;
      if (skip > 0) {
        --skip;
      } else if (!visit(row.record)) {
        return;
      }
    }
  }
}

void KeyTable::walk_after(const KeyId& after, const Visit& visit) const {
  auto place =
      std::upper_bound(chunks_.begin(), chunks_.end(), after,
                       [](const KeyId& wanted, const Place& each) { return wanted < each.first; });
  if (place != chunks_.begin()) --place;
  for (; place != chunks_.end(); ++place) {
    for (const Row& row : place->chunk->rows) {
      if (after < row.id && !visit(row.record)) return;
    }
  }
}

}  // namespace keyhaven::keys
