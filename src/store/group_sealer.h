// The two phases of a group with the crypto unit: the seals of what it touched are made and written
// within its transaction, and when that has ended the unit is told how.
//
// Until it is told, the unit takes both the old and the new state for good. So a change is only
// acknowledged when the unit was told, or could not be for some seconds; then the group stays in
// mind, health() says so, and no further group is sealed before the unit has heard of it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "store/touched_rows.h"

namespace keyhaven::store {

// Of the writer thread, but for stop() and health().
class GroupSealer {
 public:
  // How long a group is kept from its callers while the unit cannot be told: longer than a restart
  // of the unit takes.
  static constexpr std::chrono::milliseconds kPatience{3000};

  // Both must outlive the object.
  GroupSealer(unit::RecordGuard& guard, const Clock& clock) : guard_(guard), clock_(clock) {}
  GroupSealer(const GroupSealer&) = delete;
  GroupSealer& operator=(const GroupSealer&) = delete;

  unit::RecordGuard& guard() noexcept { return guard_; }

  // Within the transaction, after all changes of the group: has the rows sealed and writes the
  // seals. Nothing touched: no call. Errors: UnitUnavailable, StoreUnavailable (also when the unit
  // refuses to seal): the group must be undone.
  Result<void> seal(Connection& db, const TouchedRows& touched);
  // The transaction that seal() was called in has ended.
  void end(bool committed);
  // Tells the unit what it was not told yet. Errors: UnitUnavailable, StoreUnavailable.
  Result<void> settle_waiting();
  bool is_waiting() const noexcept { return waiting_.has_value(); }
  // Group numbers begin above this one.
  void begin_behind(std::uint64_t group) noexcept { last_group_ = group; }

  // Thread-safe: waits no longer for the unit.
  void stop();
  // Thread-safe. Errors: UnitUnavailable.
  Result<void> health() const;

 private:
  struct Waiting {
    std::uint64_t group;
    bool committed;
  };
  std::uint64_t next_group();
  Result<void> seal_chunk(Connection& db, const std::vector<const RowKey*>& keys,
                          const std::vector<unit::RecordChange>& changes);
  bool pause(std::chrono::milliseconds time);
  void note(const Result<void>& settled);

  unit::RecordGuard& guard_;
  const Clock& clock_;
  std::uint64_t last_group_ = 0;
  std::uint64_t open_group_ = 0;  // 0: none
  std::optional<Waiting> waiting_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable stopped_;
  bool stopping_ = false;
  Result<void> health_;
};

}  // namespace keyhaven::store
