#include "store/group_sealer.h"

#include <algorithm>

namespace keyhaven::store {
namespace {

constexpr std::chrono::milliseconds kFirstPause{10};
constexpr std::chrono::milliseconds kLongestPause{200};

// What the unit says about groups is no matter of the caller whose change is refused.
Error refusal(const Error& error) {
  const Errc code = error.code();
  if (code == Errc::Unavailable || code == Errc::LimitExceeded || code == Errc::Conflict) {
    if (error.reason != Reason::Conflict) return error;
  }
  return {Reason::StoreUnavailable,
          "the crypto unit does not seal the record, so nothing is changed: " + error.message,
          {}};
}

}  // namespace

// Ascends over restarts because it follows the clock, whatever the store's file was put back to.
std::uint64_t GroupSealer::next_group() {
  const auto now = static_cast<std::uint64_t>(std::max<std::int64_t>(1, clock_.now().us));
  last_group_ = std::max(last_group_ + 1, now);
  return last_group_;
}

Result<void> GroupSealer::seal(Connection& db, const TouchedRows& touched) {
  if (touched.empty()) return {};
  KH_TRY(settle_waiting());
  open_group_ = next_group();
  std::vector<const RowKey*> keys;
  std::vector<unit::RecordChange> changes;
  for (const auto& [key, digest] : touched.rows()) {
    const auto scope = record_scope(key);
    const auto name = record_name(key);
    KH_ASSERT(scope && name);
    keys.push_back(&key);
    changes.push_back({*scope, *name, digest});
    if (changes.size() < unit::kMaxRecordsPerCall) continue;
    KH_TRY(seal_chunk(db, keys, changes));
    keys.clear();
    changes.clear();
  }
  if (changes.empty()) return {};
  return seal_chunk(db, keys, changes);
}

Result<void> GroupSealer::seal_chunk(Connection& db, const std::vector<const RowKey*>& keys,
                                     const std::vector<unit::RecordChange>& changes) {
  const auto sealed = guard_.seal_records(open_group_, changes);
  if (!sealed) return refusal(sealed.error());
  if (sealed->size() != changes.size()) {
    return Error{Reason::UnitUnavailable, "the crypto unit sealed another number of records", {}};
  }
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (!changes[i].digest) continue;
    const TableShape& shape = shape_of(keys[i]->table);
    const SealColumn column = encode((*sealed)[i]);
    Query query = db.query(shape.set_seal);
    query.blob(column);
    bind_key(query, shape, *keys[i]);
    KH_TRY(query.execute());
  }
  return {};
}

void GroupSealer::end(bool committed) {
  if (open_group_ == 0) return;
  waiting_ = Waiting{open_group_, committed};
  open_group_ = 0;
  Result<void> settled = settle_waiting();
  const auto until = std::chrono::steady_clock::now() + kPatience;
  auto wait = kFirstPause;
  // Callers of an undone group are not told of a success: no reason to wait with the answer.
  while (!settled && committed && std::chrono::steady_clock::now() < until && pause(wait)) {
    settled = settle_waiting();
    wait = std::min(2 * wait, kLongestPause);
  }
}

Result<void> GroupSealer::settle_waiting() {
  if (!waiting_) return {};
  const Result<void> settled = guard_.settle_records(waiting_->group, waiting_->committed);
  note(settled);
  if (!settled) return refusal(settled.error());
  waiting_.reset();
  return {};
}

// False: stopping.
bool GroupSealer::pause(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, time, [this] { return stopping_; });
}

void GroupSealer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stopped_.notify_all();
}

void GroupSealer::note(const Result<void>& settled) {
  const std::lock_guard lock(mutex_);
  if (settled) {
    health_ = {};
    return;
  }
  health_ = Error{
      Reason::UnitUnavailable,
      "the crypto unit was not told yet that the last change is stored: " + settled.error().message,
      {}};
}

Result<void> GroupSealer::health() const {
  const std::lock_guard lock(mutex_);
  return health_;
}

}  // namespace keyhaven::store
