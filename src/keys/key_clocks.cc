#include "keys/key_clocks.h"

#include <algorithm>

#include "keys/key_state.h"

namespace keyhaven::keys {
namespace {

// Seconds within the part of the window that is dealt out; the same ones for a key always: ids are
// random.
std::int64_t share_of_window(const KeyId& id, std::int64_t window) noexcept {
  const std::int64_t dealt_out = window - window / 24;
  if (dealt_out <= 0) return 0;
  std::uint32_t random = 0;
  for (std::size_t i = 0; i < sizeof(random); ++i) random = random << 8 | id.uuid.bytes[i];
  return static_cast<std::int64_t>(random) % dealt_out;
}

bool has_come(Timestamp due, Timestamp now) noexcept { return due.is_set() && due <= now; }

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

TimedStep due_step(const KeyRecord& key, const KeyTimes& times, Timestamp now) noexcept {
  if (key.state == KeyState::Destroyed) {
    return now >= key.deleted.plus_seconds(times.purge_due_seconds) ? TimedStep::Purge
                                                                    : TimedStep::None;
  }
  if (key.state == KeyState::Active && has_come(key.expires, now)) return TimedStep::Expire;
  const auto& authorization = key.policies().authorization;
  if (authorization && has_come(authorization->lapses, now)) return TimedStep::LapseAuthorization;
  return has_come(rotation_due(key, times), now) ? TimedStep::Rotate : TimedStep::None;
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
