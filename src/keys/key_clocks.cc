#include "keys/key_clocks.h"

#include <algorithm>
#include <cstring>

#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

// A number below `window` that stays the same for a key: ids are random.
std::int64_t share_of_window(const KeyId& id, std::int64_t window) noexcept {
  std::uint32_t random = 0;
  std::memcpy(&random, id.uuid.bytes.data(), sizeof(random));
  return window <= 0 ? 0 : static_cast<std::int64_t>(random) % window;
}

Timestamp earlier(Timestamp a, Timestamp b) noexcept {
  if (!a.is_set()) return b;
  return b.is_set() ? std::min(a, b) : a;
}

}  // namespace

Timestamp rotation_due(const KeyRecord& key, const KeyTimes& times) noexcept {
  const auto& rotation = key.policies().rotation;
  const bool scheduled = rotation && rotation->enabled && !key.imported &&
                         key.kind == KeyKind::RootKey && key.state == KeyState::Active;
  if (!scheduled) return {};
  const Timestamp from = key.rotated.is_set() ? key.rotated : key.created;
  return from.plus_seconds(rotation->interval_months * times.rotation_month_seconds +
                           share_of_window(key.id, times.rotation_window_seconds));
}

Timestamp next_due(const KeyRecord& key, const KeyTimes& times) noexcept {
  if (key.state == KeyState::Destroyed) return key.deleted.plus_seconds(times.purge_due_seconds);
  Timestamp due = rotation_due(key, times);
  if (key.state == KeyState::Active) due = earlier(due, key.expires);
  if (const auto& authorization = key.policies().authorization) {
    due = earlier(due, authorization->lapses);
  }
  return due;
}

}  // namespace keyhaven::keys
