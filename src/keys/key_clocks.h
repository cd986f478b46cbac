// The clocks of keys (key-management-api.md 7): waiting times, and when time by itself changes a
// key. Pure functions of the record and the time.
#pragma once

#include <cstdint>

#include "keys/key_record.h"

namespace keyhaven::keys {

struct KeyTimes {
  std::int64_t enable_after_disable_seconds = 30;
  std::int64_t restore_after_delete_seconds = 30;
  std::int64_t purge_after_delete_seconds = 4 * 3600;
  std::int64_t restorable_seconds = 30LL * 86400;
  std::int64_t purge_due_seconds = 90LL * 86400;  // the sweep purges then
  std::int64_t deletion_authorization_seconds = 7LL * 86400;
  std::int64_t rotation_month_seconds = 30LL * 86400;
  std::int64_t rotation_window_seconds = 86400;  // a scheduled rotation happens within it
};

// When the rotation policy rotates the key: the due day, counted from the last rotation or from
// creation, plus a share of the window that depends on the key alone, so that keys made together do
// not rotate together. 0: never (no enabled policy, imported, not active).
Timestamp rotation_due(const KeyRecord& key, const KeyTimes& times) noexcept;

// The next moment at which the sweep must look at the key: expiration, scheduled rotation, lapse of
// an authorization, automatic purge. 0: none.
Timestamp next_due(const KeyRecord& key, const KeyTimes& times) noexcept;

}  // namespace keyhaven::keys
