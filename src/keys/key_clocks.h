// The clocks of keys (key-management-api.md 7 and 11): waiting times, and when time by itself
// changes a key. Pure functions of the record and the time, so a step that a crash undid, or that
// failed, is still due afterwards, and one that was committed is not. README.md has the table.
#pragma once

#include <cstdint>

#include "keys/key_record.h"

namespace keyhaven::keys {

// The defaults are those of the API. Section [keys] of the configuration sets them.
struct KeyTimes {
  std::int64_t enable_after_disable_seconds = 30;
  std::int64_t restore_after_delete_seconds = 30;
  std::int64_t purge_after_delete_seconds = 4 * 3600;
  std::int64_t restorable_seconds = 30LL * 86400;
  std::int64_t purge_due_seconds = 90LL * 86400;  // the sweep purges then
  std::int64_t deletion_authorization_seconds = 7LL * 86400;
  std::int64_t rotation_month_seconds = 30LL * 86400;
  std::int64_t rotation_window_seconds = 86400;  // a scheduled rotation happens within it
  // Most scheduled rotations of one sweep: after long downtime many are due at once, and each costs
  // the unit a key and the store a write. With a sweep every 30 seconds this is 288,000 a day.
  std::int64_t rotations_per_sweep = 100;
};

// When the rotation policy rotates the key: the due day, counted from the last rotation or from
// creation, plus a share of the window that depends on the key alone, so that keys made together do
// not rotate together. The last 24th of the window is never dealt out: it is left to the sweep. 0:
// never (no enabled policy, imported, not active).
Timestamp rotation_due(const KeyRecord& key, const KeyTimes& times) noexcept;

// What time by itself does to a key.
enum class TimedStep : std::uint8_t { None, Purge, Expire, LapseAuthorization, Rotate };

// The step that is due at `now`; of several the one that stands first above. An expired key never
// rotates.
TimedStep due_step(const KeyRecord& key, const KeyTimes& times, Timestamp now) noexcept;

// The first moment at which due_step is not None. 0: none, unless the key changes.
Timestamp next_due(const KeyRecord& key, const KeyTimes& times) noexcept;

}  // namespace keyhaven::keys
